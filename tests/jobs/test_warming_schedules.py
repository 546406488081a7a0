"""Files that a schedule names for the cache: taken once, with its owner's rights, gone on with if a process dies."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from erased_jobs import purge
from pydantic import SecretStr
from warming_desk import Desk, Watched, nothing, open_desk, with_source

from customer_export.demo.customers import ONE_ORDER, TYPICAL
from customer_export.errors import ExportError, InvalidRequestError, InvalidTokenError
from customer_export.jobs.schedules.edit import save_schedule, show_schedule
from customer_export.jobs.schedules.firing import run_now, run_schedules
from customer_export.model.access import BearerToken, LocalOperator, Principal, Scope
from customer_export.model.job import JobFilter
from customer_export.settings import Settings
from own_databases import new_sqlite_store, new_store
from servers import wait_until
from timed_jobs import Clock

ADMIN = Principal(name="local:tester", scopes=frozenset({Scope.ADMIN}))
EXPORT = {"customers": [TYPICAL.id, ONE_ORDER.id], "format": ["csv", "json"]}
NOBODY = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, demo_shop: Path) -> Settings:
    is_sqlite = request.param == "sqlite"
    own = (
        new_sqlite_store(tmp_path / "own.db")
        if is_sqlite
        else new_store(request.getfixturevalue("postgresql"), "warming_schedules")
    )
    return Settings(
        source_url=f"sqlite:///{demo_shop}",
        database_url=own,
        redis_url=None if is_sqlite else request.getfixturevalue("valkey").url,
        storage_url=f"file://{tmp_path / 'files'}",
        export_rate_limit_max=1_000,
        export_warm_per_minute=100,
        export_warm_latency_ms=10_000,
        export_warm_source_ms=60_000,
        export_cache_keys=SecretStr(base64.b64encode(bytes(32)).decode()),
    )


@pytest.fixture
def desk(settings: Settings, clock: Clock) -> Iterator[Desk]:
    with open_desk(settings, clock) as opened:
        yield opened


def save(desk: Desk, token: str, **changes: Any) -> str:
    body = {"name": "breakfast", "cron": "0 * * * *", "export": EXPORT, "target": "cache", **changes}
    return str(save_schedule(desk.jobs, body, BearerToken(secret=token), client=None)["id"])


def runs_of(desk: Desk, schedule_id: str) -> list[tuple[str, str | None]]:
    shown: Any = show_schedule(desk.jobs, schedule_id, ADMIN)
    return [(run["state"], run["code"]) for run in reversed(shown["runs"])]


def used(desk: Desk, token: str, *customers: str) -> list[str]:
    return [desk.get(token, one, format=kind).cache for one in customers for kind in ("csv", "json")]


def test_what_a_schedule_names_is_there_when_it_is_asked_for(desk: Desk) -> None:
    token = desk.token()
    schedule_id = save(desk, token)
    desk.warmer.look()
    assert runs_of(desk, schedule_id) == []
    desk.pass_time(hours=1)
    run_schedules(desk.jobs)  # a worker leaves it to whoever has the cache
    assert runs_of(desk, schedule_id) == []
    for _ in range(2):
        desk.warmer.look()
    assert runs_of(desk, schedule_id) == [("finished", None)]
    assert desk.jobs.store.jobs(JobFilter(), limit=10) == []
    assert used(desk, token, TYPICAL.id, ONE_ORDER.id) == ["hit"] * 4
    hit = desk.get(token, TYPICAL.id, format="json")
    assert {record.principal for record in desk.jobs.services.store.audit_of(hit.export_id)} == {"warming:desk"}


def test_of_several_processes_one_takes_a_run(settings: Settings, clock: Clock) -> None:
    with ExitStack() as held:
        desks = [held.enter_context(open_desk(settings, clock)) for _ in range(3)]
        schedule_id = save(desks[0], desks[0].token())
        clock.at += timedelta(hours=1)
        for _ in range(2):
            for desk in desks:
                desk.warmer.look()
        assert runs_of(desks[0], schedule_id) == [("finished", None)]
        text = [desk.jobs.services.metrics.text().decode() for desk in desks]
        assert sum('customer_export_warmings_total{format="csv",outcome="completed"} 2.0' in one for one in text) == 1


def test_a_run_waits_for_room_and_goes_on_where_it_was(desk: Desk) -> None:
    token = desk.token()
    schedule_id = save(desk, token)
    desk.pass_time(hours=1)
    with desk.jobs.services.load.one_more():
        desk.warmer.look()
        desk.pass_time(seconds=40)
        desk.warmer.look()
        assert runs_of(desk, schedule_id) == [("pending", None)]
    desk.warmer.look()
    assert runs_of(desk, schedule_id) == [("finished", None)]


def test_a_run_that_finds_no_room_for_an_hour_ends(desk: Desk) -> None:
    schedule_id = save(desk, desk.token(), cron="0 0 * * *")
    desk.pass_time(days=1)
    with desk.jobs.services.load.one_more():
        for _ in range(3):
            desk.warmer.look()
            desk.pass_time(minutes=31)
    assert runs_of(desk, schedule_id) == [("incomplete", "EXPORT_BUSY")]


def test_who_dies_of_a_run_is_followed_by_another_process(settings: Settings, clock: Clock) -> None:
    with ExitStack() as held:
        first, second = (held.enter_context(open_desk(settings, clock)) for _ in range(2))
        token = first.token()
        schedule_id = save(first, token)
        clock.at += timedelta(hours=1)
        with first.jobs.services.load.one_more():
            first.warmer.look()
        first.warmer.stop()
        second.warmer.look()
        assert runs_of(second, schedule_id) == [("pending", None)]
        clock.at += timedelta(seconds=31)
        second.warmer.look()
        assert runs_of(second, schedule_id) == [("finished", None)]
        assert used(second, token, TYPICAL.id) == ["hit", "hit"]


def test_a_run_that_takes_long_is_nobody_elses(settings: Settings, clock: Clock) -> None:
    with ExitStack() as held:
        first, second = (held.enter_context(open_desk(settings, clock)) for _ in range(2))
        schedule_id = save(first, first.token())
        clock.at += timedelta(hours=1)

        def take_long() -> None:
            clock.at += timedelta(seconds=14)
            second.warmer.look()

        slow = with_source(first, lambda source: Watched(source, snapshot=take_long, check=nothing))
        slow.warmer.look()
        assert runs_of(first, schedule_id) == [("finished", None)]
        assert "customer_export_warmings_total{" not in second.jobs.services.metrics.text().decode()


def test_a_run_by_hand_is_taken_in_the_next_round(desk: Desk) -> None:
    token = desk.token()
    schedule_id = save(desk, token, cron="0 0 1 1 *")
    assert run_now(desk.jobs, schedule_id, ADMIN).state == "pending"
    run_schedules(desk.jobs)
    assert runs_of(desk, schedule_id) == [("pending", None)]
    desk.warmer.look()
    assert runs_of(desk, schedule_id) == [("finished", None)]


def is_known(desk: Desk, token: str) -> bool:
    try:
        desk.jobs.services.authenticator.authenticate(BearerToken(secret=token), now=desk.clock.at)
    except InvalidTokenError:
        return False
    return True


def test_rights_count_as_they_are_when_it_runs(desk: Desk) -> None:
    token = desk.token()
    schedule_id = save(desk, token, stopAfterFailures=2)
    desk.jobs.services.store.revoke_token("desk", at=desk.clock.at)
    wait_until(lambda: not is_known(desk, token), what="the token to be forgotten")
    for _ in range(2):
        desk.pass_time(hours=1)
        desk.warmer.look()
    assert runs_of(desk, schedule_id) == [("refused", "INVALID_TOKEN")] * 2
    assert show_schedule(desk.jobs, schedule_id, ADMIN)["state"] == "stopped"


def test_who_is_not_there_or_purged_is_left_out(desk: Desk) -> None:
    token = desk.token()
    missing = save(desk, token, export={"customers": [NOBODY, TYPICAL.id], "format": "csv"})
    purge(desk.jobs, ONE_ORDER.id)
    purged = save(desk, token, export={"customer": ONE_ORDER.id, "format": "csv"})
    desk.pass_time(hours=1)
    desk.warmer.look()
    assert runs_of(desk, missing) == [("incomplete", "CUSTOMER_NOT_FOUND")]
    assert runs_of(desk, purged) == [("incomplete", "PURGED")]
    assert desk.get(token, TYPICAL.id, format="csv").cache == "hit"
    assert desk.get(token, ONE_ORDER.id, format="csv").cache == "miss"


def test_a_purge_takes_its_customer_out_of_a_schedule_for_the_cache(desk: Desk) -> None:
    several = save(desk, desk.token())
    alone = save(desk, desk.token(), export={"customer": TYPICAL.id, "format": "csv"})
    receipt = purge(desk.jobs, TYPICAL.id)
    assert alone in str(receipt)
    left: Any = show_schedule(desk.jobs, several, ADMIN)["export"]
    assert left == {**EXPORT, "customers": [ONE_ORDER.id]}


def test_a_schedule_that_is_deleted_while_it_waits_makes_nothing(desk: Desk) -> None:
    token = desk.token()
    schedule_id = save(desk, token)
    desk.pass_time(hours=1)
    with desk.jobs.services.load.one_more():
        desk.warmer.look()
    desk.jobs.schedules.delete(schedule_id)
    desk.warmer.look()
    assert used(desk, token, TYPICAL.id) == ["miss", "miss"]


@pytest.mark.parametrize(
    ("export", "told"),
    [
        ({"customers": "all", "format": "csv"}, "name them"),
        ({"filter": {"country": "DE"}, "format": "csv"}, "filter: is of jobs"),
        ({"customer": TYPICAL.id, "format": "csv", "layout": "tables"}, "layout: is of jobs"),
        ({"customer": TYPICAL.id, "format": "csv", "fresh": True}, "never comes out of the cache"),
        ({"customer": TYPICAL.id, "format": ["csv", "doc"]}, "format"),
        ({"customer": TYPICAL.id}, "format"),
        ({"customer": "me", "format": "csv"}, "id"),
        ({"customers": [f"00000000-0000-4000-8000-{n:012}" for n in range(501)], "format": ["csv", "json"]}, "1000"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_saved(desk: Desk, export: object, told: str) -> None:
    with pytest.raises(InvalidRequestError, match=told):
        save(desk, desk.token(), export=export)


def test_nothing_is_promised_where_nothing_is_made_for_the_cache(desk: Desk) -> None:
    jobs = replace(desk.jobs, warming=None)
    body = {"name": "n", "cron": "0 * * * *", "export": EXPORT, "target": "cache"}
    with pytest.raises(ExportError, match="EXPORT_WARM_PER_MINUTE"):
        save_schedule(jobs, body, LocalOperator(user="tester"), client=None)
