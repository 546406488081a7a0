"""What one of several processes does in the tests of single flight across processes."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

from cached_exports import STORED_AT, export_of, key_of, manifest_of, server_at, shared_exports
from redis import Redis

from customer_export.cache.exports import CacheFill
from customer_export.cache.interface import Follow
from customer_export.model.cached_export import CachedExport
from servers import wait_until


def ask_in_threads(url: str, threads: int, everybody: int) -> None:
    """Ask for the same in many threads at once, and tell on the server how each came by it.

    Whoever makes it does not finish before everybody, in every process, has asked.
    """
    with closing(Redis.from_url(url)) as told, shared_exports(server_at(url)) as exports:

        def ask() -> None:
            told.incr("there")
            _wait_for(told, "there", everybody)
            place = exports.look(key_of())
            told.incr("asked")
            match place:
                case CacheFill():
                    _wait_for(told, "asked", everybody)
                    place.add(b"made once")
                    place.commit(manifest_of(b"made once"), stored_at=STORED_AT)
                    told.rpush("how", "made")
                case Follow():
                    told.rpush("how", "waited" if place.wait() == export_of(b"made once") else "alone")
                case CachedExport():
                    told.rpush("how", "found")

        with ThreadPoolExecutor(threads) as pool:
            for asked in [pool.submit(ask) for _ in range(threads)]:
                asked.result()


def lead_and_die(url: str, lock_life_ms: int) -> None:
    """Take the lead, and be killed before the export is made, once somebody else says so."""
    with shared_exports(server_at(url), lock_life=timedelta(milliseconds=lock_life_ms)) as exports:
        assert isinstance(exports.look(key_of()), CacheFill)
        told = Redis.from_url(url)
        told.set("leading", 1)
        _wait_for(told, "die", 1)
        os.kill(os.getpid(), signal.SIGKILL)


def _wait_for(told: Redis, name: str, count: int) -> None:
    def is_reached() -> bool:
        return int(told.get(name) or 0) >= count

    wait_until(is_reached, what=f"{count} of {name}")
