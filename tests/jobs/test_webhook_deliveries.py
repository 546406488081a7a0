"""Messages of jobs by a passed-in clock: kept with the job's end, tried for more than a day, sent by one worker."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import standardwebhooks

from customer_export.cache.sealing import Seal
from customer_export.demo.customers import TYPICAL
from customer_export.errors import WebhookLimitError
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.jobs.webhooks.deliver import KEPT, LEASE, WAITS, Deliverer, deliver
from customer_export.jobs.webhooks.edit import (
    OVERLAP,
    create_webhook,
    list_deliveries,
    replay_delivery,
    rotate_secret,
    send_test,
    set_enabled,
    show_webhook,
)
from customer_export.model.access import LocalOperator, Principal, Scope
from customer_export.model.job import JobState
from customer_export.model.webhook import DeliveryState
from timed_jobs import START, Clock
from webhook_receiver import Receiver, answering, receiving

ADMIN = Principal(name="local:tester", scopes=frozenset({Scope.ADMIN}))
SECOND = timedelta(seconds=1)


def hooked(jobs: Jobs, receiver: Receiver, **wanted: Any) -> Mapping[str, Any]:
    return create_webhook(jobs, {"url": receiver.url, **wanted}, ADMIN)


def ended_job(jobs: Jobs, state: JobState = JobState.FINISHED, code: str | None = None) -> str:
    call = JobCall(
        job_id=uuid4().hex, wanted={"customer": TYPICAL.id, "format": "csv"}, idempotency_key=None,
        credentials=LocalOperator(user="tester"), client=None,
    )  # fmt: skip
    job_id = submit_job(jobs, call, told=lambda _allowance: None).job.job_id
    assert jobs.store.end(job_id, state, at=jobs.services.now(), code=code, expires_at=jobs.services.now())
    return job_id


def send(jobs: Jobs) -> None:
    """Send what is due, and wait for it."""
    deliverer = Deliverer(jobs)
    deliverer.send_due()
    deliverer._pool.shutdown(wait=True)


def log_of(jobs: Jobs, webhook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    page, _ = list_deliveries(jobs, webhook["id"], ADMIN, state=None, before=None, limit=100)
    return list(page)


def test_many_who_make_webhooks_at_a_time_make_no_more_than_one_owner_may_have(timed_jobs: Jobs) -> None:
    jobs = replace(timed_jobs, limits=replace(timed_jobs.limits, webhooks=3))

    def make(_: int) -> bool:
        try:
            create_webhook(jobs, {"url": "https://shop.example/hook"}, ADMIN)
        except WebhookLimitError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(16))) == 3
    assert len(jobs.webhooks.webhooks(ADMIN.name, after=None, limit=100)) == 3


def test_a_job_that_ends_is_told_in_a_message_that_verifies(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(204)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        job_id = ended_job(timed_jobs)
        send(timed_jobs)
    ((headers, body),) = receiver.messages
    message = json.loads(body)
    assert message == {
        "type": "export.job.finished",
        "timestamp": START.isoformat(),
        "data": {
            "jobId": job_id, "state": "finished", "code": None,
            "links": {"job": f"/api/admin/exports/{job_id}", "manifest": f"/api/admin/exports/{job_id}/manifest"},
        },
    }  # fmt: skip
    assert TYPICAL.id.encode() not in body
    signer = standardwebhooks.Webhook(webhook["secret"])
    assert headers["webhook-signature"] == signer.sign(headers["webhook-id"], clock.at, body.decode())
    (kept,) = log_of(timed_jobs, webhook)
    assert (kept["state"], kept["attempts"], kept["status"], kept["error"]) == ("delivered", 1, 204, None)
    assert "secret" not in show_webhook(timed_jobs, webhook["id"], ADMIN)


@pytest.mark.parametrize(
    ("state", "code", "events"),
    [
        (JobState.FINISHED, None, ["finished"]),
        (JobState.INCOMPLETE, "CUSTOMER_NOT_FOUND", ["incomplete"]),
        (JobState.FAILED, "SOURCE_FAILED", ["failed"]),
        (JobState.FAILED, "EXPORT_SIZE_EXCEEDED", ["failed", "limit_reached"]),
        (JobState.CANCELLED, None, ["cancelled"]),
    ],
)
def test_each_end_has_its_events(timed_jobs: Jobs, state: JobState, code: str | None, events: list[str]) -> None:
    with receiving(answering(200)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs, state, code)
    assert sorted(one["event"] for one in log_of(timed_jobs, webhook)) == [f"export.job.{event}" for event in events]


def test_what_expires_and_what_is_cancelled_while_it_waits_is_told(timed_jobs: Jobs) -> None:
    with receiving(answering(200)) as receiver:
        webhook = hooked(timed_jobs, receiver, events=["export.job.expired", "export.job.cancelled"])
        job_id = ended_job(timed_jobs)
        assert timed_jobs.store.expire(job_id, at=START)
        call = JobCall(
            job_id=uuid4().hex, wanted={"customer": TYPICAL.id, "format": "json"}, idempotency_key=None,
            credentials=LocalOperator(user="tester"), client=None,
        )  # fmt: skip
        waiting = submit_job(timed_jobs, call, told=lambda _allowance: None).job.job_id
        assert timed_jobs.store.request_cancel(waiting, at=START)
        assert not timed_jobs.store.request_cancel(waiting, at=START)
    assert sorted(one["event"] for one in log_of(timed_jobs, webhook)) == ["export.job.cancelled", "export.job.expired"]


def test_others_jobs_are_told_to_those_alone_who_asked_for_all(timed_jobs: Jobs) -> None:
    other = Principal(name="desk", scopes=frozenset({Scope.EXPORT}))
    with receiving(answering(200)) as receiver:
        theirs = create_webhook(timed_jobs, {"url": receiver.url}, other)
        everybodys = hooked(timed_jobs, receiver, allJobs=True)
        ended_job(timed_jobs)
    assert log_of(timed_jobs, theirs) == []
    assert len(log_of(timed_jobs, everybodys)) == 1


def test_a_receiver_that_is_down_gets_the_same_message_when_it_is_back(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(500)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        for number, wait in enumerate(WAITS[:6], start=1):
            send(timed_jobs)
            send(timed_jobs)  # nothing is due
            (kept,) = log_of(timed_jobs, webhook)
            assert (kept["state"], kept["attempts"], kept["error"]) == ("pending", number, "answered 500")
            assert len(receiver.messages) == number
            clock.at += wait * 1.2 + SECOND
        receiver.answer = answering(200)
        send(timed_jobs)
    assert log_of(timed_jobs, webhook)[0]["state"] == "delivered"
    assert len({headers["webhook-id"] for headers, _ in receiver.messages}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.messages}) == 7
    assert len({body for _, body in receiver.messages}) == 1


def test_after_more_than_a_day_it_is_dead_and_can_be_replayed(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(500)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        began = clock.at
        for wait in WAITS:
            send(timed_jobs)
            assert show_webhook(timed_jobs, webhook["id"], ADMIN)["state"] == "enabled"
            clock.at += wait * 1.2 + SECOND
        assert sum(WAITS, timedelta()) > timedelta(hours=24)
        assert clock.at - began > timedelta(hours=24)
        send(timed_jobs)
        (kept,) = log_of(timed_jobs, webhook)
        assert (kept["state"], kept["attempts"], kept["nextTryAt"]) == ("dead", len(WAITS) + 1, None)
        stopped = show_webhook(timed_jobs, webhook["id"], ADMIN)
        assert (stopped["state"], "answered 500" in str(stopped["reason"])) == ("stopped", True)
        receiver.answer, sent = answering(200), len(receiver.messages)
        replay_delivery(timed_jobs, webhook["id"], kept["id"], ADMIN)
        send(timed_jobs)
        assert len(receiver.messages) == sent, "a stopped webhook is sent nothing"
        set_enabled(timed_jobs, webhook["id"], ADMIN, enabled=True)
        send(timed_jobs)
    assert log_of(timed_jobs, webhook)[0]["state"] == "delivered"
    assert receiver.messages[-1][0]["webhook-id"] == kept["id"]


def test_a_message_that_is_never_taken_stops_no_receiver_that_takes_others(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(400)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        for wait in WAITS:
            send(timed_jobs)
            clock.at += wait * 1.2 + SECOND
        receiver.answer = answering(200)
        other = send_test(timed_jobs, webhook["id"], ADMIN)["id"]
        (due,) = (one for one in timed_jobs.webhooks.due(at=clock.at, limit=9) if one.delivery_id == other)
        assert timed_jobs.webhooks.claim(due, until=clock.at + LEASE, at=clock.at)
        deliver(timed_jobs, due)
        receiver.answer = answering(400)
        send(timed_jobs)
    assert [one["state"] for one in log_of(timed_jobs, webhook)] == ["delivered", "dead"]
    assert show_webhook(timed_jobs, webhook["id"], ADMIN)["state"] == "enabled"


def test_410_stops_it_at_once(timed_jobs: Jobs) -> None:
    with receiving(answering(410)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        send(timed_jobs)
    assert log_of(timed_jobs, webhook)[0]["state"] == "dead"
    assert show_webhook(timed_jobs, webhook["id"], ADMIN)["reason"] == "it answered 410"


def test_a_redirect_to_a_private_address_is_a_failure_whose_body_nobody_keeps(timed_jobs: Jobs) -> None:
    with receiving(answering(302, Location="http://169.254.169.254/latest/meta-data")) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        send(timed_jobs)
    (kept,) = log_of(timed_jobs, webhook)
    assert (kept["status"], kept["error"]) == (302, "answered 302")
    assert "secret" not in json.dumps(kept)


def test_of_many_workers_one_sends(timed_jobs: Jobs) -> None:
    with receiving(answering(200)) as receiver:
        hooked(timed_jobs, receiver)
        for _ in range(3):
            ended_job(timed_jobs)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: send(timed_jobs), range(6)))
        send(timed_jobs)  # a look takes two of a webhook, and all six may have taken the same two
    assert len(receiver.messages) == len({headers["webhook-id"] for headers, _ in receiver.messages}) == 3


def test_a_receiver_with_many_messages_leaves_room_for_others(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(200)) as receiver:
        crowded, other = hooked(timed_jobs, receiver), hooked(timed_jobs, receiver, events=["export.job.failed"])
        for _ in range(12):
            ended_job(timed_jobs)
        ended_job(timed_jobs, JobState.FAILED, "SOURCE_FAILED")
        due = timed_jobs.webhooks.due(at=clock.at, limit=8)
    assert [one.webhook_id for one in due].count(crowded["id"]) == 2
    assert [one.webhook_id for one in due].count(other["id"]) == 1


def test_a_worker_that_comes_late_does_not_take_back_what_another_has_delivered(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(200)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        (late,) = timed_jobs.webhooks.due(at=clock.at, limit=9)
        assert timed_jobs.webhooks.claim(late, until=clock.at + LEASE, at=clock.at)
        clock.at += LEASE
        send(timed_jobs)
        timed_jobs.webhooks.tried(late, DeliveryState.PENDING, due_at=clock.at, status=None, error="no answer")
    (kept,) = log_of(timed_jobs, webhook)
    assert (kept["state"], kept["attempts"], kept["error"]) == ("delivered", 2, None)


def test_what_a_worker_was_sending_when_it_died_is_sent_again(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(200)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        (due,) = timed_jobs.webhooks.due(at=clock.at, limit=9)
        assert timed_jobs.webhooks.claim(due, until=clock.at + LEASE, at=clock.at)
        send(timed_jobs)
        assert receiver.messages == []
        clock.at += LEASE
        send(timed_jobs)
    (kept,) = log_of(timed_jobs, webhook)
    assert (kept["state"], kept["attempts"]) == ("delivered", 2)


def test_a_new_secret_and_the_one_before_are_good_for_a_day(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(200)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        second = rotate_secret(timed_jobs, webhook["id"], ADMIN)["secret"]
        for wait in (timedelta(), OVERLAP):
            clock.at += wait
            ended_job(timed_jobs)
            send(timed_jobs)
    signed = [headers["webhook-signature"].split() for headers, _ in receiver.messages]
    assert [len(signatures) for signatures in signed] == [2, 1]
    for secret, message in ((webhook["secret"], 0), (second, 0), (second, 1)):
        headers, body = receiver.messages[message]
        moment = START if message == 0 else START + OVERLAP
        signature = standardwebhooks.Webhook(str(secret)).sign(headers["webhook-id"], moment, body.decode())
        assert signature in signed[message]


def test_secrets_are_sealed_and_without_the_key_nothing_is_sent(timed_jobs: Jobs) -> None:
    with receiving(answering(200)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        kept = timed_jobs.webhooks.webhook(webhook["id"])
        assert kept is not None
        assert webhook["secret"].encode() not in kept.secrets[0].sealed
        ended_job(timed_jobs)
        send(replace(timed_jobs, seal=Seal((bytes(31) + b"1",))))
    assert receiver.messages == []
    assert "EXPORT_CACHE_KEYS" in str(log_of(timed_jobs, webhook)[0]["error"])


def test_what_is_disabled_waits_and_what_is_old_is_forgotten(timed_jobs: Jobs, clock: Clock) -> None:
    with receiving(answering(200)) as receiver:
        webhook = hooked(timed_jobs, receiver)
        ended_job(timed_jobs)
        set_enabled(timed_jobs, webhook["id"], ADMIN, enabled=False)
        send(timed_jobs)
        assert receiver.messages == []
        ended_job(timed_jobs)
        assert len(log_of(timed_jobs, webhook)) == 1
        clock.at += KEPT + SECOND
        Deliverer(timed_jobs).forget()
        assert log_of(timed_jobs, webhook)[0]["state"] == DeliveryState.PENDING
        set_enabled(timed_jobs, webhook["id"], ADMIN, enabled=True)
        send(timed_jobs)
        Deliverer(timed_jobs).forget()
    assert log_of(timed_jobs, webhook) == []
