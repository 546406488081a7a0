"""What OpenAPI says about purges and their receipts."""

from starlette.responses import Response

from customer_export import errors
from customer_export.api.described import EXPORT_ID, Description, answer, refusals
from customer_export.api.description import INVALID_ID, RESTRICTED, SCHEMA_DESCRIPTION, SECURED, UNKNOWN
from customer_export.model.access import Scope
from customer_export.model.receipt_schema import receipt_shape

_CACHE_DOWN = errors.CacheUnavailableError(
    "The cache does not answer, so the customer's exports could not be dropped; try again in a moment"
)
_RECEIPT = {
    "receiptVersion": 1,
    "purgeId": EXPORT_ID,
    "begunAt": "2026-11-28T09:12:04.512034+00:00",
    "endedAt": "2026-11-28T09:12:04.733120+00:00",
    "customer": {"id": "550e8400-e29b-41d4-a716-446655440000"},
    "requestedBy": "privacy desk",
    "complete": True,
    "destroyed": {"cacheFiles": 2, "jobs": 0, "parts": 1, "files": 2, "bytes": 81920, "schedules": 1},
    "changed": {"jobs": 1, "schedules": 0},
    "jobs": [],
    "parts": [{"job": "5b0f2c1de8b94c7f9d2f6f1f0c9f7a11", "part": 3}],
    "leftOutOf": ["9a1c1de8b94c7f9d2f6f1f0c9f7a110b"],
    "schedules": {"deleted": ["0c9f7a115b0f2c1de8b94c7f9d2f6f1f"], "changed": []},
    "files": [
        {
            "name": "jobs/5b0f2c1de8b94c7f9d2f6f1f0c9f7a11/part-00003.zip",
            "bytes": 81231,
            "sha256": "3fc204fcdb2d5ab9373831ba319200e3ce1b498559fa203e5a02f5a1765500d2",
        },
        {
            "name": "jobs/5b0f2c1de8b94c7f9d2f6f1f0c9f7a11/part-00003.customers.ndjson",
            "bytes": 689,
            "sha256": "9b0d3f7c1f7e2a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b",
        },
    ],
    "searched": [
        {"place": "cache", "state": "searched", "until": None, "code": None},
        {"place": "schedules", "state": "searched", "until": None, "code": None},
        {"place": "jobs", "state": "searched", "until": None, "code": None},
        {"place": "storage", "state": "searched", "until": None, "code": None},
    ],
    "notReached": [{"what": "copies that were downloaded, or whose download had begun", "until": None}],
    "kept": {"auditRecords": 12, "manifests": 4},
    "map": {"name": "Demo shop", "version": "e583ced8f5a472cd"},
    "software": "customer-export 0.1.0",
    "signature": {
        "alg": "Ed25519",
        "keyId": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "value": "pKj0b8b0a0mPzv1o2vE0cT4m0m4m1Zx0o8cS8y8L5C1yD3m4w2r1J1bq7WkqV5m0m3l4k5j6h7g8f9d0s1a2Qw",
    },
}
_NEEDS_ADMIN = errors.InsufficientScopeError(Scope.ADMIN)
_ANSWER = {"application/json": {"schema": dict(receipt_shape()), "example": _RECEIPT}}

PURGE_DESCRIPTION: Description = {
    "operation_id": "purgeCustomer",
    "summary": "Destroy every copy of a customer that is kept, queued or scheduled",
    "response_class": Response,
    "responses": {
        200: answer("The signed receipt (docs/erasure.md)", _ANSWER, always=["Location"]),
        **refusals(
            *UNKNOWN,
            INVALID_ID,
            _NEEDS_ADMIN,
            RESTRICTED,
            errors.PurgeIncompleteError(EXPORT_ID, {"cache": _CACHE_DOWN}),
        ),
    },
    "openapi_extra": SECURED,
}
RECEIPT_DESCRIPTION: Description = {
    "operation_id": "purgeReceipt",
    "summary": "The receipt of a purge",
    "response_class": Response,
    "responses": {
        200: answer("The signed receipt (docs/erasure.md)", _ANSWER),
        **refusals(*UNKNOWN, _NEEDS_ADMIN, RESTRICTED, errors.PurgeNotFoundError()),
    },
    "openapi_extra": SECURED,
}
RECEIPT_SCHEMA_DESCRIPTION: Description = {
    **SCHEMA_DESCRIPTION,
    "operation_id": "receiptSchema",
    "summary": "The JSON Schema of receipts of purges",
}
