"""Jobs that have only what has changed since an earlier one, from the body of the submission to the manifest."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from customer_export.compose import open_jobs, open_services
from customer_export.demo.customers import MOST_ORDERS, ONE_ORDER, TYPICAL
from customer_export.errors import ExportError, ExportNotCompleteError, ExportNotFoundError, InvalidRequestError
from customer_export.jobs.files import stored_name
from customer_export.jobs.look import job_manifest, show_job
from customer_export.jobs.schedules.edit import save_schedule, show_schedule
from customer_export.jobs.schedules.firing import run_schedules
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import Steps
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.access import LocalOperator, Principal, Scope
from customer_export.model.audit import AuditEntry, AuditFilter
from customer_export.model.job import JobState
from customer_export.settings import Settings
from own_databases import new_sqlite_store
from timed_jobs import Clock

ADMIN = Principal(name="local:tester", scopes=frozenset({Scope.ADMIN}))
LINES = {"format": "ndjson", "layout": "lines", "sections": "profile,orders"}
THREE = {"customers": [TYPICAL.id, MOST_ORDERS.id, ONE_ORDER.id], **LINES}


class Shop:
    """A shop of the test's own, and jobs on it that are worked on at once."""

    def __init__(self, file: Path, jobs: Jobs) -> None:
        self.file = file
        self.jobs = jobs
        self.steps = Steps(jobs=jobs, stopping=threading.Event())

    def change(self, statement: str) -> None:
        connection = sqlite3.connect(self.file)
        with connection:
            assert connection.execute(statement).rowcount > 0
        connection.close()

    def submit(self, *, user: str = "tester", **wanted: Any) -> str:
        call = JobCall(
            job_id=uuid4().hex, wanted=wanted, idempotency_key=None, credentials=LocalOperator(user=user), client=None
        )
        return submit_job(self.jobs, call, told=lambda _allowance: None).job.job_id

    def work(self, job_id: str) -> None:
        fan_out = self.steps.plan(job_id, attempt=1)
        assert fan_out is not None
        for number in range(fan_out.parts):
            self.steps.run_part(job_id, number, attempt=1)
        self.steps.finish(job_id, attempt=1)

    def done(self, **wanted: Any) -> str:
        job_id = self.submit(**wanted)
        self.work(job_id)
        assert self.state(job_id) == (JobState.FINISHED, None)
        return job_id

    def state(self, job_id: str) -> tuple[JobState, str | None]:
        job = self.jobs.store.job(job_id)
        assert job is not None
        return job.state, job.code

    def manifest(self, job_id: str) -> Mapping[str, Any]:
        manifest = job_manifest(self.jobs, job_id, ADMIN)
        assert manifest is not None
        return manifest

    def lines(self, job_id: str, kind: str) -> list[dict[str, Any]]:
        """Give the lines of a job's files of a type."""
        names = [one["name"] for one in self.manifest(job_id)["output"] if one["type"] == kind]
        content = b"".join(b"".join(self.jobs.storage.open(stored_name(f"{job_id}/{name}")).pieces) for name in names)
        return [json.loads(line) for line in content.splitlines()]

    def changes(self, job_id: str) -> dict[str, str | None]:
        return {line["customer"]: line.get("change") for line in self.lines(job_id, "index")}

    def audited(self, customer_id: str) -> Sequence[AuditEntry]:
        return self.jobs.services.store.audit(AuditFilter(customer_id=customer_id), limit=100)

    def in_files(self, job_id: str) -> list[str]:
        return [line["header"]["customer"]["id"] for line in self.lines(job_id, "customers") if "header" in line]


@pytest.fixture
def shop(tmp_path: Path, demo_shop: Path, clock: Clock) -> Iterator[Shop]:
    file = tmp_path / "shop.db"
    shutil.copy(demo_shop, file)
    settings = Settings(
        source_url=f"sqlite:///{file}",
        database_url=new_sqlite_store(tmp_path / "own.db"),
        storage_url=f"file://{tmp_path / 'files'}",
    )
    with open_services(settings) as services, open_jobs(settings, services) as jobs:
        yield Shop(file, replace(jobs, services=replace(services, now=clock)))


def test_a_job_has_who_has_changed_and_says_who_is_gone(shop: Shop) -> None:
    first = shop.done(**THREE)
    shop.change(f"UPDATE orders SET status = 'lost' WHERE customer_id = '{ONE_ORDER.id}'")
    shop.change(f"UPDATE customers SET id = 'abcdef00-0000-4000-8000-000000000000' WHERE id = '{MOST_ORDERS.id}'")
    delta = shop.done(**THREE, since=first)
    changes = {TYPICAL.id: "unchanged", ONE_ORDER.id: "changed", MOST_ORDERS.id: None}
    assert shop.changes(delta) == changes
    assert shop.in_files(delta) == [ONE_ORDER.id]
    manifest = shop.manifest(delta)
    assert manifest["since"] == first
    assert manifest["exported"] == {"customers": 1, "rows": 2, "failed": 1, "unchanged": 1, "gone": 0}
    audited = {entry.record.export_id for entry in shop.audited(TYPICAL.id)}
    assert audited == {first}, "who has not changed is not in the files of the second"
    assert {entry.record.export_id for entry in shop.audited(ONE_ORDER.id)} == {first, delta}
    assert shop.jobs.services.store.verify_chain().whole
    members: Mapping[str, Any] = show_job(shop.jobs, delta, ADMIN)
    assert members["customers"] == {"total": 3, "done": 2, "failed": 1}
    shop.change(f"UPDATE customers SET id = '{MOST_ORDERS.id}' WHERE id LIKE 'abcdef00%'")
    following = shop.done(**THREE, since=delta)
    assert shop.changes(following) == {TYPICAL.id: "unchanged", ONE_ORDER.id: "unchanged", MOST_ORDERS.id: "changed"}


