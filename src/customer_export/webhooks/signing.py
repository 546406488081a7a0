"""Signatures by the Standard Webhooks specification 1.0, made by its reference library."""

import base64
import os
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook as Signer

SECRET_BYTES = 32  # the specification asks for 24 to 64
PREFIX = "whsec_"


def new_secret() -> str:
    """Make a secret, as receivers have it."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def signed_headers(secrets: Sequence[str], *, message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Sign a message with each of the secrets: a receiver that knows any of them accepts it."""
    signatures = (Signer(secret).sign(message_id, at, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
