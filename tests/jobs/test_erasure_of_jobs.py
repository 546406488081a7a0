"""A purge and jobs for several customers: whoever is purged is in no file, no order and no manifest any more."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from erased_jobs import (
    ADMIN,
    Interrupting,
    contents,
    customers_of,
    everybody_in,
    finished,
    is_kept,
    job_of,
    planned,
    purge,
    steps_of,
    submitted,
)

from customer_export.demo.customers import HOSTILE, MOST_ORDERS, NO_ORDERS, ONE_ORDER, THREE_CURRENCIES, TYPICAL
from customer_export.errors import StorageUnavailableError, StoredFileNotFoundError
from customer_export.jobs.bulk.plan import plan_partitions
from customer_export.jobs.downloads import find_download
from customer_export.jobs.erasure.late import LATE
from customer_export.jobs.look import job_manifest, show_job
from customer_export.jobs.purge import show_receipt
from customer_export.jobs.services import Jobs
from customer_export.jobs.steps import Steps
from customer_export.jobs.upkeep import YOUNG, sweep, sweep_orphans
from customer_export.model.bulk import Partition
from customer_export.model.job import JobState, PartState
from customer_export.signing.keys import read_key_set
from customer_export.signing.signature import SignatureState, check_signature
from customer_export.store.erasure import SqlErasure
from timed_jobs import Clock

IDS = [NO_ORDERS.id, ONE_ORDER.id, THREE_CURRENCIES.id, TYPICAL.id, HOSTILE.id]
OTHERS = sorted(one for one in IDS if one != TYPICAL.id)
LAYOUTS = [("files", "json"), ("lines", "ndjson"), ("tables", "csv"), ("tables", "parquet")]


@pytest.fixture
def jobs(timed_jobs: Jobs) -> Jobs:
    return timed_jobs


def own_rows(jobs: Jobs) -> str:
    """Give all that our database says of jobs and schedules, as text."""
    assert isinstance(jobs.erasure, SqlErasure)
    with jobs.erasure._engine.connect() as connection:
        tables = ("job", "job_part", "job_file", "schedule", "schedule_run", "webhook_delivery", "job_exclusion")
        return "\n".join(
            repr(tuple(row)) for table in tables for row in connection.execute(sa.text(f"SELECT * FROM {table}"))
        )


@pytest.mark.parametrize(("layout", "file_format"), LAYOUTS)
def test_a_part_with_the_customer_goes_and_the_others_stay(jobs: Jobs, layout: str, file_format: str) -> None:
    job_id = finished(jobs, each=2, customers=IDS, layout=layout, format=file_format)
    before = customers_of(jobs, job_id)
    assert everybody_in(jobs, job_id) == sorted(IDS)
    receipt = purge(jobs, TYPICAL.id)
    (gone,) = [number for number, part in enumerate(before) if TYPICAL.id in part]
    assert receipt["parts"] == [{"job": job_id, "part": gone}]
    assert customers_of(jobs, job_id) == [part for part in before if TYPICAL.id not in part]
    if file_format != "parquet":  # whose pages are compressed
        assert not is_kept(jobs, TYPICAL.id)
    job = job_of(jobs, job_id)
    assert job.state is JobState.FINISHED
    assert show_job(jobs, job_id, ADMIN)["parts"] == {"total": 3, "done": 2, "failed": 0, "purged": 1}
    named = [one["name"] for one in (job_manifest(jobs, job_id, ADMIN) or {})["output"]]  # type: ignore[index, union-attr]
    assert len(named) == len(list(jobs.storage.list_files(f"jobs/{job_id}")))
    for name in named:
        assert find_download(jobs, job_id, name, ADMIN).artifact.size_bytes >= 0
    with pytest.raises(StoredFileNotFoundError):
        find_download(jobs, job_id, f"part-{gone:05}.customers.ndjson", ADMIN)
    assert TYPICAL.id not in own_rows(jobs)
    assert purge(jobs, TYPICAL.id)["destroyed"]["files"] == 0


def test_the_manifest_says_that_a_part_was_purged_and_is_signed_anew(jobs: Jobs) -> None:
    job_id = finished(jobs, each=1, customers=IDS, layout="lines", format="ndjson")
    before = job_manifest(jobs, job_id, ADMIN)
    purge(jobs, TYPICAL.id)
    after = job_manifest(jobs, job_id, ADMIN)
    assert before is not None
    assert after is not None
    (part,) = [one for one in after["parts"] if one["state"] == "purged"]  # type: ignore[attr-defined]
    assert part["code"] == "PURGED"
    assert part["number"] not in {one["part"] for one in after["output"]}  # type: ignore[attr-defined]
    assert after["canonicalSha256"] == before["canonicalSha256"]
    keys = read_key_set(jobs.services.signer.key_set())
    assert check_signature(after, keys) is SignatureState.VALID


def test_a_job_for_everybody_is_searched_by_its_indexes(jobs: Jobs) -> None:
    job_id = finished(jobs, each=40, customers="all", layout="tables", format="csv", sections="profile")
    before = customers_of(jobs, job_id)
    assert len(before) > 2
    purge(jobs, ONE_ORDER.id)
    assert customers_of(jobs, job_id) == [part for part in before if ONE_ORDER.id not in part]
    assert not is_kept(jobs, ONE_ORDER.id)
    assert ONE_ORDER.id not in own_rows(jobs)


def test_a_job_that_loses_all_its_files_expires(jobs: Jobs) -> None:
    job_id = finished(jobs, each=9, customers=IDS, layout="lines", format="ndjson")
    purge(jobs, TYPICAL.id)
    assert job_of(jobs, job_id).state is JobState.EXPIRED
    assert list(jobs.storage.list_files("jobs")) == []


def test_a_part_without_its_index_goes_to_be_safe(jobs: Jobs) -> None:
    job_id = finished(jobs, each=60, customers="all", layout="lines", format="ndjson", sections="profile")
    jobs.storage.delete(f"jobs/{job_id}/part-00000.customers.ndjson")
    purge(jobs, MOST_ORDERS.id)
    left = {file.name.rpartition("/")[2] for file in jobs.storage.list_files("jobs")}
    assert left
    assert "part-00000.ndjson" not in left


def test_links_to_a_purged_part_lead_nowhere(jobs: Jobs) -> None:
    job_id = finished(jobs, each=2, customers=IDS, layout="files", format="csv")
    assert len(jobs.store.files(job_id)) == 6
    purge(jobs, TYPICAL.id)
    assert len(jobs.store.files(job_id)) == 4


def planned_job(jobs: Jobs, layout: str = "lines", file_format: str = "ndjson", *, each: int = 2) -> tuple[str, int]:
    job_id = submitted(jobs, customers=IDS, layout=layout, format=file_format)
    return job_id, planned(jobs, job_id, each=each)


@pytest.mark.parametrize(("layout", "file_format"), LAYOUTS[:3])
def test_parts_that_are_made_after_a_purge_leave_the_customer_out(jobs: Jobs, layout: str, file_format: str) -> None:
    job_id, count = planned_job(jobs, layout, file_format)
    assert purge(jobs, TYPICAL.id)["leftOutOf"] == [job_id]
    steps = steps_of(jobs)
    for number in range(count):
        steps.run_part(job_id, number, attempt=1)
    steps.finish(job_id, attempt=1)
    assert job_of(jobs, job_id).state is JobState.FINISHED
    assert everybody_in(jobs, job_id) == OTHERS
    assert not is_kept(jobs, TYPICAL.id)
    assert TYPICAL.id not in json.dumps(job_manifest(jobs, job_id, ADMIN))


def test_a_part_that_was_done_before_a_purge_is_missing_from_a_job_that_ends_after_it(jobs: Jobs) -> None:
    job_id, count = planned_job(jobs, each=1)
    steps = steps_of(jobs)
    for number in range(count):
        steps.run_part(job_id, number, attempt=1)
    purge(jobs, TYPICAL.id)
    for number in range(count):
        steps.run_part(job_id, number, attempt=1)
    steps.finish(job_id, attempt=1)
    job = job_of(jobs, job_id)
    assert (job.state, job.code) == (JobState.INCOMPLETE, "PURGED")
    assert not is_kept(jobs, TYPICAL.id)
    assert len(customers_of(jobs, job_id)) == len(IDS) - 1


def test_a_job_in_flight_that_lost_its_only_part_fails(jobs: Jobs) -> None:
    job_id, _ = planned_job(jobs, each=9)
    steps = steps_of(jobs)
    steps.run_part(job_id, 0, attempt=1)
    purge(jobs, TYPICAL.id)
    steps.finish(job_id, attempt=1)
    assert (job_of(jobs, job_id).state, job_of(jobs, job_id).code) == (JobState.FAILED, "PURGED")
    assert list(jobs.storage.list_files("jobs")) == []


@pytest.mark.parametrize("at_end", [False, True])
def test_a_purge_while_a_part_is_made_wins(jobs: Jobs, *, at_end: bool) -> None:
    job_id, _ = planned_job(jobs, each=9)
    storage = Interrupting(jobs.storage, lambda: purge(jobs, TYPICAL.id), at_end=at_end)
    behind = Steps(jobs=replace(jobs, storage=storage), stopping=steps_of(jobs).stopping)
    behind.run_part(job_id, 0, attempt=1)
    behind.finish(job_id, attempt=1)
    assert job_of(jobs, job_id).state is JobState.FINISHED
    assert everybody_in(jobs, job_id) == OTHERS
    assert not is_kept(jobs, TYPICAL.id)


class FinishingLate:
    """A store by which a purge comes just before a part is on record as done: it has not seen the part."""

    def __init__(self, jobs: Jobs, act: Callable[[], object]) -> None:
        self._store, self._act = jobs.store, act

    def finish_part(self, job_id: str, result: object) -> None:
        self._act()
        self._store.finish_part(job_id, result)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_a_purge_just_before_a_part_is_on_record_wins(jobs: Jobs) -> None:
    job_id, _ = planned_job(jobs, each=9)
    store = FinishingLate(jobs, lambda: purge(jobs, TYPICAL.id))
    behind = Steps(jobs=replace(jobs, store=store), stopping=steps_of(jobs).stopping)
    behind.run_part(job_id, 0, attempt=1)
    assert list(jobs.storage.list_files("jobs")) == []
    (part,) = jobs.store.parts(job_id)
    assert part.state is PartState.PURGED


def test_a_job_that_is_submitted_after_a_purge_has_the_customer(jobs: Jobs) -> None:
    early, _ = planned_job(jobs)
    purge(jobs, TYPICAL.id)
    late = finished(jobs, each=9, customers=IDS, layout="lines", format="ndjson")  # and is not joined to the early one
    assert late != early
    assert TYPICAL.id in everybody_in(jobs, late)


def test_a_day_after_its_end_a_job_names_nobody_who_was_purged_meanwhile(jobs: Jobs, clock: Clock) -> None:
    job_id, count = planned_job(jobs)
    purge(jobs, TYPICAL.id)
    for number in range(count):
        steps_of(jobs).run_part(job_id, number, attempt=1)
    steps_of(jobs).finish(job_id, attempt=1)
    assert TYPICAL.id in own_rows(jobs)  # the order was needed until then
    clock.at += LATE + timedelta(seconds=1)
    sweep(jobs, NoEngine())
    assert TYPICAL.id not in own_rows(jobs)
    assert len(job_of(jobs, job_id).order.customers.ids or ()) == len(IDS) - 1


class NoEngine:
    """What a sweep asks of an engine."""

    def forget(self, *, before: object) -> None:
        assert before is not None

    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


def test_bounds_that_are_the_customers_key_are_forgotten_with_the_files(jobs: Jobs, clock: Clock) -> None:
    job_id = submitted(jobs, customers="all", layout="tables", format="csv", sections="profile")
    job = job_of(jobs, job_id)
    order = replace(job.order, part_customers=40)
    bounds = [part.through for part in plan_partitions(jobs.services, order, principal=ADMIN)]
    jobs.store.plan(
        job_id,
        [
            Partition(number=0, customers=40, after=None, through=bounds[0]),
            Partition(number=1, customers=40, after=bounds[0], through=None),
        ],
        at=jobs.services.now(),
    )
    for number in (0, 1):
        steps_of(jobs).run_part(job_id, number, attempt=1)
    steps_of(jobs).finish(job_id, attempt=1)
    purge(jobs, str(bounds[0]))
    assert [part.partition.after for part in jobs.store.parts(job_id)] == [None, bounds[0]]  # for who goes on from it
    clock.at += jobs.limits.keep_files + timedelta(seconds=1)
    for _ in range(2):  # the files expire, and then nobody can go on from them
        sweep(jobs, NoEngine())
    assert str(bounds[0]) not in own_rows(jobs)


def test_who_goes_on_from_a_job_gets_a_purged_part_whole(jobs: Jobs) -> None:
    wanted = {"customers": IDS, "layout": "lines", "format": "ndjson"}
    earlier = finished(jobs, each=2, **wanted)
    gone = next(part for part in customers_of(jobs, earlier) if TYPICAL.id in part)
    purge(jobs, TYPICAL.id)
    wanted["customers"] = [one for one in IDS if one != TYPICAL.id]
    job_id = submitted(jobs, **wanted, since=earlier)
    steps = steps_of(jobs)
    fan_out = steps.plan(job_id, attempt=1)
    assert fan_out is not None
    for number in range(fan_out.parts):
        steps.run_part(job_id, number, attempt=1)
    steps.finish(job_id, attempt=1)
    assert job_of(jobs, job_id).state is JobState.FINISHED
    lines = [json.loads(line) for content in contents(jobs) for line in content.splitlines() if b'"change"' in line]
    added = sorted(line["customer"] for line in lines if line["change"] == "added")
    assert added == sorted(one for one in gone if one != TYPICAL.id)
    assert {line["change"] for line in lines} == {"added", "unchanged"}


def test_whose_export_failed_is_named_nowhere_any_more(jobs: Jobs, clock: Clock) -> None:
    nobody = "12345678-0000-4000-8000-000000000000"
    job_id = finished(jobs, each=1, customers=[TYPICAL.id, nobody], layout="lines", format="ndjson")
    assert nobody in json.dumps(job_manifest(jobs, job_id, ADMIN))
    clock.at += jobs.limits.keep_files + timedelta(seconds=1)
    sweep(jobs, NoEngine())
    assert job_of(jobs, job_id).state is JobState.EXPIRED
    purge(jobs, nobody)
    assert nobody not in own_rows(jobs)
    assert nobody not in json.dumps(job_manifest(jobs, job_id, ADMIN))


def test_what_one_customers_job_leaves_behind_does_not_name_them(jobs: Jobs) -> None:
    job_id = finished(jobs, each=1, customer=TYPICAL.id, format="csv")
    assert TYPICAL.id in own_rows(jobs)
    receipt = purge(jobs, TYPICAL.id)
    assert receipt["jobs"] == [job_id]
    assert receipt["destroyed"]["files"] == 2
    assert all(len(file["sha256"]) == 64 for file in receipt["files"])
    assert TYPICAL.id not in own_rows(jobs)


def test_a_filter_by_ids_forgets_the_customer_and_so_does_the_manifest(jobs: Jobs) -> None:
    ids = [ONE_ORDER.id, THREE_CURRENCIES.id, TYPICAL.id]
    job_id = finished(jobs, each=2, filter={"id": ids}, layout="lines", format="ndjson")
    purge(jobs, TYPICAL.id)
    assert TYPICAL.id not in own_rows(jobs)
    manifest = job_manifest(jobs, job_id, ADMIN)
    assert manifest is not None
    assert manifest["customers"]["filter"][0]["values"] == ids[:2]  # type: ignore[index]
    assert check_signature(manifest, read_key_set(jobs.services.signer.key_set())) is SignatureState.VALID


def test_a_storage_that_is_down_stops_nothing_else_and_the_next_purge_goes_on(jobs: Jobs) -> None:
    job_id = finished(jobs, each=1, customers=IDS, layout="lines", format="ndjson")
    alone = finished(jobs, each=1, customer=TYPICAL.id, format="csv")
    broken = replace(jobs, storage=Undeleting(jobs.storage))
    with pytest.raises(Exception, match="STORAGE_UNAVAILABLE") as raised:
        purge(broken, TYPICAL.id)
    receipt = show_receipt(jobs, raised.value.purge_id, ADMIN)  # type: ignore[attr-defined]
    assert receipt["complete"] is False
    assert {one["place"]: one["state"] for one in receipt["searched"]}["storage"] == "failed"  # type: ignore[attr-defined]
    assert is_kept(jobs, TYPICAL.id)
    assert len(jobs.store.files(job_id)) == 2 * (len(IDS) - 1)  # nobody gets it any more
    assert job_of(jobs, alone).state is JobState.EXPIRED
    again = purge(jobs, TYPICAL.id)
    assert (again["complete"], again["destroyed"]["files"]) == (True, 4)
    assert not is_kept(jobs, TYPICAL.id)
    assert TYPICAL.id not in own_rows(jobs)


class Undeleting:
    """A storage that deletes nothing."""

    def __init__(self, storage: object) -> None:
        self._storage = storage

    def delete(self, name: str) -> None:
        raise StorageUnavailableError(f"{name} cannot be deleted")

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)


def test_the_sweep_deletes_what_a_worker_wrote_late_of_a_purged_part(jobs: Jobs, clock: Clock) -> None:
    job_id = finished(jobs, each=1, customers=IDS, layout="lines", format="ndjson")
    receipt = purge(jobs, TYPICAL.id)
    name = f"jobs/{job_id}/part-{receipt['parts'][0]['part']:05}.ndjson"
    jobs.storage.write(name, [TYPICAL.id.encode()], media_type="application/x-ndjson")
    modified = jobs.storage.find(name).modified_at
    clock.at = modified + YOUNG + timedelta(seconds=1)
    assert sweep_orphans(jobs) == 1
    assert not is_kept(jobs, TYPICAL.id)
    assert len(customers_of(jobs, job_id)) == len(IDS) - 1
