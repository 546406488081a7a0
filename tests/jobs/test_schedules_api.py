"""Schedules as a caller has them, on a server with a worker beside it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from customer_export.demo.customers import TYPICAL
from customer_export.model.access import Scope
from job_client import JobClient, Known
from servers import PATIENCE_SECONDS, wait_until

PATH = "/api/admin/schedules"
BODY = {
    "name": "Nightly",
    "cron": "30 2 * * *",
    "timeZone": "Europe/Berlin",
    "export": {"customer": TYPICAL.id, "format": "csv"},
}


def created(client: JobClient, **changes: object) -> dict[str, Any]:
    answer = client.http.post(PATH, json={**BODY, **changes})
    assert answer.status_code == 201, answer.text
    members: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{PATH}/{members['id']}"
    return members


def shown(client: JobClient, schedule: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = client.http.get(f"{PATH}/{schedule['id']}").json()
    return members


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_schedule_is_shown_as_it_was_made_with_its_next_runs(desk: JobClient) -> None:
    made = created(desk)
    assert (
        made.items()
        >= {**BODY, "owner": "desk", "state": "active", "target": "files", "missed": "once", "runs": []}.items()
    )
    assert len(made["nextRuns"]) == 5
    assert all(moment[10:16] in {"T02:30", "T03:00"} for moment in made["nextRuns"])
    assert shown(desk, made) == made


def test_a_run_by_hand_makes_a_file(desk: JobClient) -> None:
    made = created(desk)
    answer = desk.http.post(f"{PATH}/{made['id']}/run")
    assert answer.status_code == 202
    assert answer.json()["state"] == "submitted"
    assert desk.ended(answer.json()["jobId"])["state"] == "finished"
    wait_until(
        lambda: shown(desk, made)["runs"][0]["state"] == "finished",
        what="the run's end",
        patience_seconds=PATIENCE_SECONDS,
    )


def test_the_worker_runs_what_is_due(desk: JobClient) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    made = created(desk, cron=f"{soon.minute} {soon.hour} * * *", timeZone="UTC")
    wait_until(
        lambda: any(run["jobId"] for run in shown(desk, made)["runs"]), what="its first run", patience_seconds=120
    )
    job_id = shown(desk, made)["runs"][0]["jobId"]
    assert desk.ended(job_id)["state"] == "finished"


def test_it_is_paused_resumed_replaced_and_deleted(desk: JobClient) -> None:
    made = created(desk)
    url = f"{PATH}/{made['id']}"
    paused = desk.http.post(f"{url}/pause").json()
    assert (paused["state"], paused["nextRuns"]) == ("paused", [])
    replaced = desk.http.put(url, json={**BODY, "name": "Other", "cron": "0 6 * * MON"})
    assert (replaced.status_code, replaced.json()["state"], replaced.json()["name"]) == (200, "paused", "Other")
    resumed = desk.http.post(f"{url}/resume").json()
    assert (resumed["state"], resumed["cron"], resumed["nextRuns"][0][10:16]) == ("active", "0 6 * * MON", "T06:00")
    assert desk.http.delete(url).status_code == 204
    for method, path in (("GET", url), ("DELETE", url), ("POST", f"{url}/run"), ("POST", f"{url}/pause")):
        assert refusal(desk.http.request(method, path)) == (404, "SCHEDULE_NOT_FOUND")
    assert refusal(desk.http.put(url, json=BODY)) == (404, "SCHEDULE_NOT_FOUND")


def test_nobody_sees_others_schedules_but_administrators(known: Known) -> None:
    mine, other, admin = known("me"), known("another"), known("chief", Scope.ADMIN)
    made = created(mine)
    assert refusal(other.http.get(f"{PATH}/{made['id']}")) == (404, "SCHEDULE_NOT_FOUND")
    assert other.http.get(PATH).json() == {"schedules": [], "next": None}
    assert shown(admin, made) == made


def test_pages_lead_from_one_to_the_next(known: Known) -> None:
    client = known("pager")
    ids = sorted(created(client)["id"] for _ in range(5))
    seen, url = [], f"{PATH}?limit=2"
    while url:
        answer = client.http.get(url)
        seen += [one["id"] for one in answer.json()["schedules"]]
        url = answer.json()["next"]
        assert (url is None) == ("link" not in answer.headers)
    assert seen == ids


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"cron": "61 * * * *"}, "cron: bad minute"),
        ({"timeZone": "Mars/Base"}, "timeZone: is not a time zone"),
        ({"timeZone": {}}, "timeZone: is not a time zone"),
        ({"name": ""}, "name: is empty"),
        ({"name": "a\0b"}, "name: has characters that cannot be printed"),
        ({"missed": "twice"}, "missed: is not known"),
        ({"target": "disk"}, "target: is not known"),
        ({"target": "cache"}, "set EXPORT_WARM_PER_MINUTE"),
        ({"stopAfterFailures": 0}, "stopAfterFailures: is less than 1"),
        ({"stopAfterFailures": "many"}, "stopAfterFailures: is no whole number"),
        ({"export": "everything"}, "export: is no object"),
        ({"export": {"customer": TYPICAL.id, "format": "doc"}}, "format"),
        ({"export": {"customer": TYPICAL.id, "format": "csv", "from": "$yesterday"}}, "from: is not a date"),
        ({"export": {"customer": TYPICAL.id, "format": "csv", "encrypt": "zip"}}, "passphrase"),
        ({"chron": "* * * * *"}, "chron: is not a parameter; did you mean cron?"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_saved(desk: JobClient, changes: dict[str, object], mistake: str) -> None:
    answer = desk.http.post(PATH, json={**BODY, **changes})
    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert mistake in answer.text


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=0000000019999", "after=%2F", "page=2"])
def test_a_wrong_page_is_refused(desk: JobClient, query: str) -> None:
    assert refusal(desk.http.get(f"{PATH}?{query}")) == (400, "VALIDATION_ERROR")


def test_a_body_that_is_no_object_is_refused(desk: JobClient) -> None:
    assert refusal(desk.http.post(PATH, json=[1])) == (400, "VALIDATION_ERROR")


def test_several_customers_need_the_scope_for_them(desk: JobClient) -> None:
    answer = desk.http.post(PATH, json={**BODY, "export": {"customers": "all", "format": "csv"}})
    assert refusal(answer) == (403, "INSUFFICIENT_SCOPE")
