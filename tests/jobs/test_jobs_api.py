"""Jobs as a caller has them, on a server with a worker beside it."""

import base64
import csv
import hashlib
import json
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import httpx
import openpyxl
import pikepdf
import pyrage
import pytest

from customer_export.demo.customers import MOST_ORDERS, ONE_ORDER, TYPICAL
from customer_export.model.access import Scope
from customer_export.signing.keys import read_key_set
from customer_export.signing.signature import SignatureState, check_signature
from job_client import PATH, JobClient, Known
from server_process import ServerProcess


@pytest.fixture(scope="module")
def finished(known: Known) -> tuple[JobClient, str]:
    """A finished job of a caller: one customer's CSV."""
    client = known("finisher")
    job_id = client.submitted(customer=TYPICAL.id, format="csv", sections=["profile", "orders"], bom=True)
    assert client.ended(job_id)["state"] == "finished"
    return client, job_id


def the_file(client: JobClient, job_id: str) -> dict[str, object]:
    found = [one for one in client.manifest(job_id)["output"] if one["type"] == "customers"]
    assert len(found) == 1
    first: dict[str, object] = found[0]
    return first


def test_a_job_makes_the_file_of_the_synchronous_export(finished: tuple[JobClient, str]) -> None:
    client, job_id = finished
    file = the_file(client, job_id)
    body = client.download(job_id, str(file["name"])).content
    direct = client.server.get(TYPICAL.id, format="csv", sections="profile,orders", bom="true")
    assert body == direct.content
    assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"])
    shown = client.show(job_id)
    assert shown["customers"] == {"total": 1, "done": 1, "failed": 0}
    assert shown["parts"] == {"total": 1, "done": 1, "failed": 0, "purged": 0}
    assert shown["rows"] == file["count"]
    assert client.manifest(job_id)["exported"] == {"customers": 1, "rows": shown["rows"], "failed": 0}


def test_the_file_of_a_job_is_encrypted_to_its_recipient(desk: JobClient) -> None:
    identity = pyrage.x25519.Identity.generate()
    job_id = desk.submitted(customer=TYPICAL.id, format="csv", encrypt=str(identity.to_public()))
    assert desk.ended(job_id)["state"] == "finished"
    name = str(the_file(desk, job_id)["name"])
    assert name.endswith(".csv.age")
    plain = bytes(pyrage.decrypt(desk.download(job_id, name).content, [identity]))
    assert plain == desk.server.get(TYPICAL.id, format="csv").content


