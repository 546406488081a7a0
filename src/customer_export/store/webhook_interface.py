"""What our own database keeps of webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from customer_export.model.webhook import Delivery, DeliveryState, SealedSecret, Webhook, WebhookState


class WebhookStore(Protocol):
    """Webhooks and their messages. Every method raises StoreUnavailableError if the database fails.

    Messages of jobs are kept by `JobStore`, together with what they tell of.
    """

    def create(self, webhook: Webhook, *, most: int) -> bool:
        """Keep a new webhook, unless its owner has `most` of them; False then."""

    def webhook(self, webhook_id: str) -> Webhook | None:
        """Find a webhook."""

    def webhooks(self, owner: str | None, *, after: str | None, limit: int) -> Sequence[Webhook]:
        """Give at most `limit` webhooks of an owner, or of all, in the order of their ids, behind one of them."""

    def set_state(self, webhook_id: str, state: WebhookState, *, reason: str | None) -> None:
        """Set whether messages are sent."""

    def set_secrets(self, webhook_id: str, secrets: Sequence[SealedSecret]) -> None:
        """Keep other secrets."""

    def delete(self, webhook_id: str) -> None:
        """Forget a webhook and its messages."""

    def add_delivery(self, delivery: Delivery) -> None:
        """Keep a message."""

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery | None:
        """Find a message."""

    def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        """Give at most `limit` messages of a webhook, the newest first, before one of them."""

    def due(self, *, at: datetime, limit: int) -> Sequence[Delivery]:
        """Give messages of enabled webhooks whose next try is due by then, some of each, the longest due first."""

    def claim(self, delivery: Delivery, *, until: datetime, at: datetime) -> bool:
        """Count one more try of a message, whose next one is not before `until`; False if somebody else has it."""

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

    def has_taken(self, webhook: Webhook, *, since: datetime) -> bool:
        """Whether the receiver has taken any message since then."""

    def replay(self, webhook_id: str, delivery_id: str, *, at: datetime) -> bool:
        """Have a message sent again, with all its tries before it; False if there is none."""

    def forget_deliveries(self, *, before: datetime) -> None:
        """Forget messages from before a moment that need no more tries."""
