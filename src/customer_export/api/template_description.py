"""What OpenAPI says about templates."""

from http import HTTPStatus

from starlette.responses import Response

from customer_export import errors
from customer_export.api.described import (
    LIMITS,
    Description,
    answer,
    json_of,
    page_parameters,
    parameters_of,
    refusals,
)
from customer_export.api.description import (
    EXPORTED,
    EXPORTING,
    NEEDS_EXPORT,
    PASSPHRASE,
    SECURED,
    UNKNOWN,
)
from customer_export.api.paging import MOST
from customer_export.export.parameters import ExportParameters
from customer_export.export.templates.body import TemplateBody
from customer_export.model.access import Scope

_BODY = {
    "description": "Orders as the desk reads them",
    "parameters": {"locale": "de", "tz": "Europe/Berlin", "format": "xlsx"},
    "sections": [
        {"name": "orders", "label": "Bestellungen", "columns": [{"name": "number", "label": "Nr."}, "placed_at"]},
        "order_items",
    ],
    "pdf": {"theme": {"colours": {"accent": "#7a1f5c"}}},
}
_HEAD = {
    "name": "orders-desk",
    "version": 3,
    "description": "Orders as the desk reads them",
    "sha256": "46a819a5a8e59041399e0bc1818469740023276c4f2c0fba47bf1c04465c7d36",
    "savedAt": "2026-11-22T22:11:33.204+00:00",
    "savedBy": "support desk",
}
_TEMPLATE = {
    **_HEAD,
    "template": _BODY,
    "versions": [{"version": 3, "savedAt": "2026-11-22T22:11:33.204+00:00", "savedBy": "support desk"}],
}
_TYPES: Description = {
    "name": "string",
    "version": "integer",
    "description": "string",
    "sha256": "string",
    "savedAt": "string",
    "savedBy": "string",
    "template": "object",
    "versions": "array",
}
_ANSWER = json_of(_TEMPLATE, **_TYPES)
_SAVING = (
    NEEDS_EXPORT,
    errors.InsufficientScopeError(Scope.TEMPLATES),
    errors.ColumnForbiddenError(["customer.email"]),
    errors.InvalidRequestError("Invalid template: sections[0].label: is empty"),
    errors.TenantRestrictedError("The map names no tenant column, so nobody can be held to a tenant by it"),
)
_SCHEMA = TemplateBody.model_json_schema(ref_template="#/components/schemas/{model}")
TEMPLATE_SCHEMAS: Description = _SCHEMA.pop("$defs")
"""What the schema of a template refers to."""
_REQUEST: Description = {"required": True, "content": {"application/json": {"schema": _SCHEMA, "example": _BODY}}}

LIST_DESCRIPTION: Description = {
    "operation_id": "listTemplates",
    "summary": "Templates, each in its newest version",
    "response_class": Response,
    "responses": {
        200: answer(
            "A page of templates",
            json_of(
                {"templates": [_HEAD], "next": "/api/admin/templates?limit=50&after=orders-desk"},
                templates="array",
                next=["string", "null"],
            ),
            sometimes=["Link"],
        ),
        **refusals(
            *UNKNOWN,
            NEEDS_EXPORT,
            errors.InvalidRequestError(f"Invalid request parameters: limit: is not a whole number from 1 to {MOST}"),
        ),
    },
    "openapi_extra": {"parameters": page_parameters("after", what="Templates"), **SECURED},
}
SHOW_DESCRIPTION: Description = {
    "operation_id": "showTemplate",
    "summary": "A template as NAME, or one of its versions as NAME@VERSION",
    "response_class": Response,
    "responses": {
        200: answer("The template", _ANSWER),
        **refusals(*UNKNOWN, NEEDS_EXPORT, errors.TemplateNotFoundError()),
    },
    "openapi_extra": SECURED,
}
SAVE_DESCRIPTION: Description = {
    "operation_id": "saveTemplate",
    "summary": "Keep a template, as its first or a new version",
    "response_class": Response,
    "status_code": HTTPStatus.CREATED,
    "responses": {
        201: answer("The new version", _ANSWER, always=["Location"]),
        200: answer("The newest version, which says the same", _ANSWER, always=["Location"]),
        **refusals(*UNKNOWN, *_SAVING),
    },
    "openapi_extra": {"requestBody": _REQUEST, **SECURED},
}
DELETE_DESCRIPTION: Description = {
    "operation_id": "deleteTemplate",
    "summary": "Have nobody use a template any more",
    "response_class": Response,
    "status_code": HTTPStatus.NO_CONTENT,
    "responses": {
        204: answer("It is gone", {}),
        **refusals(
            *UNKNOWN, NEEDS_EXPORT, errors.InsufficientScopeError(Scope.TEMPLATES), errors.TemplateNotFoundError()
        ),
    },
    "openapi_extra": SECURED,
}
PREVIEW_DESCRIPTION: Description = {
    "operation_id": "previewTemplate",
    "summary": "Export one customer by a template that is not saved yet",
    "response_class": Response,
    "responses": {**EXPORTED, **refusals(*EXPORTING, *_SAVING, told=LIMITS)},
    "openapi_extra": {
        "parameters": [*parameters_of(ExportParameters), PASSPHRASE],
        "requestBody": _REQUEST,
        **SECURED,
    },
}
