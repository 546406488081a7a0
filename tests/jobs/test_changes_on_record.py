"""Changes of schedules, webhooks and templates are on record, with who made them from where."""

from urllib.parse import parse_qs

from customer_export.demo.customers import TYPICAL
from customer_export.model.access import Scope
from customer_export.model.audit import AuditEvent, AuditFilter
from job_client import JobClient, Known


def changes(client: JobClient, name: str) -> list[dict[str, str]]:
    """Give what is on record of somebody's changes, the oldest first."""
    wanted = AuditFilter(principal=name, event=AuditEvent.CHANGED)
    records = [entry.record for entry in client.server.store.audit(wanted, limit=100)][::-1]
    assert {record.client for record in records} <= {"127.0.0.1"}
    return [{key: value[0] for key, value in parse_qs(record.parameters).items()} for record in records]


def test_whatever_becomes_of_a_schedule_is_on_record(known: Known) -> None:
    client = known("arranger")
    body = {"name": "Nightly", "cron": "30 2 * * *", "export": {"customer": TYPICAL.id, "format": "csv"}}
    path = "/api/admin/schedules"
    made = client.http.post(path, json=body).json()["id"]
    for method, action in (("PUT", ""), ("POST", "/pause"), ("POST", "/resume"), ("DELETE", "")):
        assert client.http.request(method, f"{path}/{made}{action}", json=body).status_code in {200, 204}
    assert client.http.post(f"{path}/{made}/pause").status_code == 404
    told = changes(client, "arranger")
    assert [one["change"] for one in told] == ["created", "replaced", "paused", "resumed", "deleted"]
    assert {one["schedule"] for one in told} == {made}
    assert (told[0]["name"], told[0]["cron"]) == ("Nightly", "30 2 * * *")
    about = client.server.store.audit(AuditFilter(customer_id=TYPICAL.id, principal="arranger"), limit=10)
    assert [entry.record.event for entry in about] == ["changed", "changed"]


def test_whatever_becomes_of_a_webhook_is_on_record_without_its_secrets(known: Known) -> None:
    client = known("hearer", Scope.ADMIN)
    path = "/api/admin/webhooks"
    made = client.http.post(path, json={"url": "https://shop.example/hook?key=hidden", "allJobs": True}).json()
    for method, action in (("POST", "/disable"), ("POST", "/enable"), ("POST", "/rotate"), ("DELETE", "")):
        assert client.http.request(method, f"{path}/{made['id']}{action}").status_code in {200, 204}
    told = changes(client, "hearer")
    assert [one["change"] for one in told] == ["created", "disabled", "enabled", "rotated", "deleted"]
    assert {one["webhook"] for one in told} == {made["id"]}
    assert (told[0]["host"], told[0]["allJobs"]) == ("shop.example", "true")
    assert "hidden" not in str(told)
    assert made["secret"] not in str(told)


def test_whatever_becomes_of_a_template_is_on_record(known: Known) -> None:
    client = known("stylist", Scope.EXPORT, Scope.TEMPLATES)
    path = "/api/admin/templates/on-record"
    first, second = {"sections": ["orders"]}, {"sections": ["consents"]}
    saved = [client.http.put(path, json=body).json()["sha256"] for body in (first, first, second)]
    assert client.http.put(path, json={"sections": ["order"]}).status_code == 400
    assert client.http.delete(path).status_code == 204
    assert client.http.delete(path).status_code == 404
    told = changes(client, "stylist")
    assert [one["change"] for one in told] == ["created", "replaced", "deleted"]
    assert {one["template"] for one in told} == {"on-record"}
    assert [one["sha256"] for one in told[:2]] == [saved[0], saved[2]]
