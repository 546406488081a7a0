"""The JSON Schema (2020-12) of the receipt of a purge."""

from customer_export.model.manifest_schema import (
    COUNT,
    MOMENT,
    SHA256,
    SIGNATURE,
    TEXT,
    Schema,
    list_of,
    object_of,
    or_null,
)

RECEIPT_SCHEMA_ID = "urn:customer-export:purge-receipt"


def receipt_shape() -> Schema:
    """Describe a receipt, without naming the schema: to stand within another one."""
    return object_of(
        {
            "receiptVersion": {"type": "integer", "minimum": 1},
            "purgeId": TEXT,
            "begunAt": MOMENT,
            "endedAt": MOMENT,
            "customer": object_of({"id": TEXT}),
            "requestedBy": TEXT,
            "complete": {"type": "boolean"},
            "destroyed": object_of(
                {
                    "cacheFiles": or_null(COUNT),
                    "jobs": COUNT,
                    "parts": COUNT,
                    "files": COUNT,
                    "bytes": COUNT,
                    "schedules": COUNT,
                }
            ),
            "changed": object_of({"jobs": COUNT, "schedules": COUNT}),
            "jobs": list_of(TEXT),
            "parts": list_of(object_of({"job": TEXT, "part": COUNT})),
            "leftOutOf": list_of(TEXT),
            "schedules": object_of({"deleted": list_of(TEXT), "changed": list_of(TEXT)}),
            "files": list_of(object_of({"name": TEXT, "bytes": COUNT, "sha256": or_null(SHA256)})),
            "searched": list_of(
                object_of({"place": TEXT, "state": TEXT, "until": or_null(MOMENT), "code": or_null(TEXT)})
            ),
            "notReached": list_of(object_of({"what": TEXT, "until": or_null(MOMENT)})),
            "kept": object_of({"auditRecords": COUNT, "manifests": COUNT}),
            "map": object_of({"name": TEXT, "version": TEXT}),
            "software": TEXT,
            "signature": SIGNATURE,
        }
    )


def receipt_schema() -> Schema:
    """Describe every receipt."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": RECEIPT_SCHEMA_ID,
        "title": "Receipt of a purge",
        **receipt_shape(),
    }
