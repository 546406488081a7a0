"""Webhooks as a caller has them, on a server with a worker beside it."""

import json
from typing import Any

import httpx
import pytest
import standardwebhooks

from customer_export.demo.customers import TYPICAL
from customer_export.model.access import Scope
from job_client import JobClient, Known
from servers import wait_until
from webhook_receiver import answering, receiving

PATH = "/api/admin/webhooks"
SOMEWHERE = "https://shop.example/hook"


def created(client: JobClient, url: str = SOMEWHERE, **changes: object) -> dict[str, Any]:
    answer = client.http.post(PATH, json={"url": url, **changes})
    assert answer.status_code == 201, answer.text
    members: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{PATH}/{members['id']}"
    return members


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_the_end_of_a_job_arrives_signed_and_is_in_the_log(known: Known) -> None:
    client = known("hooked")
    with receiving(answering(200)) as receiver:
        made = created(client, receiver.url)
        job_id = client.submitted(customer=TYPICAL.id, format="csv")
        wait_until(lambda: bool(receiver.messages), what="the message", patience_seconds=180)
        headers, body = receiver.messages[0]
        message = standardwebhooks.Webhook(made["secret"]).verify(body, headers)
        assert (message["type"], message["data"]["jobId"]) == ("export.job.finished", job_id)
        assert client.http.get(message["data"]["links"]["manifest"]).status_code == 200
        url = f"{PATH}/{made['id']}/deliveries"
        wait_until(lambda: client.http.get(url).json()["deliveries"][0]["state"] == "delivered", what="the log's line")
        assert client.http.get(f"{url}?state=dead").json() == {"deliveries": [], "next": None}
        again = client.http.post(f"{url}/{headers['webhook-id']}/replay")
        assert (again.status_code, again.json()["state"]) == (202, "pending")
        wait_until(lambda: len(receiver.messages) == 2, what="the message again", patience_seconds=60)
        assert receiver.messages[1][0]["webhook-id"] == headers["webhook-id"]


def test_a_test_message_goes_out_and_pages_lead_on(known: Known) -> None:
    client = known("tester")
    made = created(client)
    sent = [client.http.post(f"{PATH}/{made['id']}/test").json()["id"] for _ in range(3)]
    seen: list[str] = []
    url: str | None = f"{PATH}/{made['id']}/deliveries?limit=2&state=pending"
    while url:
        answer = client.http.get(url).json()
        seen += [one["id"] for one in answer["deliveries"]]
        url = answer["next"]
    assert sorted(seen) == sorted(sent)
    client.http.delete(f"{PATH}/{made['id']}")


def test_it_is_shown_without_its_secret_rotated_disabled_and_deleted(known: Known) -> None:
    client = known("keeper")
    made = created(client, events=["export.job.failed"])
    url = f"{PATH}/{made['id']}"
    shown = client.http.get(url).json()
    assert made == {**shown, "secret": made["secret"]}
    rotated = client.http.post(f"{url}/rotate").json()
    assert rotated["secret"] != made["secret"]
    assert client.http.post(f"{url}/disable").json()["state"] == "disabled"
    assert client.http.post(f"{url}/enable").json()["state"] == "enabled"
    assert client.http.get(PATH).json() == {"webhooks": [shown], "next": None}
    assert client.http.delete(url).status_code == 204
    for method, path in (("GET", url), ("DELETE", url), ("POST", f"{url}/rotate"), ("GET", f"{url}/deliveries")):
        assert refusal(client.http.request(method, path)) == (404, "WEBHOOK_NOT_FOUND")


def test_nobody_sees_others_but_administrators(known: Known) -> None:
    mine, other, admin = known("mine"), known("theirs"), known("boss", Scope.ADMIN)
    made = created(mine)
    assert refusal(other.http.get(f"{PATH}/{made['id']}")) == (404, "WEBHOOK_NOT_FOUND")
    assert admin.http.get(f"{PATH}/{made['id']}").status_code == 200
    assert refusal(mine.http.post(f"{PATH}/{made['id']}/deliveries/msg_0/replay")) == (404, "DELIVERY_NOT_FOUND")
    assert refusal(mine.http.post(PATH, json={"url": SOMEWHERE, "allJobs": True})) == (403, "INSUFFICIENT_SCOPE")
    assert created(admin, allJobs=True)["allJobs"]


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ({}, "url: is missing"),
        ({"url": "ftp://shop.example"}, "url: is neither https"),
        ({"url": "https://me:word@shop.example"}, "url: has a user or password"),
        ({"url": SOMEWHERE, "events": ["export.done"]}, "events: is not known"),
        ({"url": SOMEWHERE, "events": "all"}, "events: is no list"),
        ({"url": SOMEWHERE, "event": []}, "did you mean events?"),
        ([], "send a JSON object"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_made(desk: JobClient, body: object, mistake: str) -> None:
    answer = desk.http.post(PATH, content=json.dumps(body))
    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert mistake in answer.text


def test_a_state_that_is_none_is_refused(desk: JobClient) -> None:
    made = created(desk)
    answer = desk.http.get(f"{PATH}/{made['id']}/deliveries?state=lost")
    assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_one_owner_has_as_many_as_the_operator_allows(known: Known) -> None:
    client, other = known("collector"), known("neighbour")
    made = [created(client) for _ in range(20)]
    refused = client.http.post(PATH, json={"url": SOMEWHERE})
    assert refusal(refused) == (409, "WEBHOOK_LIMIT_REACHED")
    assert "WEBHOOK_MAX" in refused.json()["error"]
    assert created(other)["owner"] == "neighbour"
    client.http.delete(f"{PATH}/{made[0]['id']}")
    assert created(client)["owner"] == "collector"
    for one in client.http.get(f"{PATH}?limit=50").json()["webhooks"]:
        client.http.delete(f"{PATH}/{one['id']}")


def test_tests_and_replays_share_a_limit_of_their_own(known: Known) -> None:
    client, other = known("drummer"), known("listener")
    made, others = created(client), created(other)
    url = f"{PATH}/{made['id']}"
    sent = [client.http.post(f"{url}/test") for _ in range(29)]
    assert {answer.status_code for answer in sent} == {202}
    assert client.http.post(f"{url}/deliveries/{sent[0].json()['id']}/replay").status_code == 202
    for path in (f"{url}/test", f"{url}/deliveries/{sent[0].json()['id']}/replay"):
        refused = client.http.post(path)
        assert refusal(refused) == (429, "RATE_LIMIT_EXCEEDED")
        assert 0 < int(refused.headers["retry-after"]) == refused.json()["retryAfter"] <= 60
    assert client.http.get(f"/api/admin/customers/{TYPICAL.id}/export?format=csv").status_code == 200
    assert other.http.post(f"{PATH}/{others['id']}/test").status_code == 202
    for one, webhook in ((client, made), (other, others)):
        one.http.delete(f"{PATH}/{webhook['id']}")
