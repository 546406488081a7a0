"""The JSON Schema (2020-12) of an exported document, made of the customer map."""

from collections.abc import Mapping

from customer_export.model.columns import Column, ColumnType, PersonalDataClass
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.disclosure import DsarProfile, Origin, ProtectedClass, WithheldReason
from customer_export.model.template import ExportTemplate

DOCUMENT_VERSION = 1
"""Raised when a member of the document goes or changes its meaning; new members may come without."""

Schema = Mapping[str, object]

_AMOUNT = {"type": "string", "description": "A plain decimal at its stored scale"}


def schema_id(map_version: str, template: ExportTemplate | None = None) -> str:
    """Name the schema of the documents of one version of a map, or of a template on it; they say it in `$schema`."""
    of_template = "" if template is None else f":{template.reference}:{template.sha256[:16]}"
    return f"urn:customer-export:document:{DOCUMENT_VERSION}:{map_version}{of_template}"


def document_schema(customer_map: CustomerMap, template: ExportTemplate | None = None) -> Schema:
    """Describe every document that exports with this map can give, or those by a template, as which the map is."""
    own_id = schema_id(customer_map.version, template)
    sections = {section.name: _section(section) for section in customer_map.sections}
    nullable_moment = {"type": ["string", "null"], "format": "date-time"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": own_id,
        "title": f"Customer export of {customer_map.name}",
        "type": "object",
        "required": ["$schema", "export", "customer", "sections", "manifest"],
        "properties": {
            "$schema": {"const": own_id},
            "export": _object(
                {
                    "id": {"type": "string"},
                    "createdAt": {"type": "string", "format": "date-time"},
                    "snapshotAt": {"type": "string", "format": "date-time"},
                    "requestedBy": {"type": "string"},
                    "map": _object({"name": {"type": "string"}, "version": {"type": "string"}}),
                    "sections": {"type": "array", "items": {"enum": list(sections)}},
                    "from": nullable_moment,
                    "to": nullable_moment,
                    "timeZone": {"type": "string"},
                    "software": {"type": "string"},
                }
            ),
            "customer": _object({"id": {"type": "string"}, "title": {"type": "string"}}),
            "dsar": _dsar(customer_map),
            "sections": {
                "type": "object",
                "description": "The sections that were asked for, each whole",
                "properties": sections,
                "additionalProperties": False,
            },
            "manifest": {
                "type": "object",
                "description": "What the document must hold; the last member, so that a cut document lacks it",
                "required": ["exportId", "sections"],
            },
        },
    }


def _section(section: Section) -> Schema:
    columns = section.exported_columns
    record = _object({column.name: _cell(column) for column in columns})
    portable = [column.name for column in columns if column.origin not in {Origin.DERIVED, Origin.THIRD_PARTY}]
    return {"type": "array", "title": section.label, "items": {**record, "required": portable}}


def _dsar(customer_map: CustomerMap) -> Schema:
    """Describe what stands in answers to data subjects, and in no other document."""
    told: Schema = {"type": ["string", "null"]}
    texts: Schema = {"type": "array", "items": {"type": "string"}}
    section = _object(
        {
            "name": {"enum": [section.name for section in customer_map.sections]},
            "label": {"type": "string"},
            "personalData": {"type": "array", "items": {"enum": list(PersonalDataClass)}},
            "purpose": told,
            "recipients": told,
            "retention": told,
            "origin": {"enum": [*Origin, None]},
            "otherOrigins": {
                "type": "object",
                "propertyNames": {"enum": list(Origin)},
                "additionalProperties": texts,
            },
            "obtainedFrom": told,
        }
    )
    withheld = _object(
        {
            "section": {"type": "string"},
            "label": {"type": "string"},
            "columns": texts,
            "reason": {"enum": list(WithheldReason)},
            "protected": {"enum": [*ProtectedClass, None]},
        }
    )
    excluded = _object({"table": {"type": "string"}, "columns": texts, "reason": {"type": "string"}})
    return {
        **_object(
            {
                "profile": {"enum": list(DsarProfile)},
                "controller": {"type": "string"},
                "contact": {"type": "string"},
                "authority": told,
                "transfers": told,
                "automatedDecisions": told,
                "rights": told,
                "sections": {"type": "array", "items": section},
                "withheld": {"type": "array", "items": withheld},
                "notRequested": texts,
                "excluded": {"type": "array", "items": excluded},
            }
        ),
        "description": "The covering document of an answer to a data subject",
    }


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "required": list(properties),
        "properties": dict(properties),
        "additionalProperties": False,
    }


def _cell(column: Column) -> Schema:
    return {"title": column.label, "anyOf": [_value(column), {"type": "null"}]}


def _value(column: Column) -> Schema:
    """Describe a cell that is not NULL.

    A source without types may hold other text than the map says: numbers and booleans may then be strings, and
    `format` stays the annotation that JSON Schema makes of it.
    """
    match column.type:
        case ColumnType.INTEGER:
            return {"type": ["integer", "string"], "description": "A string beyond ±(2^53 − 1)"}
        case ColumnType.DECIMAL:
            return _AMOUNT
        case ColumnType.MONEY:
            currency = {"type": ["string", "null"], "description": "ISO 4217, as stored"}
            return _object({"amount": _AMOUNT, "currency": currency})
        case ColumnType.BOOLEAN:
            return {"type": ["boolean", "string"]}
        case ColumnType.DATE:
            return {"type": "string", "format": "date"}
        case ColumnType.TIMESTAMP:
            return {"type": "string", "format": "date-time"}
        case ColumnType.JSON:
            return {"description": "The stored JSON, or a string where it is none"}
        case _:
            return {"type": "string"}
