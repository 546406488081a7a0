"""Who is known, by what, and until when."""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from customer_export.auth.remembered import MOMENT, RememberedTokens
from customer_export.auth.tokens import KnownToken, TokenAuthenticator, digest_of, new_secret
from customer_export.errors import AuthenticationRequiredError, ExportError, InvalidTokenError, TokenExpiredError
from customer_export.model.access import BearerToken, LocalOperator, Principal, Scope
from customer_export.store.interface import StoredToken

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRET = "cex_secret"


def finding(
    scopes: tuple[str, ...] = (Scope.EXPORT,), expires_at: datetime | None = None, revoked_at: datetime | None = None
) -> Callable[[str], KnownToken | None]:
    """Give what finds one token, and no other."""
    token = StoredToken(
        name="jane",
        digest=digest_of(SECRET),
        scopes=scopes,
        created_at=NOW,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
    return {token.digest: token}.get


def test_the_bearer_of_a_token_is_who_it_was_made_for() -> None:
    principal = TokenAuthenticator(finding()).authenticate(BearerToken(secret=SECRET), now=NOW)
    assert principal == Principal(name="jane", scopes=frozenset({Scope.EXPORT}))


@pytest.mark.parametrize(
    ("find", "secret", "failure"),
    [
        (finding(), None, AuthenticationRequiredError),
        (finding(), "", InvalidTokenError),
        (finding(), SECRET + "x", InvalidTokenError),
        (finding(), digest_of(SECRET), InvalidTokenError),
        (finding(revoked_at=NOW), SECRET, InvalidTokenError),
        (finding(revoked_at=NOW, expires_at=NOW), SECRET, InvalidTokenError),
        (finding(expires_at=NOW), SECRET, TokenExpiredError),
        (finding(expires_at=NOW - timedelta(days=1)), SECRET, TokenExpiredError),
    ],
)
def test_nobody_else_is_known(
    find: Callable[[str], KnownToken | None], secret: str | None, failure: type[ExportError]
) -> None:
    with pytest.raises(failure):
        TokenAuthenticator(find).authenticate(BearerToken(secret=secret), now=NOW)


def test_a_token_is_right_until_the_moment_it_ends() -> None:
    authenticator = TokenAuthenticator(finding(expires_at=NOW))
    just_before = NOW - timedelta(microseconds=1)
    assert authenticator.authenticate(BearerToken(secret=SECRET), now=just_before).name == "jane"


def test_a_scope_that_this_version_does_not_know_allows_nothing() -> None:
    authenticator = TokenAuthenticator(finding(scopes=("customers:erase", Scope.AUDIT)))
    principal = authenticator.authenticate(BearerToken(secret=SECRET), now=NOW)
    assert principal.scopes == {Scope.AUDIT}
    assert not principal.may(Scope.EXPORT)


@pytest.mark.parametrize("scope", Scope)
def test_admin_may_everything_and_the_others_only_their_own(scope: Scope) -> None:
    assert Principal(name="x", scopes=frozenset({Scope.ADMIN})).may(scope)
    allowed = [one for one in Scope if Principal(name="x", scopes=frozenset({scope})).may(one)]
    assert allowed == (list(Scope) if scope is Scope.ADMIN else [scope])


def test_whoever_has_a_shell_is_known_by_their_login() -> None:
    principal = TokenAuthenticator(finding()).authenticate(LocalOperator(user="root"), now=NOW)
    assert principal.name == "local:root"
    assert principal.may(Scope.EXPORT)


def test_secrets_are_long_new_each_time_and_tell_scanners_what_they_are() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"cex_[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_what_is_kept_is_the_sha256() -> None:
    assert digest_of("cex_ä") == hashlib.sha256("cex_ä".encode()).hexdigest()


def test_a_token_counts_for_a_moment_as_it_was_last_read() -> None:
    seconds = [0.0]
    known: dict[str, str] = {"a": "Jane"}
    tokens = RememberedTokens(known.get, monotonic=lambda: seconds[0])
    assert tokens.find("a") == "Jane"
    del known["a"]
    seconds[0] = MOMENT.total_seconds() * 0.99
    assert tokens.find("a") == "Jane"
    seconds[0] = MOMENT.total_seconds()
    assert tokens.find("a") is None


def test_a_token_is_known_as_soon_as_it_is_there() -> None:
    known: dict[str, str] = {}
    tokens = RememberedTokens(known.get, monotonic=lambda: 0.0)
    assert tokens.find("a") is None
    known["a"] = "Jane"
    assert tokens.find("a") == "Jane"
