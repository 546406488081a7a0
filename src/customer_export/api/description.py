"""What OpenAPI says about the routes beyond their signatures."""

from typing import Any

from starlette.responses import Response

from customer_export.export.parameters import ExportParameters

Description = dict[str, Any]
"""Keyword arguments of a FastAPI route; OpenAPI's own objects have no type that says more than Any."""

_PROBLEM_MEMBERS = {
    "type": {"type": "string", "format": "uri"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string", "format": "uri"},
    "error": {"type": "string", "description": "What happened and what to change, for people"},
    "code": {"type": "string", "description": "For programs; see docs/errors.md"},
    "requestId": {"type": "string"},
    "retryAfter": {"type": "integer", "description": "Seconds"},
    "limitBytes": {"type": "integer"},
    "estimatedBytes": {"type": ["integer", "null"]},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "error", "code", "requestId"],
    "properties": _PROBLEM_MEMBERS,
}


def _problem(description: str, code: str, message: str) -> Description:
    example = {"error": message, "code": code}
    content = {"application/problem+json": {"schema": _PROBLEM_SCHEMA, "example": example}}
    return {"description": description, "content": content}


_UNAUTHORIZED = _problem("Who is calling is not known", "INVALID_TOKEN", "The token is not valid")
_FORBIDDEN = _problem("The token lacks a scope", "INSUFFICIENT_SCOPE", "This needs the scope customers:export")
_STORE_DOWN = _problem("A database does not answer", "SOURCE_UNAVAILABLE", "The database does not answer")


def _parameters() -> list[Description]:
    """Describe the query parameters as `ExportParameters` checks them."""
    schema = ExportParameters.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": shape["description"],
            "explode": False,  # lists are separated by commas
            "schema": _shape_of(shape, definitions),
        }
        for name, shape in schema["properties"].items()
    ]


def _shape_of(shape: Description, definitions: Description) -> Description:
    """Give a parameter's schema by itself: nobody sends null, and references lead out of this document."""
    choices = [
        definitions[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
        for choice in shape.get("anyOf", [shape])
        if choice.get("type") != "null"
    ]
    kept = [{key: value for key, value in choice.items() if key not in {"title", "description"}} for choice in choices]
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


_EXPORT_HEADERS = {
    "Content-Disposition": "attachment, named by the customer's id and the epoch milliseconds",
    "X-Export-Id": "the id of this export in the audit and of its manifest",
    "X-Export-Size": "bytes; not of a stream",
    "X-Cache": "HIT or MISS",
    "X-Request-Id": "the same id, on every answer",
    "Repr-Digest": "SHA-256 of the file (RFC 9530); not of a stream",
    "Link": "the manifest, as rel=describedby",
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA_TYPES = ("text/csv", "application/json", "application/x-ndjson", "application/pdf", _XLSX, "application/zip")
_SECURED: Description = {"security": [{"bearer": []}]}

_EXPORT_PROBLEMS: dict[int | str, Description] = {
    400: _problem(
        "The id or a parameter is not valid",
        "VALIDATION_ERROR",
        "Invalid request parameters: format: is missing; use one of pdf, csv, xlsx, json, ndjson, zip",
    ),
    401: _UNAUTHORIZED,
    403: _FORBIDDEN,
    404: _problem("There is no such customer", "CUSTOMER_NOT_FOUND", "Customer not found"),
    413: _problem("The file would be too large", "EXPORT_SIZE_EXCEEDED", "Export data too large"),
    500: _problem("Something has to be mended", "MAP_MISMATCH", "The map does not fit the database"),
    502: _problem("The database refused a statement", "SOURCE_FAILED", "The database refuses to be read"),
    503: _STORE_DOWN,
    504: _problem("The export took too long", "EXPORT_TIMEOUT", "The export took longer than 300 seconds"),
}


def _ok(description: str, media_types: tuple[str, ...], headers: dict[str, str] | None = None) -> Description:
    described = {name: {"description": text, "schema": {"type": "string"}} for name, text in (headers or {}).items()}
    return {"description": description, "content": {kind: {} for kind in media_types}, "headers": described}


EXPORT_DESCRIPTION: Description = {
    "operation_id": "exportCustomer",
    "summary": "Export one customer",
    "response_class": Response,
    "responses": {200: _ok("The file", _MEDIA_TYPES, _EXPORT_HEADERS), **_EXPORT_PROBLEMS},
    "openapi_extra": {"parameters": _parameters(), **_SECURED},
}
MANIFEST_DESCRIPTION: Description = {
    "operation_id": "exportManifest",
    "summary": "The manifest of a complete export",
    "response_class": Response,
    "responses": {
        200: _ok("The manifest", ("application/json",)),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        404: _problem("There is no such export", "EXPORT_NOT_FOUND", "Export not found"),
        409: _problem("The export is not complete", "EXPORT_NOT_COMPLETE", "The export has not ended yet"),
        503: _STORE_DOWN,
    },
    "openapi_extra": _SECURED,
}
SCHEMA_DESCRIPTION: Description = {
    "operation_id": "documentSchema",
    "summary": "The JSON Schema of exported JSON documents",
    "response_class": Response,
    "responses": {
        200: _ok("JSON Schema 2020-12", ("application/schema+json",)),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        503: _STORE_DOWN,
    },
    "openapi_extra": _SECURED,
}
ESTIMATE_DESCRIPTION: Description = {
    "operation_id": "estimateExport",
    "summary": "How large an export would be",
    "response_class": Response,
    "responses": {200: _ok("Rows, bytes and the limit", ("application/json",)), **_EXPORT_PROBLEMS},
    "openapi_extra": {"parameters": _parameters(), **_SECURED},
}
PURGE_DESCRIPTION: Description = {
    "operation_id": "purgeCustomer",
    "summary": "Drop every kept file of a customer",
    "response_class": Response,
    "responses": {
        200: _ok("How many were dropped", ("application/json",)),
        400: _problem("The id is not valid", "VALIDATION_ERROR", "Invalid request parameters: id: …"),
        401: _UNAUTHORIZED,
        403: _FORBIDDEN,
        503: _problem("The cache does not answer", "CACHE_UNAVAILABLE", "The cache does not answer"),
    },
    "openapi_extra": _SECURED,
}
METRICS_DESCRIPTION: Description = {
    "operation_id": "metrics",
    "summary": "Figures for Prometheus",
    "response_class": Response,
    "responses": {200: _ok("Prometheus' text format", ("text/plain",))},
}
HEALTH_DESCRIPTION: Description = {
    "operation_id": "health",
    "summary": "Whether the process answers",
    "response_class": Response,
    "responses": {200: _ok("It does", ("application/json",))},
}
READY_DESCRIPTION: Description = {
    "operation_id": "readiness",
    "summary": "Whether exports can be made now",
    "response_class": Response,
    "responses": {
        200: _ok("They can", ("application/json",)),
        503: _ok("A dependency is down; `checks` names it", ("application/json",)),
    },
}
