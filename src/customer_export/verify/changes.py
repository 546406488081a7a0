"""What a manifest says was changed in values when the file was made, in words."""

from collections.abc import Iterator, Mapping, Sequence

from customer_export.model.ledger import AlterationKind, Limit

_KINDS: Mapping[str, str] = {
    AlterationKind.FORMULA_NEUTRALISED: "a ' put before what a spreadsheet would run as a formula",
    AlterationKind.CONTROL_CHARACTER_ESCAPED: "control characters escaped",
    AlterationKind.CHARACTERS_REPLACED: "characters replaced that no font has",
    AlterationKind.CELL_CONTINUED: "continued elsewhere in the file, being too long for a cell",
    AlterationKind.KEPT_AS_TEXT: "kept as text, to be exact",
    AlterationKind.MASKED: "masked",
    AlterationKind.INVALID_TEXT_REPLACED: "bytes replaced that are no text",
    AlterationKind.INVALID_JSON_QUOTED: "written as a string, being no JSON",
    AlterationKind.ZERO_DATE: "dates with a month or day of zero, as stored",
}
_LIMITS: Mapping[str, str] = {
    Limit.SHEET_ROWS: "continued in a further sheet beyond {value:,} rows",
    Limit.SHEET_XML_BYTES: "continued in a further sheet beyond {value:,} bytes",
    Limit.SHEET_LINKS: "no links beyond {value:,} a sheet",
    Limit.NUMBER_FORMATS: "no number formats beyond {value:,}",
    Limit.TAGGED_ROWS: "no tags for screen readers beyond {value:,} rows",
}


def told_changes(manifest: Mapping[str, object]) -> list[str]:
    """Tell the ledger of a manifest, which may come from anywhere: what is none of ours is passed by."""
    return [*_alterations(manifest.get("alterations")), *_limits(manifest.get("limits"))]


def _alterations(given: object) -> Iterator[str]:
    for one in _objects(given):
        match one:
            case {"section": str(section), "column": str(column), "kind": str(kind), "count": int(count)}:
                rows = one.get("rows")
                first = ", ".join(f"{row:,}" for row in rows if isinstance(row, int)) if isinstance(rows, list) else ""
                more = ", …" if isinstance(rows, list) and len(rows) < count else ""
                told = f"{count:,} of {section}.{column}: {_KINDS.get(kind, kind)}"
                yield told if kind == AlterationKind.MASKED or not first else f"{told} (rows {first}{more})"
            case _:
                continue


def _limits(given: object) -> Iterator[str]:
    for one in _objects(given):
        match one:
            case {"limit": str(limit), "value": int(value)}:
                section = one.get("section")
                where = f"{section}: " if isinstance(section, str) else ""
                yield where + _LIMITS.get(limit, f"{limit} {{value:,}}").format(value=value)
            case _:
                continue


def _objects(given: object) -> Sequence[Mapping[str, object]]:
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
