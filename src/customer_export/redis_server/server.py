"""Calls to a Redis or Valkey that may be slow, gone or elsewhere by now: none for long, and none while it is down."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from redis.exceptions import OutOfMemoryError
from redis.exceptions import TimeoutError as RedisTimeoutError

from customer_export.observability.breaker import CircuitBreaker, DependencyDownError
from customer_export.redis_server.client import Client
from customer_export.redis_server.url import read_redis_url

CALL_TIME = timedelta(milliseconds=90)
"""How long a call may wait for the server: what is left of the 100 ms that one which is down may cost a request."""

FIRST_CALL_TIME = timedelta(seconds=2)
"""How long the first call may take, at start, when nobody waits: a cluster tells its 16,384 slots and all commands."""

BULK_TIME = timedelta(seconds=1)
"""How long it may take to store a large value. It is sent as a whole: 10 MB take 60 ms on one busy machine."""

BULK_BYTES = 1 << 18  # a value from here on is large: 256 KiB take 2 ms on one busy machine, 20 ms at 100 Mbit/s

WAITING_CALLS = 32  # threads for calls that ask several servers: more than exports are at work at a time

A_NAME_OF_OURS = "customer-export:"  # asked for to see if the server answers; users of it may be held to such names

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class ServerFullError(DependencyDownError):
    """The server has no room and evicts nothing (its maxmemory-policy). It is well otherwise, so nothing is cut off."""


def is_late(failure: DependencyDownError) -> bool:
    """Say whether the server did not answer in time, or was not even asked; else it refused, or broke off."""
    return failure.__cause__ is None or isinstance(failure.__cause__, (TimeoutError, RedisTimeoutError))


@contextmanager
def open_server(url: str, *, breaker: CircuitBreaker, call_time: timedelta = CALL_TIME) -> Iterator["RedisServer"]:
    """Open the server that REDIS_URL names; it need not be up. Raises ConfigurationError if it names none."""
    server = RedisServer(url, breaker=breaker, call_time=call_time)
    try:
        server.meet()
        yield server
    finally:
        server.close()


class RedisServer:
    """Makes the calls, for all threads, through one breaker. It connects when it is first needed, and after an outage.

    A cluster and Sentinels are asked where to go, some of them in vain, and the time that this takes adds up. So it
    is bounded from outside, by a thread that goes on looking; a single server needs none. Any exception counts as an
    outage: clients of a cluster that changes raise more than they document, and no request should fail for it.

    A call on a connection that the server has closed is sent again, once.
    """

    def __init__(self, url: str, *, breaker: CircuitBreaker, call_time: timedelta) -> None:
        place = read_redis_url(url)
        self._connect = place.connect
        self._breaker = breaker
        self._call_time = call_time
        self._bulk_time = max(call_time, BULK_TIME)
        self._connecting = threading.Lock()
        self._clients: dict[timedelta, Client] = {}  # by how long their calls may take: two at most
        self._threads = ThreadPoolExecutor(WAITING_CALLS, thread_name_prefix="redis") if place.asks_several else None
        self._late: Future[Any] | None = None

    def call(self, action: Callable[[Client], Result]) -> Result:
        """Give what a small action gives. Raises DependencyDownError if the server fails, or failed just before.

        It is a ServerFullError where there is no room. Whichever it is has been logged.
        """
        return self._small(action, self._call_time)

    def transfer(self, action: Callable[[Client], Result], *, sent_bytes: int = 0) -> Result:
        """Make a call like `call`, of one that reads a value of any size, or stores one of `sent_bytes`.

        If several servers are asked, and this one is late, it may be the network that is slow. So that is no outage:
        the call goes on without its caller, and until it has ended no other value is transferred.
        """
        time = self._bulk_time if sent_bytes >= BULK_BYTES else self._call_time
        guarded = partial(self._breaker.call, partial(self._run, action, time), failures=(Exception,))
        if self._threads is None:
            return self._unless_full(guarded())
        if self._late is not None and not self._late.done():
            raise DependencyDownError(self._breaker.name)
        running = self._threads.submit(guarded)
        try:
            return self._unless_full(running.result(time.total_seconds()))
        except TimeoutError:
            self._late = running
            raise DependencyDownError(self._breaker.name) from None

    def check(self) -> None:
        """Raise DependencyDownError unless the server answers."""
        self.call(_ask)

    def meet(self) -> None:
        """Look for the server while nobody waits yet. One that is down is logged, and looked for again later."""
        with suppress(DependencyDownError):
            self._small(_ask, max(FIRST_CALL_TIME, self._call_time))

    def close(self) -> None:
        """Close all connections."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for client in self._clients.values():
            client.close()

    def _small(self, action: Callable[[Client], Result], time: timedelta) -> Result:
        run = partial(self._run, action, self._call_time)
        return self._unless_full(self._breaker.call(partial(self._in_time, run, time), failures=(Exception,)))

    def _in_time(self, run: Callable[[], Result], time: timedelta) -> Result:
        """Run it here, where its time is bounded by itself, or in a thread. Raises TimeoutError."""
        if self._threads is None:
            return run()
        running = self._threads.submit(run)
        try:
            return running.result(time.total_seconds())
        except TimeoutError:
            running.cancel()  # if it has not even begun
            raise TimeoutError(f"no answer in {time.total_seconds():g} s") from None

    def _run(self, action: Callable[[Client], Result], time: timedelta) -> Result | OutOfMemoryError:
        try:
            return action(self._client(time))
        except OutOfMemoryError as failure:  # the server is up
            return failure

    def _unless_full(self, result: Result | OutOfMemoryError) -> Result:
        """Tell of a full server, which the breaker does not."""
        if isinstance(result, OutOfMemoryError):
            _log.warning("redis_full", remedy="give the server more memory, or a maxmemory-policy that evicts")
            raise ServerFullError(str(result)) from result
        return result

    def _client(self, time: timedelta) -> Client:
        client = self._clients.get(time)
        if client is None:
            with self._connecting:
                client = self._clients.get(time) or self._clients.setdefault(time, self._connect(time))
        return client


def _ask(client: Client) -> None:
    client.execute_command("EXISTS", A_NAME_OF_OURS)
