"""Files made for the cache before anybody asks: what a miss would have kept, by rights as of now, within a budget."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from erased_jobs import purge
from pydantic import SecretStr
from warming_desk import Desk, Watched, nothing, open_desk, with_source

from customer_export.auth.tokens import digest_of
from customer_export.demo.customers import ABOVE_STREAMING, MOST_ORDERS, ONE_ORDER, TYPICAL
from customer_export.errors import SourceUnavailableError
from customer_export.export.warming import recorded_parameters
from customer_export.limits.keys import CountBy, client_key
from customer_export.model.audit import AuditFilter, AuditRecord
from customer_export.settings import Settings
from own_databases import new_sqlite_store, new_store
from servers import wait_until
from timed_jobs import Clock
from valkey_servers import ValkeyServer

OpenDesk = Callable[..., Desk]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "valkey"])
def desk_with(request: pytest.FixtureRequest, tmp_path: Path, demo_shop: Path, clock: Clock) -> Iterator[OpenDesk]:
    """Open a desk with settings: on SQLite with the cache in memory, or on PostgreSQL with the cache in Valkey."""
    if request.param == "memory":
        own, redis = new_sqlite_store(tmp_path / "own.db"), None
    else:
        own = new_store(request.getfixturevalue("postgresql"), "warming")
        redis = request.getfixturevalue("valkey").url
    with ExitStack() as held:

        def make(**settings: Any) -> Desk:
            given = Settings(
                **{
                    "source_url": f"sqlite:///{demo_shop}",
                    "database_url": own,
                    "redis_url": redis,
                    "storage_url": f"file://{tmp_path / 'files'}",
                    "export_rate_limit_max": 1_000,
                    "export_warm_per_minute": 30,
                    "export_warm_latency_ms": 10_000,
                    "export_warm_source_ms": 60_000,
                    "export_cache_keys": SecretStr(base64.b64encode(bytes(32)).decode()),
                    **settings,
                }
            )
            return held.enter_context(open_desk(given, clock))

        yield make


@pytest.fixture
def desk(desk_with: OpenDesk) -> Desk:
    return desk_with()


def records_of(desk: Desk, export_id: str) -> list[AuditRecord]:
    return list(desk.jobs.services.store.audit_of(export_id))


def asked_often(desk: Desk, token: str, customer_id: str = TYPICAL.id, **parameters: str) -> str:
    """Ask twice, as much as it takes to count; give the export that made the file."""
    given = parameters or {"format": "csv"}
    first, second = (desk.get(token, customer_id, **given) for _ in range(2))
    assert (first.cache, second.cache) == ("miss", "hit")
    return first.export_id


# What is made, and for whom


def test_what_is_asked_for_again_and_again_is_renewed_before_it_ends(desk: Desk) -> None:
    token = desk.token()
    made = asked_often(desk, token)
    desk.get(token, ONE_ORDER.id, format="csv")  # once is not often
    assert desk.warmed() == ["kept"]
    assert desk.get(token, TYPICAL.id, format="csv").export_id == made
    desk.pass_time(minutes=4, seconds=30)
    assert desk.warmed() == ["kept"]
    hit = desk.get(token, TYPICAL.id, format="csv")
    assert (hit.cache, hit.export_id == made) == ("hit", False)
    assert hit.body == desk.get(token, TYPICAL.id, format="csv", fresh="true").body
    started, completed = records_of(desk, hit.export_id)
    assert (started.event, completed.event) == ("started", "completed")
    assert {record.principal for record in (started, completed)} == {"warming:desk"}
    assert {(record.cache, record.client, record.parameters) for record in (started, completed)} == {
        ("warm", None, "format=csv")
    }
    assert records_of(desk, hit.recorded_id)[-1].source_export_id == hit.export_id


@pytest.mark.parametrize("file_format", ["pdf", "json", "xlsx", "csv"])
def test_a_warm_file_is_what_its_first_reader_would_have_got(desk: Desk, file_format: str) -> None:
    token, customer = desk.token(), ABOVE_STREAMING if file_format == "csv" else ONE_ORDER
    made = asked_often(desk, token, customer.id, format=file_format)
    store = desk.jobs.services.store
    desk.pass_time(minutes=4, seconds=30)
    assert desk.warmed() == ["kept"]
    hit = desk.get(token, customer.id, format=file_format)
    assert (hit.cache, hit.export_id == made) == ("hit", False)
    first, warm = (store.manifest(one) for one in (made, hit.export_id))
    assert first is not None
    assert warm is not None
    assert warm["requestedBy"] == first["requestedBy"] == "desk"
    assert str(warm["createdAt"]).startswith(desk.clock.at.isoformat()[:19])
    its_own = {"exportId", "createdAt", "file", "snapshot", "signature", "content", "coverage"}
    assert {name: warm[name] for name in warm if name not in its_own} == {
        name: first[name] for name in first if name not in its_own
    }


def test_nothing_is_counted_as_somebodys_export(desk: Desk) -> None:
    token = desk.token()
    asked_often(desk, token)
    services = desk.jobs.services
    rate = services.rate
    key = client_key(CountBy.ADDRESS, address="192.0.2.1", principal=None, secret=rate.secret)
    before = rate.exports.look(key).remaining, exports_counted(desk)
    desk.pass_time(minutes=4, seconds=30)
    assert desk.warmed() == ["kept"]
    assert (rate.exports.look(key).remaining, exports_counted(desk)) == before
    text = services.metrics.text().decode()
    assert 'customer_export_warmings_total{format="csv",outcome="completed"} 1.0' in text
    assert 'customer_export_warming_duration_seconds_count{format="csv"} 1.0' in text


def exports_counted(desk: Desk) -> list[str]:
    counted = ("customer_export_exports_total", "customer_export_export_duration_seconds_count")
    return [line for line in desk.jobs.services.metrics.text().decode().splitlines() if line.startswith(counted)]


def test_an_empty_room_is_not_heated(desk: Desk) -> None:
    token = desk.token()
    asked_often(desk, token)
    standings = []
    for _ in range(4):
        desk.pass_time(minutes=4, seconds=30)
        standings += desk.warmed()
    assert standings == ["kept", "kept", "unasked", "unasked"]
    text = desk.jobs.services.metrics.text().decode()
    assert 'customer_export_warming_skips_total{reason="unasked"} 1.0' in text
    desk.get(token, TYPICAL.id, format="csv", fresh="true")  # it is kept, and yet none that the cache could have given
    assert desk.warmed() == ["kept"]
    desk.pass_time(minutes=4, seconds=30)
    assert desk.warmed() == ["unasked"]
    desk.get(token, TYPICAL.id, format="csv")
    desk.pass_time(minutes=4, seconds=30)
    assert desk.warmed() == ["kept"]


def test_spellings_and_people_with_the_same_rights_have_one_file(desk: Desk) -> None:
    ada, bob = desk.token("ada"), desk.token("bob")
    for token in (ada, bob):
        for given in ({"format": "csv"}, {"tz": "UTC", "format": "csv"}):
            for _ in range(2):
                desk.get(token, TYPICAL.id, **given)
    assert desk.warmed() == ["kept"]
    assert desk.warmer.looked is not None
    assert [candidate.asked.times for candidate, _ in desk.warmer.looked.files] == [8]


# Whose rights


def test_a_token_that_is_not_good_any_more_keeps_nothing_warm(desk: Desk) -> None:
    asked_often(desk, desk.token("desk"))
    desk.jobs.services.store.revoke_token("desk", at=desk.clock.at)
    desk.pass_time(minutes=4, seconds=30)
    assert desk.warmed() == ["rights"]
    renewed = desk.token("desk")
    assert desk.warmed() == ["kept"]
    assert desk.get(renewed, TYPICAL.id, format="csv").cache == "hit"
    desk.pass_time(days=29, hours=23)
    asked_often(desk, renewed, ONE_ORDER.id)
    desk.pass_time(hours=2)
    assert desk.warmed() == ["rights"]


def test_who_is_known_by_a_jwt_cannot_be_known_again(desk: Desk) -> None:
    token = desk.token()
    asked_often(desk, token)
    (_, ended) = records_of(desk, desk.get(token, TYPICAL.id, format="csv").recorded_id)
    for number in range(2):
        record = replace(
            ended, principal="jwt:login.example#4711", customer_id=ONE_ORDER.id, export_id=f"{number:032x}"
        )
        desk.jobs.services.store.record(record)
    assert sorted(desk.warmed()) == ["jwt", "kept"]


def test_what_the_policy_hides_is_hidden_in_what_is_warm(desk_with: OpenDesk, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('policy = 1\n[scopes]\n"customers:export" = ["identity"]\n"customers:export:all" = ["contact"]\n')
    desk = desk_with(export_policy=policy)
    narrow = desk.token("narrow")
    wide = desk.token("wide", "customers:export", "customers:export:all")
    for token in (narrow, wide):
        asked_often(desk, token, format="csv", sections="profile")
    desk.pass_time(minutes=4, seconds=30)
    assert desk.warmed() == ["kept", "kept"]
    files = [desk.get(token, TYPICAL.id, format="csv", sections="profile") for token in (narrow, wide)]
    assert [file.cache for file in files] == ["hit", "hit"]
    assert [TYPICAL.email.encode() in file.body for file in files] == [False, True]
    assert {records_of(desk, file.export_id)[0].principal for file in files} == {"warming:narrow", "warming:wide"}


def test_what_cannot_be_made_is_tried_again_after_an_hour(desk: Desk) -> None:
    token = desk.token()
    asked_often(desk, token)
    (_, ended) = records_of(desk, desk.get(token, TYPICAL.id, format="csv").recorded_id)
    nobody = "00000000-0000-4000-8000-00000000dead"
    for number in range(2):
        desk.jobs.services.store.record(replace(ended, customer_id=nobody, export_id=f"{number:032x}"))
    assert sorted(desk.warmed()) == ["failed", "kept"]
    tried = len(warm_records(desk, nobody))
    assert tried == 2
    assert sorted(desk.warmed()) == ["failed", "kept"]
    assert len(warm_records(desk, nobody)) == tried
    desk.pass_time(hours=1, seconds=1)
    desk.warmed()
    assert len(warm_records(desk, nobody)) == 2 * tried


def warm_records(desk: Desk, customer_id: str) -> list[AuditRecord]:
    found = desk.jobs.services.store.audit(AuditFilter(customer_id=customer_id), limit=100)
    return [entry.record for entry in found if entry.record.cache == "warm"]


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", ()),
        ("format=csv&delimiter=|", (("format", "csv"), ("delimiter", "|"))),
        ("format=csv&from=2026-01-01T00:00:00+01:00", (("format", "csv"), ("from", "2026-01-01T00:00:00+01:00"))),
        ("x" * 2_000, None),
    ],
)
def test_parameters_are_read_back_from_the_audit(text: str, parameters: object) -> None:
    assert recorded_parameters(text) == parameters


# Purged


def test_who_was_purged_lately_is_not_warmed(desk: Desk) -> None:
    token = desk.token()
    asked_often(desk, token)
    desk.pass_time(minutes=4, seconds=30)
    purge(desk.jobs, TYPICAL.id)
    assert desk.warmed() == ["purged"]
    asked_often(desk, token)
    assert desk.warmed() == ["purged"]
    desk.pass_time(days=1, seconds=1)
    asked_often(desk, token, tz="Asia/Tokyo", format="csv")
    assert desk.warmed() == ["kept"]


@pytest.mark.parametrize("when", ["before it is read", "after"])
def test_a_purge_that_races_with_a_warming_wins(desk: Desk, when: str) -> None:
    token = desk.token()
    asked_often(desk, token)
    desk.pass_time(minutes=4, seconds=30)
    desk.jobs.services.cache.purge(TYPICAL.id)

    def purged_now() -> None:
        purge(desk.jobs, TYPICAL.id)

    racing = with_source(
        desk,
        lambda source: Watched(
            source,
            snapshot=purged_now if when == "after" else nothing,
            check=purged_now if when == "before it is read" else nothing,
        ),
    )
    assert racing.warmed() == ["failed"]
    assert desk.get(token, TYPICAL.id, format="csv").cache == "miss"
    assert racing.warmed() == ["purged"]


# Within a budget, and only while nothing else is to be done


def paused(desk: Desk) -> str | None:
    assert desk.warmer.looked is not None
    pause = desk.warmer.looked.pause
    return None if pause is None else pause.value


def test_no_more_files_are_made_in_a_minute_than_the_operator_allows(desk_with: OpenDesk) -> None:
    desk = desk_with(export_warm_per_minute=2)
    token = desk.token()
    for time_zone in ("UTC", "Asia/Tokyo", "Europe/Berlin"):
        asked_often(desk, token, format="csv", tz=time_zone)
    desk.pass_time(minutes=4, seconds=30)
    assert (sorted(desk.warmed()), paused(desk)) == (["due", "kept", "kept"], "renders")
    desk.pass_time(seconds=61)
    assert (sorted(desk.warmed()), paused(desk)) == (["kept", "kept", "kept"], None)


def test_no_more_time_of_the_source_is_taken_in_a_minute_than_the_operator_allows(desk_with: OpenDesk) -> None:
    desk = desk_with(export_warm_source_ms=6_000)
    token = desk.token()
    for time_zone in ("UTC", "Asia/Tokyo", "Europe/Berlin"):
        asked_often(desk, token, format="csv", tz=time_zone)
    desk.pass_time(minutes=4, seconds=30)
    slow = with_source(desk, lambda source: Watched(source, snapshot=lambda: desk.pass_time(seconds=4), check=nothing))
    assert (sorted(slow.warmed()), paused(slow)) == (["due", "kept", "kept"], "time")
    desk.pass_time(seconds=61)
    assert sorted(slow.warmed()) == ["kept", "kept", "kept"]


def test_a_file_that_takes_more_than_the_budget_of_a_minute_is_given_up(desk_with: OpenDesk) -> None:
    desk = desk_with(export_warm_source_ms=6_000)
    asked_often(desk, desk.token())
    desk.pass_time(minutes=4, seconds=30)
    slow = with_source(desk, lambda source: Watched(source, snapshot=lambda: desk.pass_time(seconds=7), check=nothing))
    assert slow.warmed() == ["failed"]
    assert warm_records(desk, TYPICAL.id)[0].code == "EXPORT_TIMEOUT"


def test_no_more_of_the_cache_is_taken_than_the_operator_allows(desk_with: OpenDesk) -> None:
    desk = desk_with(export_warm_max_size=20_000)
    token = desk.token()
    asked_often(desk, token, ABOVE_STREAMING.id)
    asked_often(desk, token, ONE_ORDER.id)
    desk.pass_time(minutes=4, seconds=30)
    assert sorted(desk.warmed()) == ["kept", "too_large"]


@pytest.mark.parametrize("trouble", ["slow", "down"])
def test_a_source_that_is_slow_or_down_is_left_alone(desk_with: OpenDesk, trouble: str) -> None:
    desk = desk_with(export_warm_latency_ms=50)
    asked_often(desk, desk.token())
    desk.pass_time(minutes=4, seconds=30)

    def check() -> None:
        if trouble == "down":
            raise SourceUnavailableError("gone")
        desk.pass_time(milliseconds=60)

    busy = with_source(desk, lambda source: Watched(source, snapshot=nothing, check=check))
    assert (busy.warmed(), paused(busy)) == (["due"], "source")
    assert warm_records(desk, TYPICAL.id) == []


def test_it_stands_back_for_exports_that_are_under_way(desk: Desk) -> None:
    asked_often(desk, desk.token())
    desk.pass_time(minutes=4, seconds=30)
    with desk.jobs.services.load.one_more():
        assert (desk.warmed(), paused(desk)) == (["due"], "exports")
    assert warm_records(desk, TYPICAL.id) == []
    assert desk.warmed() == ["kept"]


@pytest.mark.parametrize("reason", ["an export", "the end of the server"])
def test_what_is_being_made_is_given_up_at_once(desk: Desk, reason: str) -> None:
    token = desk.token()
    asked_often(desk, token, MOST_ORDERS.id)
    desk.pass_time(minutes=4, seconds=30)
    desk.jobs.services.cache.purge(MOST_ORDERS.id)
    with ExitStack() as held:

        def come() -> None:
            if reason == "an export":
                held.enter_context(desk.jobs.services.load.one_more())
            else:
                interrupted.warmer.stop()
            wait_until(
                lambda: "warming-watch" not in {thread.name for thread in threading.enumerate()},
                what="the warming to be told",
            )

        interrupted = with_source(desk, lambda source: Watched(source, snapshot=come, check=nothing))
        assert (interrupted.warmed(), paused(interrupted)) == (["due"], "exports")
    assert warm_records(desk, MOST_ORDERS.id)[0].code == "EXPORT_CANCELLED"
    assert desk.get(token, MOST_ORDERS.id, format="csv").cache == "miss"


# Of several processes one


def test_of_processes_that_share_a_cache_one_keeps_it_warm(desk_with: OpenDesk, request: pytest.FixtureRequest) -> None:
    first, second = desk_with(), desk_with()
    token = first.token()
    asked_often(first, token)
    first.pass_time(minutes=4, seconds=30)
    shares = "valkey" in request.node.name
    assert (first.warmed(), paused(first)) == (["kept"], None)
    made = len(warm_records(first, TYPICAL.id))
    first.pass_time(minutes=4, seconds=30)
    if shares:
        assert (second.warmed(), paused(second)) == (["due"], "lease")
        first.warmer.stop()
    assert (second.warmed(), paused(second)) == (["kept"], None)
    assert len(warm_records(first, TYPICAL.id)) == 2 * made


def test_a_cache_that_goes_down_meanwhile_is_no_fault_of_the_file(
    tmp_path: Path, demo_shop: Path, clock: Clock, mortal_valkey: ValkeyServer
) -> None:
    settings = Settings(
        source_url=f"sqlite:///{demo_shop}",
        database_url=new_sqlite_store(tmp_path / "own.db"),
        redis_url=mortal_valkey.url,
        export_rate_limit_max=1_000,
        export_warm_per_minute=30,
        export_warm_latency_ms=10_000,
        export_warm_source_ms=60_000,
    )
    with open_desk(settings, clock) as desk:
        asked_often(desk, desk.token())
        desk.pass_time(minutes=4, seconds=30)
        broken = with_source(desk, lambda source: Watched(source, snapshot=mortal_valkey.kill, check=nothing))
        assert (broken.warmed(), paused(broken)) == (["due"], "lease")
        mortal_valkey.start()
        wait_until(desk.jobs.services.cache.lease("any").holds, what="the server to be found again")
        assert (desk.warmed(), paused(desk)) == (["kept"], None)


def test_the_digest_of_a_token_is_all_that_it_is_known_by(desk: Desk) -> None:
    token = desk.token()
    asked_often(desk, token)
    desk.warmed()
    assert desk.warmer.looked is not None
    ((candidate, _),) = desk.warmer.looked.files
    assert token not in repr(candidate)
    assert digest_of(token) in repr(candidate)


def test_a_window_of_a_minute_forgets_what_was_asked_for_before(desk_with: OpenDesk) -> None:
    desk = desk_with(export_warm_window_ms=60_000)
    asked_often(desk, desk.token())
    assert desk.warmed() == ["kept"]
    desk.pass_time(minutes=2)
    assert desk.warmed() == []
    assert timedelta(milliseconds=60_000) == desk.jobs.warming.window  # type: ignore[union-attr]
