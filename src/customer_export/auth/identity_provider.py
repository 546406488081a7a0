"""Fetch the keys of an OpenID provider: found by discovery, or at a URL that the operator names."""

import http.client
import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias
from urllib.parse import urlsplit

import orjson

JsonObject: TypeAlias = Mapping[str, object]

TIME_LIMIT_SECONDS = 3.0  # a request for an export waits meanwhile; providers answer in a tenth of a second
LARGEST_BYTES = 1 << 18  # ten times the largest key sets seen: a provider's dozens of certificates
_PIECE_BYTES = 1 << 14
_DISCOVERY = "/.well-known/openid-configuration"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class KeysNotFetchedError(Exception):
    """The provider did not give its keys; the message says where and why. Never leaves `auth`."""


def fetcher_of(*, issuer: str, jwks_url: str | None) -> Callable[[], JsonObject]:
    """Make what fetches the JSON Web Key Set. It blocks, and raises KeysNotFetchedError."""
    return partial(_fetch, issuer=issuer, jwks_url=jwks_url)


def is_trustworthy(url: str) -> bool:
    """Whether what a URL gives cannot have been changed on the way: https, or this very machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _fetch(*, issuer: str, jwks_url: str | None) -> JsonObject:
    return _get(jwks_url or _discover(issuer))


def _discover(issuer: str) -> str:
    """Ask the provider where its keys are (OpenID Connect Discovery 1.0, section 4)."""
    url = issuer.rstrip("/") + _DISCOVERY
    configuration = _get(url)
    if configuration.get("issuer") != issuer:
        raise KeysNotFetchedError(f"{url} speaks of another issuer; spell EXPORT_JWT_ISSUER as it does")
    jwks_url = configuration.get("jwks_uri")
    if not isinstance(jwks_url, str) or not is_trustworthy(jwks_url):
        raise KeysNotFetchedError(f"{url} names no jwks_uri with https")
    return jwks_url


def _get(url: str) -> JsonObject:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310  (is_trustworthy)
    ends_at = time.monotonic() + TIME_LIMIT_SECONDS
    content = bytearray()
    try:
        with _OPENER.open(request, timeout=TIME_LIMIT_SECONDS) as response:
            while piece := response.read1(_PIECE_BYTES):
                content += piece
                if len(content) > LARGEST_BYTES:
                    raise KeysNotFetchedError(f"{url} gives more than {LARGEST_BYTES} bytes")
                if time.monotonic() > ends_at:
                    raise KeysNotFetchedError(f"{url} takes longer than {TIME_LIMIT_SECONDS:g} seconds")
        answer = orjson.loads(content)
    except (OSError, http.client.HTTPException) as failure:
        raise KeysNotFetchedError(f"{url} does not answer ({failure})") from failure
    except orjson.JSONDecodeError as failure:
        raise KeysNotFetchedError(f"{url} gives no JSON") from failure
    if not isinstance(answer, dict):
        raise KeysNotFetchedError(f"{url} gives no JSON object")
    return answer


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves redirects unfollowed: they could lead to where nobody trusts, and no provider needs them here."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow nowhere, so that the answer counts as a failure."""


_OPENER = urllib.request.build_opener(_NoRedirects)
