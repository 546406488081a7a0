"""Webhooks on SQLite or PostgreSQL."""

import base64
import os
from collections.abc import Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from customer_export.model.audit import moment_text
from customer_export.model.webhook import (
    LIMIT_CODES,
    Delivery,
    DeliveryState,
    SealedSecret,
    Webhook,
    WebhookEvent,
    WebhookState,
    body_of,
)
from customer_export.store.database import let_nobody_else_write, transaction
from customer_export.store.tables import JOBS, WEBHOOK_DELIVERIES, WEBHOOKS

OF_ONE_AT_ONCE = 2
"""How many messages of one webhook a worker takes at a time: a slow receiver leaves room for the others."""


def new_delivery_id(at: datetime) -> str:
    """Make the id of a message: ids grow with time, to the millisecond."""
    return f"msg_{int(at.timestamp() * 1000):012x}{os.urandom(8).hex()}"


def queue_job_events(connection: Connection, job_id: str, *, at: datetime) -> None:
    """Keep messages of a job's new state, in the transaction that brought it there."""
    job = connection.execute(
        sa.select(JOBS.c.principal, JOBS.c.state, JOBS.c.code).where(JOBS.c.job_id == job_id)
    ).one()
    events = [WebhookEvent(f"export.job.{job.state}")]
    if events == [WebhookEvent.FAILED] and job.code in LIMIT_CODES:
        events.append(WebhookEvent.LIMIT_REACHED)
    hearing = sa.select(WEBHOOKS).where(
        WEBHOOKS.c.state == WebhookState.ENABLED, sa.or_(WEBHOOKS.c.owner == job.principal, WEBHOOKS.c.all_jobs)
    )
    found = [_webhook(row) for row in connection.execute(hearing).mappings()]
    path = f"/api/admin/exports/{job_id}"
    data = {
        "jobId": job_id,
        "state": job.state,
        "code": job.code,
        "links": {"job": path, "manifest": f"{path}/manifest"},
    }
    rows = [
        _delivery_row(
            Delivery(
                delivery_id=new_delivery_id(at),
                webhook_id=webhook.webhook_id,
                event=event,
                body=body_of(event, data, at=at),
                created_at=at,
                due_at=at,
            )
        )
        for webhook in found
        for event in events
        if not webhook.events or event in webhook.events
    ]
    if rows:
        connection.execute(WEBHOOK_DELIVERIES.insert(), rows)


