"""The telling: messages that are due are sent, tried again for more than a day, and given up at last."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Semaphore

import structlog

from customer_export.jobs.services import Jobs
from customer_export.jobs.webhooks.secrets import open_secrets
from customer_export.model.webhook import Delivery, DeliveryState, WebhookState
from customer_export.webhooks.sending import GONE, Sent
from customer_export.webhooks.signing import signed_headers

SENT_AT_ONCE = 8  # by one worker: a slow receiver holds up one of them for the time-out
LEASE = timedelta(minutes=2)
"""How long a try may take before another worker makes the next: far more than the longest time-out."""

WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200))
"""How long after each try that failed the next one is: more than 27 hours in all."""
JITTER = 0.2
"""By which part of itself a wait is longer or shorter, so that messages that failed together do not come together."""

KEPT = timedelta(days=30)
"""How long messages are kept after they were delivered or given up."""

log = structlog.get_logger()


class Deliverer:
    """Sends what is due, some at a time, beside the worker's other work."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(SENT_AT_ONCE, thread_name_prefix="webhook")
        self._free = Semaphore(SENT_AT_ONCE)
        self._closed = False

    def send_due(self) -> None:
        """Begin to send what is due, as much as there is room for."""
        now = self._jobs.services.now()
        for delivery in self._jobs.webhooks.due(at=now, limit=SENT_AT_ONCE):
            if self._closed or not self._free.acquire(blocking=False):
                return
            try:
                if self._jobs.webhooks.claim(delivery, until=now + LEASE, at=now):
                    self._pool.submit(self._deliver, delivery).add_done_callback(lambda _: self._free.release())
                    continue
            except BaseException:
                self._free.release()
                raise
            self._free.release()

    def forget(self) -> None:
        """Forget messages that were delivered or given up long ago."""
        self._jobs.webhooks.forget_deliveries(before=self._jobs.services.now() - KEPT)

    def close(self) -> None:
        """Begin nothing more; what is being sent ends within its time-out."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, delivery: Delivery) -> None:
        try:
            deliver(self._jobs, delivery)
        except Exception:  # it is tried again when its lease is over
            log.exception("webhook_failed", webhook_id=delivery.webhook_id, delivery_id=delivery.delivery_id)


def deliver(jobs: Jobs, delivery: Delivery) -> None:
    """Send a message that is claimed, and note what came of it."""
    now = jobs.services.now()
    webhook = jobs.webhooks.webhook(delivery.webhook_id)
    if webhook is None:  # somebody has deleted it meanwhile
        return
    secrets = open_secrets(jobs.seal, webhook, at=now)
    if secrets:
        headers = {
            **signed_headers(secrets, message_id=delivery.delivery_id, at=now, body=delivery.body),
            "content-type": "application/json",
            "user-agent": "customer-export",
        }
        sent = jobs.send(webhook.url, headers=headers, body=delivery.body.encode())
    else:
        sent = Sent(error="the secret is sealed by none of EXPORT_CACHE_KEYS; rotate it")
    attempts = delivery.attempts + 1
    is_last = attempts > len(WAITS) or sent.status == GONE
    state = DeliveryState.DELIVERED if sent.is_delivered else DeliveryState.DEAD if is_last else DeliveryState.PENDING
    due_at = _next_try(now, attempts) if state is DeliveryState.PENDING else now
    error = sent.error or (None if sent.is_delivered else f"answered {sent.status}")
    jobs.webhooks.tried(delivery, state, due_at=due_at, status=sent.status, error=error)
    log.info(
        "webhook_tried",
        webhook_id=delivery.webhook_id,
        delivery_id=delivery.delivery_id,
        attempt=attempts,
        state=state.value,
        status=sent.status,
    )
    is_gone = sent.status == GONE
    if is_gone or (state is DeliveryState.DEAD and not jobs.webhooks.has_taken(webhook, since=delivery.created_at)):
        why = (
            "it answered 410"
            if is_gone
            else f"nothing was taken since a message that was sent {attempts} times: {error}"
        )
        jobs.webhooks.set_state(delivery.webhook_id, WebhookState.STOPPED, reason=why)
        log.warning("webhook_stopped", webhook_id=delivery.webhook_id)


def _next_try(now: datetime, attempts: int) -> datetime:
    wait = WAITS[attempts - 1]
    return now + wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (nobody gains by guessing it)
