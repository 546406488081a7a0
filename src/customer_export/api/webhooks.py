"""Webhooks over HTTP: make, list, test, rotate and stop them, and look at what was sent."""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from customer_export.api.headers import ALWAYS
from customer_export.api.jobs import as_principal, json_body
from customer_export.api.paging import read_page
from customer_export.api.routing import DirectRoute, client_of, json_answer
from customer_export.api.webhook_description import (
    CREATE_DESCRIPTION,
    DELETE_DESCRIPTION,
    DELIVERIES_DESCRIPTION,
    DISABLE_DESCRIPTION,
    ENABLE_DESCRIPTION,
    LIST_DESCRIPTION,
    REPLAY_DESCRIPTION,
    ROTATE_DESCRIPTION,
    SHOW_DESCRIPTION,
    TEST_DESCRIPTION,
)
from customer_export.export.mistakes import invalid_parameters
from customer_export.jobs.services import Jobs
from customer_export.jobs.webhooks.edit import (
    create_webhook,
    delete_webhook,
    list_deliveries,
    list_webhooks,
    replay_delivery,
    rotate_secret,
    send_test,
    set_enabled,
    show_webhook,
)
from customer_export.model.access import Principal
from customer_export.model.webhook import DeliveryState

PATH = "/api/admin/webhooks"

router = APIRouter(route_class=DirectRoute)

WebhookId = Annotated[str, Path(description="The id of a webhook")]
DeliveryId = Annotated[str, Path(description="The id of a message")]
Page = tuple[Sequence[Mapping[str, object]], str | None, int]


@router.post(PATH, **CREATE_DESCRIPTION)
async def create(request: Request) -> Response:
    """Make a webhook."""
    wanted = await json_body(request)
    members = await as_principal(
        request, lambda jobs, principal: create_webhook(jobs, wanted, principal, client=client_of(request))
    )
    answer = json_answer(members, status=HTTPStatus.CREATED)
    answer.headers["Location"] = f"{PATH}/{members['id']}"
    return answer


@router.get(PATH, **LIST_DESCRIPTION)
async def list_all(request: Request) -> Response:
    """Give a page of webhooks."""

    def look(jobs: Jobs, principal: Principal) -> Page:
        limit, after = read_page(request.query_params, place="after")
        return *list_webhooks(jobs, principal, after=after, limit=limit), limit

    page, last, limit = await as_principal(request, look)
    return _page("webhooks", page, None if last is None else f"{PATH}?limit={limit}&after={last}")


def _page(name: str, page: Sequence[Mapping[str, object]], following: str | None) -> Response:
    answer = json_answer({name: page, "next": following})
    if following is not None:
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


@router.get(PATH + "/{webhookId}", **SHOW_DESCRIPTION)
async def show(request: Request, webhookId: WebhookId) -> Response:  # noqa: N803  (as the description names it)
    """Give a webhook."""
    return json_answer(await as_principal(request, lambda jobs, principal: show_webhook(jobs, webhookId, principal)))


@router.delete(PATH + "/{webhookId}", **DELETE_DESCRIPTION)
async def delete(request: Request, webhookId: WebhookId) -> Response:  # noqa: N803
    """Forget a webhook."""
    await as_principal(
        request, lambda jobs, principal: delete_webhook(jobs, webhookId, principal, client=client_of(request))
    )
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=dict(ALWAYS))


@router.post(PATH + "/{webhookId}/disable", **DISABLE_DESCRIPTION)
async def disable(request: Request, webhookId: WebhookId) -> Response:  # noqa: N803
    """Let messages wait."""
    return await _set_enabled(request, webhookId, enabled=False)


@router.post(PATH + "/{webhookId}/enable", **ENABLE_DESCRIPTION)
async def enable(request: Request, webhookId: WebhookId) -> Response:  # noqa: N803
    """Let messages be sent."""
    return await _set_enabled(request, webhookId, enabled=True)


async def _set_enabled(request: Request, webhook_id: str, *, enabled: bool) -> Response:
    def change(jobs: Jobs, principal: Principal) -> Mapping[str, object]:
        return set_enabled(jobs, webhook_id, principal, enabled=enabled, client=client_of(request))

    return json_answer(await as_principal(request, change))


@router.post(PATH + "/{webhookId}/rotate", **ROTATE_DESCRIPTION)
async def rotate(request: Request, webhookId: WebhookId) -> Response:  # noqa: N803
    """Give a new secret."""
    return json_answer(
        await as_principal(
            request, lambda jobs, principal: rotate_secret(jobs, webhookId, principal, client=client_of(request))
        )
    )


@router.post(PATH + "/{webhookId}/test", **TEST_DESCRIPTION)
async def test(request: Request, webhookId: WebhookId) -> Response:  # noqa: N803
    """Have a message sent that tells of nothing."""
    members = await as_principal(request, lambda jobs, principal: send_test(jobs, webhookId, principal))
    return json_answer(members, status=HTTPStatus.ACCEPTED)


@router.get(PATH + "/{webhookId}/deliveries", **DELIVERIES_DESCRIPTION)
async def deliveries(request: Request, webhookId: WebhookId) -> Response:  # noqa: N803
    """Give a page of messages."""
    given = request.query_params.get("state")

    def look(jobs: Jobs, principal: Principal) -> Page:
        limit, before = read_page(request.query_params, place="before", more=("state",))
        state = _state_of(given)
        return *list_deliveries(jobs, webhookId, principal, state=state, before=before, limit=limit), limit

    page, last, limit = await as_principal(request, look)
    following = None
    if last is not None:
        kept = "" if given is None else f"state={given}&"
        following = f"{PATH}/{webhookId}/deliveries?{kept}limit={limit}&before={last}"
    return _page("deliveries", page, following)


def _state_of(text: str | None) -> DeliveryState | None:
    known = [one.value for one in DeliveryState]
    if text is None:
        return None
    if text not in known:
        raise invalid_parameters([f"state: is not known; use {', '.join(known)}"])
    return DeliveryState(text)


@router.post(PATH + "/{webhookId}/deliveries/{deliveryId}/replay", **REPLAY_DESCRIPTION)
async def replay(request: Request, webhookId: WebhookId, deliveryId: DeliveryId) -> Response:  # noqa: N803
    """Have a message sent again."""
    work = partial(_replayed, webhookId, deliveryId)
    return json_answer(await as_principal(request, work), status=HTTPStatus.ACCEPTED)


def _replayed(webhook_id: str, delivery_id: str, jobs: Jobs, principal: Principal) -> Mapping[str, object]:
    return replay_delivery(jobs, webhook_id, delivery_id, principal)
