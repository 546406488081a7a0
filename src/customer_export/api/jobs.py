"""Jobs over HTTP: submit, follow, list, cancel."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeVar, cast
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response, StreamingResponse

from customer_export.api.exchange import ALLOWANCE
from customer_export.api.headers import ALWAYS
from customer_export.api.job_description import (
    CANCEL_DESCRIPTION,
    EVENTS_DESCRIPTION,
    JOB_DESCRIPTION,
    JOBS_DESCRIPTION,
    SUBMIT_DESCRIPTION,
)
from customer_export.api.job_parameters import cursor_of, resolve_jobs_request
from customer_export.api.routing import (
    PASSPHRASE_HEADER,
    DirectRoute,
    bearer_of,
    client_of,
    json_answer,
    request_id_of,
    runner_of,
)
from customer_export.api.stopping import Stopping
from customer_export.errors import InvalidRequestError
from customer_export.export.admission import authorise
from customer_export.jobs.look import Place, cancel_job, show_job, show_jobs
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.access import Principal, Scope
from customer_export.model.allowance import Allowance
from customer_export.model.job import IN_FLIGHT, JobState

PATH = "/api/admin/exports"
LARGEST_BODY_BYTES = 1 << 20  # a list of ids may have 10,000, which as UUIDs take 400 kB
FOLLOW_SECONDS = 0.5  # as often as workers put on record how far they are
FOLLOWED_SECONDS = 25.0
"""How long one answer follows a job; a client asks again by itself then, also when the server is told to stop."""

ASK_AGAIN_MS = 500

Result = TypeVar("Result")

router = APIRouter(route_class=DirectRoute)

JobId = Annotated[str, Path(description="The id of a job")]


def jobs_of(request: Request) -> Jobs:
    """Give what jobs talk to."""
    return cast(Jobs, request.app.state.jobs)


async def as_principal(request: Request, work: Callable[[Jobs, Principal], Result]) -> Result:
    """Do blocking work for whoever is calling, who has to be known and may export."""
    jobs = jobs_of(request)

    def do() -> Result:
        principal = authorise(jobs.services, bearer_of(request), Scope.EXPORT, client=client_of(request))
        return work(jobs, principal)

    return await runner_of(request).run(do)


@router.post(PATH, **SUBMIT_DESCRIPTION)
async def submit(request: Request) -> Response:
    """Take a job."""

    def told(allowance: Allowance) -> None:
        request.scope[ALLOWANCE] = allowance

    jobs = jobs_of(request)
    call = JobCall(
        job_id=request_id_of(request),
        wanted=await json_body(request),
        idempotency_key=request.headers.get("idempotency-key"),
        credentials=bearer_of(request),
        client=client_of(request),
        passphrase=request.headers.get(PASSPHRASE_HEADER),
    )

    def do() -> Mapping[str, object]:
        submitted = submit_job(jobs, call, told=told)
        job_id = submitted.job.job_id
        return {**_shown(jobs, job_id), "joined": not submitted.is_new}

    members = await runner_of(request).run(do)
    answer = json_answer(members, status=HTTPStatus.ACCEPTED)
    answer.headers["Location"] = f"{PATH}/{members['id']}"
    return answer


def _shown(jobs: Jobs, job_id: str) -> Mapping[str, object]:
    job = jobs.store.job(job_id)
    assert job is not None  # it was there a moment ago, and is kept for long
    return show_job(jobs, job_id, Principal(name=job.principal_name, scopes=frozenset()))


async def json_body(request: Request) -> object:
    """Read a body of JSON, up to LARGEST_BODY_BYTES. Raises InvalidRequestError."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY_BYTES:
            raise InvalidRequestError(
                f"Invalid request body: is larger than {LARGEST_BODY_BYTES} bytes; name more customers by a filter"
            )
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidRequestError("Invalid request body: is no JSON (RFC 8259)") from None


@router.get(PATH, **JOBS_DESCRIPTION)
async def list_jobs(request: Request) -> Response:
    """Give a page of jobs."""
    given = request.query_params.multi_items()
    page, place = await as_principal(request, partial(_page, given))
    following = None
    if place is not None:
        kept = [(name, value) for name, value in given if name != "cursor"]
        following = f"{PATH}?{urlencode([*kept, ('cursor', cursor_of(place))])}"
    answer = json_answer({"jobs": page, "next": following})
    if following is not None:
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


def _page(given: list[tuple[str, str]], jobs: Jobs, principal: Principal) -> tuple[object, Place | None]:
    asked = resolve_jobs_request(given)
    return show_jobs(jobs, asked.wanted, principal, before=asked.before, limit=asked.limit)


@router.get(PATH + "/{jobId}", **JOB_DESCRIPTION)
async def job_status(request: Request, jobId: JobId) -> Response:  # noqa: N803  (as the description names it)
    """Say how far a job is."""
    return json_answer(await as_principal(request, lambda jobs, principal: show_job(jobs, jobId, principal)))


@router.post(PATH + "/{jobId}/cancel", **CANCEL_DESCRIPTION)
async def cancel(request: Request, jobId: JobId) -> Response:  # noqa: N803
    """Have a job cancelled."""
    members = await as_principal(request, lambda jobs, principal: cancel_job(jobs, jobId, principal))
    return json_answer(members, status=HTTPStatus.ACCEPTED)


@router.get(PATH + "/{jobId}/events", **EVENTS_DESCRIPTION)
async def job_events(request: Request, jobId: JobId) -> Response:  # noqa: N803
    """Follow a job."""
    look = partial(as_principal, request, lambda jobs, principal: show_job(jobs, jobId, principal))
    first = await look()
    headers = {**ALWAYS, "X-Accel-Buffering": "no"}
    stopping: Stopping = request.app.state.stopping
    return StreamingResponse(_events(first, look, stopping), media_type="text/event-stream", headers=headers)


async def _events(
    members: Mapping[str, object], look: Callable[[], Awaitable[Mapping[str, object]]], stopping: Stopping
) -> AsyncIterator[bytes]:
    """Give the job whenever it has changed, and last of all its end; it may have none yet when this server stops."""
    yield f"retry: {ASK_AGAIN_MS}\n\n".encode()
    yield _event(members)
    ends_at = asyncio.get_running_loop().time() + FOLLOWED_SECONDS
    while not _has_ended(members) and asyncio.get_running_loop().time() < ends_at:
        if await stopping.within(FOLLOW_SECONDS):
            return
        found = await look()
        yield _event(found) if found != members else b": \n\n"
        members = found


def _event(members: Mapping[str, object]) -> bytes:
    name = "ended" if _has_ended(members) else "progress"
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(members) + b"\n\n"


def _has_ended(members: Mapping[str, object]) -> bool:
    return members["state"] in {one.value for one in JobState if one not in IN_FLIGHT}
