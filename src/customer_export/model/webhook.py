"""A webhook as values: who is told of which events, and what came of each message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

import orjson


@unique
class WebhookEvent(StrEnum):
    """What a receiver may be told of. `limit_reached` comes beside `failed`, when a limit of size or time was why."""

    FINISHED = "export.job.finished"
    INCOMPLETE = "export.job.incomplete"
    FAILED = "export.job.failed"
    CANCELLED = "export.job.cancelled"
    EXPIRED = "export.job.expired"
    LIMIT_REACHED = "export.job.limit_reached"
    TEST = "export.webhook.test"


LIMIT_CODES = ("EXPORT_SIZE_EXCEEDED", "EXPORT_TIMEOUT")
"""Codes of jobs that failed by a limit."""


@unique
class WebhookState(StrEnum):
    """Whether messages are sent: `stopped` by itself, when a message was not taken in more than a day."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    STOPPED = "stopped"


@unique
class DeliveryState(StrEnum):
    """Where a message is: `dead` was tried to the end."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A secret as it is kept: sealed where there are keys, and good until a moment, None for the newest."""

    sealed: bytes
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver. It hears of its owner's jobs, or with `all_jobs` of everybody's; `events` empty: of all events."""

    webhook_id: str
    url: str
    owner: str
    events: tuple[WebhookEvent, ...]
    all_jobs: bool
    secrets: tuple[SealedSecret, ...]
    state: WebhookState
    created_at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message for one receiver. `delivery_id` is its `webhook-id`, the same at each try; ids grow with time.

    `due_at` is the next try, `status` and `error` are what came of the last one.
    """

    delivery_id: str
    webhook_id: str
    event: WebhookEvent
    body: str
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    state: DeliveryState = DeliveryState.PENDING
    tried_at: datetime | None = None
    status: int | None = None
    error: str | None = None

    def members(self) -> Mapping[str, object]:
        """Give it as JSON members, without its body."""
        return {
            "id": self.delivery_id,
            "event": self.event.value,
            "state": self.state.value,
            "createdAt": self.created_at.isoformat(),
            "attempts": self.attempts,
            "triedAt": None if self.tried_at is None else self.tried_at.isoformat(),
            "nextTryAt": self.due_at.isoformat() if self.state is DeliveryState.PENDING else None,
            "status": self.status,
            "error": self.error,
        }


def body_of(event: WebhookEvent, data: dict[str, object], *, at: datetime) -> str:
    """Write a message: its type, moment and data, as the specification has them."""
    return orjson.dumps({"type": event.value, "timestamp": at.isoformat(), "data": data}).decode()
