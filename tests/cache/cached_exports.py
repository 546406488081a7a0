"""Exports, keys and caches for the tests of the cache."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from customer_export.cache.exports import ExportCache
from customer_export.cache.flights import LocalFlights
from customer_export.cache.redis import RedisCache
from customer_export.cache.redis_flights import LOCK_LIFE, RedisFlights
from customer_export.cache.sealing import Seal
from customer_export.model.cached_export import CachedExport, CacheKey
from customer_export.model.manifest import CompleteManifest, FileProof, Manifest, SectionProof
from customer_export.observability.breaker import COOLING, CircuitBreaker
from customer_export.redis_server.server import RedisServer

STORED_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
PATIENT = timedelta(seconds=10)  # a busy machine is not a server that is down
TTL = timedelta(minutes=5)
BUSY_SECONDS = 0.2  # what a server that is down may cost is half of it; the rest is for a machine that is busy


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def key_of(text: str = "csv", *, customer: str = "42") -> CacheKey:
    return CacheKey(customer_id=customer, digest=hashlib.sha256(f"{customer} {text}".encode()).hexdigest())


def manifest_of(body: bytes, *, export_id: str = "e" * 32) -> CompleteManifest:
    manifest = Manifest(
        export_id=export_id,
        created_at=STORED_AT,
        customer_id="42",
        requested_by="jane",
        tenant=None,
        masked={},
        format="csv",
        parameters={},
        locale="en",
        time_zone="UTC",
        snapshot_at="2026-01-31T12:00:00+00:00",
        snapshot_server="SQLite 3",
        snapshot_identity=None,
        map_name="shop",
        map_version="0" * 16,
        software="customer-export 0",
        sections=(
            SectionProof(
                name="orders",
                rows=3,
                filtered=False,
                columns=(),
                key=(),
                sha256=lambda: "b" * 64,
                key_sha256=lambda: None,
            ),
        ),
    )
    return manifest.of_file(
        FileProof(
            name="customer-42-1.csv",
            media_type="text/csv; charset=utf-8; header=present",
            size_bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
        )
    )


def export_of(body: bytes = b"id\r\n1\r\n", *, export_id: str = "e" * 32) -> CachedExport:
    """Give what a fill makes of a body."""
    manifest = manifest_of(body, export_id=export_id)
    return CachedExport(
        export_id=export_id,
        file_name=manifest.file.name,
        media_type=manifest.file.media_type,
        sha256=manifest.file.sha256,
        rows=manifest.rows,
        stored_at=STORED_AT,
        body=body,
    )


def server_at(
    url: str,
    *,
    call_time: timedelta = PATIENT,
    cooling: timedelta = COOLING,
    monotonic: Callable[[], float] = time.monotonic,
) -> RedisServer:
    breaker = CircuitBreaker(name="redis", monotonic=monotonic, cooling=cooling)
    return RedisServer(url, breaker=breaker, call_time=call_time)


@contextmanager
def redis_cache(url: str, *, keys: Sequence[bytes] = (), ttl: timedelta = TTL) -> Iterator[RedisCache]:
    with closing(server_at(url)) as server:
        yield RedisCache(server, seal=Seal(keys), ttl=ttl)


@contextmanager
def shared_exports(
    server: RedisServer,
    *,
    longest_wait: timedelta = PATIENT,
    lock_life: timedelta = LOCK_LIFE,
    largest_bytes: int = 1 << 20,
) -> Iterator[ExportCache]:
    """Give what one process has: a cache on the server, and flights across processes. Both are closed at the end."""
    seal = Seal()
    cache = RedisCache(server, seal=seal, ttl=TTL)
    local = LocalFlights(monotonic=time.monotonic, longest_wait=longest_wait)
    flights = RedisFlights(
        server, seal=seal, local=local, read=cache.find, monotonic=time.monotonic, lock_life=lock_life
    )
    with closing(server), closing(ExportCache(cache, flights, largest_bytes=largest_bytes)) as exports:
        yield exports
