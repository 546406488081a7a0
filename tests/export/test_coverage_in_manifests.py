"""What manifests say of coverage is looked up beside the exports, and never keeps one waiting."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from customer_export.compose import open_services
from customer_export.demo.customers import TYPICAL
from customer_export.errors import SourceUnavailableError
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.coverage import RENEWED_AFTER, KeptCoverage
from customer_export.export.pipeline import start_export
from customer_export.model.access import LocalOperator
from customer_export.model.customer_map import CustomerMap
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.source.interface import Survey
from customer_export.source.registry import open_survey
from servers import PATIENCE_SECONDS

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Database:
    """Surveys of a database that can be held up or taken away."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.open = threading.Event()
        self.open.set()
        self.gone = False
        self.looks = 0

    @contextmanager
    def survey(self) -> Iterator[Survey]:
        self.looks += 1
        assert self.open.wait(PATIENCE_SECONDS)
        if self.gone:
            raise SourceUnavailableError("gone")
        with open_survey(self.url, statement_limit=timedelta(seconds=PATIENCE_SECONDS)) as survey:
            yield survey


@pytest.fixture
def database(demo_shop: Path) -> Database:
    return Database(f"sqlite:///{demo_shop}")


def kept(
    demo_map: CustomerMap, database: Database, clock: Clock, *, patience: timedelta = timedelta(0)
) -> KeptCoverage:
    return KeptCoverage(demo_map, database.survey, patience=patience, now=lambda: NOW, monotonic=clock)


def test_nobody_waits_for_the_first_look_and_the_next_has_it(demo_map: CustomerMap, database: Database) -> None:
    database.open.clear()
    coverage = kept(demo_map, database, Clock())
    assert coverage.known() is None
    database.open.set()
    coverage.close()
    known = coverage.known()
    assert known is not None
    assert known["checkedAt"] == "2026-01-31T12:00:00.000+00:00"
    assert known["tables"] == {"mapped": 13, "excluded": 0, "uncovered": 0}


def test_whoever_has_patience_gets_the_first_look(demo_map: CustomerMap, database: Database) -> None:
    patient = kept(demo_map, database, Clock(), patience=timedelta(seconds=PATIENCE_SECONDS))
    assert patient.known() is not None
    database.open.clear()
    hurried = kept(demo_map, database, Clock(), patience=timedelta(milliseconds=1))
    assert hurried.known() is None
    database.open.set()
    hurried.close()


def test_it_is_looked_up_again_when_it_is_old_and_the_old_one_is_told_meanwhile(
    demo_map: CustomerMap, database: Database
) -> None:
    clock = Clock()
    coverage = kept(demo_map, database, clock)
    coverage.look().join(PATIENCE_SECONDS)
    first = coverage.known()
    clock.seconds += RENEWED_AFTER.total_seconds() - 1
    assert coverage.known() is first
    assert database.looks == 1
    clock.seconds += 1
    database.open.clear()
    assert coverage.known() is first
    assert coverage.known() is first
    database.open.set()
    coverage.close()
    assert database.looks == 2
    assert coverage.known() == first
    assert coverage.known() is not first


def test_a_look_that_fails_leaves_what_was_known(demo_map: CustomerMap, database: Database) -> None:
    clock = Clock()
    coverage = kept(demo_map, database, clock)
    coverage.look().join(PATIENCE_SECONDS)
    first = coverage.known()
    database.gone = True
    clock.seconds += RENEWED_AFTER.total_seconds()
    coverage.known()
    coverage.close()
    assert database.looks == 2
    assert coverage.known() is first


def test_threads_that_ask_at_the_same_time_make_one_look(demo_map: CustomerMap, database: Database) -> None:
    database.open.clear()
    coverage = kept(demo_map, database, Clock())
    asking = [threading.Thread(target=coverage.known) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(PATIENCE_SECONDS)
    database.open.set()
    coverage.close()
    assert database.looks == 1


@contextmanager
def services_of(folder: Path, shop: Path, *, serving: bool = False) -> Iterator[Services]:
    settings = Settings(source_url=f"sqlite:///{shop}", source_map=None, database_url=f"sqlite:///{folder / 'own.db'}")
    with open_services(settings, serving=serving) as services:
        yield services


def exported(services: Services) -> dict[str, object]:
    """Export the typical customer and give the document."""
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=TYPICAL.id,
        parameters=[("format", "json")],
        credentials=LocalOperator(user="tester"),
        client=None,
    )
    started = start_export(services, call, cancellation=Cancellation())
    try:
        content = b"".join(started.pieces())
        started.finish()
        assert json.loads(content)["manifest"]["coverage"] == started.manifest.members()["coverage"]
    finally:
        started.close()
    return dict(json.loads(content))


def test_an_export_tells_what_its_map_does_not_cover(tmp_path: Path, demo_shop: Path) -> None:
    shop = tmp_path / "shop.db"
    shop.write_bytes(demo_shop.read_bytes())
    with closing(sqlite3.connect(shop)) as connection:
        connection.executescript(
            "CREATE TABLE points (id INTEGER PRIMARY KEY, customer_id TEXT REFERENCES customers, points INTEGER);"
            "ALTER TABLE notes ADD COLUMN mood TEXT; CREATE TABLE newsletter (email TEXT);"
        )
    with services_of(tmp_path, shop) as services:
        manifest = exported(services)["manifest"]
    assert isinstance(manifest, dict)
    coverage = manifest["coverage"]
    assert coverage["tables"] == {"mapped": 13, "excluded": 0, "uncovered": 1}
    assert coverage["columns"] == {"mapped": 112, "excluded": 1, "uncovered": 4}
    assert coverage["uncovered"] == [{"table": "points", "columns": []}, {"table": "notes", "columns": ["mood"]}]
    assert coverage["excluded"] == [{"table": "customers", "columns": ["password_hash"], "reason": "hidden"}]
    assert coverage["perhaps"] == ["newsletter"]
    assert coverage["seesAll"] is True
    assert datetime.fromisoformat(coverage["checkedAt"]).tzinfo is not None


def test_an_export_is_whole_though_nothing_is_known(tmp_path: Path, demo_shop: Path, demo_map: CustomerMap) -> None:
    gone = Database(f"sqlite:///{demo_shop}")
    gone.gone = True
    with services_of(tmp_path, demo_shop) as services:
        blind = replace(services, coverage=kept(demo_map, gone, Clock(), patience=timedelta(seconds=5)))
        manifest = exported(blind)["manifest"]
    assert isinstance(manifest, dict)
    assert manifest["coverage"] is None


def test_a_server_looks_at_its_start(tmp_path: Path, demo_shop: Path) -> None:
    with services_of(tmp_path, demo_shop, serving=True) as services:
        assert isinstance(services.coverage, KeptCoverage)
        services.coverage.look().join(PATIENCE_SECONDS)
        assert services.coverage.known() is not None
