"""What OpenAPI says about the routes beyond their signatures: every answer, header and code, with examples.

It is long because it is a text: one answer after the other, and nothing that decides anything.
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import Response

from customer_export import errors
from customer_export.api.audit_parameters import AuditParameters
from customer_export.api.described import (
    EXPORT_ID,
    LIMITS,
    Description,
    answer,
    json_of,
    parameters_of,
    refusal_of,
    refusals,
    text_of,
)
from customer_export.api.routing import PASSPHRASE_HEADER
from customer_export.encryption.zip import LONGEST_PASSPHRASE, SHORTEST_PASSPHRASE
from customer_export.export.parameters import ExportParameters
from customer_export.model.access import Scope
from customer_export.model.manifest_schema import manifest_shape

_CUSTOMER_ID = "550e8400-e29b-41d4-a716-446655440000"
SECURED: Description = {"security": [{"bearer": []}]}

STORE_FULL = errors.StoreFullError(
    "There is no room left for the database of DATABASE_URL; free some on the disk that it lies on: nothing is "
    "exported that cannot be put on record"
)
SPOOL_FULL = errors.SpoolFullError("/tmp")  # noqa: S108  (an example)
UNKNOWN = (
    errors.AuthenticationRequiredError("Send an Authorization header: Bearer and your token"),
    errors.InvalidTokenError("The token is not valid; ask your administrator for a new one"),
    errors.TokenExpiredError("The token has expired; ask your administrator for a new one"),
    errors.RateLimitExceededError(what="failed authentications", retry_after_seconds=60),
    errors.StoreUnavailableError(
        "The database of DATABASE_URL does not answer (OperationalError); nothing is exported that cannot be put on "
        "record"
    ),
    STORE_FULL,
    errors.LimiterUnavailableError(
        "Requests cannot be counted just now; try again, and check REDIS_URL and its server"
    ),
    errors.IdentityProviderUnavailableError(
        "The identity provider's keys cannot be had, so no token of it can be checked; try again later"
    ),
)
"""What may go wrong wherever a token is needed."""
RESTRICTED = errors.TenantRestrictedError("The map names no tenant column, so nobody can be held to a tenant by it")
_INVALID = errors.InvalidRequestError(
    "Invalid request parameters: format: is missing; use one of pdf, csv, xlsx, json, ndjson, zip"
)
INVALID_ID = errors.InvalidRequestError(
    f"Invalid request parameters: id: is not a valid customer id; use a UUID such as {_CUSTOMER_ID}"
)
NEEDS_EXPORT = errors.InsufficientScopeError(Scope.EXPORT)
MISFIT = errors.TemplateMisfitError(
    "orders-desk@3", ["sections[orders].columns: there is no column 'totl'; did you mean total?"]
)
_READING = (
    *UNKNOWN,
    _INVALID,
    NEEDS_EXPORT,
    RESTRICTED,
    MISFIT,
    errors.CustomerNotFoundError(),
    errors.DsarIncompleteError("gdpr-access", ("dsar.authority is missing; add it, since gdpr-access has to tell it",)),
    errors.MapMismatchError("Demo shop", ["sections[orders]: there is no table 'order'; did you mean orders?"]),
    errors.RendererFailedError("A renderer died"),
    errors.SourceFailedError("The customers' database refuses to be read; grant SELECT on the mapped columns"),
    errors.PluginFailedError(plugin="helpdesk", section="tickets", reason="it answered 500 Internal Server Error"),
    errors.SourceUnavailableError("The customers' database does not answer; check SOURCE_URL and the server"),
    SPOOL_FULL,
    errors.RendererBusyError("Too many PDFs are being made; try again in a moment"),
    errors.RendererOutOfMemoryError("One part of the PDF needed more memory than it may; ask for fewer sections"),
    errors.RendererTimeoutError("One part of the PDF took longer than it may; ask for fewer sections"),
    errors.ExportTimeoutError(timedelta(minutes=5)),
)
"""What may go wrong wherever a customer is read."""
EXPORTING = (
    *_READING,
    errors.ExportTooLargeError(limit_bytes=104_857_600, estimated_bytes=734_003_200),
    errors.RateLimitExceededError(what="export requests", retry_after_seconds=60),
    errors.ExportBusyError("Too many exports are being made just now; try again in a moment"),
    errors.TemplateFailedError("orders-desk@3", "unknown variable: dta"),
    errors.ExportInterruptedError("The export was taken for dead; export again"),
)


_FILES: Mapping[str, Description] = {
    "text/csv": text_of("section,id,name\r\nprofile,7,Ada\r\n"),
    "application/json": {
        "schema": {"type": "object", "description": "By /api/admin/schemas/document.json"},
        "example": {"customer": {"id": _CUSTOMER_ID, "title": "Amelia Fairweather"}, "sections": {}},
    },
    "application/x-ndjson": text_of('{"type":"header"}\n{"type":"manifest"}\n'),
    "application/pdf": {},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {},
    "application/zip": {},
    "application/x-age-encryption": {},
}
PASSPHRASE: Description = {
    "name": PASSPHRASE_HEADER,
    "in": "header",
    "description": "Of encrypt=zip: the passphrase of the archive. It is neither kept nor logged",
    "schema": {
        "type": "string",
        "format": "password",
        "minLength": SHORTEST_PASSPHRASE,
        "maxLength": LONGEST_PASSPHRASE,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}
_OF_FILES = ("Content-Disposition", "X-Cache", "X-Export-Id", "Link")
_OF_WHOLE_FILES = ("Content-Length", "Content-Encoding", "X-Export-Size", "Repr-Digest", "ETag")

EXPORTED: Mapping[int | str, Description] = {
    200: answer("The file", _FILES, always=[*LIMITS, *_OF_FILES], sometimes=_OF_WHOLE_FILES),
}
"""What a route answers that exports."""

EXPORT_DESCRIPTION: Description = {
    "operation_id": "exportCustomer",
    "summary": "Export one customer",
    "response_class": Response,
    "responses": {**EXPORTED, **refusals(*EXPORTING, told=LIMITS)},
    "openapi_extra": {"parameters": [*parameters_of(ExportParameters), PASSPHRASE], **SECURED},
}
ESTIMATE_DESCRIPTION: Description = {
    "operation_id": "estimateExport",
    "summary": "How large an export would be",
    "response_class": Response,
    "responses": {
        200: answer(
            "Rows, bytes and the limit",
            json_of(
                {
                    "format": "csv",
                    "snapshotAt": "2026-11-22T22:11:33.204+00:00",
                    "sections": [{"name": "orders", "rows": 20}],
                    "rows": 20,
                    "estimatedBytes": 19607,
                    "limitBytes": 104857600,
                    "exceedsLimit": False,
                    "streamed": False,
                },
                format="string",
                snapshotAt="string",
                sections="array",
                rows="integer",
                estimatedBytes="integer",
                limitBytes="integer",
                exceedsLimit="boolean",
                streamed="boolean",
            ),
        ),
        **refusals(*_READING),
    },
    "openapi_extra": {"parameters": parameters_of(ExportParameters), **SECURED},
}
_MANIFEST = {
    "manifestVersion": 2,
    "exportId": EXPORT_ID,
    "createdAt": "2026-11-22T22:11:33.201+00:00",
    "customer": {"id": _CUSTOMER_ID},
    "requestedBy": "support desk",
    "tenant": None,
    "masked": {},
    "format": "csv",
    "parameters": {"format": "csv"},
    "locale": "en",
    "timeZone": "UTC",
    "snapshot": {"takenAt": "2026-11-22T22:11:33.204+00:00", "server": "SQLite 3.40.1", "identity": None},
    "map": {"name": "Demo shop", "version": "e583ced8f5a472cd"},
    "software": "customer-export 0.1.0",
    "sections": [
        {
            "name": "orders",
            "rows": 9,
            "filtered": True,
            "columns": [{"name": "id", "type": "integer"}],
            "key": ["id"],
            "sha256": "5f3aca1d5a7a3a0bd5b4b1d0e8cd7cd5bfb0cbe2a59a6a1cbf3a8d3ba8d2b7c1",
            "keySha256": "0a2f6a8d1ee0f9cb7a0ff1f0e1f5a3fbb86de0b6ed0ad0b9d1a3f4b6a1c7d9e2",
        }
    ],
    "canonical": {"form": "csv", "sha256": "9b0d3f7c1f7e2a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b"},
    "alterations": [
        {"section": "orders", "column": "note", "kind": "formula_neutralised", "count": 2, "rows": [4, 7]},
    ],
    "limits": [],
    "coverage": None,
    "file": {
        "name": "customer-7-1640995200000.csv",
        "mediaType": "text/csv",
        "bytes": 24,
        "sha256": "3fc204fcdb2d5ab9373831ba319200e3ce1b498559fa203e5a02f5a1765500d2",
    },
}
MANIFEST_DESCRIPTION: Description = {
    "operation_id": "exportManifest",
    "summary": "The manifest of a complete export",
    "response_class": Response,
    "responses": {
        200: answer(
            "The manifest (docs/manifest.md)",
            {"application/json": {"schema": dict(manifest_shape()), "example": _MANIFEST}},
        ),
        **refusals(
            *UNKNOWN,
            NEEDS_EXPORT,
            errors.ExportNotFoundError(),
            errors.ExportNotCompleteError("The export has not ended yet; only a complete export has a manifest"),
        ),
    },
    "openapi_extra": SECURED,
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "The file, also still compressed"},
            "manifest": {"type": "string", "format": "binary", "description": "Its manifest, if there is one"},
        },
    }
}
VERIFY_DESCRIPTION: Description = {
    "operation_id": "verifyExport",
    "summary": "Whether a file is whole and unchanged",
    "response_class": Response,
    "responses": {
        200: answer(
            "What was found, whatever it is (docs/verify.md)",
            json_of(
                {
                    "file": "customer-7-1640995200000.csv",
                    "outcome": "not_whole",
                    "exportId": EXPORT_ID,
                    "customerId": _CUSTOMER_ID,
                    "format": "csv",
                    "bytes": 2404,
                    "sha256": "3fc204fcdb2d5ab9373831ba319200e3ce1b498559fa203e5a02f5a1765500d2",
                    "canonicalSha256": "9b0d3f7c1f7e2a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b",
                    "rows": {"orders": 8},
                    "checked": ["the file's size and SHA-256", "rows, keys and cells of each section"],
                    "findings": [
                        {
                            "code": "section_short",
                            "message": "orders has 8 rows of 9: 1 missing",
                            "section": "orders",
                            "afterRow": 8,
                            "rows": None,
                        }
                    ],
                    "changes": ["2 of orders.total: kept as text, to be exact (rows 4, 7)"],
                    "unknown": None,
                    "encrypted": None,
                    "manifestFrom": "record",
                    "signature": {"state": "valid", "keyId": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
                },
                file="string",
                outcome={
                    "type": "string",
                    "enum": ["whole", "not_whole", "unknown", "whole_by_unchecked_manifest", "encrypted"],
                },
                exportId=["string", "null"],
                customerId=["string", "null"],
                format=["string", "null"],
                bytes="integer",
                sha256="string",
                canonicalSha256=["string", "null"],
                rows="object",
                checked="array",
                findings="array",
                changes="array",
                unknown=["string", "null"],
                encrypted=["string", "null"],
                manifestFrom=["string", "null"],
                signature="object",
            ),
        ),
        **refusals(
            *UNKNOWN,
            errors.InvalidRequestError("A form has a part `file`, and may have a part `manifest`; no others"),
            NEEDS_EXPORT,
            errors.ExportNotFoundError(),
            errors.ExportNotCompleteError("The export has not ended yet; only a complete export has a manifest"),
            errors.UploadTooLargeError(limit_bytes=104_857_600),
            errors.ExportBusyError("Too many files are being verified just now; try again in a moment"),
            errors.VerificationTimeoutError(timedelta(minutes=5)),
            SPOOL_FULL,
        ),
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": "exportId",
                "in": "query",
                "required": False,
                "description": "The X-Export-Id of the export whose manifest on record the file is checked by",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "description": "The file as it is, or a form with the file and its manifest",
            "content": {"application/octet-stream": _BINARY, "multipart/form-data": _FORM},
        },
        **SECURED,
    },
}
SCHEMA_DESCRIPTION: Description = {
    "operation_id": "documentSchema",
    "summary": "The JSON Schema of exported JSON documents",
    "response_class": Response,
    "responses": {
        200: answer(
            "JSON Schema 2020-12",
            {
                "application/schema+json": {
                    "schema": {"type": "object"},
                    "example": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
                }
            },
        ),
        **refusals(
            *UNKNOWN,
            NEEDS_EXPORT,
            RESTRICTED,
            MISFIT,
            errors.InvalidRequestError("Invalid request parameters: format: the only parameter is template, once"),
        ),
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": "template",
                "in": "query",
                "required": False,
                "description": "The template by which the documents are made: NAME or NAME@VERSION",
                "schema": {"type": "string"},
            }
        ],
        **SECURED,
    },
}
MANIFEST_SCHEMA_DESCRIPTION: Description = {
    **SCHEMA_DESCRIPTION,
    "operation_id": "manifestSchema",
    "summary": "The JSON Schema of manifests",
    "responses": {200: SCHEMA_DESCRIPTION["responses"][200], **refusals(*UNKNOWN, NEEDS_EXPORT)},
    "openapi_extra": SECURED,
}
KEYS_DESCRIPTION: Description = {
    "operation_id": "signingKeys",
    "summary": "The public keys that manifests are checked by",
    "response_class": Response,
    "responses": {
        200: answer(
            "A JWK set (docs/signing.md)",
            {
                "application/jwk-set+json": {
                    "schema": {
                        "type": "object",
                        "required": ["keys"],
                        "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
                    },
                    "example": {
                        "keys": [
                            {
                                "crv": "Ed25519",
                                "kty": "OKP",
                                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                                "alg": "EdDSA",
                                "use": "sig",
                                "createdAt": "2026-11-22T22:11:33.201000+00:00",
                                "retiredAt": None,
                            }
                        ]
                    },
                }
            },
        ),
        **refusals(
            errors.StoreUnavailableError(
                "The database of DATABASE_URL does not answer (OperationalError); nothing is exported that cannot be "
                "put on record"
            ),
            STORE_FULL,
        ),
    },
}
_RECORD = {
    "sequence": 42,
    "at": "2026-11-22T22:11:33.201000+00:00",
    "event": "completed",
    "exportId": EXPORT_ID,
    "principal": "support desk",
    "client": "192.0.2.7",
    "customerId": _CUSTOMER_ID,
    "format": "csv",
    "hash": "3fc204fcdb2d5ab9373831ba319200e3ce1b498559fa203e5a02f5a1765500d2",
}
AUDIT_DESCRIPTION: Description = {
    "operation_id": "listAudit",
    "summary": "Who exported whom: the records of the audit, the newest first",
    "response_class": Response,
    "responses": {
        200: answer(
            "A page of records (docs/audit.md)",
            json_of(
                {"records": [_RECORD], "next": "/api/admin/audit?cursor=AAAAAAAAACo%3D"},
                records="array",
                next=["string", "null"],
            ),
            sometimes=["Link"],
        ),
        **refusals(
            *UNKNOWN,
            errors.InvalidRequestError("Invalid request parameters: limit: is not a whole number from 1 to 500"),
            errors.InsufficientScopeError(Scope.AUDIT),
            RESTRICTED,
        ),
    },
    "openapi_extra": {"parameters": parameters_of(AuditParameters, cursor={"type": "string"}), **SECURED},
}
METRICS_DESCRIPTION: Description = {
    "operation_id": "metrics",
    "summary": "Figures for Prometheus",
    "response_class": Response,
    "responses": {
        200: answer(
            "Prometheus' text format (docs/operations.md)",
            {"text/plain": text_of('customer_export_cache_requests_total{result="hit"} 3.0\n')},
        ),
        **refusal_of(HTTPStatus.NOT_FOUND, "EXPORT_METRICS is false", "GET /metrics: not found"),
        **refusals(),
    },
}
HEALTH_DESCRIPTION: Description = {
    "operation_id": "health",
    "summary": "Whether the process answers",
    "response_class": Response,
    "responses": {200: answer("It does", json_of({"status": "ok"}, status="string")), **refusals()},
}
_CHECKS = {"source": "ok", "store": "ok", "limits": "ok", "cache": "ok"}
READY_DESCRIPTION: Description = {
    "operation_id": "readiness",
    "summary": "Whether exports can be made now",
    "response_class": Response,
    "responses": {
        200: answer(
            "They can; limits and cache may be down",
            json_of({"status": "ok", "checks": _CHECKS}, status="string", checks="object"),
        ),
        503: answer(
            "A database is down; `checks` has the code",
            json_of(
                {"status": "down", "checks": {**_CHECKS, "source": "SOURCE_UNAVAILABLE"}},
                status="string",
                checks="object",
            ),
        ),
        **refusals(),
    },
}
