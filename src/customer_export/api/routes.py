"""The routes."""

import asyncio
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, HTTPException, Path, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from customer_export.api.description import (
    ESTIMATE_DESCRIPTION,
    EXPORT_DESCRIPTION,
    HEALTH_DESCRIPTION,
    KEYS_DESCRIPTION,
    MANIFEST_DESCRIPTION,
    MANIFEST_SCHEMA_DESCRIPTION,
    METRICS_DESCRIPTION,
    READY_DESCRIPTION,
    SCHEMA_DESCRIPTION,
)
from customer_export.api.exchange import ALLOWANCE
from customer_export.api.headers import ALWAYS, KEPT_BY_ALL
from customer_export.api.manifests import find_manifest
from customer_export.api.routing import DirectRoute, bearer_of, call_of, client_of, json_answer, runner_of
from customer_export.errors import ExportError
from customer_export.export.admission import authorise
from customer_export.export.estimate import estimate_export
from customer_export.export.templates.edit import published_schema
from customer_export.jobs.look import job_manifest
from customer_export.model.access import Scope
from customer_export.model.allowance import Allowance
from customer_export.model.manifest_schema import manifest_schema

router = APIRouter(route_class=DirectRoute)

EXPORT_PATH = "/api/admin/customers/{id:path}/export"  # path: a text key may hold slashes

MANIFEST_LOOKS, MANIFEST_LOOK_SECONDS = 50, 0.02
"""For a second: the manifest of a file that left in one piece follows it, as soon as the disk has it."""

NEEDED = ("source", "store")
"""What no export can be made without."""


@router.get("/api/admin/customers/{id:anything}/export", **EXPORT_DESCRIPTION)
async def export_customer(
    request: Request,
    id: Annotated[str, Path(description="The customer's id, of the type that the map says")],  # noqa: A002
) -> Response:
    """Give everything there is on a customer, as one file."""

    def told(allowance: Allowance) -> None:
        request.scope[ALLOWANCE] = allowance

    return await runner_of(request).start(call_of(request, id), request, told=told)


@router.get("/api/admin/customers/{id:anything}/export/estimate", **ESTIMATE_DESCRIPTION)
async def export_estimate(
    request: Request,
    id: Annotated[str, Path(description="The customer's id, of the type that the map says")],  # noqa: A002
) -> Response:
    """Say how large an export would be, and make none."""
    runner = runner_of(request)
    call = call_of(request, id)
    return json_answer(await runner.run(lambda: estimate_export(runner.services, call).members()))


@router.get("/api/admin/exports/{exportId}/manifest", **MANIFEST_DESCRIPTION)
async def export_manifest(
    request: Request,
    exportId: Annotated[str, Path(description="The id of an export or job, as X-Export-Id or a file has it")],  # noqa: N803
) -> Response:
    """Give what a complete export's file must hold."""
    runner = runner_of(request)

    def look(*, last: bool) -> Mapping[str, object] | None:
        principal = authorise(runner.services, bearer_of(request), Scope.EXPORT, client=client_of(request))
        of_job = job_manifest(request.app.state.jobs, exportId, principal)
        if of_job is not None:
            return of_job
        return find_manifest(runner.services, exportId, tenant=principal.tenant, last=last)

    for _ in range(MANIFEST_LOOKS):
        manifest = await runner.run(partial(look, last=False))
        if manifest is not None:
            return json_answer(manifest)
        await asyncio.sleep(MANIFEST_LOOK_SECONDS)
    return json_answer(await runner.run(partial(look, last=True)))


@router.get("/api/admin/schemas/document.json", **SCHEMA_DESCRIPTION)
async def export_schema(request: Request) -> Response:
    """Give the JSON Schema of the documents that format=json makes."""
    runner = runner_of(request)
    given = call_of(request, "").parameters

    def find() -> object:
        principal = authorise(runner.services, bearer_of(request), Scope.EXPORT, client=client_of(request))
        return published_schema(runner.services, given, principal)

    return json_answer(await runner.run(find), media_type="application/schema+json")


@router.get("/api/admin/schemas/manifest.json", **MANIFEST_SCHEMA_DESCRIPTION)
async def manifest_schema_document(request: Request) -> Response:
    """Give the JSON Schema of manifests."""
    runner = runner_of(request)

    def find() -> object:
        authorise(runner.services, bearer_of(request), Scope.EXPORT, client=client_of(request))
        return manifest_schema()

    return json_answer(await runner.run(find), media_type="application/schema+json")


@router.get("/.well-known/customer-export-keys.json", **KEYS_DESCRIPTION)
async def signing_keys(request: Request) -> Response:
    """Give the public keys that manifests are checked by, to anybody."""
    runner = runner_of(request)
    keys = await runner.run(runner.services.signer.key_set)
    return Response(orjson.dumps(keys), media_type="application/jwk-set+json", headers={**ALWAYS, **KEPT_BY_ALL})


@router.get("/metrics", **METRICS_DESCRIPTION)
async def metrics(request: Request) -> Response:
    """Give the figures for Prometheus."""
    shown = request.app.state.metrics_shown
    if not shown:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    runner, background = runner_of(request), request.app.state.jobs.figures

    def text() -> bytes:
        figures = background.newest()
        return runner.services.metrics.text() + (b"" if figures is None else figures.text())

    return Response(await runner.run(text), media_type=CONTENT_TYPE_LATEST, headers=dict(ALWAYS))


@router.get("/healthz", **HEALTH_DESCRIPTION)
async def health(request: Request) -> Response:  # noqa: ARG001
    """Say that the process answers."""
    return json_answer({"status": "ok"})


@router.get("/readyz", **READY_DESCRIPTION)
async def readiness(request: Request) -> Response:
    """Say whether exports can be made now, and what is down. Without Redis they can."""
    runner = runner_of(request)
    services = runner.services
    checks = {
        "source": services.source.check,
        "store": services.store.check,
        "limits": services.rate.exports.check,
        "cache": services.cache.check,
    }
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            await runner.run(check)
            found[name] = "ok"
        except ExportError as failure:
            found[name] = failure.code
    ready = all(found[name] == "ok" for name in NEEDED)
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return json_answer({"status": "ok" if ready else "down", "checks": found}, status=status)
