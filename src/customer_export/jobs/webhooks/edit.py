"""Make, show and change webhooks: one's own, or all of them for an administrator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from customer_export.errors import (
    DeliveryNotFoundError,
    InvalidRequestError,
    WebhookLimitError,
    WebhookNotFoundError,
)
from customer_export.export.admission import require_allowed, require_scope
from customer_export.export.changes import record_change
from customer_export.export.mistakes import describe_mistakes
from customer_export.jobs.services import Jobs
from customer_export.jobs.webhooks.secrets import sealed_secret
from customer_export.limits.keys import CountBy, client_key
from customer_export.model.access import Principal, Scope
from customer_export.model.webhook import Delivery, DeliveryState, Webhook, WebhookEvent, WebhookState, body_of
from customer_export.store.webhooks import new_delivery_id
from customer_export.webhooks.signing import new_secret
from customer_export.webhooks.targets import LONGEST_URL, TargetRefusedError, read_target

OVERLAP = timedelta(hours=24)
"""How long the secret before a new one is signed with, too."""

MOST_SECRETS = 3  # of one webhook at a time; each costs a signature of every message
_REMEDIES = {
    "missing": "is missing",
    "string_type": "is no text",
    "string_too_short": "is empty",
    "string_too_long": f"is longer than {LONGEST_URL} characters",
    "list_type": "is no list of events",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
}


class WebhookBody(BaseModel):
    """What a webhook is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)] = Field(
        description="Where messages are posted"
    )
    events: list[WebhookEvent] = Field(default=[], description="Which events it is told of; all if there are none")
    allJobs: bool = Field(  # noqa: N815  (as JSON has it)
        default=False,
        strict=True,
        description="Whether it is told of everybody's jobs, which only administrators may have",
    )


def create_webhook(
    jobs: Jobs, wanted: object, principal: Principal, *, client: str | None = None
) -> Mapping[str, object]:
    """Make a webhook, and give it with its secret, which is not shown again.

    Raises InvalidRequestError, WebhookLimitError, and InsufficientScopeError for everybody's jobs.
    """
    body = _read_body(wanted)
    try:
        target = read_target(body.url)
    except TargetRefusedError as failure:
        raise InvalidRequestError(f"Invalid webhook: url: {failure}") from None
    if body.allJobs and not principal.may_see_all:
        require_scope(principal, Scope.ADMIN)
        raise InvalidRequestError("Invalid webhook: allJobs: your token is held to a tenant; leave it out")
    most = jobs.limits.webhooks
    if len(jobs.webhooks.webhooks(principal.name, after=None, limit=most)) == most:  # nothing goes on record then
        raise WebhookLimitError(most)
    webhook_id, secret = uuid4().hex, new_secret()
    webhook = Webhook(
        webhook_id=webhook_id,
        url=body.url,
        owner=principal.name,
        events=tuple(dict.fromkeys(body.events)),
        all_jobs=body.allJobs,
        secrets=(sealed_secret(jobs.seal, webhook_id, secret),),
        state=WebhookState.ENABLED,
        created_at=jobs.services.now(),
    )
    record_change(
        jobs.services,
        "webhook",
        webhook_id,
        "created",
        principal=principal.name,
        client=client,
        host=target.host,  # the rest of a URL may be a secret
        allJobs=str(body.allJobs).lower(),
    )
    if not jobs.webhooks.create(webhook, most=most):
        raise WebhookLimitError(most)
    return {**_members(webhook), "secret": secret}


def _read_body(wanted: object) -> WebhookBody:
    if not isinstance(wanted, dict) or not all(isinstance(name, str) for name in wanted):
        raise InvalidRequestError('Invalid webhook: send a JSON object with "url"')
    try:
        return WebhookBody.model_validate(wanted)
    except ValidationError as failure:
        mistakes = describe_mistakes(failure, WebhookBody, _REMEDIES)
        raise InvalidRequestError(f"Invalid webhook: {'; '.join(mistakes)}") from None


def show_webhook(jobs: Jobs, webhook_id: str, principal: Principal) -> Mapping[str, object]:
    """Give a webhook, without its secret."""
    return _members(_find(jobs, webhook_id, principal))


def list_webhooks(
    jobs: Jobs, principal: Principal, *, after: str | None, limit: int
) -> tuple[Sequence[Mapping[str, object]], str | None]:
    """Give a page of webhooks, and behind which one the next page begins, None after the last."""
    owner = None if principal.may_see_all else principal.name
    found = jobs.webhooks.webhooks(owner, after=after, limit=limit + 1)
    page = found[:limit]
    return list(map(_members, page)), page[-1].webhook_id if len(found) > limit else None