class SqlWebhooks:
    """Webhooks and their messages in one database; see `WebhookStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, webhook: Webhook, *, most: int) -> bool:
        """Keep a new webhook, unless its owner has `most` of them; False then."""
        of_owner = WEBHOOKS.c.owner == webhook.owner
        with transaction(self._engine) as connection:
            let_nobody_else_write(connection, WEBHOOKS)
            if connection.execute(sa.select(sa.func.count()).where(of_owner)).scalar_one() >= most:
                return False
            connection.execute(WEBHOOKS.insert(), [_webhook_row(webhook)])
        return True

    def webhook(self, webhook_id: str) -> Webhook | None:
        """Find a webhook."""
        found = self._webhooks(sa.select(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id))
        return found[0] if found else None

    def webhooks(self, owner: str | None, *, after: str | None, limit: int) -> Sequence[Webhook]:
        """Give at most `limit` webhooks of an owner, or of all, in the order of their ids, behind one of them."""
        asked = sa.select(WEBHOOKS).order_by(WEBHOOKS.c.webhook_id).limit(limit)
        if owner is not None:
            asked = asked.where(WEBHOOKS.c.owner == owner)
        if after is not None:
            asked = asked.where(WEBHOOKS.c.webhook_id > after)
        return self._webhooks(asked)

    def _webhooks(self, asked: sa.Select[tuple[object, ...]]) -> Sequence[Webhook]:
        with transaction(self._engine) as connection:
            return [_webhook(row) for row in connection.execute(asked).mappings()]

    def set_state(self, webhook_id: str, state: WebhookState, *, reason: str | None) -> None:
        """Set whether messages are sent."""
        this = WEBHOOKS.update().where(WEBHOOKS.c.webhook_id == webhook_id)
        self._change(this.values(state=state.value, reason=reason))

    def set_secrets(self, webhook_id: str, secrets: Sequence[SealedSecret]) -> None:
        """Keep other secrets."""
        this = WEBHOOKS.update().where(WEBHOOKS.c.webhook_id == webhook_id)
        self._change(this.values(secrets=_secrets_text(secrets)))

    def delete(self, webhook_id: str) -> None:
        """Forget a webhook and its messages."""
        with transaction(self._engine) as connection:
            for table in (WEBHOOK_DELIVERIES, WEBHOOKS):
                connection.execute(table.delete().where(table.c.webhook_id == webhook_id))

    def add_delivery(self, delivery: Delivery) -> None:
        """Keep a message."""
        self._change(WEBHOOK_DELIVERIES.insert().values(_delivery_row(delivery)))

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery | None:
        """Find a message."""
        found = self._deliveries(sa.select(WEBHOOK_DELIVERIES).where(_this(webhook_id, delivery_id)))
        return found[0] if found else None

    def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        """Give at most `limit` messages of a webhook, the newest first, before one of them."""
        columns = WEBHOOK_DELIVERIES.c
        asked = sa.select(WEBHOOK_DELIVERIES).where(columns.webhook_id == webhook_id)
        if state is not None:
            asked = asked.where(columns.state == state)
        if before is not None:
            asked = asked.where(columns.delivery_id < before)
        return self._deliveries(asked.order_by(columns.delivery_id.desc()).limit(limit))

    def due(self, *, at: datetime, limit: int) -> Sequence[Delivery]:
        """Give messages of enabled webhooks whose next try is due by then, some of each, the longest due first."""
        columns = WEBHOOK_DELIVERIES.c
        enabled = sa.select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.state == WebhookState.ENABLED)
        place = sa.func.row_number().over(partition_by=columns.webhook_id, order_by=columns.due_at).label("place")
        due = (
            sa.select(WEBHOOK_DELIVERIES, place)
            .where(
                columns.state == DeliveryState.PENDING,
                columns.due_at <= moment_text(at),
                columns.webhook_id.in_(enabled),
            )
            .subquery("due")
        )
        asked = sa.select(due).where(due.c.place <= OF_ONE_AT_ONCE).order_by(due.c.due_at).limit(limit)
        return self._deliveries(asked)

    def _deliveries(self, asked: sa.Select[tuple[object, ...]]) -> Sequence[Delivery]:
        with transaction(self._engine) as connection:
            return [_delivery(row) for row in connection.execute(asked).mappings()]

    def claim(self, delivery: Delivery, *, until: datetime, at: datetime) -> bool:
        """Count one more try of a message, whose next one is not before `until`; False if somebody else has it."""
        columns = WEBHOOK_DELIVERIES.c
        this = WEBHOOK_DELIVERIES.update().where(
            _this(delivery.webhook_id, delivery.delivery_id),
            columns.state == DeliveryState.PENDING,
            columns.due_at == moment_text(delivery.due_at),
        )
        return self._change(
            this.values(due_at=moment_text(until), attempts=columns.attempts + 1, tried_at=moment_text(at))
        )

    def tried(
        self,
        delivery: Delivery,
        state: DeliveryState,
        *,
        due_at: datetime,
        status: int | None,
        error: str | None,
    ) -> None:
        """Note what came of a try, unless another one has begun since."""
        this = WEBHOOK_DELIVERIES.update().where(
            _this(delivery.webhook_id, delivery.delivery_id), WEBHOOK_DELIVERIES.c.attempts == delivery.attempts + 1
        )
        self._change(this.values(state=state.value, due_at=moment_text(due_at), status=status, error=error))

    def has_taken(self, webhook: Webhook, *, since: datetime) -> bool:
        """Whether the receiver has taken any message since then."""
        columns = WEBHOOK_DELIVERIES.c
        taken = sa.exists().where(
            columns.webhook_id == webhook.webhook_id,
            columns.state == DeliveryState.DELIVERED,
            columns.tried_at >= moment_text(since),
        )
        with transaction(self._engine) as connection:
            return bool(connection.execute(sa.select(taken)).scalar())

    def replay(self, webhook_id: str, delivery_id: str, *, at: datetime) -> bool:
        """Have a message sent again, with all its tries before it; False if there is none."""
        this = WEBHOOK_DELIVERIES.update().where(_this(webhook_id, delivery_id))
        return self._change(this.values(state=DeliveryState.PENDING.value, due_at=moment_text(at), attempts=0))

    def forget_deliveries(self, *, before: datetime) -> None:
        """Forget messages from before a moment that need no more tries."""
        columns = WEBHOOK_DELIVERIES.c
        over = sa.and_(columns.created_at < moment_text(before), columns.state != DeliveryState.PENDING)
        self._change(WEBHOOK_DELIVERIES.delete().where(over))

    def _change(self, statement: sa.Insert | sa.Update | sa.Delete) -> bool:
        with transaction(self._engine) as connection:
            return connection.execute(statement).rowcount > 0


def _this(webhook_id: str, delivery_id: str) -> sa.ColumnElement[bool]:
    columns = WEBHOOK_DELIVERIES.c
    return sa.and_(columns.webhook_id == webhook_id, columns.delivery_id == delivery_id)


def _webhook_row(webhook: Webhook) -> dict[str, object]:
    return {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "owner": webhook.owner,
        "events": orjson.dumps(list(webhook.events)).decode(),
        "all_jobs": webhook.all_jobs,
        "secrets": _secrets_text(webhook.secrets),
        "state": webhook.state.value,
        "created_at": moment_text(webhook.created_at),
        "reason": webhook.reason,
    }


def _secrets_text(secrets: Sequence[SealedSecret]) -> str:
    members = [
        {
            "sealed": base64.b64encode(secret.sealed).decode(),
            "until": None if secret.until is None else secret.until.isoformat(),
        }
        for secret in secrets
    ]
    return orjson.dumps(members).decode()


def _webhook(row: RowMapping) -> Webhook:
    return Webhook(
        webhook_id=row["webhook_id"],
        url=row["url"],
        owner=row["owner"],
        events=tuple(map(WebhookEvent, orjson.loads(row["events"]))),
        all_jobs=row["all_jobs"],
        secrets=tuple(
            SealedSecret(
                sealed=base64.b64decode(one["sealed"]),
                until=None if one["until"] is None else datetime.fromisoformat(one["until"]),
            )
            for one in orjson.loads(row["secrets"])
        ),
        state=WebhookState(row["state"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        reason=row["reason"],
    )


def _delivery_row(delivery: Delivery) -> dict[str, object]:
    return {
        "delivery_id": delivery.delivery_id,
        "webhook_id": delivery.webhook_id,
        "event": delivery.event.value,
        "body": delivery.body,
        "created_at": moment_text(delivery.created_at),
        "due_at": moment_text(delivery.due_at),
        "attempts": delivery.attempts,
        "state": delivery.state.value,
        "tried_at": None if delivery.tried_at is None else moment_text(delivery.tried_at),
        "status": delivery.status,
        "error": delivery.error,
    }


def _delivery(row: RowMapping) -> Delivery:
    tried_at = row["tried_at"]
    return Delivery(
        delivery_id=row["delivery_id"],
        webhook_id=row["webhook_id"],
        event=WebhookEvent(row["event"]),
        body=row["body"],
        created_at=datetime.fromisoformat(row["created_at"]),
        due_at=datetime.fromisoformat(row["due_at"]),
        attempts=row["attempts"],
        state=DeliveryState(row["state"]),
        tried_at=None if tried_at is None else datetime.fromisoformat(tried_at),
        status=row["status"],
        error=row["error"],
    )
