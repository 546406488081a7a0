"""The circuit breaker: who waits for a server that is down, and who is told."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from customer_export.observability.breaker import CircuitBreaker, DependencyDownError


class Server:
    """Something to call that may be down; it counts the calls that reach it."""

    def __init__(self) -> None:
        self.down = False
        self.calls = 0

    def answer(self) -> str:
        self.calls += 1
        if self.down:
            raise OSError("refused")
        return "answer"


class Ticks:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Watched:
    """A breaker with its server, clock and changes."""

    def __init__(self) -> None:
        self.server = Server()
        self.ticks = Ticks()
        self.changes: list[bool] = []
        self.breaker = CircuitBreaker(
            name="shelf", monotonic=self.ticks, cooling=timedelta(seconds=1), on_change=self.changes.append
        )

    def call(self) -> str | None:
        try:
            return self.breaker.call(self.server.answer, failures=(OSError,))
        except DependencyDownError:
            return None


@pytest.fixture
def watched() -> Iterator[Watched]:
    return Watched()


def test_answers_pass_through(watched: Watched) -> None:
    assert watched.call() == "answer"
    assert watched.breaker.up


def test_after_a_failure_nobody_reaches_the_server_for_a_while(watched: Watched) -> None:
    watched.server.down = True
    assert [watched.call() for _ in range(5)] == [None] * 5
    watched.ticks.seconds += 0.124
    assert watched.call() is None
    assert watched.server.calls == 1
    assert not watched.breaker.up


def test_probes_grow_rarer_until_one_goes_through_in_a_cooling_time(watched: Watched) -> None:
    watched.server.down = True
    reached: list[float] = []
    for eighth in range(48):
        before = watched.server.calls
        watched.call()
        reached += [eighth / 8] * (watched.server.calls - before)
        watched.ticks.seconds += 1 / 8
    assert reached == [0, 0.125, 0.375, 0.875, 1.875, 2.875, 3.875, 4.875, 5.875]


def test_each_outage_begins_with_a_short_while(watched: Watched) -> None:
    for _ in range(3):
        watched.server.down = True
        for _ in range(20):
            watched.call()
            watched.ticks.seconds += 1
        watched.server.down = False
        watched.ticks.seconds += 1
        assert watched.call() == "answer"
        watched.server.down = True
        watched.call()
        watched.server.down = False
        watched.ticks.seconds += 0.125
        assert watched.call() == "answer"


def test_while_a_probe_is_under_way_others_are_refused(watched: Watched) -> None:
    watched.server.down = True
    watched.call()
    watched.ticks.seconds += 1

    def probe() -> None:
        assert watched.call() is None
        raise OSError("still refused")

    with pytest.raises(DependencyDownError):
        watched.breaker.call(probe, failures=(OSError,))
    assert watched.server.calls == 1


def test_a_good_probe_lets_everybody_through_again(watched: Watched) -> None:
    watched.server.down = True
    watched.call()
    watched.server.down = False
    watched.ticks.seconds += 1
    assert [watched.call() for _ in range(3)] == ["answer"] * 3
    assert watched.breaker.up


def test_each_change_is_told_once(watched: Watched) -> None:
    with capture_logs() as logs:
        for down in (True, False, True):
            watched.server.down = down
            for _ in range(30):
                watched.call()
                watched.ticks.seconds += 0.25
    assert watched.changes == [False, True, False]
    assert [(entry["event"], entry["name"]) for entry in logs] == [
        ("dependency_down", "shelf"),
        ("dependency_up", "shelf"),
        ("dependency_down", "shelf"),
    ]
    assert logs[0]["failure"] == "OSError: refused"


def test_a_late_answer_of_a_call_from_before_does_not_close_it(watched: Watched) -> None:
    def slow() -> str:
        watched.server.down = True
        watched.call()
        return "late"

    assert watched.breaker.call(slow, failures=(OSError,)) == "late"
    assert not watched.breaker.up


def test_other_exceptions_say_nothing_about_the_server(watched: Watched) -> None:
    def confused() -> None:
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        watched.breaker.call(confused, failures=(OSError,))
    assert watched.call() == "answer"


def test_a_probe_that_breaks_off_does_not_end_all_probing(watched: Watched) -> None:
    watched.server.down = True
    watched.call()
    watched.ticks.seconds += 1
    with pytest.raises(KeyboardInterrupt):
        watched.breaker.call(_interrupted, failures=(OSError,))
    assert watched.call() is None
    watched.server.down = False
    watched.ticks.seconds += 1
    assert watched.call() == "answer"


def _interrupted() -> None:
    raise KeyboardInterrupt


def test_of_many_threads_one_probes(watched: Watched) -> None:
    watched.server.down = True
    watched.call()
    watched.ticks.seconds += 1
    together = threading.Barrier(16)

    def try_once() -> None:
        together.wait()
        watched.call()

    threads = [threading.Thread(target=try_once) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watched.server.calls == 2
