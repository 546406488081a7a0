"""Bearer tokens: 256 random bits, of which only the SHA-256 is kept."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from customer_export.errors import AuthenticationRequiredError, InvalidTokenError, TokenExpiredError
from customer_export.model.access import (
    BearerToken,
    Credentials,
    EarlierCaller,
    LocalOperator,
    Principal,
    Scope,
    TokenDigest,
    known_scopes,
)

PREFIX = "cex_"  # so that secret scanners can tell what a leaked token is
LOCAL_PREFIX, JWT_PREFIX, WARMING_PREFIX = RESERVED_PREFIXES = ("local:", "jwt:", "warming:")
"""What names of others than tokens begin with, so that nobody in the audit can be taken for somebody else."""
RANDOM_BYTES = 32  # beyond guessing, which is also why a plain digest, not a password hash, is enough


class KnownToken(Protocol):
    """What is kept of a token."""

    @property
    def name(self) -> str:
        """Who holds it."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it allows."""

    @property
    def tenant(self) -> str | None:
        """The only tenant whose customers it reaches, None for all."""

    @property
    def expires_at(self) -> datetime | None:
        """When it ends, None for never."""

    @property
    def revoked_at(self) -> datetime | None:
        """When it was revoked, None if it was not."""


def new_secret() -> str:
    """Make the secret of a new token."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def digest_of(secret: str) -> str:
    """Give what is kept of a secret. Looking it up compares digests, which tells a guesser nothing by its time."""
    return hashlib.sha256(secret.encode()).hexdigest()


class TokenAuthenticator:
    """Knows the bearers of tokens, and whoever has a shell on this machine."""

    def __init__(self, find_token: Callable[[str], KnownToken | None]) -> None:
        self._find_token = find_token

    def authenticate(self, credentials: Credentials, *, now: datetime) -> Principal:
        """Give the principal, or say why not."""
        match credentials:
            case LocalOperator(user=user):
                return Principal(name=f"{LOCAL_PREFIX}{user}", scopes=frozenset({Scope.ADMIN}))
            case BearerToken(secret=None):
                raise AuthenticationRequiredError("Send an Authorization header: Bearer and your token")
            case BearerToken(secret=secret):
                return self._bearer(digest_of(str(secret)), now)
            case TokenDigest(digest=digest):
                return self._bearer(digest, now)
            case EarlierCaller(principal=principal, until=until):
                if until <= now:
                    raise TokenExpiredError(
                        "What your token allowed when this was asked for is no longer taken; ask again"
                    )
                return principal

    def _bearer(self, digest: str, now: datetime) -> Principal:
        token = self._find_token(digest)
        if token is None or token.revoked_at is not None:
            raise InvalidTokenError("The token is not valid; ask your administrator for a new one")
        if token.expires_at is not None and token.expires_at <= now:
            raise TokenExpiredError("The token has expired; ask your administrator for a new one")
        return Principal(name=token.name, scopes=known_scopes(token.scopes), tenant=token.tenant)