def test_everybody_new_and_gone_is_told_of_all_customers(shop: Shop) -> None:
    first = shop.done(customers="all", **LINES)
    shop.change(f"UPDATE customers SET id = 'abcdef00-0000-4000-8000-000000000000' WHERE id = '{MOST_ORDERS.id}'")
    delta = shop.done(customers="all", since=first, **LINES)
    changes = shop.changes(delta)
    told = {one: change for one, change in changes.items() if change != "unchanged"}
    assert told == {MOST_ORDERS.id: "gone", "abcdef00-0000-4000-8000-000000000000": "added"}
    assert len(changes) == 151
    assert "since" not in shop.manifest(first)
    assert shop.manifest(first)["exported"].keys() == {"customers", "rows", "failed"}


def test_whoever_leaves_the_filter_is_gone(shop: Shop) -> None:
    wanted = {"filter": {"currency": "EUR"}, **LINES}
    first = shop.done(**wanted)
    (leaver, *others) = shop.changes(first)
    shop.change(f"UPDATE customers SET currency = 'CHF' WHERE id = '{leaver}'")
    delta = shop.done(**wanted, since=first)
    assert shop.changes(delta) == {leaver: "gone", **dict.fromkeys(others, "unchanged")}


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"sections": "profile"}, InvalidRequestError),
        ({"customers": [TYPICAL.id, MOST_ORDERS.id]}, InvalidRequestError),
        ({"layout": "files"}, InvalidRequestError),
        ({"layout": "tables"}, InvalidRequestError),
        ({"since": "0" * 32}, ExportNotFoundError),
        ({"since": "../secrets"}, ExportNotFoundError),
        ({"since": 7}, InvalidRequestError),
    ],
)
def test_what_cannot_be_held_against_another_job_is_refused(
    shop: Shop, changes: dict[str, object], failure: type[ExportError]
) -> None:
    first = shop.done(**THREE)
    with pytest.raises(failure):
        shop.submit(**{**THREE, "since": first, **changes})


def test_one_customers_file_and_a_job_that_has_not_ended_have_no_index(shop: Shop) -> None:
    one = {"customer": TYPICAL.id, "format": "ndjson"}
    first = shop.done(**one)
    with pytest.raises(InvalidRequestError, match="since"):
        shop.submit(**one, since=first)
    with pytest.raises(ExportNotCompleteError, match="queued"):
        shop.submit(**THREE, since=shop.submit(**THREE))


def test_an_earlier_job_that_expires_meanwhile_ends_the_later_one(shop: Shop) -> None:
    first = shop.done(**THREE)
    later = shop.submit(**THREE, since=first)
    assert shop.jobs.store.expire(first, at=shop.jobs.services.now())
    shop.work(later)
    assert shop.state(later) == (JobState.FAILED, "EXPORT_NOT_COMPLETE")
    with pytest.raises(ExportNotCompleteError, match="expired"):
        shop.submit(**THREE, since=first)


def test_an_index_that_was_changed_in_the_storage_is_not_believed(shop: Shop) -> None:
    first = shop.done(**THREE)
    name = stored_name(f"{first}/part-00000.customers.ndjson")
    content = b"".join(shop.jobs.storage.open(name).pieces)
    shop.jobs.storage.write(name, [content.replace(b'"sha256":"', b'"sha256":"0', 1)], media_type="x/y")
    later = shop.submit(**THREE, since=first)
    shop.work(later)
    assert shop.state(later) == (JobState.FAILED, "EXPORT_NOT_COMPLETE")


def test_runs_of_a_schedule_follow_one_another(shop: Shop, clock: Clock) -> None:
    def saved(schedule_id: str | None = None, **export: Any) -> str:
        body = {"name": "nightly", "cron": "0 * * * *", "export": {**THREE, "since": "$last", **export}}
        made = save_schedule(shop.jobs, body, LocalOperator(user="tester"), client=None, schedule_id=schedule_id)
        return str(made["id"])

    def run() -> tuple[str, str | None]:
        """Let the next moment come; give the run's job, and what it is held against."""
        clock.at += timedelta(hours=1)
        run_schedules(shop.jobs)
        latest: Any = show_schedule(shop.jobs, schedule_id, ADMIN)["runs"]
        job_id = latest[0]["jobId"]
        shop.work(job_id)
        clock.at += timedelta(seconds=1)
        run_schedules(shop.jobs)
        job = shop.jobs.store.job(job_id)
        assert job is not None
        return job_id, job.order.since

    schedule_id = saved()
    first, since = run()
    assert since is None
    second, since = run()
    assert since == first
    assert set(shop.changes(second).values()) == {"unchanged"}
    assert shop.jobs.store.expire(second, at=clock.at)
    third, since = run()
    assert since is None
    saved(schedule_id, sections="profile")
    fourth, since = run()
    assert since is None
    assert run()[1] == fourth != third


@pytest.mark.parametrize(
    "changes",
    [{"from": "$previous"}, {"layout": "tables"}, {"customers": [TYPICAL.id], "layout": "files"}, {"locale": "$last"}],
)
def test_a_schedule_whose_runs_cannot_follow_one_another_is_not_saved(shop: Shop, changes: dict[str, object]) -> None:
    body = {"name": "nightly", "cron": "0 * * * *", "export": {**THREE, "since": "$last", **changes}}
    with pytest.raises(InvalidRequestError, match="since"):
        save_schedule(shop.jobs, body, LocalOperator(user="tester"), client=None)