def test_a_job_keeps_no_passphrase_that_is_not_sealed(desk: JobClient) -> None:
    for passphrase, told in ((None, "passphrase: is missing"), ("correct horse battery staple", "EXPORT_CACHE_KEYS")):
        headers = {} if passphrase is None else {"X-Export-Passphrase": passphrase}
        wanted = {"customer": TYPICAL.id, "format": "csv", "encrypt": "zip"}
        refused = desk.http.post(PATH, json=wanted, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")
        assert told in refused.text


def test_what_is_too_large_for_a_request_is_offered_as_a_job_and_made_by_it(desk: JobClient) -> None:
    refused = desk.server.get(MOST_ORDERS.id, format="csv")
    assert (refused.status_code, refused.json()["submitJob"]) == (413, PATH)
    assert refused.headers["link"] == f'<{PATH}>; rel="alternate"'
    job_id = desk.submitted(customer=MOST_ORDERS.id, format="csv")
    assert desk.ended(job_id)["state"] == "finished"
    assert int(str(the_file(desk, job_id)["bytes"])) > 30000


def test_the_manifest_is_signed_and_so_is_that_beside_the_file(finished: tuple[JobClient, str]) -> None:
    client, job_id = finished
    keys = read_key_set(client.server.ask("/.well-known/customer-export-keys.json").json())
    own = next(one for one in client.manifest(job_id)["output"] if one["type"] == "index")
    beside = json.loads(client.download(job_id, own["name"]).content)
    for manifest in (client.manifest(job_id), beside):
        assert check_signature(manifest, keys) is SignatureState.VALID
    assert beside["customer"]["id"] == TYPICAL.id


def test_a_job_and_its_export_and_downloads_are_on_record(finished: tuple[JobClient, str]) -> None:
    client, job_id = finished
    assert [record.event for record in client.server.audit(job_id)] == ["submitted", "completed"]
    end = client.server.audit(job_id)[-1]
    assert (end.rows, end.sha256) == (client.show(job_id)["rows"], client.manifest(job_id)["canonicalSha256"])
    file = the_file(client, job_id)
    answer = client.download(job_id, str(file["name"]), headers={"Range": "bytes=10-19"})
    (record,) = client.server.audit(answer.headers["x-request-id"])
    assert (record.event, record.principal, record.source_export_id) == ("downloaded", "finisher", job_id)
    assert (record.customer_id, record.bytes, record.sha256) == (TYPICAL.id, 10, file["sha256"])
    assert client.server.store.verify_chain().whole


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-99", 206, slice(0, 100)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=5-99999999", 206, slice(5, None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("bytes=9-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_a_part_of_a_file_can_be_had(finished: tuple[JobClient, str], asked: str, status: int, part: slice) -> None:
    client, job_id = finished
    name = str(the_file(client, job_id)["name"])
    whole = client.download(job_id, name)
    answer = client.download(job_id, name, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, whole.content[part])
    assert int(answer.headers["content-length"]) == len(answer.content)
    for header in ("etag", "repr-digest", "content-disposition", "accept-ranges"):
        assert answer.headers[header] == whole.headers[header]
    if status == 206:
        start = whole.content.index(answer.content)
        last = start + len(answer.content) - 1
        assert answer.headers["content-range"] == f"bytes {start}-{last}/{len(whole.content)}"


def test_ranges_keep_to_one_version_and_to_the_file(finished: tuple[JobClient, str]) -> None:
    client, job_id = finished
    file = the_file(client, job_id)
    name, size = str(file["name"]), int(str(file["bytes"]))
    whole = client.download(job_id, name)
    same, other = ({"Range": "bytes=1-2", "If-Range": etag} for etag in (whole.headers["etag"], '"another"'))
    assert client.download(job_id, name, headers=same).status_code == 206
    assert client.download(job_id, name, headers=other).content == whole.content
    beyond = client.download(job_id, name, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    head = client.download(job_id, name, method="HEAD")
    assert (head.status_code, head.content, int(head.headers["content-length"])) == (200, b"", size)
    digest = base64.b64encode(hashlib.sha256(whole.content).digest()).decode()
    assert head.headers["repr-digest"] == f"sha-256=:{digest}:"
    known = client.download(job_id, name, headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_a_link_gives_one_file_until_it_is_revoked(finished: tuple[JobClient, str]) -> None:
    client, job_id = finished
    links = client.http.post(f"{PATH}/{job_id}/links").json()
    first, second = (one["url"] for one in links["files"])
    for url in (first, second):
        assert client.server.ask(url).status_code == 200
    crossed = first.split("?")[0] + "?" + second.split("?")[1]
    for url in (crossed, first[:-1], first.split("?")[0] + "?link=", first.replace(job_id, "0" * 32)):
        assert (client.server.ask(url).status_code, client.server.ask(url).json()["code"]) == (404, "LINK_INVALID")
    (record,) = client.server.audit(client.server.ask(first).headers["x-request-id"])
    assert record.principal == "link:finisher"
    assert client.http.delete(f"{PATH}/{job_id}/links").status_code == 200
    assert client.server.ask(first).status_code == 404
    again = client.http.post(f"{PATH}/{job_id}/links").json()["files"][0]["url"]
    assert client.server.ask(again).status_code == 200


def test_events_give_the_same_numbers_and_the_end(desk: JobClient) -> None:
    job_id = desk.submitted(customer=TYPICAL.id, format="json", sections="profile")
    with desk.http.stream("GET", f"{PATH}/{job_id}/events") as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = list(stream.iter_lines())
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert (names[-1], set(names[:-1])) in [("ended", {"progress"}), ("ended", set())]
    assert told[-1] == desk.show(job_id)


def test_the_same_request_in_flight_is_joined_or_refused(desk: JobClient) -> None:
    wanted: dict[str, object] = {"customer": MOST_ORDERS.id, "format": "pdf"}
    first = desk.submitted(**wanted)
    refused = desk.submit(**wanted)
    if refused.status_code == 409:  # it is under way still
        assert (refused.json()["code"], refused.json()["jobId"]) == ("JOB_IN_FLIGHT", first)
        assert refused.headers["location"] == f"{PATH}/{first}"
    joined = desk.submit(**wanted, onDuplicate="join").json()
    if joined["joined"]:
        assert joined["id"] == first
    for job_id in {first, str(joined["id"])}:
        desk.http.post(f"{PATH}/{job_id}/cancel")
        assert desk.ended(job_id)["state"] in {"cancelled", "finished"}


def test_a_key_gives_the_same_job_for_the_same_request(desk: JobClient) -> None:
    first, again = (desk.submit(key="k-1", customer=TYPICAL.id, format="csv").json() for _ in range(2))
    assert first["id"] == again["id"]
    assert desk.ended(first["id"])["state"] == "finished"
    late = desk.submit(key="k-1", customer=TYPICAL.id, format="csv")
    assert (late.status_code, late.json()["id"], late.json()["joined"]) == (202, first["id"], True)
    other = desk.submit(key="k-1", customer=TYPICAL.id, format="json")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"customer": TYPICAL.id},
        {"customer": TYPICAL.id, "format": "doc"},
        {"customer": "7", "format": "csv"},
        {"customer": TYPICAL.id, "format": "csv", "fresh": True},
        {"customer": TYPICAL.id, "format": "csv", "sectons": "orders"},
        {"customer": TYPICAL.id, "format": "csv", "sections": {"a": 1}},
        {"customer": TYPICAL.id, "format": "csv", "onDuplicate": "maybe"},
    ],
)
def test_what_is_wrong_is_told_at_once(desk: JobClient, wanted: dict[str, object]) -> None:
    answer = desk.submit(**wanted)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    assert "limit" not in answer.headers


def test_a_body_that_is_no_object_is_told(desk: JobClient) -> None:
    for body in (b"", b"[]", b"{", b"null", b"x" * (2 << 20)):
        assert desk.http.post(PATH, content=body).status_code == 400


def test_a_customer_who_is_not_there_fails_the_job(desk: JobClient) -> None:
    job_id = desk.submitted(customer="00000000-dead-4000-8000-000000000000", format="csv")
    ended = desk.ended(job_id)
    assert (ended["state"], ended["code"]) == ("failed", "CUSTOMER_NOT_FOUND")
    answer = desk.http.get(f"{PATH}/{job_id}/manifest")
    assert (answer.status_code, answer.json()["code"]) == (409, "EXPORT_NOT_COMPLETE")
    assert [record.event for record in desk.server.audit(job_id)] == ["submitted", "failed"]


def test_jobs_are_their_submitters_and_of_administrators(
    finished: tuple[JobClient, str], known: Known, desk: JobClient
) -> None:
    client, job_id = finished
    name = str(the_file(client, job_id)["name"])
    for path in ("", "/events", "/manifest", f"/files/{name}"):
        answer = desk.http.get(f"{PATH}/{job_id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "EXPORT_NOT_FOUND")
    for method, path in (("POST", "/cancel"), ("POST", "/links"), ("DELETE", "/links")):
        assert desk.http.request(method, f"{PATH}/{job_id}{path}").status_code == 404
    root = known("root", Scope.ADMIN)
    assert root.show(job_id)["requestedBy"] == "finisher"
    ours, all_of_them = (one.http.get(PATH, params={"limit": 500}).json()["jobs"] for one in (client, root))
    assert {job["requestedBy"] for job in ours} == {"finisher"}
    assert {"finisher", "desk"} <= {job["requestedBy"] for job in all_of_them}


def test_a_purge_takes_files_and_links_of_the_customers_jobs_and_nobody_elses(known: Known) -> None:
    client, root = known("purged"), known("root", Scope.ADMIN)
    mine, others = (client.submitted(customer=one.id, format="csv") for one in (ONE_ORDER, TYPICAL))
    assert [client.ended(one)["state"] for one in (mine, others)] == ["finished", "finished"]
    names = [client.manifest(one)["output"][0]["name"] for one in (mine, others)]
    link = client.http.post(f"{PATH}/{mine}/links").json()["files"][0]["url"]
    assert client.server.ask(link).status_code == 200
    purge = f"/api/admin/customers/{ONE_ORDER.id}/purge"
    assert client.http.post(purge).status_code == 403
    assert [root.http.post(purge).json()["destroyed"]["jobs"] for _ in range(2)] == [1, 0]
    assert client.show(mine)["state"] == "expired"
    refused = client.download(mine, names[0])
    assert (refused.status_code, refused.json()["code"]) == (409, "EXPORT_NOT_COMPLETE")
    assert client.server.ask(link).json()["code"] == "LINK_INVALID"
    assert client.download(others, names[1]).status_code == 200


def test_the_list_goes_page_by_page_and_says_what_is_wrong(known: Known) -> None:
    client = known("lister")
    made = [client.submitted(customer=TYPICAL.id, format=one, sections="profile") for one in ("csv", "json", "ndjson")]
    seen: list[str] = []
    url = f"{PATH}?limit=2"
    while url is not None:
        page = client.http.get(url)
        assert ("link" in page.headers) == (page.json()["next"] is not None)
        seen += [job["id"] for job in page.json()["jobs"]]
        url = page.json()["next"]
    assert seen == made[::-1]
    assert [job["id"] for job in client.http.get(f"{PATH}?format=json").json()["jobs"]] == [made[1]]
    for wrong in ("limit=0", "state=odd", "cursor=AAAA", "cursor=%F0", "sort=up", "limit=1&limit=2"):
        assert client.http.get(f"{PATH}?{wrong}").status_code == 400, wrong
    for job_id in made:
        client.ended(job_id)


def test_a_revoked_token_ends_its_jobs(known: Known, job_server: ServerProcess) -> None:
    """The job is queued by somebody whose token is revoked before a worker has it in hand, or at its first part."""
    client = known("leaver")
    root = known("root", Scope.ADMIN)
    job_id = client.submitted(customer=MOST_ORDERS.id, format="pdf")
    job_server.store.revoke_token("leaver", at=datetime.now(UTC))
    ended = root.ended(job_id)
    assert (ended["state"], ended["code"]) == ("failed", "INVALID_TOKEN")


def test_a_token_that_may_not_export_submits_nothing(known: Known, job_server: ServerProcess) -> None:
    auditor = known("auditor", Scope.AUDIT)
    assert auditor.submit(customer=TYPICAL.id, format="csv").status_code == 403
    assert auditor.http.get(PATH).status_code == 403
    nobody = httpx.post(f"{job_server.url}{PATH}", json={"customer": TYPICAL.id, "format": "csv"})
    assert nobody.status_code == 401


@pytest.fixture
def exporter(known: Known) -> JobClient:
    """Somebody who may export many customers at once."""
    return known("exporter", Scope.EXPORT, Scope.BULK)


def test_many_customers_need_a_scope_of_their_own(desk: JobClient) -> None:
    for wanted in ({"customers": "all"}, {"customers": [TYPICAL.id, MOST_ORDERS.id]}, {"filter": {"status": "x"}}):
        answer = desk.submit(**wanted, format="csv")
        assert answer.status_code in {400, 403}
    assert desk.submit(customers="all", format="csv").json()["code"] == "INSUFFICIENT_SCOPE"


def test_a_list_of_customers_comes_as_an_archive_of_the_synchronous_files(exporter: JobClient) -> None:
    missing = "00000000-dead-4000-8000-000000000000"
    job_id = exporter.submitted(customers=[TYPICAL.id, missing, MOST_ORDERS.id, TYPICAL.id], format="ndjson")
    ended = exporter.ended(job_id)
    assert (ended["state"], ended["customers"]) == ("finished", {"total": 3, "done": 2, "failed": 1})
    manifest = exporter.manifest(job_id)
    assert [(one["customer"], one["code"]) for one in manifest["error"]] == [(missing, "CUSTOMER_NOT_FOUND")]
    archive = the_file(exporter, job_id)
    with zipfile.ZipFile(BytesIO(exporter.download(job_id, str(archive["name"])).content)) as opened:
        names = [name for name in opened.namelist() if not name.endswith(".manifest.json")]
        assert len(names) == 2
        (name,) = (name for name in names if TYPICAL.id in name)
        lines = opened.read(name).splitlines()
    direct = exporter.server.get(TYPICAL.id, format="ndjson").content.splitlines()
    assert lines[1:-1] == direct[1:-1]  # the first and last have the moment and the id of the export


@pytest.mark.parametrize("file_format", ["xlsx", "pdf"])
def test_what_a_file_in_an_archive_says_of_its_manifest_leads_to_that_of_the_job(
    exporter: JobClient, known: Known, file_format: str
) -> None:
    ids = [TYPICAL.id, ONE_ORDER.id]
    job_id = exporter.submitted(customers=ids, format=file_format, sections="profile,orders")
    assert exporter.ended(job_id)["state"] == "finished"
    archive = exporter.download(job_id, str(the_file(exporter, job_id)["name"])).content
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        files = [opened.read(name) for name in opened.namelist() if name.endswith(f".{file_format}")]
    links = {manifest_link(file, file_format) for file in files}
    assert len(links) == 2
    stranger = known("stranger", Scope.EXPORT, Scope.BULK)
    for link in links:
        found = exporter.http.get(link)
        assert (found.status_code, found.json()["jobId"]) == (200, job_id)
        assert hashlib.sha256(archive).hexdigest() in {one["sha256"] for one in found.json()["output"]}
        assert stranger.http.get(link).status_code == 404


def manifest_link(file: bytes, file_format: str) -> str:
    """Read the link to its manifest out of a workbook's or report's properties."""
    if file_format == "xlsx":
        properties = openpyxl.load_workbook(BytesIO(file)).custom_doc_props
        return next(str(one.value) for one in properties.props if one.name == "Manifest")
    with pikepdf.open(BytesIO(file)) as report:
        return str(report.docinfo["/Keywords"]).partition("manifest=")[2]


def test_everybody_comes_as_a_table_a_section(exporter: JobClient) -> None:
    job_id = exporter.submitted(customers="all", layout="tables", format="csv", sections="profile")
    ended = exporter.ended(job_id)
    assert (ended["state"], ended["customers"]["failed"]) == ("finished", 0)
    tables = [one for one in exporter.manifest(job_id)["output"] if one["type"] == "profile"]
    assert sum(one["count"] for one in tables) == ended["customers"]["done"] == 150
    text = exporter.download(job_id, tables[0]["name"]).text
    assert text.count("\r\n") == tables[0]["count"] + 1
    neutralised = {one["column"]: one["count"] for one in exporter.manifest(job_id)["alterations"]}
    assert neutralised == {one["column"]: one["count"] for one in exporter.manifest(job_id)["parts"][0]["alterations"]}
    assert sum(neutralised.values()) == sum(
        cell.startswith("'") for row in csv.reader(text.splitlines()) for cell in row
    )


def test_a_job_has_only_what_has_changed_since_an_earlier_one_of_its_own(exporter: JobClient, known: Known) -> None:
    wanted = {"customers": [TYPICAL.id, MOST_ORDERS.id], "format": "ndjson", "layout": "lines"}
    first = exporter.submitted(**wanted)
    assert exporter.submit(**wanted, since=first).json()["code"] == "EXPORT_NOT_COMPLETE"
    exporter.ended(first)
    delta = exporter.submitted(**wanted, since=first)
    ended = exporter.ended(delta)
    assert (ended["state"], ended["customers"]) == ("finished", {"total": 2, "done": 2, "failed": 0})
    manifest = exporter.manifest(delta)
    assert manifest["since"] == first
    assert manifest["exported"] == {"customers": 0, "rows": 0, "failed": 0, "unchanged": 2, "gone": 0}
    assert (the_file(exporter, delta)["bytes"], the_file(exporter, delta)["count"]) == (0, 0)
    other = known("other exporter", Scope.EXPORT, Scope.BULK)
    assert other.submit(**wanted, since=first).status_code == 404


def test_what_a_filter_means_is_checked_when_it_is_submitted(exporter: JobClient) -> None:
    for wrong in ({}, {"nothing": "x"}, {"id": {"above": 1}}, []):
        answer = exporter.submit(filter=wrong, format="csv")
        assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")
    unknown = exporter.submit(filter={"country": "DE"}, format="csv").json()["error"]
    assert unknown.startswith("Invalid bulk export: filter: 'country' is no column of the customer table")
    assert exporter.submit(customers="all", customer=TYPICAL.id, format="csv").status_code == 400
    assert exporter.submit(customers=[], format="csv").status_code == 400


def test_files_lie_in_the_storage_under_the_job(finished: tuple[JobClient, str]) -> None:
    client, job_id = finished
    folder = Path(client.server.environment["STORAGE_URL"].removeprefix("file://")) / "jobs" / job_id
    assert {path.name for path in folder.iterdir()} == {one["name"] for one in client.manifest(job_id)["output"]}
