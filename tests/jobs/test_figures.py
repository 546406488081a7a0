"""Figures of the background: counted now and then, by one thread, and never waited for."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from customer_export.errors import StoreUnavailableError
from customer_export.jobs import figures as figures_module
from customer_export.jobs.figures import FRESH_SECONDS, OVERDUE_SECONDS, REST, KeptFigures
from customer_export.observability.background import BackgroundFigures


class Database:
    """Something to count in: it may take its time, or be down."""

    def __init__(self) -> None:
        self.now = 0.0
        self.counted = 0
        self.is_down = False
        self.takes_seconds = 0.0
        self.answering = threading.Event()
        self.answering.set()

    def __call__(self) -> BackgroundFigures:
        self.answering.wait()
        if self.is_down:
            raise StoreUnavailableError("it is down")
        self.counted += 1
        self.now += self.takes_seconds
        none: dict[str, int] = {}
        return BackgroundFigures(
            jobs=none, queued_seconds=0, parts=none, files=self.counted, file_bytes=0, schedules=none,
            overdue_seconds=0, schedule_failures=0, webhooks=none, messages=none, pending_seconds=0,
        )  # fmt: skip


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def kept(database: Database) -> KeptFigures:
    return KeptFigures(database, monotonic=lambda: database.now)


def shown(kept: KeptFigures) -> int | None:
    figures = kept.newest()
    return None if figures is None else figures.files


def test_many_who_ask_at_a_time_count_once(database: Database, kept: KeptFigures) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: shown(kept), range(100))) == {1}
    database.now += FRESH_SECONDS
    assert shown(kept) == 2


def test_a_count_that_takes_long_is_made_less_often(database: Database, kept: KeptFigures) -> None:
    database.takes_seconds = 2.0
    assert shown(kept) == 1
    database.now += 2.0 * REST - 0.1
    assert shown(kept) == 1
    database.now += 0.1
    assert shown(kept) == 2


def test_a_database_that_is_down_leaves_the_last_figures_for_a_while(database: Database, kept: KeptFigures) -> None:
    assert shown(kept) == 1
    database.is_down = True
    database.now += FRESH_SECONDS + OVERDUE_SECONDS - 1
    assert shown(kept) == 1
    database.now += 1
    assert shown(kept) is None
    database.is_down = False
    assert shown(kept) == 2


def test_a_database_that_hangs_is_asked_once_and_holds_up_nobody_for_long(
    database: Database, kept: KeptFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures_module, "PATIENCE_SECONDS", 0.01)
    database.answering.clear()
    assert [shown(kept) for _ in range(3)] == [None] * 3
    database.answering.set()
    monkeypatch.setattr(figures_module, "PATIENCE_SECONDS", 10)
    assert shown(kept) == 1
    assert database.counted == 1
