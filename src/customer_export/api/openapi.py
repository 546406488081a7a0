"""The OpenAPI document of the running application."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from customer_export.api.described import COMPONENTS
from customer_export.api.problem import MEDIA_TYPE
from customer_export.api.template_description import TEMPLATE_SCHEMAS
from customer_export.api.webhook_description import EVENT_DESCRIPTION

DESCRIPTION = (
    "Everything an SQL database holds on a customer, as one file: exact, complete and provably whole. "
    "Errors are application/problem+json (RFC 9457) with the members `error` and `code`."
)


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Describe the application by OpenAPI 3.1; docs/api/admin-customers-export.yaml is this, as YAML."""
    document = get_openapi(title="Customer export", version=app.version, description=DESCRIPTION, routes=app.routes)
    bearer = {"type": "http", "scheme": "bearer", "description": "Made by `customer-export token create NAME`"}
    # in place of FastAPI's own schemas, which are of validation errors that this application does not have
    document["components"] = {"securitySchemes": {"bearer": bearer}, **COMPONENTS}
    document["components"]["schemas"] = {**COMPONENTS["schemas"], **TEMPLATE_SCHEMAS}
    document["webhooks"] = {"jobEvent": {"post": EVENT_DESCRIPTION}}
    for path in document["paths"].values():
        for operation in path.values():
            if MEDIA_TYPE not in operation["responses"].get("422", {}).get("content", {}):
                operation["responses"].pop("422", None)  # FastAPI's own
    return document
