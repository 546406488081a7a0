"""Whichever token comes: our own opaque ones, or JWTs of an identity provider."""

from collections.abc import Callable
from datetime import datetime

from customer_export.auth.identity_provider import fetcher_of
from customer_export.auth.interface import Authenticator
from customer_export.auth.jwt import JwtAuthenticator
from customer_export.auth.jwt_rules import JwtRules
from customer_export.auth.keys import ProviderKeys
from customer_export.auth.remembered import RememberedTokens
from customer_export.auth.tokens import PREFIX, KnownToken, TokenAuthenticator
from customer_export.model.access import BearerToken, Credentials, Principal

_POINTS = 2  # between header, claims and signature (RFC 7519, section 3.1); our tokens have none


def make_authenticator(
    find_token: Callable[[str], KnownToken | None], rules: JwtRules | None, *, monotonic: Callable[[], float]
) -> Authenticator:
    """Make the authenticator for our own tokens, and for JWTs if there are rules for them. Nothing is fetched yet.

    `find_token` finds a token by its digest; `monotonic` gives seconds that never run backwards.
    """
    tokens = TokenAuthenticator(RememberedTokens(find_token, monotonic=monotonic).find)
    if rules is None:
        return tokens
    fetch = fetcher_of(issuer=rules.issuer, jwks_url=rules.jwks_url)
    keys = ProviderKeys(fetch, algorithms=rules.algorithms, monotonic=monotonic)
    return BearerAuthenticator(tokens=tokens, jwts=JwtAuthenticator(rules, keys))


class BearerAuthenticator:
    """Knows bearers of either, and whoever has a shell on this machine."""

    def __init__(self, *, tokens: TokenAuthenticator, jwts: JwtAuthenticator) -> None:
        self._tokens = tokens
        self._jwts = jwts

    def authenticate(self, credentials: Credentials, *, now: datetime) -> Principal:
        """Give the principal, or say why not; see `Authenticator`."""
        match credentials:
            case BearerToken(secret=str(secret)) if _is_jwt(secret):
                return self._jwts.principal_of(secret, now=now)
            case _:
                return self._tokens.authenticate(credentials, now=now)


def _is_jwt(secret: str) -> bool:
    return not secret.startswith(PREFIX) and secret.count(".") == _POINTS
