"""A circuit breaker: while a server is down, hardly anybody waits for it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import structlog

COOLING = timedelta(seconds=1)  # one time-out of 100 ms in it costs a tenth of one thread, and recovery is seen soon
FIRST_COOLING = 1 / 8  # of it: a server that was late once, on a busy machine, is not left alone for all of it

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class DependencyDownError(Exception):
    """The call failed, or was not made because one failed just before. Never leaves the part that made the call."""


def _nobody_listens(up: bool) -> None:
    """Do nothing: what `on_change` is when nobody wants to know."""


class CircuitBreaker:
    """Guards the calls to one server, for all threads.

    After a failure, calls are refused at once for a while; then one goes through as a probe, and its outcome decides.
    The while is an eighth of the cooling time at first and doubles up to all of it, so that three probes follow the
    first failure soon and from then on one call in a cooling time waits in vain.

    `monotonic` gives seconds that never run backwards. `on_change` is told True when the server is up again and
    False when it is down; it is called one at a time and must not call the breaker.
    """

    def __init__(
        self,
        *,
        name: str,
        monotonic: Callable[[], float],
        cooling: timedelta = COOLING,
        on_change: Callable[[bool], None] = _nobody_listens,
    ) -> None:
        self.name = name
        self._monotonic = monotonic
        self._cooling_seconds = cooling.total_seconds()
        self._on_change = on_change
        self._changing = threading.Lock()
        self._pause_seconds = 0.0  # between the last failure and the next probe
        self._probe_at: float | None = None  # when the next call may go through; None while the server is up

    @property
    def up(self) -> bool:
        """Whether the last that was heard of the server was good."""
        return self._probe_at is None

    def call(self, action: Callable[[], Result], *, failures: tuple[type[Exception], ...]) -> Result:
        """Give what the action gives. Raises DependencyDownError if it raises one of `failures`, or is not called.

        Whatever else the action raises passes through and says nothing about the server.
        """
        probing = self._enter()
        try:
            result = action()
        except failures as failure:
            self._went_down(failure, probing=probing)
            raise DependencyDownError(self.name) from failure
        if probing:
            self._came_up()
        return result

    def _enter(self) -> bool:
        """Say whether this call is a probe. Raises DependencyDownError if it may not be made."""
        if self.up:
            return False
        with self._changing:
            now = self._monotonic()
            if self._probe_at is None:
                return False
            if now < self._probe_at:
                raise DependencyDownError(self.name)
            self._probe_at = now + self._cooling_seconds  # a probe that never ends does not end all probing
            return True

    def _went_down(self, failure: Exception, *, probing: bool) -> None:
        with self._changing:
            was_up = self._probe_at is None
            if was_up:
                self._pause_seconds = self._cooling_seconds * FIRST_COOLING
            elif probing:
                self._pause_seconds = min(self._pause_seconds * 2, self._cooling_seconds)
            self._probe_at = self._monotonic() + self._pause_seconds
            if was_up:
                _log.warning("dependency_down", name=self.name, failure=f"{type(failure).__name__}: {failure}")
                self._on_change(False)

    def _came_up(self) -> None:
        with self._changing:
            if self._probe_at is not None:
                self._probe_at = None
                _log.warning("dependency_up", name=self.name)
                self._on_change(True)
