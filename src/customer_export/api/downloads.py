"""Files of jobs over HTTP: whole or in part, by a token or by a link."""

import base64
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from customer_export.api.delivery import ExportRunner
from customer_export.api.headers import ALWAYS
from customer_export.api.job_description import DOWNLOAD_DESCRIPTION, LINKS_DESCRIPTION, REVOKE_DESCRIPTION
from customer_export.api.jobs import PATH, JobId, as_principal, jobs_of
from customer_export.api.ranges import asked_range
from customer_export.api.routing import DirectRoute, client_of, json_answer, request_id_of, runner_of
from customer_export.errors import StorageUnavailableError
from customer_export.jobs.downloads import (
    Download,
    find_download,
    find_linked,
    make_links,
    open_download,
    record_download,
    redirect_of,
    revoke_links,
)
from customer_export.storage.names import file_name

LINK = "link"
"""The query parameter that has a link's token."""

router = APIRouter(route_class=DirectRoute)

FileName = Annotated[str, Path(description="The name of a file, as the manifest of the job has it")]


@router.get(PATH + "/{jobId}/files/{name:anything}", **DOWNLOAD_DESCRIPTION)
async def download(request: Request, jobId: JobId, name: FileName) -> Response:  # noqa: N803
    """Give a file of a job."""
    return await _answer(request, jobId, name)


@router.head(PATH + "/{jobId}/files/{name:anything}", include_in_schema=False)
async def download_head(request: Request, jobId: JobId, name: FileName) -> Response:  # noqa: N803
    """Say what a download would be."""
    return await _answer(request, jobId, name)


async def _answer(request: Request, job_id: str, name: str) -> Response:
    found = await _found(request, job_id, name)
    artifact = found.artifact
    digest = base64.b64encode(bytes.fromhex(artifact.sha256)).decode()
    etag = f'"{digest}"'
    headers = {
        **ALWAYS,
        "Content-Type": artifact.media_type,
        "Content-Disposition": f'attachment; filename="{file_name(artifact.name)}"',
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Repr-Digest": f"sha-256=:{digest}:",
        "X-Export-Id": job_id,
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    asked = asked_range(request.headers, size_bytes=artifact.size_bytes, etag=etag)
    start, stop = asked or (0, artifact.size_bytes)
    status = HTTPStatus.OK if asked is None else HTTPStatus.PARTIAL_CONTENT
    headers["Content-Length"] = str(stop - start)
    if asked is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{artifact.size_bytes}"
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    jobs, request_id, client = jobs_of(request), request_id_of(request), client_of(request)
    elsewhere = redirect_of(jobs, found)
    if elsewhere is not None:
        record = partial(record_download, jobs, found, request_id=request_id, client=client, start=start, stop=stop)
        await runner_of(request).run(record)
        return Response(status_code=HTTPStatus.TEMPORARY_REDIRECT, headers={**ALWAYS, "Location": elsewhere})
    pieces = await runner_of(request).run(
        partial(open_download, jobs, found, request_id=request_id, client=client, start=start, stop=stop)
    )
    return FileResponse(runner_of(request), pieces, status=status, headers=headers)


async def _found(request: Request, job_id: str, name: str) -> Download:
    token = request.query_params.get(LINK)
    if token is None:
        return await as_principal(request, lambda jobs, principal: find_download(jobs, job_id, name, principal))
    return await runner_of(request).run(partial(find_linked, jobs_of(request), job_id, name, token))


class FileResponse(Response):
    """Sends pieces as fast as they are taken. What fails on the way ends the connection before its end."""

    def __init__(
        self, runner: ExportRunner, pieces: Iterator[bytes], *, status: HTTPStatus, headers: dict[str, str]
    ) -> None:
        self._runner = runner
        self._pieces = pieces
        self.status_code = status
        self.background = None
        self.body = b""
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send one piece after the other."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            while (piece := await self._runner.run(partial(next, self._pieces, None))) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except StorageUnavailableError:
            return  # the message has no end: that is what tells the client
        finally:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                await self._runner.run(close)


@router.post(PATH + "/{jobId}/links", **LINKS_DESCRIPTION)
async def links(request: Request, jobId: JobId) -> Response:  # noqa: N803
    """Make a link to each file of a job."""
    made = await as_principal(request, lambda jobs, principal: make_links(jobs, jobId, principal))
    return json_answer(made)


@router.delete(PATH + "/{jobId}/links", **REVOKE_DESCRIPTION)
async def revoke(request: Request, jobId: JobId) -> Response:  # noqa: N803
    """Revoke all links to files of a job."""
    await as_principal(request, lambda jobs, principal: revoke_links(jobs, jobId, principal))
    return json_answer({"revoked": True})
