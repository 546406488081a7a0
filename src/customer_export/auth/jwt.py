"""JSON Web Tokens of an OpenID provider (RFC 7519; checked by the rules of RFC 8725, best current practices)."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NoReturn

import jwt
from jwt import PyJWK
from jwt.exceptions import (
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from customer_export.auth.jwt_rules import JwtRules
from customer_export.auth.keys import ProviderKeys
from customer_export.auth.remembered import RememberedPrincipals
from customer_export.auth.tokens import JWT_PREFIX
from customer_export.errors import InvalidTokenError, TokenExpiredError
from customer_export.model.access import Principal, known_scopes

LONGEST_TOKEN = 16_384  # characters: tokens with hundreds of groups have some thousand, and each is hashed and parsed
LONGEST_NAME = 255  # of a `sub` (OpenID Connect Core 1.0, section 2)
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
SCOPE_CLAIMS = ("scope", "scp")  # RFC 8693, section 4.2; Entra ID and Okta
TYPES = frozenset({"jwt", "at+jwt"})
"""The values of `typ` that an access token has (RFC 9068, section 2.1), or none; a logout token, say, has another."""

Claims = Mapping[str, object]


class JwtAuthenticator:
    """Knows the bearers of JWTs. What was checked once is remembered for as long as token and keys stand."""

    def __init__(self, rules: JwtRules, keys: ProviderKeys) -> None:
        self._rules = rules
        self._keys = keys
        self._remembered = RememberedPrincipals()
        self._mark = JWT_PREFIX + rules.issuer.removeprefix("https://").rstrip("/") + "#"

    def principal_of(self, token: str, *, now: datetime) -> Principal:
        """Give the principal.

        Raises InvalidTokenError or TokenExpiredError, and IdentityProviderUnavailableError if nobody can be known.
        """
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise InvalidTokenError(f"The token is no JWT of up to {LONGEST_TOKEN} characters; get a new one")
        generation = self._keys.current().generation
        digest = hashlib.sha256(token.encode()).digest()
        principal = self._remembered.get(digest, generation=generation, now=now)
        if principal is None:
            claims = self._checked_claims(token, now)
            principal = self._principal(claims)
            ends_at = _moment(claims, "exp")
            self._remembered.put(digest, principal, generation=generation, ends_at=ends_at)
        return principal

    def _checked_claims(self, token: str, now: datetime) -> Claims:
        try:
            key = self._key_of(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._rules.audiences,
                issuer=self._rules.issuer,
                options={
                    "require": list(REQUIRED),
                    "verify_exp": False,  # the library has a clock of its own; see _check_times
                    "verify_nbf": False,
                    "verify_iat": False,
                    "enforce_minimum_key_length": True,
                },
            )
        except PyJWTError as failure:
            self._refuse(failure)
        self._check_times(claims, now)
        return claims

    def _key_of(self, header: Mapping[str, object]) -> PyJWK:
        """Find the key by what the token says of itself, which decides nothing but which of our keys is tried."""
        algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if not isinstance(algorithm, str) or algorithm not in self._rules.algorithms:
            raise InvalidTokenError(
                f"The token's algorithm is not accepted; have it signed with {', '.join(self._rules.algorithms)}"
            )
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
            raise InvalidTokenError("The token is no access token (typ); send the access token")
        key = self._keys.find(key_id if isinstance(key_id, str) else None, algorithm)
        if key is None:
            raise InvalidTokenError("The token is signed with a key that its issuer does not publish; get a new one")
        return key

    def _check_times(self, claims: Claims, now: datetime) -> None:
        leeway = self._rules.leeway
        if _moment(claims, "exp") <= now - leeway:
            raise TokenExpiredError("The token has expired; get a new one from your identity provider")
        begins = [_moment(claims, claim) for claim in ("iat", "nbf") if claim in claims]
        if max(begins) > now + leeway:
            raise InvalidTokenError("The token is not valid yet; check the clocks of this server and of the provider")

    def _refuse(self, failure: PyJWTError) -> NoReturn:
        """Say why a token is refused, in words that hold nothing of it."""
        match failure:
            case InvalidAudienceError():
                wanted = " or ".join(self._rules.audiences)
                message = f"The token is meant for another service; ask for one with the audience {wanted}"
            case InvalidIssuerError():
                message = "The token is of another issuer; get one from the identity provider of this service"
            case MissingRequiredClaimError(claim=claim):
                message = f"The token has no {claim}; the identity provider has to put it in"
            case InvalidSignatureError():
                message = "The token's signature is not valid; get a new one"
            case _:
                message = "The token cannot be read as a JWT; get a new one"
        raise InvalidTokenError(message) from failure

    def _principal(self, claims: Claims) -> Principal:
        rules = self._rules
        return Principal(
            name=self._mark + _name(claims, rules.name_claim),
            scopes=known_scopes(_scopes(claims, rules.scope_claim)),
            tenant=None if rules.tenant_claim is None else _name(claims, rules.tenant_claim),
        )


def _moment(claims: Claims, claim: str) -> datetime:
    """Read a NumericDate: seconds, also with a fraction."""
    value = claims[claim]
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, ValueError, OSError):  # beyond the years that there are, or no number
            pass
    raise InvalidTokenError(f"The token's {claim} is no time; the identity provider has to put one in")


def _name(claims: Claims, claim: str) -> str:
    value = _claim(claims, claim)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_NAME or not value.isprintable():
        raise InvalidTokenError(f"The token has no {claim}; the identity provider has to put it in")
    return value


def _scopes(claims: Claims, scope_claim: str | None) -> Iterator[str]:
    named = (claims.get(claim) for claim in SCOPE_CLAIMS)
    configured = () if scope_claim is None else (_claim(claims, scope_claim),)
    for value in (*named, *configured):
        match value:
            case str():
                yield from value.split()
            case list():
                yield from (one for one in value if isinstance(one, str))


def _claim(claims: Claims, path: str) -> object:
    """Read a claim whose name may itself have points (`https://example.com/roles`), or that lies inside another."""
    if path in claims:
        return claims[path]
    value: object = claims
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
