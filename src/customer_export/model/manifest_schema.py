"""The JSON Schema (2020-12) of a manifest, of whichever file and version."""

from collections.abc import Mapping

Schema = Mapping[str, object]

MANIFEST_SCHEMA_ID = "urn:customer-export:manifest"

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MOMENT: Schema = {"type": "string", "format": "date-time"}
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_BLOCK_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_NAMES: Schema = {"type": "array", "items": TEXT}


def or_null(schema: Schema) -> Schema:
    """Describe what may be missing."""
    return {"anyOf": [schema, {"type": "null"}]}


def object_of(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Describe an object. It may have further members: a newer version adds some without becoming another one."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def list_of(items: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": items}


_PLAIN_FILE: Mapping[str, Schema] = {"name": TEXT, "mediaType": TEXT, "bytes": COUNT, "sha256": SHA256}
_FILE = object_of(
    _PLAIN_FILE,
    {"encryption": object_of({"method": TEXT, "recipient": or_null(TEXT), "plain": object_of(_PLAIN_FILE)})},
)
_SECTION = object_of(
    {"name": TEXT, "rows": COUNT, "filtered": {"type": "boolean"}},
    {
        "plugin": object_of({"name": TEXT, "askedAt": MOMENT}),
        "columns": list_of(
            object_of({"name": TEXT, "type": TEXT}, {"currency": TEXT, "currencyCode": TEXT, "masked": TEXT})
        ),
        "key": _NAMES,
        "sha256": SHA256,
        "keySha256": or_null(SHA256),
        "blocks": object_of({"bytes": {"type": "integer", "minimum": 1}, "sha256": list_of(_BLOCK_SHA256)}),
    },
)
_RECONCILED = object_of(
    {
        "rule": TEXT,
        "checked": COUNT,
        "mismatched": COUNT,
        "samples": list_of(
            object_of({"key": TEXT, "currency": or_null(TEXT), "total": TEXT, "sum": TEXT, "difference": TEXT})
        ),
        "notChecked": or_null(TEXT),
    }
)
_ALTERATION = object_of(
    {
        "section": TEXT,
        "column": TEXT,
        "kind": TEXT,
        "count": COUNT,
        "rows": list_of({"type": "integer", "minimum": 1}),
    }
)
_LIMIT = object_of({"limit": TEXT, "section": or_null(TEXT), "value": COUNT})
SIGNATURE = object_of(
    {
        "alg": {"const": "Ed25519"},
        "keyId": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        "value": {"type": "string", "pattern": "^[A-Za-z0-9_-]{86}$"},
    }
)


def manifest_shape() -> Schema:
    """Describe a manifest, without naming the schema: to stand within another one."""
    return object_of(
        {
            "manifestVersion": {"type": "integer", "minimum": 1},
            "exportId": TEXT,
            "createdAt": MOMENT,
            "customer": object_of({"id": TEXT}),
            "requestedBy": TEXT,
            "tenant": or_null(TEXT),
            "masked": {"type": "object", "additionalProperties": TEXT},
            "format": TEXT,
            "parameters": {"type": "object", "additionalProperties": TEXT},
            "snapshot": object_of({"takenAt": MOMENT, "server": TEXT, "identity": or_null(TEXT)}),
            "map": object_of({"name": TEXT, "version": TEXT}),
            "software": TEXT,
            "sections": list_of(_SECTION),
            "coverage": {"type": ["object", "null"]},
        },
        {
            "template": object_of({"name": TEXT, "version": COUNT, "sha256": SHA256}),
            "reconciled": list_of(_RECONCILED),
            "canonical": object_of({"form": {"const": "csv"}, "sha256": SHA256}),
            "alterations": list_of(_ALTERATION),
            "limits": list_of(_LIMIT),
            "file": _FILE,
            "files": list_of(_FILE),
            "content": object_of({"bytes": COUNT, "sha256": SHA256}),
            "signature": SIGNATURE,
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
