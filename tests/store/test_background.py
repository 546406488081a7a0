"""Counts of what is done in the background, on SQLite and PostgreSQL."""

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from test_jobs import NOW, new_job, partitions, result_of

from customer_export.model.job import JobState
from customer_export.model.schedule import MissedRuns, RunState, Schedule, ScheduledRun
from customer_export.model.webhook import Delivery, DeliveryState, Webhook, WebhookEvent, WebhookState
from customer_export.observability.background import BackgroundFigures
from customer_export.store.background import count_background
from customer_export.store.jobs import SqlJobs
from customer_export.store.schedules import SqlSchedules
from customer_export.store.webhooks import SqlWebhooks

MINUTE = timedelta(minutes=1)


def counted(engine: sa.Engine, now: datetime = NOW) -> BackgroundFigures:
    return count_background(engine, now=now)


def schedule(name: str, *, due_at: datetime) -> Schedule:
    return Schedule(
        schedule_id=name, name=name, cron="* * * * *", time_zone="UTC", export={}, owner=new_job("x").submitter,
        missed=MissedRuns.ONCE, stop_after=3, created_at=NOW, updated_at=NOW, due_at=due_at,
    )  # fmt: skip


def test_an_empty_database_has_every_figure_as_nothing(engine: sa.Engine) -> None:
    figures = counted(engine)
    lines = [line for line in figures.text().decode().splitlines() if not line.startswith("#")]
    assert {line.rpartition(" ")[2] for line in lines} == {"0.0"}
    assert len(lines) > 20
    assert figures.jobs.keys() == set(JobState)


def test_jobs_are_counted_by_state_with_their_parts_and_files(engine: sa.Engine) -> None:
    jobs = SqlJobs(engine)
    for name, minutes in (("a", 9), ("b", 3), ("c", 2), ("d", 1)):
        jobs.submit(new_job(name, at=NOW - minutes * MINUTE))
    jobs.plan("a", partitions(4), at=NOW)
    for number in (0, 1):
        jobs.begin_part("a", number)
    jobs.finish_part("a", result_of(0))
    jobs.fail_part("a", 3, code="WORKER_DIED")
    jobs.plan("b", partitions(1), at=NOW)
    jobs.finish_part("b", result_of(0, "b"))
    jobs.end("b", JobState.FINISHED, at=NOW)
    figures = counted(engine)
    assert {state: count for state, count in figures.jobs.items() if count} == {
        "running": 1,
        "finished": 1,
        "queued": 2,
    }
    assert figures.queued_seconds == 120
    assert figures.parts == {"waiting": 1, "running": 1, "done": 1, "failed": 1}
    assert (figures.files, figures.file_bytes) == (4, 20)
    jobs.expire("b", at=NOW)
    figures = counted(engine)
    assert (figures.jobs["expired"], figures.files, figures.file_bytes) == (1, 2, 10)


def test_schedules_that_are_late_or_fail_stand_out(engine: sa.Engine) -> None:
    schedules = SqlSchedules(engine)
    schedules.create(schedule("ahead", due_at=NOW + MINUTE))
    assert counted(engine).overdue_seconds == 0
    schedules.create(schedule("late", due_at=NOW - 5 * MINUTE))
    for minute in range(2):
        run = ScheduledRun(schedule_id="ahead", due_at=NOW + minute * MINUTE, begun_at=NOW)
        schedules.add_run(run)
        assert schedules.settle(run, RunState.REFUSED, code="INVALID_TOKEN")
    figures = counted(engine)
    assert (figures.schedules["active"], figures.overdue_seconds, figures.schedule_failures) == (2, 300, 2)
    run = ScheduledRun(schedule_id="ahead", due_at=NOW + 2 * MINUTE, begun_at=NOW)
    schedules.add_run(run)
    schedules.settle(run, RunState.REFUSED, code="INVALID_TOKEN")
    figures = counted(engine)
    assert figures.schedules == {"active": 1, "paused": 0, "stopped": 1}
    assert figures.schedule_failures == 0


def test_messages_count_as_long_as_nobody_took_them(engine: sa.Engine) -> None:
    webhooks = SqlWebhooks(engine)
    hook = Webhook(
        webhook_id="on", url="https://shop.example/", owner="desk", events=(WebhookEvent.FINISHED,), all_jobs=False,
        secrets=(), state=WebhookState.ENABLED, created_at=NOW, reason=None,
    )  # fmt: skip
    assert webhooks.create(hook, most=2)
    assert webhooks.create(replace(hook, webhook_id="off", state=WebhookState.DISABLED), most=2)
    waiting = Delivery(
        delivery_id="1", webhook_id="on", event=WebhookEvent.FINISHED, body="{}", created_at=NOW - MINUTE, due_at=NOW
    )
    older = NOW - 10 * MINUTE
    for delivery in (
        waiting,
        replace(waiting, delivery_id="2", state=DeliveryState.DEAD, created_at=older),
        replace(waiting, delivery_id="3", state=DeliveryState.DELIVERED, created_at=older),
        replace(waiting, delivery_id="4", webhook_id="off", created_at=older),
    ):
        webhooks.add_delivery(delivery)
    figures = counted(engine)
    assert figures.webhooks == {"enabled": 1, "disabled": 1, "stopped": 0}
    assert figures.messages == {"pending": 2, "dead": 1}
    assert figures.pending_seconds == 60
