"""The provider's keys: found, renewed, rotated, and what happens while the provider is down or lies."""

import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest
import structlog

from customer_export.auth import identity_provider
from customer_export.auth.identity_provider import LARGEST_BYTES, KeysNotFetchedError, fetcher_of
from customer_export.auth.jwt import JwtAuthenticator
from customer_export.auth.keys import DOWN_COOLING, FRESH, KEPT, UNKNOWN_KEY_COOLING, ProviderKeys
from customer_export.auth.remembered import RememberedPrincipals
from customer_export.errors import IdentityProviderUnavailableError, InvalidTokenError
from customer_export.model.access import Principal
from identity_provider import (
    FOUND,
    NOW,
    Clock,
    IdentityProvider,
    authenticator_for,
    ed_key,
    jwk_of,
    rsa_key,
    send,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(provider: IdentityProvider, clock: Clock) -> JwtAuthenticator:
    return authenticator_for(provider, clock=clock)


def key_requests(provider: IdentityProvider) -> int:
    return sum(path.endswith("/keys") for path in provider.asked)


def broken(request: BaseHTTPRequestHandler) -> None:
    send(request, {"error": "down"}, status=500)


def test_keys_are_fetched_when_first_needed_and_then_kept(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    assert provider.asked == []
    for subject in ("1", "2", "1"):
        authenticator.principal_of(provider.token(sub=subject), now=NOW)
    assert provider.asked == [f"/realms/shop{FOUND}", "/realms/shop/keys"]
    clock.seconds += FRESH.total_seconds() + 1
    authenticator.principal_of(provider.token(), now=NOW)
    assert key_requests(provider) == 2


def test_a_given_url_needs_no_discovery(provider: IdentityProvider) -> None:
    assert fetcher_of(issuer="https://login.example", jwks_url=provider.jwks_url)()["keys"] == provider.keys
    assert provider.asked == ["/realms/shop/keys"]


def test_a_new_key_is_found_with_one_request_and_made_up_ones_with_hardly_more(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    authenticator.principal_of(provider.token(), now=NOW)
    provider.keys = [jwk_of(rsa_key(7), "new")]
    token = provider.token(key=rsa_key(7), header={"kid": "new"})
    with pytest.raises(InvalidTokenError):  # the keys were fetched this very moment
        authenticator.principal_of(token, now=NOW)
    clock.seconds += UNKNOWN_KEY_COOLING.total_seconds()
    assert authenticator.principal_of(token, now=NOW)
    assert key_requests(provider) == 2
    for number in range(50):
        with pytest.raises(InvalidTokenError):
            authenticator.principal_of(provider.token(header={"kid": f"made up {number}"}), now=NOW)
        clock.seconds += 0.5
    assert key_requests(provider) <= 2 + 25 / UNKNOWN_KEY_COOLING.total_seconds()


def test_a_key_that_was_taken_back_is_good_for_no_token_any_more_remembered_or_not(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    token = provider.token()
    assert authenticator.principal_of(token, now=NOW)
    provider.keys = [jwk_of(rsa_key(7), "new")]
    clock.seconds += FRESH.total_seconds()
    assert authenticator.principal_of(token, now=NOW)
    clock.seconds += 1
    with pytest.raises(InvalidTokenError, match="does not publish"):
        authenticator.principal_of(token, now=NOW)


def test_a_key_that_changes_under_its_id_is_another_key(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    token = provider.token()
    assert authenticator.principal_of(token, now=NOW)
    provider.keys = [jwk_of(rsa_key(7), "rsa")]
    clock.seconds += FRESH.total_seconds() + 1
    with pytest.raises(InvalidTokenError, match="signature"):
        authenticator.principal_of(token, now=NOW)
    assert authenticator.principal_of(provider.token(key=rsa_key(7)), now=NOW)


def test_while_the_provider_is_down_the_last_good_keys_serve_for_a_while_and_the_log_says_so_once(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    token = provider.token()
    began = clock.seconds
    assert authenticator.principal_of(token, now=NOW)
    provider.instead = broken
    provider.asked.clear()
    with structlog.testing.capture_logs() as logs:
        clock.seconds = began + FRESH.total_seconds() + 1
        while clock.seconds <= began + KEPT.total_seconds():
            assert authenticator.principal_of(token, now=NOW)
            clock.seconds += 1
        with pytest.raises(IdentityProviderUnavailableError, match="identity provider"):
            authenticator.principal_of(token, now=NOW)
    assert [entry["event"] for entry in logs] == ["dependency_down"]
    assert len(provider.asked) <= KEPT.total_seconds() / DOWN_COOLING.total_seconds()
    provider.instead = None
    clock.seconds += DOWN_COOLING.total_seconds()
    with structlog.testing.capture_logs() as logs:
        assert authenticator.principal_of(token, now=NOW)
    assert [entry["event"] for entry in logs] == ["dependency_up"]


def test_a_provider_that_was_never_there_is_not_waited_for_by_everybody(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    provider.instead = broken
    for _ in range(20):
        with pytest.raises(IdentityProviderUnavailableError):
            authenticator.principal_of(provider.token(), now=NOW)
    assert len(provider.asked) == 1
    provider.instead = None
    clock.seconds += DOWN_COOLING.total_seconds()
    assert authenticator.principal_of(provider.token(), now=NOW)


def test_many_callers_at_once_make_one_request(provider: IdentityProvider, authenticator: JwtAuthenticator) -> None:
    token = provider.token()
    together = threading.Barrier(8)
    known: list[Principal] = []

    def ask() -> None:
        together.wait()
        known.append(authenticator.principal_of(token, now=NOW))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(known) == 8
    assert key_requests(provider) == 1


def test_nobody_waits_for_keys_to_be_renewed_who_has_some(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    token = provider.token()
    authenticator.principal_of(token, now=NOW)
    asked, may_answer = threading.Event(), threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        assert may_answer.wait(30)
        broken(request)

    provider.instead = slow
    clock.seconds += FRESH.total_seconds() + 1
    renewing = threading.Thread(target=authenticator.principal_of, args=[token], kwargs={"now": NOW})
    renewing.start()
    assert asked.wait(30)
    assert authenticator.principal_of(token, now=NOW)  # while the other thread is still waiting
    may_answer.set()
    renewing.join()


def redirecting(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "/realms/shop/keys")
    request.send_header("Content-Length", "0")
    request.end_headers()


def breaking_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"{")


FAULTS: dict[str, tuple[Callable[[BaseHTTPRequestHandler], None], str]] = {
    "an error": (broken, "500"),
    "a redirect": (redirecting, "302"),
    "no JSON": (lambda request: send(request, b"<html>"), "no JSON"),
    "no object": (lambda request: send(request, [1]), "no JSON object"),
    "too much": (lambda request: send(request, b" " * (LARGEST_BYTES + 1)), "more than"),
    "half of it": (breaking_off, "no JSON"),
    "nothing": (lambda request: request.connection.close(), "does not answer"),
    "no HTTP": (lambda request: request.wfile.write(b"SSH-2.0\r\n") and None, "does not answer"),
}


@pytest.mark.parametrize(("instead", "reason"), FAULTS.values(), ids=FAULTS)
def test_whatever_is_wrong_with_the_answer_is_told(
    provider: IdentityProvider, instead: Callable[[BaseHTTPRequestHandler], None], reason: str
) -> None:
    provider.instead = instead
    with pytest.raises(KeysNotFetchedError, match=reason):
        fetcher_of(issuer=provider.issuer, jwks_url=provider.jwks_url)()


def test_an_answer_that_drips_is_not_waited_for(provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_provider, "TIME_LIMIT_SECONDS", 0.1)
    gone = threading.Event()

    def dripping(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while not gone.wait(0.02):
                request.wfile.write(b" ")
        except OSError:
            pass

    provider.instead = dripping
    try:
        with pytest.raises(KeysNotFetchedError, match="longer than"):
            fetcher_of(issuer=provider.issuer, jwks_url=provider.jwks_url)()
    finally:
        gone.set()


def test_a_port_where_nobody_listens_is_told(provider: IdentityProvider) -> None:
    with pytest.raises(KeysNotFetchedError, match="does not answer"):
        fetcher_of(issuer="http://127.0.0.1:1", jwks_url=None)()


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"issuer": "https://login.example"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"jwks_uri": None}, "no jwks_uri"),
        ({"jwks_uri": "http://login.example/keys"}, "no jwks_uri"),
        ({"jwks_uri": "file:///etc/passwd"}, "no jwks_uri"),
    ],
)
def test_a_discovery_that_cannot_be_trusted_is_not(
    provider: IdentityProvider, configuration: dict[str, object], reason: str
) -> None:
    provider.configuration = configuration
    with pytest.raises(KeysNotFetchedError, match=reason):
        fetcher_of(issuer=provider.issuer, jwks_url=None)()


def test_a_key_set_without_a_usable_key_does_not_replace_a_good_one(
    provider: IdentityProvider, authenticator: JwtAuthenticator, clock: Clock
) -> None:
    assert authenticator.principal_of(provider.token(), now=NOW)
    for keys in ([], [{"kty": "oct", "kid": "rsa", "k": "AAAA"}], "none"):
        provider.keys = keys  # type: ignore[assignment]
        clock.seconds += FRESH.total_seconds() / 2 + 1
        assert authenticator.principal_of(provider.token(), now=NOW)


def test_keys_are_taken_for_the_algorithms_that_are_allowed_only(provider: IdentityProvider) -> None:
    keys = ProviderKeys(lambda: {"keys": provider.keys}, algorithms=("ES256",), monotonic=Clock())
    assert keys.find("ec", "ES256") is not None
    assert keys.find("rsa", "RS256") is None
    with_ed = ProviderKeys(lambda: {"keys": [jwk_of(ed_key(), "x")]}, algorithms=("EdDSA",), monotonic=Clock())
    assert with_ed.find("x", "ES256") is None


# What is remembered


def remembered(**entries: tuple[int, timedelta]) -> RememberedPrincipals:
    kept = RememberedPrincipals(most=2)
    for name, (generation, lasts) in entries.items():
        principal = Principal(name=name, scopes=frozenset())
        kept.put(name.encode(), principal, generation=generation, ends_at=NOW + lasts)
    return kept


def test_what_is_remembered_ends_with_the_token_and_with_the_keys() -> None:
    kept = remembered(jane=(1, SECOND))
    assert kept.get(b"jane", generation=1, now=NOW) == Principal(name="jane", scopes=frozenset())
    assert kept.get(b"bob", generation=1, now=NOW) is None
    assert kept.get(b"jane", generation=1, now=NOW + SECOND) is None
    assert kept.get(b"jane", generation=1, now=NOW) is None  # forgotten, not only passed over
    assert remembered(jane=(1, SECOND)).get(b"jane", generation=2, now=NOW) is None


def test_no_more_is_remembered_than_has_room_and_the_last_used_stays() -> None:
    kept = remembered(a=(1, SECOND), b=(1, SECOND))
    assert kept.get(b"a", generation=1, now=NOW)
    kept.put(b"c", Principal(name="c", scopes=frozenset()), generation=1, ends_at=NOW + SECOND)
    assert kept.get(b"b", generation=1, now=NOW) is None
    assert kept.get(b"a", generation=1, now=NOW)
    assert kept.get(b"c", generation=1, now=NOW)
