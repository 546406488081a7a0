"""Runs of schedules by a passed-in clock: once each, by one job, whoever dies on the way."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customer_export.auth.tokens import digest_of
from customer_export.demo.customers import TYPICAL
from customer_export.errors import SourceUnavailableError, StoreUnavailableError
from customer_export.jobs.schedules import firing
from customer_export.jobs.schedules.edit import resume_schedule, save_schedule, show_schedule
from customer_export.jobs.schedules.firing import DEAD_AFTER, run_now, run_schedules
from customer_export.jobs.services import Jobs
from customer_export.model.access import BearerToken, LocalOperator, Principal, Scope
from customer_export.model.job import JobFilter, JobState
from customer_export.model.schedule import RunState
from customer_export.store.interface import StoredToken
from timed_jobs import START, Clock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADMIN = Principal(name="local:tester", scopes=frozenset({Scope.ADMIN}))
EXPORT = {"customer": TYPICAL.id, "format": "csv"}


@pytest.fixture
def jobs(timed_jobs: Jobs) -> Jobs:
    return timed_jobs


def save(jobs: Jobs, cron: str = "0 * * * *", **changes: Any) -> str:
    body = {"name": "nightly", "cron": cron, "export": EXPORT, **changes}
    return str(save_schedule(jobs, body, LocalOperator(user="tester"), client=None)["id"])


def shown(jobs: Jobs, schedule_id: str) -> Mapping[str, Any]:
    return show_schedule(jobs, schedule_id, ADMIN)


def runs_of(jobs: Jobs, schedule_id: str) -> list[tuple[str, str]]:
    """Give moment and state of each run, the oldest first."""
    return [(run["dueAt"], run["state"]) for run in reversed(shown(jobs, schedule_id)["runs"])]


def submitted(jobs: Jobs) -> list[str]:
    return [job.job_id for job in jobs.store.jobs(JobFilter(), limit=100)]


def end(jobs: Jobs, schedule_id: str, state: JobState, code: str | None = None) -> None:
    """Let the job of the latest run end."""
    job_id = shown(jobs, schedule_id)["runs"][0]["jobId"]
    assert jobs.store.end(job_id, state, at=jobs.services.now(), code=code)


def test_a_run_is_one_job_at_its_moment_and_not_before(jobs: Jobs, clock: Clock) -> None:
    schedule_id = save(jobs)
    clock.at = START + HOUR - timedelta(seconds=1)
    run_schedules(jobs)
    assert submitted(jobs) == []
    clock.at = START + HOUR
    for _ in range(3):
        run_schedules(jobs)
    assert len(submitted(jobs)) == 1
    assert runs_of(jobs, schedule_id) == [("2026-03-28T13:00:00+00:00", "submitted")]
    assert shown(jobs, schedule_id)["nextRuns"][0] == "2026-03-28T14:00:00+00:00"
    end(jobs, schedule_id, JobState.FINISHED)
    run_schedules(jobs)
    assert runs_of(jobs, schedule_id) == [("2026-03-28T13:00:00+00:00", "finished")]


def test_many_workers_make_one_job_of_a_moment(jobs: Jobs, clock: Clock) -> None:
    schedule_id = save(jobs)
    clock.at = START + HOUR
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: run_schedules(jobs), range(12)))
    assert len(submitted(jobs)) == 1
    assert len(runs_of(jobs, schedule_id)) == 1


@pytest.mark.parametrize(("missed", "count"), [("once", 1), ("skip", 0)])
def test_moments_when_nobody_was_there(jobs: Jobs, clock: Clock, missed: str, count: int) -> None:
    schedule_id = save(jobs, missed=missed)
    clock.at = START + 9 * HOUR + timedelta(minutes=30)
    run_schedules(jobs)
    assert len(submitted(jobs)) == len(runs_of(jobs, schedule_id)) == count
    assert shown(jobs, schedule_id)["nextRuns"][0] == "2026-03-28T22:00:00+00:00"


def test_the_night_that_clocks_change_has_one_run(jobs: Jobs, clock: Clock) -> None:
    schedule_id = save(jobs, "30 2 * * *", timeZone="Europe/Berlin")
    for night, due in ((1, "2026-03-29T01:00:00+00:00"), (2, "2026-03-30T00:30:00+00:00")):
        clock.at = START + night * DAY
        run_schedules(jobs)
        assert runs_of(jobs, schedule_id)[-1] == (due, "submitted")
        end(jobs, schedule_id, JobState.FINISHED)
    assert len(runs_of(jobs, schedule_id)) == 2


def test_a_worker_that_is_late_in_an_hour_that_comes_twice_makes_one_run(jobs: Jobs, clock: Clock) -> None:
    clock.at = datetime(2026, 10, 24, 12, tzinfo=UTC)
    schedule_id = save(jobs, "45 2 * * *", timeZone="Europe/Berlin")
    clock.at = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    for _ in range(3):
        run_schedules(jobs)
        clock.at += timedelta(minutes=20)
    assert runs_of(jobs, schedule_id) == [("2026-10-25T00:45:00+00:00", "submitted")]
    assert shown(jobs, schedule_id)["nextRuns"][0] == "2026-10-26T02:45:00+01:00"


def test_a_schedule_that_breaks_holds_up_no_other(jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = save(jobs), save(jobs, export={**EXPORT, "format": "json"})
    clock.at = START + HOUR
    with monkeypatch.context() as breaking:
        whole = firing.submit_job

        def break_down(of: Jobs, call: Any, **more: Any) -> Any:
            if broken in call.idempotency_key:
                raise ValueError("nobody foresaw this")
            return whole(of, call, **more)

        breaking.setattr(firing, "submit_job", break_down)
        run_schedules(jobs)
    assert [runs_of(jobs, one)[0][1] for one in (broken, other)] == ["pending", "submitted"]
    clock.at += DEAD_AFTER + timedelta(seconds=1)
    run_schedules(jobs)
    assert runs_of(jobs, broken)[0][1] == "submitted"


def test_what_cannot_be_submitted_yet_is_tried_now_and_then(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule_id, tries = save(jobs), []
    clock.at = START + HOUR
    with monkeypatch.context() as down:

        def refuse(*_: object, **__: object) -> None:
            tries.append(clock.at)
            raise SourceUnavailableError("The database does not answer")

        down.setattr(firing, "submit_job", refuse)
        for _ in range(100):
            run_schedules(jobs)
            clock.at += timedelta(seconds=1)
    assert [(at - START - HOUR).seconds for at in tries] == [0, 31, 62, 93]
    assert shown(jobs, schedule_id)["failuresInARow"] == 0


def test_who_dies_before_the_job_is_submitted_is_followed_by_another(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule_id = save(jobs)
    clock.at = START + HOUR
    with monkeypatch.context() as dying:

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        dying.setattr(firing, "submit_job", die)
        with pytest.raises(KeyboardInterrupt):
            run_schedules(jobs)
    run_schedules(jobs)
    assert runs_of(jobs, schedule_id) == [("2026-03-28T13:00:00+00:00", "pending")]
    clock.at += DEAD_AFTER + timedelta(seconds=1)
    run_schedules(jobs)
    assert runs_of(jobs, schedule_id) == [("2026-03-28T13:00:00+00:00", "submitted")]
    assert len(submitted(jobs)) == 1


def test_who_dies_after_the_job_was_submitted_makes_no_second_one(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule_id = save(jobs)
    clock.at = START + HOUR
    with monkeypatch.context() as dying:

        def lost(*_: object) -> None:
            raise StoreUnavailableError("The database does not answer")

        dying.setattr(jobs.schedules, "have_job", lost)
        with pytest.raises(StoreUnavailableError):
            run_schedules(jobs)
    (job_id,) = submitted(jobs)
    jobs.store.end(job_id, JobState.FINISHED, at=clock.at)
    clock.at += DEAD_AFTER + timedelta(seconds=1)
    run_schedules(jobs)
    assert submitted(jobs) == [job_id]
    assert shown(jobs, schedule_id)["runs"][0]["jobId"] == job_id


def test_a_run_that_was_submitted_keeps_its_job_though_its_moments_would_be_others_now(
    jobs: Jobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule_id = save(jobs, export={**EXPORT, "from": "$previous", "to": "$due"})
    clock.at = START + HOUR
    run_schedules(jobs)
    clock.at = START + 2 * HOUR
    with monkeypatch.context() as dying:
        dying.setattr(jobs.schedules, "have_job", lambda *_: None)
        run_schedules(jobs)
    jobs.store.end(shown(jobs, schedule_id)["runs"][1]["jobId"], JobState.FINISHED, at=clock.at)
    (second,) = set(submitted(jobs)) - {shown(jobs, schedule_id)["runs"][1]["jobId"]}
    clock.at += DEAD_AFTER + timedelta(seconds=1)
    run_schedules(jobs)
    assert len(submitted(jobs)) == 2
    assert (shown(jobs, schedule_id)["runs"][0]["jobId"], shown(jobs, schedule_id)["failuresInARow"]) == (second, 0)


def test_an_earlier_run_that_still_makes_the_same_is_left_alone(jobs: Jobs, clock: Clock) -> None:
    schedule_id = save(jobs)
    for hour in (1, 2):
        clock.at = START + hour * HOUR
        run_schedules(jobs)
    assert [state for _, state in runs_of(jobs, schedule_id)] == ["submitted", "overlapping"]
    assert len(submitted(jobs)) == 1
    assert shown(jobs, schedule_id)["failuresInARow"] == 0


def test_failures_in_a_row_stop_it_until_it_is_resumed(jobs: Jobs, clock: Clock) -> None:
    schedule_id = save(jobs, stopAfterFailures=2)
    for hour in (1, 2):
        clock.at = START + hour * HOUR
        run_schedules(jobs)
        end(jobs, schedule_id, JobState.FAILED, "SOURCE_FAILED")
    run_schedules(jobs)
    found = shown(jobs, schedule_id)
    assert (found["state"], found["code"], found["nextRuns"]) == ("stopped", "SOURCE_FAILED", [])
    clock.at = START + 5 * HOUR
    run_schedules(jobs)
    assert len(submitted(jobs)) == 2
    resume_schedule(jobs, schedule_id, ADMIN)
    clock.at = START + 6 * HOUR
    run_schedules(jobs)
    assert len(submitted(jobs)) == 3


def test_words_are_moments_from_the_last_run_that_made_everything(jobs: Jobs, clock: Clock) -> None:
    export = {"customer": TYPICAL.id, "format": "csv", "from": "$previous", "to": "$due"}
    schedule_id = save(jobs, "0 6 * * *", timeZone="Europe/Berlin", export=export)
    periods = []
    for night, state in ((1, JobState.FINISHED), (2, JobState.FAILED), (3, JobState.FINISHED)):
        clock.at = START + night * DAY
        run_schedules(jobs)
        job = jobs.store.job(shown(jobs, schedule_id)["runs"][0]["jobId"])
        assert job is not None
        given = dict(job.order.parameters)
        periods.append((given["from"], given["to"]))
        end(jobs, schedule_id, state)
        run_schedules(jobs)
    assert periods == [
        ("2026-03-28T06:00:00+01:00", "2026-03-29T06:00:00+02:00"),
        ("2026-03-29T06:00:00+02:00", "2026-03-30T06:00:00+02:00"),
        ("2026-03-29T06:00:00+02:00", "2026-03-31T06:00:00+02:00"),
    ]


def test_a_token_that_was_revoked_is_refused_and_stops_it(jobs: Jobs, clock: Clock) -> None:
    token = StoredToken(
        name="desk", digest=digest_of("secret"), scopes=(Scope.EXPORT,), created_at=START, expires_at=START + 2 * HOUR
    )
    jobs.services.store.add_token(token)
    body = {"name": "hourly", "cron": "0 * * * *", "export": EXPORT, "stopAfterFailures": 2}
    schedule_id = str(save_schedule(jobs, body, BearerToken(secret="secret"), client="127.0.0.1")["id"])
    for hour in (1, 2, 3):
        clock.at = START + hour * HOUR
        run_schedules(jobs)
        if hour == 1:
            end(jobs, schedule_id, JobState.FINISHED)
    assert [state for _, state in runs_of(jobs, schedule_id)] == ["finished", "refused", "refused"]
    found = shown(jobs, schedule_id)
    assert (found["state"], found["code"], found["owner"]) == ("stopped", "TOKEN_EXPIRED", "desk")


def test_a_run_by_hand_leaves_the_next_moment_alone(jobs: Jobs, clock: Clock) -> None:
    schedule_id = save(jobs)
    clock.at = START + timedelta(minutes=5)
    run = run_now(jobs, schedule_id, ADMIN)
    assert (run.by_hand, run.state) == (True, RunState.SUBMITTED)
    assert submitted(jobs) == [run.job_id]
    assert shown(jobs, schedule_id)["nextRuns"][0] == "2026-03-28T13:00:00+00:00"
