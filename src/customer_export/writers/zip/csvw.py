"""The description of a CSV's columns, by the W3C's CSV on the Web (Metadata Vocabulary for Tabular Data)."""

from collections.abc import Mapping, Sequence

from customer_export.model.columns import Column, ColumnType

CONTEXT = ["http://www.w3.org/ns/csvw", {"@language": "en"}]
_DIALECT = {
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "header": True,
    "encoding": "utf-8",
    "lineTerminators": ["\r\n"],
}


def metadata_of(file_name: str, label: str, columns: Sequence[Column]) -> Mapping[str, object]:
    """Describe the table in `file_name`, which lies beside the description."""
    return {
        "@context": CONTEXT,
        "url": file_name,
        "dc:title": label,
        "dialect": _DIALECT,
        "tableSchema": {"columns": [_column(column) for column in columns]},
    }


def _column(column: Column) -> Mapping[str, object]:
    described: dict[str, object] = {"name": column.name, "titles": column.label, "datatype": _datatype(column.type)}
    if column.type is ColumnType.MONEY:
        currency = column.currency_code or f"the column {column.currency}"
        described["dc:description"] = f"An amount in the currency of {currency}"
    return described


def _datatype(kind: ColumnType) -> object:
    match kind:
        case ColumnType.INTEGER:
            return "integer"
        case ColumnType.DECIMAL | ColumnType.MONEY:
            return "decimal"
        case ColumnType.BOOLEAN:
            return {"base": "boolean", "format": "true|false"}
        case ColumnType.DATE:
            return "date"
        case ColumnType.TIMESTAMP:
            return "dateTimeStamp"
        case ColumnType.URL:
            return "anyURI"
        case ColumnType.JSON:
            return "json"
        case _:
            return "string"
