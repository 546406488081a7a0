"""The secrets of webhooks, sealed where they lie if there are keys."""

from collections.abc import Sequence
from datetime import datetime

from customer_export.cache.sealing import PLAIN, Seal
from customer_export.model.webhook import SealedSecret, Webhook


def sealed_secret(seal: Seal, webhook_id: str, secret: str) -> SealedSecret:
    """Seal a new secret."""
    return SealedSecret(sealed=seal.seal(secret.encode(), name=_name(webhook_id)), until=None)


def open_secrets(seal: Seal, webhook: Webhook, *, at: datetime) -> Sequence[str]:
    """Give the secrets that are good at a moment, without those that a key sealed which is gone."""
    opened = []
    for secret in webhook.secrets:
        if secret.until is not None and secret.until <= at:
            continue
        text = secret.sealed[1:] if secret.sealed[:1] == PLAIN else _open(seal, webhook, secret)
        if text is not None:
            opened.append(bytes(text).decode())
    return opened


def _open(seal: Seal, webhook: Webhook, secret: SealedSecret) -> bytes | memoryview | None:
    return seal.open(memoryview(secret.sealed), name=_name(webhook.webhook_id))


def _name(webhook_id: str) -> str:
    """Tie what is sealed to its webhook, and keep it apart from what else is sealed."""
    return f"webhook:{webhook_id}"
