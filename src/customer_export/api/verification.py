"""POST /api/admin/exports/verify: whether a file that is sent is whole, by this server's own records and keys."""

import asyncio
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import IO

import orjson
import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from customer_export.api.description import VERIFY_DESCRIPTION
from customer_export.api.manifests import recorded_manifest
from customer_export.api.routing import DirectRoute, bearer_of, client_of, json_answer, request_id_of, runner_of
from customer_export.api.uploads import FORM_BYTES, Upload, is_form, parts_of, read_part, spool_body
from customer_export.errors import (
    ExportBusyError,
    ExportNotCompleteError,
    ExportNotFoundError,
    InvalidRequestError,
    VerificationTimeoutError,
)
from customer_export.export.admission import authorise
from customer_export.export.mistakes import invalid_parameters
from customer_export.export.spooling import spooling
from customer_export.model.access import Principal, Scope
from customer_export.services import Services
from customer_export.signing.keys import read_key_set
from customer_export.verify.check import verify_file

router = APIRouter(route_class=DirectRoute)
log = structlog.get_logger()

VERIFICATIONS = 4
"""Files that are taken and read at a time in a process: each may lie on the disk whole, and keep a core busy."""
_SENT_FILE = "the file that was sent"
_BUSY = "Too many files are being verified just now; try again in a moment"


@router.post("/api/admin/exports/verify", **VERIFY_DESCRIPTION)
async def verify_export(request: Request) -> Response:
    """Say whether a file is whole. Its manifest is in the form, on record here, or in the file."""
    runner = runner_of(request)
    services = runner.services
    began_at = services.now()
    principal = await runner.run(
        lambda: authorise(services, bearer_of(request), Scope.EXPORT, client=client_of(request))
    )
    export_id = _export_id(request)
    running = _running(request)
    if running.locked():
        raise ExportBusyError(_BUSY)
    async with running:
        with spooling(), await _spooled(request, services) as body:
            check = _in_time(services, began_at)
            content_type = request.headers["content-type"] if is_form(request) else None
            report = await runner.run(partial(_report, services, principal, body, content_type, export_id, check))
    log.info("file_verified", request_id=request_id_of(request), principal=principal.name, outcome=report["outcome"])
    return json_answer(report)


def _export_id(request: Request) -> str | None:
    """Read the only parameter."""
    unknown = sorted(set(request.query_params) - {"exportId"})
    if unknown:
        raise invalid_parameters([f"{unknown[0]}: is not a parameter; use exportId"])
    return request.query_params.get("exportId")


def _running(request: Request) -> asyncio.Semaphore:
    state = request.app.state
    if not hasattr(state, "verifications"):
        state.verifications = asyncio.Semaphore(VERIFICATIONS)
    semaphore: asyncio.Semaphore = state.verifications
    return semaphore


async def _spooled(request: Request, services: Services) -> IO[bytes]:
    """Take the body, for as long as an export may take. The largest file that is made here is the largest taken."""
    largest_bytes = max(services.limits.largest_bytes.values())
    limit_bytes = largest_bytes + (FORM_BYTES if is_form(request) else 0)
    try:
        async with asyncio.timeout(services.limits.time.total_seconds()):
            return await spool_body(request, limit_bytes=limit_bytes)
    except TimeoutError as failure:
        raise VerificationTimeoutError(services.limits.time) from failure


def _in_time(services: Services, began_at: datetime) -> Callable[[], None]:
    ends_at = began_at + services.limits.time

    def check() -> None:
        if services.now() > ends_at:
            raise VerificationTimeoutError(services.limits.time)

    return check


def _report(
    services: Services,
    principal: Principal,
    body: IO[bytes],
    content_type: str | None,
    export_id: str | None,
    check: Callable[[], None],
) -> Mapping[str, object]:
    parts = {} if content_type is None else {part.name: part for part in parts_of(body, content_type)}
    whole = Upload("file", None, 0, body.seek(0, io.SEEK_END))
    file = whole if content_type is None else parts.get("file")
    if file is None or set(parts) - {"file", "manifest"}:
        raise InvalidRequestError("A form has a part `file`, and may have a part `manifest`; no others")
    manifest = None if "manifest" not in parts else _read_manifest(body, parts["manifest"], check)
    if manifest is None and export_id is not None:
        manifest = recorded_manifest(services, export_id, tenant=principal.tenant)
        source = "record"
    else:
        source = "given"
    report = verify_file(
        file.file_name or _SENT_FILE,
        read_part(body, file.start, file.end, check),
        manifest=manifest,
        keys=read_key_set(services.signer.key_set()),
        look_up=partial(_look_up, services, principal),
        read_through=partial(_checked, check),
        largest_bytes=max(services.limits.largest_bytes.values()),
    )
    if report.manifest_from == "given":
        report.manifest_from = source
    return report.members()


def _read_manifest(body: IO[bytes], part: Upload, check: Callable[[], None]) -> object | None:
    """Read the part of the form; None if it is empty, as a form's field is where no file was chosen."""
    text = read_part(body, part.start, part.end, check).read(FORM_BYTES)
    try:
        return orjson.loads(text) if text.strip() else None
    except orjson.JSONDecodeError as failure:
        raise InvalidRequestError(f"The manifest is no JSON ({failure}); send it as it was served") from failure


def _look_up(services: Services, principal: Principal, export_id: str) -> object | None:
    """Give the manifest on record of the export that a file says it is."""
    try:
        return recorded_manifest(services, export_id, tenant=principal.tenant)
    except (ExportNotFoundError, ExportNotCompleteError):
        return None


def _checked(check: Callable[[], None], file: IO[bytes]) -> IO[bytes]:
    return read_part(file, 0, file.seek(0, io.SEEK_END), check)
