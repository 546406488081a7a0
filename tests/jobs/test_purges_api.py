"""Purges as an administrator has them, on servers with a worker beside them."""

import json
from pathlib import Path

import jsonschema
import pytest

from customer_export.demo.customers import HOSTILE, ONE_ORDER, THREE_CURRENCIES, TYPICAL
from customer_export.jobs.purge import receipt_digest
from customer_export.model.access import Scope
from customer_export.signing.keys import read_key_set
from customer_export.signing.signature import SignatureState, check_signature
from job_client import PATH, Known
from program import start_program
from server_process import ServerProcess
from servers import PATIENCE_SECONDS, wait_until


def test_everything_of_a_customer_is_gone_and_the_receipt_says_so(known: Known) -> None:
    client, root = known("shared", Scope.EXPORT, Scope.BULK), known("root", Scope.ADMIN)
    ids = [ONE_ORDER.id, THREE_CURRENCIES.id, HOSTILE.id]
    job_id = client.submitted(customers=ids, layout="files", format="json")
    mine = client.submitted(customer=THREE_CURRENCIES.id, format="csv")
    assert [client.ended(one)["state"] for one in (job_id, mine)] == ["finished", "finished"]
    links = [file["url"] for one in (job_id, mine) for file in client.http.post(f"{PATH}/{one}/links").json()["files"]]
    assert {client.server.ask(link).status_code for link in links} == {200}
    export = {"customer": THREE_CURRENCIES.id, "format": "csv"}
    body = {"name": "weekly", "cron": "0 6 * * MON", "export": export}
    schedule = client.http.post("/api/admin/schedules", json=body).json()["id"]

    purged = root.http.post(f"/api/admin/customers/{THREE_CURRENCIES.id}/purge")
    assert purged.status_code == 200, purged.text
    receipt = purged.json()
    assert receipt["complete"] is True
    # other tests on this server may have exported the same customer
    assert mine in receipt["jobs"]
    assert {"job": job_id, "part": 0} in receipt["parts"]
    assert receipt["schedules"]["deleted"] == [schedule]
    destroyed = receipt["destroyed"]
    assert len(receipt["files"]) == destroyed["files"] >= 4
    assert receipt["kept"]["auditRecords"] > 0

    assert {client.server.ask(link).status_code for link in links} == {404}
    assert client.http.get(f"/api/admin/schedules/{schedule}").status_code == 404
    assert client.show(job_id)["state"] == "expired"
    for one in (job_id, mine):
        for file in receipt["files"]:
            assert client.download(one, file["name"].rpartition("/")[2]).status_code == 409

    assert purged.headers["location"] == f"/api/admin/purges/{receipt['purgeId']}"
    assert root.http.get(purged.headers["location"]).json() == receipt
    schema = root.http.get("/api/admin/schemas/purge-receipt.json").json()
    jsonschema.Draft202012Validator(schema).validate(receipt)
    keys = read_key_set(root.server.ask("/.well-known/customer-export-keys.json").json())
    assert check_signature(receipt, keys) is SignatureState.VALID
    (record,) = root.server.audit(receipt["purgeId"])
    assert (record.event, record.principal, record.customer_id) == ("purged", "root", THREE_CURRENCIES.id)
    assert record.parameters == (
        f"cacheFiles=0&jobs={len(receipt['jobs'])}&parts={len(receipt['parts'])}&files={destroyed['files']}"
        f"&bytes={destroyed['bytes']}&schedules=1"
    )
    assert (record.bytes, record.sha256) == (destroyed["bytes"], receipt_digest(receipt))


def test_receipts_are_for_administrators(known: Known) -> None:
    client, root = known("asker"), known("root", Scope.ADMIN)
    receipt = root.http.post(f"/api/admin/customers/{TYPICAL.id}/purge").json()
    url = f"/api/admin/purges/{receipt['purgeId']}"
    assert client.http.get(url).status_code == 403
    assert client.server.ask(url).status_code == 401
    missing = root.http.get(f"/api/admin/purges/{'0' * 32}")
    assert (missing.status_code, missing.json()["code"]) == (404, "PURGE_NOT_FOUND")


@pytest.fixture
def caching_server(tmp_path: Path, demo_shop: Path) -> ServerProcess:
    environment = {"SOURCE_URL": f"sqlite:///{demo_shop}", "EXPORT_CACHE_TTL_MS": "300000"}
    return ServerProcess(tmp_path, environment)


def test_a_purge_on_the_command_line_empties_the_memory_of_a_server(
    caching_server: ServerProcess, tmp_path: Path
) -> None:
    server = caching_server.start()
    try:
        first, others = (server.get(one.id, format="json") for one in (TYPICAL, ONE_ORDER))
        assert server.get(TYPICAL.id, format="json").headers["x-cache"] == "HIT"
        receipt_file = tmp_path / "receipt.json"
        process = start_program(
            ["purge", TYPICAL.id, "--receipt", receipt_file],
            environment=server.environment,
            folder=tmp_path,
            output=tmp_path / "output",
            errors=tmp_path / "errors",
        )
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0
        assert json.loads(receipt_file.read_bytes())["searched"][0]["state"] == "elsewhere"
        wait_until(
            lambda: server.get(TYPICAL.id, format="json").headers["x-export-id"] != first.headers["x-export-id"],
            what="the server to drop what it had in memory",
        )
        kept = server.get(ONE_ORDER.id, format="json")
        assert (kept.headers["x-cache"], kept.headers["x-export-id"]) == ("HIT", others.headers["x-export-id"])
    finally:
        server.close()
