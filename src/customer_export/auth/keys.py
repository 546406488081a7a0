"""The keys that JWTs are checked with: kept, renewed, and held on to for a while when the provider is down."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from jwt import PyJWK, PyJWTError

from customer_export.auth.identity_provider import JsonObject, KeysNotFetchedError
from customer_export.errors import IdentityProviderUnavailableError
from customer_export.observability.breaker import CircuitBreaker, DependencyDownError

FRESH = timedelta(minutes=10)  # how long a key that the provider has taken back may still be trusted
KEPT = timedelta(hours=1)  # and how long if the provider does not answer: time to mend it, not to live on it
UNKNOWN_KEY_COOLING = timedelta(seconds=10)  # a made-up key id must not make us ask the provider for every request
DOWN_COOLING = timedelta(seconds=10)  # one request in it waits for a provider that is down

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""The algorithms that can be allowed: whoever can check a signature must not be able to make one."""

_FAMILIES: Mapping[tuple[object, object], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""Which algorithms a key can be used with (RFC 7518, RFC 8037), by its `kty` and `crv`."""

KeysById = Mapping[str, Mapping[str, PyJWK]]
"""A key for each algorithm that it may check, by its id; a key without an id is under the empty one."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys as they were fetched. `generation` changes when keys come, go or change."""

    keys: KeysById
    published: JsonObject
    fetched_at: float
    generation: int

    def has(self, key_id: str | None) -> bool:
        """Whether there is such a key; a token may leave the id out where there is one key only (RFC 7515, 4.1.4)."""
        return key_id in self.keys if key_id is not None else len(self.keys) == 1

    def key(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """Give the key, unless it is unknown or none for this algorithm."""
        if key_id is None:
            return next(iter(self.keys.values())).get(algorithm) if self.has(None) else None
        return self.keys.get(key_id, {}).get(algorithm)


class ProviderKeys:
    """The provider's keys, fetched when they are first needed. Shared by all threads.

    `fetch` gives the published key set or raises KeysNotFetchedError. `monotonic` gives seconds that never run
    backwards. Only keys for `algorithms` are taken.
    """

    def __init__(
        self, fetch: Callable[[], JsonObject], *, algorithms: Collection[str], monotonic: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._algorithms = frozenset(algorithms)
        self._monotonic = monotonic
        self._breaker = CircuitBreaker(name="identity_provider", monotonic=monotonic, cooling=DOWN_COOLING)
        self._fetching = threading.Lock()
        self._known: KeySet | None = None

    def current(self) -> KeySet:
        """Give the keys. Raises IdentityProviderUnavailableError if none are known that are young enough."""
        known = self._known
        if known is None or self._age_seconds(known) > FRESH.total_seconds():
            known = self._renewed(known, wait=known is None)
        if known is None or self._age_seconds(known) > KEPT.total_seconds():
            raise IdentityProviderUnavailableError(
                "The identity provider's keys cannot be had, so no token of it can be checked; try again later"
            )
        return known

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """Find a key. One that is not known may be new, which the provider is asked, though not every time."""
        known = self.current()
        if not known.has(key_id) and self._age_seconds(known) >= UNKNOWN_KEY_COOLING.total_seconds():
            known = self._renewed(known, wait=True) or known
        return known.key(key_id, algorithm)

    def _age_seconds(self, known: KeySet) -> float:
        return self._monotonic() - known.fetched_at

    def _renewed(self, known: KeySet | None, *, wait: bool) -> KeySet | None:
        """Fetch the keys unless another thread does or has just done; give the newest that there are."""
        if self._fetching.acquire(blocking=wait):
            try:
                if self._known is known:
                    self._known = self._breaker.call(self._fetched, failures=(KeysNotFetchedError,))
            except DependencyDownError:
                pass  # the breaker has said so; what is known goes on being used for a while
            finally:
                self._fetching.release()
        return self._known

    def _fetched(self) -> KeySet:
        published = self._fetch()
        before = self._known
        if before is not None and before.published == published:
            return KeySet(before.keys, published, self._monotonic(), before.generation)
        keys = read_keys(published, algorithms=self._algorithms)
        if not keys:
            raise KeysNotFetchedError("the provider publishes no key for an allowed algorithm")
        return KeySet(keys, published, self._monotonic(), 1 if before is None else before.generation + 1)


def read_keys(published: JsonObject, *, algorithms: Collection[str]) -> KeysById:
    """Take the public keys for allowed algorithms out of a key set; those of any other kind are left."""
    keys: dict[str, dict[str, PyJWK]] = {}
    listed = published.get("keys")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and _is_for_signatures(one):
            key_id = one.get("kid", "")
            for algorithm, key in _for_each_algorithm(one, algorithms):
                if isinstance(key_id, str):
                    keys.setdefault(key_id, {})[algorithm] = key
    return keys


def _is_for_signatures(published: JsonObject) -> bool:
    """Whether a key is a public one for checking signatures; one whose private part is published is anybody's."""
    operations = published.get("key_ops", ["verify"])
    return (
        published.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in published
    )


def _for_each_algorithm(published: JsonObject, algorithms: Collection[str]) -> Iterator[tuple[str, PyJWK]]:
    family = _FAMILIES.get((published.get("kty"), published.get("crv")), ())
    for algorithm in family:
        if algorithm in algorithms and published.get("alg", algorithm) == algorithm:
            try:
                yield algorithm, PyJWK(dict(published), algorithm)
            except (PyJWTError, ValueError, TypeError, KeyError):
                continue  # a key that cannot be read is none
