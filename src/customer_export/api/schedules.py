"""Schedules over HTTP: make, list, change, pause and run them."""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from customer_export.api.headers import ALWAYS
from customer_export.api.jobs import as_principal, jobs_of, json_body
from customer_export.api.paging import read_page
from customer_export.api.routing import DirectRoute, bearer_of, client_of, json_answer, runner_of
from customer_export.api.schedule_description import (
    CREATE_DESCRIPTION,
    DELETE_DESCRIPTION,
    LIST_DESCRIPTION,
    PAUSE_DESCRIPTION,
    REPLACE_DESCRIPTION,
    RESUME_DESCRIPTION,
    RUN_DESCRIPTION,
    SHOW_DESCRIPTION,
)
from customer_export.jobs.schedules.edit import (
    delete_schedule,
    list_schedules,
    pause_schedule,
    resume_schedule,
    save_schedule,
    show_schedule,
)
from customer_export.jobs.schedules.firing import run_now
from customer_export.jobs.services import Jobs
from customer_export.model.access import Principal

PATH = "/api/admin/schedules"

router = APIRouter(route_class=DirectRoute)

ScheduleId = Annotated[str, Path(description="The id of a schedule")]


@router.post(PATH, **CREATE_DESCRIPTION)
async def create(request: Request) -> Response:
    """Make a schedule."""
    return await _save(request, None)


async def _save(request: Request, schedule_id: str | None) -> Response:
    wanted = await json_body(request)
    save = partial(
        save_schedule,
        jobs_of(request),
        wanted,
        bearer_of(request),
        client=client_of(request),
        schedule_id=schedule_id,
    )
    members = await runner_of(request).run(save)
    answer = json_answer(members, status=HTTPStatus.CREATED if schedule_id is None else HTTPStatus.OK)
    answer.headers["Location"] = f"{PATH}/{members['id']}"
    return answer


@router.get(PATH, **LIST_DESCRIPTION)
async def list_all(request: Request) -> Response:
    """Give a page of schedules."""

    def look(jobs: Jobs, principal: Principal) -> tuple[Sequence[Mapping[str, object]], str | None, int]:
        limit, after = read_page(request.query_params, place="after")
        return *list_schedules(jobs, principal, after=after, limit=limit), limit

    page, last, limit = await as_principal(request, look)
    following = None if last is None else f"{PATH}?limit={limit}&after={last}"
    answer = json_answer({"schedules": page, "next": following})
    if following is not None:
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


@router.get(PATH + "/{scheduleId}", **SHOW_DESCRIPTION)
async def show(request: Request, scheduleId: ScheduleId) -> Response:  # noqa: N803  (as the description names it)
    """Give a schedule."""
    return json_answer(await as_principal(request, lambda jobs, principal: show_schedule(jobs, scheduleId, principal)))


@router.put(PATH + "/{scheduleId}", **REPLACE_DESCRIPTION)
async def replace(request: Request, scheduleId: ScheduleId) -> Response:  # noqa: N803
    """Put a schedule in place of another."""
    return await _save(request, scheduleId)


@router.delete(PATH + "/{scheduleId}", **DELETE_DESCRIPTION)
async def delete(request: Request, scheduleId: ScheduleId) -> Response:  # noqa: N803
    """Forget a schedule."""
    await as_principal(
        request, lambda jobs, principal: delete_schedule(jobs, scheduleId, principal, client=client_of(request))
    )
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=dict(ALWAYS))


@router.post(PATH + "/{scheduleId}/pause", **PAUSE_DESCRIPTION)
async def pause(request: Request, scheduleId: ScheduleId) -> Response:  # noqa: N803
    """Let a schedule rest."""
    return json_answer(
        await as_principal(
            request, lambda jobs, principal: pause_schedule(jobs, scheduleId, principal, client=client_of(request))
        )
    )


@router.post(PATH + "/{scheduleId}/resume", **RESUME_DESCRIPTION)
async def resume(request: Request, scheduleId: ScheduleId) -> Response:  # noqa: N803
    """Let a schedule go on."""
    return json_answer(
        await as_principal(
            request, lambda jobs, principal: resume_schedule(jobs, scheduleId, principal, client=client_of(request))
        )
    )


@router.post(PATH + "/{scheduleId}/run", **RUN_DESCRIPTION)
async def run(request: Request, scheduleId: ScheduleId) -> Response:  # noqa: N803
    """Run a schedule at once."""
    begun = await as_principal(request, lambda jobs, principal: run_now(jobs, scheduleId, principal))
    return json_answer(begun.members(), status=HTTPStatus.ACCEPTED)
