"""What our own database keeps of schedules, on SQLite and PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from customer_export.model.job import Submitter, SubmitterKind
from customer_export.model.schedule import MissedRuns, RunState, Schedule, ScheduledRun, ScheduleState
from customer_export.store.schedules import SqlSchedules

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def schedules(engine: sa.Engine) -> SqlSchedules:
    return SqlSchedules(engine)


def a_schedule(schedule_id: str = "a", *, owner: str = "desk", due: datetime = NOW) -> Schedule:
    return Schedule(
        schedule_id=schedule_id, name="nightly", cron="0 * * * *", time_zone="UTC", export={"customers": "all"},
        owner=Submitter(kind=SubmitterKind.TOKEN, name=owner, token_digest="ab" * 32), missed=MissedRuns.ONCE,
        stop_after=2, created_at=NOW, updated_at=NOW, due_at=due,
    )  # fmt: skip


def a_run(due: datetime = NOW, *, schedule_id: str = "a") -> ScheduledRun:
    return ScheduledRun(schedule_id=schedule_id, due_at=due, begun_at=due)


def test_a_schedule_is_kept_as_it_was_made_and_replaced(schedules: SqlSchedules) -> None:
    schedules.create(a_schedule())
    assert schedules.schedule("a") == a_schedule()
    other = replace(a_schedule(), name="other", state=ScheduleState.PAUSED, due_at=None)
    assert schedules.replace(other)
    assert schedules.schedule("a") == other
    assert not schedules.replace(replace(other, schedule_id="b"))
    assert schedules.schedule("b") is None


def test_of_many_who_claim_a_moment_one_does(schedules: SqlSchedules) -> None:
    schedules.create(a_schedule())
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: schedules.claim(a_schedule(), next_due=NOW + HOUR, run=a_run()), range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert schedules.runs("a", limit=10) == [a_run()]
    assert schedules.due(at=NOW, limit=10) == []
    assert [one.due_at for one in schedules.due(at=NOW + HOUR, limit=10)] == [NOW + HOUR]


@pytest.mark.parametrize("change", ["paused", "replaced", "deleted"])
def test_what_was_changed_meanwhile_is_not_claimed(schedules: SqlSchedules, change: str) -> None:
    schedules.create(a_schedule())
    match change:
        case "paused":
            schedules.move("a", ScheduleState.PAUSED, due_at=None, at=NOW)
        case "replaced":
            schedules.replace(replace(a_schedule(), updated_at=NOW + HOUR))
        case _:
            assert schedules.delete("a")
    assert not schedules.claim(a_schedule(), next_due=NOW + HOUR, run=a_run())
    assert schedules.runs("a", limit=10) == []


def test_failures_in_a_row_stop_it_and_a_success_between_does_not(schedules: SqlSchedules) -> None:
    schedules.create(a_schedule())
    outcomes = [RunState.FAILED, RunState.FINISHED, RunState.REFUSED, RunState.CANCELLED, RunState.OVERLAPPING]
    for hour, state in enumerate(outcomes):
        run = a_run(NOW + hour * HOUR)
        schedules.add_run(run)
        assert schedules.settle(run, state, code="SOME_CODE")
        assert not schedules.settle(run, RunState.FAILED, code="OTHER"), "an end is an end"
    found = schedules.schedule("a")
    assert found is not None
    assert (found.state, found.failures) == (ScheduleState.ACTIVE, 1)
    last = a_run(NOW + 9 * HOUR)
    schedules.add_run(last)
    schedules.settle(last, RunState.FAILED, code="SOURCE_FAILED")
    found = schedules.schedule("a")
    assert found is not None
    assert (found.state, found.failures, found.due_at, found.code) == (ScheduleState.STOPPED, 2, None, "SOURCE_FAILED")
    assert schedules.move("a", ScheduleState.ACTIVE, due_at=NOW, at=NOW)
    assert schedules.schedule("a") == a_schedule()


def test_a_run_goes_from_pending_to_its_job_and_its_end(schedules: SqlSchedules) -> None:
    schedules.create(a_schedule())
    schedules.add_run(a_run())
    assert schedules.pending(begun_before=NOW, limit=9) == []
    assert schedules.pending(begun_before=NOW + HOUR, limit=9) == [a_run()]
    schedules.have_job(a_run(), "j")
    assert schedules.pending(begun_before=NOW + HOUR, limit=9) == []
    assert schedules.unsettled(limit=9) == [replace(a_run(), state=RunState.SUBMITTED, job_id="j")]
    assert schedules.last_finished("a", before=NOW + HOUR) is None
    schedules.forget_runs(before=NOW + HOUR)
    schedules.settle(a_run(), RunState.FINISHED)
    last = schedules.last_finished("a", before=NOW + HOUR)
    assert last is not None
    assert last.due_at == NOW
    assert schedules.last_finished("a", before=NOW) is None
    assert [run.job_id for run in schedules.runs("a", limit=9)] == ["j"]
    schedules.forget_runs(before=NOW + HOUR)
    assert [run.due_at for run in schedules.runs("a", limit=9)] == [NOW], "the next run begins where this one ended"
    for hour, state in ((1, RunState.FAILED), (2, RunState.FINISHED)):
        schedules.add_run(a_run(NOW + hour * HOUR))
        schedules.settle(a_run(NOW + hour * HOUR), state)
    schedules.forget_runs(before=NOW + 3 * HOUR)
    assert [run.due_at for run in schedules.runs("a", limit=9)] == [NOW + 2 * HOUR]


def test_of_many_who_take_a_pending_run_over_one_does(schedules: SqlSchedules) -> None:
    schedules.create(a_schedule())
    schedules.add_run(a_run())
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: schedules.begin_again(a_run(), at=NOW + HOUR), range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert schedules.pending(begun_before=NOW + HOUR, limit=9) == []
    begun = replace(a_run(), begun_at=NOW + HOUR)
    schedules.have_job(begun, "j")
    assert not schedules.begin_again(begun, at=NOW + 2 * HOUR)


def test_pages_are_of_an_owner_or_of_all(schedules: SqlSchedules) -> None:
    for name in "abcd":
        schedules.create(a_schedule(name, owner="desk" if name in "ad" else "other"))
    assert [one.schedule_id for one in schedules.schedules(None, after="a", limit=2)] == ["b", "c"]
    assert [one.schedule_id for one in schedules.schedules("desk", after=None, limit=9)] == ["a", "d"]


def test_what_is_deleted_leaves_nothing(schedules: SqlSchedules) -> None:
    schedules.create(a_schedule())
    schedules.add_run(a_run())
    assert schedules.delete("a")
    assert not schedules.delete("a")
    assert schedules.runs("a", limit=9) == []
