"""Single flight across processes: who makes an export holds a lock on the server, for as long as the process lives."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from customer_export.cache.flights import LocalFlights, LocalLead
from customer_export.cache.interface import Follow, Lead
from customer_export.cache.sealing import Seal
from customer_export.model.cached_export import CachedExport, CacheKey
from customer_export.observability.breaker import DependencyDownError
from customer_export.redis_server.client import Client, Script
from customer_export.redis_server.server import RedisServer, is_late

PREFIX = "customer-export:flight:"
LOCK_LIFE = timedelta(seconds=5)  # how long others wait for a process that died, or for a server that hangs
RENEWALS = 8  # in a lock's life: it outlives a server that is late for most of it
POLL_SECONDS = 0.02  # a hit after a wait is at most so late; one round trip for all that a process waits for
IDLE_SHARE = 4  # times what a look took is slept after it, so that looking takes a fifth of a thread at most
TOKEN_BYTES = 16

# KEYS: lock; ARGV: whose it is, its life in ms. Run twice, it gives the same.
TAKE = Script("""
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0
""")

# KEYS: lock; ARGV: whose it is, its life in ms.
_RENEW = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

# KEYS: lock; ARGV: whose it is.
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")


@dataclass(frozen=True, slots=True, eq=False)
class SharedLead:
    """Leads all who ask, in every process: it holds the lock."""

    flights: "RedisFlights"
    local: LocalLead
    name: str
    token: str

    def done(self, entry: CachedExport) -> None:
        """Give the export to all who wait here; those elsewhere find it in the cache."""
        self.local.done(entry)
        self.flights.release(self)

    def not_shared(self) -> None:
        """Let all who wait go on by themselves."""
        self.local.not_shared()
        self.flights.release(self)


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    """Who waits here for an export that another process makes."""

    key: CacheKey
    name: str
    local: LocalLead


class RedisFlights:
    """Knows the exports that are being made in every process.

    One thread renews the locks held here and looks after those held elsewhere, however many wait. `read` reads the
    cache, and raises DependencyDownError. While the server is down, identical exports are made once for each process.
    Who waits for another process bears a server that is late, as it is where all are busy: all who wait would begin to
    work at once, when there is no time to work in.
    """

    def __init__(
        self,
        server: RedisServer,
        *,
        seal: Seal,
        local: LocalFlights,
        read: Callable[[CacheKey], CachedExport | None],
        monotonic: Callable[[], float],
        lock_life: timedelta = LOCK_LIFE,
    ) -> None:
        self._server = server
        self._seal = seal
        self._local = local
        self._read = read
        self._monotonic = monotonic
        self._life_ms = lock_life // timedelta(milliseconds=1)
        self._patience_seconds = lock_life.total_seconds()
        self._renewal_seconds = lock_life.total_seconds() / RENEWALS
        self._late_since: float | None = None  # since when who waits has had no answer from the server
        self._changed = threading.Condition()
        self._held: set[SharedLead] = set()
        self._watches: set[_Watch] = set()
        self._thread: threading.Thread | None = None
        self._closed = False

    def lead_or_follow(self, key: CacheKey) -> Lead | Follow:
        """Take the lead if nobody makes this export, here or elsewhere, else follow."""
        local = self._local.lead_or_follow(key)
        if isinstance(local, Follow):
            return local
        name = f"{PREFIX}{self._seal.name(key.digest)}"
        token = secrets.token_hex(TOKEN_BYTES)
        try:
            taken = self._server.call(partial(TAKE.run, keys=(name,), values=(token, self._life_ms)))
        except DependencyDownError:
            return local
        except BaseException:
            local.not_shared()
            raise
        with self._changed:
            if taken:
                lead = SharedLead(self, local, name, token)
                self._held.add(lead)
            elif self._closed:
                local.not_shared()
            else:
                self._watches.add(_Watch(key, name, local))
            self._wake()
        return lead if taken else self._local.follow(local)

    def release(self, lead: SharedLead) -> None:
        """Give a lock back, if it is still held."""
        with self._changed:
            held = lead in self._held
            self._held.discard(lead)
        if held:
            try:
                self._server.call(partial(_RELEASE.run, keys=(lead.name,), values=(lead.token,)))
            except DependencyDownError:
                return  # it runs out

    def close(self) -> None:
        """Let all who follow somebody elsewhere go on by themselves, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _wake(self) -> None:
        """Tell the thread, which there is from the first time on; if anything ended it, another one takes over."""
        if not self._closed and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._look_after_all, name="cache-flights", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _look_after_all(self) -> None:
        renewed_at = self._monotonic()
        pause_seconds = 0.0
        while True:
            with self._changed:
                if self._watches:
                    self._changed.wait_for(lambda: self._closed, pause_seconds)
                elif self._held:
                    self._changed.wait_for(lambda: self._closed or self._watches, self._renewal_seconds)
                else:
                    self._changed.wait_for(lambda: self._closed or self._watches or self._held)
                held, watches, closed = list(self._held), list(self._watches), self._closed
            if closed:
                self._send_on(watches)
                return
            began = time.thread_time()
            if self._monotonic() - renewed_at >= self._renewal_seconds:
                renewed_at = self._monotonic()
                self._renew(held)
            self._look(watches)
            pause_seconds = max(POLL_SECONDS, IDLE_SHARE * (time.thread_time() - began))

    def _renew(self, held: list[SharedLead]) -> None:
        for lead in held:
            try:
                self._server.call(partial(_RENEW.run, keys=(lead.name,), values=(lead.token, self._life_ms)))
            except DependencyDownError:
                return  # the next turn may be in time; if not, somebody else makes the export as well

    def _look(self, watches: list[_Watch]) -> None:
        """End the watches whose lock is gone, with what is in the cache then."""
        self._send_on([watch for watch in watches if self._local.left_seconds(watch.local) <= 0])
        waiting = [watch for watch in watches if not watch.local.made.done()]
        try:
            if waiting:
                locks = self._server.call(partial(_holders, names=[watch.name for watch in waiting]))
                for watch, holder in zip(waiting, locks, strict=True):
                    if holder is None:
                        self._end(watch, self._read(watch.key))
            self._late_since = None
        except DependencyDownError as failure:
            if self._is_lost(failure):
                self._send_on(waiting)

    def _is_lost(self, failure: DependencyDownError) -> bool:
        """Whether nobody is to wait any more: the server refuses, or it has been late for longer than a lock lives."""
        now = self._monotonic()
        since = self._late_since = now if self._late_since is None else self._late_since
        return not is_late(failure) or now - since > self._patience_seconds

    def _send_on(self, watches: list[_Watch]) -> None:
        for watch in watches:
            self._end(watch, None)

    def _end(self, watch: _Watch, entry: CachedExport | None) -> None:
        """Give an export to all who wait for it here, or let them go on; a second time changes nothing."""
        with self._changed:
            self._watches.discard(watch)
        if entry is None:
            watch.local.not_shared()
        else:
            watch.local.done(entry)


def _holders(client: Client, *, names: list[str]) -> list[bytes | None]:
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.get(name)
    return list(pipeline.execute())