def set_enabled(
    jobs: Jobs, webhook_id: str, principal: Principal, *, enabled: bool, client: str | None = None
) -> Mapping[str, object]:
    """Let messages be sent, also those that have waited, or let them wait."""
    _find(jobs, webhook_id, principal)
    state = WebhookState.ENABLED if enabled else WebhookState.DISABLED
    record_change(jobs.services, "webhook", webhook_id, state.value, principal=principal.name, client=client)
    jobs.webhooks.set_state(webhook_id, state, reason=None)
    return show_webhook(jobs, webhook_id, principal)


def rotate_secret(
    jobs: Jobs, webhook_id: str, principal: Principal, *, client: str | None = None
) -> Mapping[str, object]:
    """Give a new secret; the one before is signed with for a day, too."""
    webhook, now = _find(jobs, webhook_id, principal), jobs.services.now()
    earlier = [
        secret if secret.until is not None else replace(secret, until=now + OVERLAP)
        for secret in webhook.secrets
        if secret.until is None or secret.until > now
    ]
    secret = new_secret()
    kept = [sealed_secret(jobs.seal, webhook_id, secret), *earlier][:MOST_SECRETS]
    record_change(jobs.services, "webhook", webhook_id, "rotated", principal=principal.name, client=client)
    jobs.webhooks.set_secrets(webhook_id, kept)
    return {**_members(webhook), "secret": secret}


def delete_webhook(jobs: Jobs, webhook_id: str, principal: Principal, *, client: str | None = None) -> None:
    """Forget a webhook and its messages."""
    _find(jobs, webhook_id, principal)
    record_change(jobs.services, "webhook", webhook_id, "deleted", principal=principal.name, client=client)
    jobs.webhooks.delete(webhook_id)


def send_test(jobs: Jobs, webhook_id: str, principal: Principal) -> Mapping[str, object]:
    """Have a message sent that tells of nothing. Raises RateLimitExceededError and LimiterUnavailableError."""
    _find(jobs, webhook_id, principal)
    _count_message(jobs, principal)
    now = jobs.services.now()
    delivery = Delivery(
        delivery_id=new_delivery_id(now),
        webhook_id=webhook_id,
        event=WebhookEvent.TEST,
        body=body_of(WebhookEvent.TEST, {"webhookId": webhook_id}, at=now),
        created_at=now,
        due_at=now,
    )
    jobs.webhooks.add_delivery(delivery)
    return delivery.members()


def list_deliveries(
    jobs: Jobs, webhook_id: str, principal: Principal, *, state: DeliveryState | None, before: str | None, limit: int
) -> tuple[Sequence[Mapping[str, object]], str | None]:
    """Give a page of messages, the newest first, and before which one the next page begins, None after the last."""
    _find(jobs, webhook_id, principal)
    found = jobs.webhooks.deliveries(webhook_id, state=state, before=before, limit=limit + 1)
    page = found[:limit]
    return [one.members() for one in page], page[-1].delivery_id if len(found) > limit else None


def replay_delivery(jobs: Jobs, webhook_id: str, delivery_id: str, principal: Principal) -> Mapping[str, object]:
    """Have a message sent again, under its id. Raises DeliveryNotFoundError, and what `send_test` raises."""
    _find(jobs, webhook_id, principal)
    _count_message(jobs, principal)
    jobs.webhooks.replay(webhook_id, delivery_id, at=jobs.services.now())
    delivery = jobs.webhooks.delivery(webhook_id, delivery_id)
    if delivery is None:
        raise DeliveryNotFoundError
    return delivery.members()


def _count_message(jobs: Jobs, principal: Principal) -> None:
    """Count what this server is to send for somebody, wherever they ask from: it is their name that owns webhooks."""
    rate = jobs.services.rate
    key = client_key(CountBy.PRINCIPAL, address=None, principal=principal.name, secret=rate.secret)
    require_allowed(jobs.services, rate.messages.take(key), what="messages of webhooks")


def _find(jobs: Jobs, webhook_id: str, principal: Principal) -> Webhook:
    webhook = jobs.webhooks.webhook(webhook_id) if webhook_id.isalnum() else None
    if webhook is None or not (principal.may_see_all or webhook.owner == principal.name):
        raise WebhookNotFoundError
    return webhook


def _members(webhook: Webhook) -> dict[str, object]:
    return {
        "id": webhook.webhook_id,
        "url": webhook.url,
        "owner": webhook.owner,
        "events": list(webhook.events),
        "allJobs": webhook.all_jobs,
        "state": webhook.state.value,
        "reason": webhook.reason,
        "createdAt": webhook.created_at.isoformat(),
    }
