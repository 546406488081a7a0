"""Templates over HTTP: save, show, list, delete and preview them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from customer_export.api.exchange import ALLOWANCE
from customer_export.api.headers import ALWAYS
from customer_export.api.jobs import as_principal, json_body
from customer_export.api.paging import read_page
from customer_export.api.routing import DirectRoute, call_of, client_of, json_answer, runner_of
from customer_export.api.template_description import (
    DELETE_DESCRIPTION,
    LIST_DESCRIPTION,
    PREVIEW_DESCRIPTION,
    SAVE_DESCRIPTION,
    SHOW_DESCRIPTION,
)
from customer_export.export.templates.edit import (
    delete_template,
    list_templates,
    preview_draft,
    save_template,
    show_template,
)
from customer_export.model.access import Principal
from customer_export.model.allowance import Allowance
from customer_export.services import Services

PATH = "/api/admin/templates"

router = APIRouter(route_class=DirectRoute)

Result = TypeVar("Result")
Name = Annotated[str, Path(description="The name of a template: small letters, digits and hyphens")]


async def _as_principal(request: Request, work: Callable[[Services, Principal], Result]) -> Result:
    return await as_principal(request, lambda jobs, principal: work(jobs.services, principal))


@router.get(PATH, **LIST_DESCRIPTION)
async def list_all(request: Request) -> Response:
    """Give a page of templates."""

    def look(services: Services, _principal: Principal) -> tuple[Sequence[Mapping[str, object]], str | None, int]:
        limit, after = read_page(request.query_params, place="after")
        return *list_templates(services, after=after, limit=limit), limit

    page, last, limit = await _as_principal(request, look)
    following = None if last is None else f"{PATH}?limit={limit}&after={last}"
    answer = json_answer({"templates": page, "next": following})
    if following is not None:
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


@router.get(PATH + "/{name}", **SHOW_DESCRIPTION)
async def show(request: Request, name: Name) -> Response:
    """Give a template, or one of its versions."""
    return json_answer(await _as_principal(request, lambda services, _principal: show_template(services, name)))


@router.put(PATH + "/{name}", **SAVE_DESCRIPTION)
async def save(request: Request, name: Name) -> Response:
    """Keep a new version of a template."""
    wanted = await json_body(request)

    def keep(services: Services, principal: Principal) -> tuple[Mapping[str, object], bool]:
        return save_template(services, name, wanted, principal, client=client_of(request))

    members, is_new = await _as_principal(request, keep)
    answer = json_answer(members, status=HTTPStatus.CREATED if is_new else HTTPStatus.OK)
    answer.headers["Location"] = f"{PATH}/{members['name']}@{members['version']}"
    return answer


@router.delete(PATH + "/{name}", **DELETE_DESCRIPTION)
async def delete(request: Request, name: Name) -> Response:
    """Have nobody use a template any more."""

    def forget(services: Services, principal: Principal) -> None:
        delete_template(services, name, principal, client=client_of(request))

    await _as_principal(request, forget)
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=dict(ALWAYS))


@router.post("/api/admin/customers/{id:anything}/export/preview", **PREVIEW_DESCRIPTION)
async def preview(
    request: Request,
    id: Annotated[str, Path(description="The customer's id, of the type that the map says")],  # noqa: A002
) -> Response:
    """Export a customer by a template that is not saved yet."""
    wanted = await json_body(request)

    def told(allowance: Allowance) -> None:
        request.scope[ALLOWANCE] = allowance

    draft = await _as_principal(request, partial(preview_draft, wanted))
    return await runner_of(request).start(replace(call_of(request, id), draft=draft), request, told=told)
