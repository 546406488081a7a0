"""The routes."""

from http import HTTPStatus
from typing import Annotated, cast

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from customer_export.api.delivery import ExportRunner
from customer_export.api.description import (
    EXPORT_DESCRIPTION,
    HEALTH_DESCRIPTION,
    MANIFEST_DESCRIPTION,
    READY_DESCRIPTION,
    SCHEMA_DESCRIPTION,
)
from customer_export.api.headers import ALWAYS
from customer_export.errors import ExportError, ExportNotCompleteError, ExportNotFoundError
from customer_export.export.pipeline import ExportCall, authorise
from customer_export.model.access import BearerToken, Scope
from customer_export.model.audit import AuditEvent
from customer_export.services import Services
from customer_export.writers.json_schema import document_schema

router = APIRouter()


def _runner(request: Request) -> ExportRunner:
    return cast(ExportRunner, request.app.state.runner)


def request_id_of(request: Request) -> str:
    """Give the id that the answer, the audit and the log share; the app's middleware makes one for each request."""
    return cast(str, request.scope["request_id"])


def _bearer(request: Request) -> BearerToken:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return BearerToken(secret=secret.strip() if scheme.lower() == "bearer" else None)


def _json(members: object, *, media_type: str = "application/json", status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(members), status_code=status, media_type=media_type, headers=dict(ALWAYS))


@router.get("/api/admin/customers/{id:path}/export", **EXPORT_DESCRIPTION)  # path: a text key may hold slashes
async def export_customer(
    request: Request,
    id: Annotated[str, Path(description="The customer's id, of the type that the map says")],  # noqa: A002
) -> Response:
    """Give everything there is on a customer, as one file."""
    call = ExportCall(
        export_id=request_id_of(request),
        customer_id=id,
        parameters=request.query_params.multi_items(),
        credentials=_bearer(request),
        client=request.client.host if request.client else None,
    )
    return await _runner(request).start(call, request)


@router.get("/api/admin/exports/{exportId}/manifest", **MANIFEST_DESCRIPTION)
async def export_manifest(
    request: Request,
    exportId: Annotated[str, Path(description="The X-Export-Id of an export")],  # noqa: N803
) -> Response:
    """Give what a complete export's file must hold."""
    runner = _runner(request)

    def find() -> object:
        authorise(runner.services, _bearer(request), Scope.EXPORT)
        return _manifest(runner.services, exportId)

    return _json(await runner.run(find))


def _manifest(services: Services, export_id: str) -> object:
    """Find a manifest, which a file that is sent whole has from its first byte on: whoever has it may ask at once."""
    records = services.store.audit_of(export_id) if export_id.isalnum() else []
    if not records:
        raise ExportNotFoundError
    failed = records[-1].event in {AuditEvent.FAILED, AuditEvent.DENIED}
    manifest = None if failed else services.store.manifest(export_id)
    if manifest is None:
        how = f"ended with {records[-1].code}" if failed else "has not ended yet"
        raise ExportNotCompleteError(f"The export {how}; only a complete export has a manifest")
    return manifest


@router.get("/api/admin/schemas/document.json", **SCHEMA_DESCRIPTION)
async def export_schema(request: Request) -> Response:
    """Give the JSON Schema of the documents that format=json makes."""
    runner = _runner(request)

    def find() -> object:
        authorise(runner.services, _bearer(request), Scope.EXPORT)
        return document_schema(runner.services.source.map)

    return _json(await runner.run(find), media_type="application/schema+json")


@router.get("/healthz", **HEALTH_DESCRIPTION)
async def health() -> Response:
    """Say that the process answers."""
    return _json({"status": "ok"})


@router.get("/readyz", **READY_DESCRIPTION)
async def readiness(request: Request) -> Response:
    """Say whether exports can be made now, and if not, what is down."""
    runner = _runner(request)
    checks = {"source": runner.services.source.check, "store": runner.services.store.check}
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            await runner.run(check)
            found[name] = "ok"
        except ExportError as failure:
            found[name] = failure.code
    ready = set(found.values()) == {"ok"}
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return _json({"status": "ok" if ready else "down", "checks": found}, status=status)
