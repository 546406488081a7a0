"""The JSON Schema (2020-12) of a manifest, of whichever file and version."""

from collections.abc import Mapping

Schema = Mapping[str, object]

MANIFEST_SCHEMA_ID = "urn:customer-export:manifest"

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_BLOCK_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_NAMES: Schema = {"type": "array", "items": _TEXT}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Describe an object. It may have further members: a newer version adds some without becoming another one."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_PLAIN_FILE: Mapping[str, Schema] = {"name": _TEXT, "mediaType": _TEXT, "bytes": _COUNT, "sha256": _SHA256}
_FILE = _object(
    _PLAIN_FILE,
    {"encryption": _object({"method": _TEXT, "recipient": _or_null(_TEXT), "plain": _object(_PLAIN_FILE)})},
)
_SECTION = _object(
    {"name": _TEXT, "rows": _COUNT, "filtered": {"type": "boolean"}},
    {
        "plugin": _object({"name": _TEXT, "askedAt": _MOMENT}),
        "columns": _list_of(
            _object({"name": _TEXT, "type": _TEXT}, {"currency": _TEXT, "currencyCode": _TEXT, "masked": _TEXT})
        ),
        "key": _NAMES,
        "sha256": _SHA256,
        "keySha256": _or_null(_SHA256),
        "blocks": _object({"bytes": {"type": "integer", "minimum": 1}, "sha256": _list_of(_BLOCK_SHA256)}),
    },
)
_RECONCILED = _object(
    {
        "rule": _TEXT,
        "checked": _COUNT,
        "mismatched": _COUNT,
        "samples": _list_of(
            _object({"key": _TEXT, "currency": _or_null(_TEXT), "total": _TEXT, "sum": _TEXT, "difference": _TEXT})
        ),
        "notChecked": _or_null(_TEXT),
    }
)
_ALTERATION = _object(
    {
        "section": _TEXT,
        "column": _TEXT,
        "kind": _TEXT,
        "count": _COUNT,
        "rows": _list_of({"type": "integer", "minimum": 1}),
    }
)
_LIMIT = _object({"limit": _TEXT, "section": _or_null(_TEXT), "value": _COUNT})
_SIGNATURE = _object(
    {
        "alg": {"const": "Ed25519"},
        "keyId": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        "value": {"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$"},
    }
)


def manifest_shape() -> Schema:
    """Describe a manifest, without naming the schema: to stand within another one."""
    return _object(
        {
            "manifestVersion": {"type": "integer", "minimum": 1},
            "exportId": _TEXT,
            "createdAt": _MOMENT,
            "customer": _object({"id": _TEXT}),
            "requestedBy": _TEXT,
            "tenant": _or_null(_TEXT),
            "masked": {"type": "object", "additionalProperties": _TEXT},
            "format": _TEXT,
            "parameters": {"type": "object", "additionalProperties": _TEXT},
            "snapshot": _object({"takenAt": _MOMENT, "server": _TEXT, "identity": _or_null(_TEXT)}),
            "map": _object({"name": _TEXT, "version": _TEXT}),
            "software": _TEXT,
            "sections": _list_of(_SECTION),
            "coverage": {"type": ["object", "null"]},
        },
        {
            "reconciled": _list_of(_RECONCILED),
            "canonical": _object({"form": {"const": "csv"}, "sha256": _SHA256}),
            "alterations": _list_of(_ALTERATION),
            "limits": _list_of(_LIMIT),
            "file": _FILE,
            "files": _list_of(_FILE),
            "content": _object({"bytes": _COUNT, "sha256": _SHA256}),
            "signature": _SIGNATURE,
        },
    )


def manifest_schema() -> Schema:
    """Describe every manifest: on record, at the end of a file, or in an archive."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": MANIFEST_SCHEMA_ID,
        "title": "Manifest of a customer export",
        **manifest_shape(),
    }
