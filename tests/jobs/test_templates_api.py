"""Templates over HTTP, and the jobs that use them."""

import io
import json
import zipfile

import httpx
import pytest

from customer_export.demo.customers import TYPICAL
from customer_export.model.access import Scope
from job_client import JobClient, Known

PATH = "/api/admin/templates"
BODY = {"description": "What the desk reads", "sections": [{"name": "orders", "columns": ["number", "status"]}]}


@pytest.fixture
def author(known: Known) -> JobClient:
    """Somebody who may save templates."""
    return known("author", Scope.EXPORT, Scope.TEMPLATES, Scope.BULK)


def export(client: JobClient, **parameters: str) -> httpx.Response:
    return client.http.get(f"/api/admin/customers/{TYPICAL.id}/export", params=parameters)


def test_a_template_from_its_first_version_to_its_end(author: JobClient, desk: JobClient) -> None:
    made = author.http.put(f"{PATH}/api-desk", json=BODY)
    assert (made.status_code, made.headers["location"]) == (201, f"{PATH}/api-desk@1")
    members = made.json()
    assert (members["name"], members["version"], members["savedBy"]) == ("api-desk", 1, "author")
    assert members["template"] == BODY
    again = author.http.put(f"{PATH}/api-desk", json=BODY)
    assert (again.status_code, again.json()) == (200, members)
    second = author.http.put(f"{PATH}/api-desk", json={**BODY, "parameters": {"locale": "de"}})
    assert (second.status_code, second.json()["version"]) == (201, 2)
    assert [one["version"] for one in second.json()["versions"]] == [2, 1]
    assert desk.http.get(f"{PATH}/api-desk@1").json()["template"] == BODY
    assert desk.http.get(f"{PATH}/api-desk").json()["version"] == 2
    listed = desk.http.get(PATH).json()
    assert {"name": "api-desk", "version": 2}.items() <= next(
        one for one in listed["templates"] if one["name"] == "api-desk"
    ).items()
    assert author.http.delete(f"{PATH}/api-desk").status_code == 204
    for answer in (author.http.delete(f"{PATH}/api-desk"), desk.http.get(f"{PATH}/api-desk@1")):
        assert (answer.status_code, answer.json()["code"]) == (404, "TEMPLATE_NOT_FOUND")


def test_pages_of_the_list_lead_from_one_to_the_next(author: JobClient) -> None:
    for name in ("page-a", "page-b", "page-c"):
        author.http.put(f"{PATH}/{name}", json=BODY)
    names: list[str] = []
    following: str | None = f"{PATH}?limit=1"
    while following:
        page = author.http.get(following).json()
        names += [one["name"] for one in page["templates"]]
        following = page["next"]
    assert {"page-a", "page-b", "page-c"} <= set(names)
    assert names == sorted(set(names))
    wrong = author.http.get(f"{PATH}?limit=0")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "VALIDATION_ERROR")


def test_only_who_may_write_templates_does(desk: JobClient) -> None:
    for answer in (
        desk.http.put(f"{PATH}/mine", json=BODY),
        desk.http.delete(f"{PATH}/mine"),
        desk.http.post(f"/api/admin/customers/{TYPICAL.id}/export/preview?format=csv", json=BODY),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "INSUFFICIENT_SCOPE")
    nobody = httpx.put(f"{desk.server.url}{PATH}/mine", json=BODY)
    assert nobody.status_code == 401


def test_an_export_by_a_template_names_its_version(author: JobClient, desk: JobClient) -> None:
    author.http.put(f"{PATH}/by-name", json=BODY)
    answer = export(desk, format="csv", template="by-name")
    assert answer.status_code == 200
    assert answer.text.startswith("number,status\r\n")
    manifest = desk.http.get(f"/api/admin/exports/{answer.headers['x-export-id']}/manifest").json()
    assert (manifest["template"]["name"], manifest["template"]["version"]) == ("by-name", 1)
    assert manifest["parameters"]["template"] == "by-name@1"
    unknown = export(desk, format="csv", template="nobody")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "VALIDATION_ERROR")
    assert "there is no template 'nobody'" in unknown.json()["error"]


def test_the_format_of_a_template_is_that_of_the_audit(author: JobClient, desk: JobClient) -> None:
    author.http.put(f"{PATH}/with-format", json={**BODY, "parameters": {"format": "ndjson"}})
    answer = export(desk, template="with-format")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert desk.server.outcome(answer.headers["x-export-id"]).format == "ndjson"


def test_schemas_of_documents_by_a_template_are_published(author: JobClient, desk: JobClient) -> None:
    author.http.put(f"{PATH}/schema", json=BODY)
    document = export(desk, format="json", template="schema").json()
    schema = desk.http.get("/api/admin/schemas/document.json", params={"template": "schema@1"}).json()
    assert schema["$id"] == document["$schema"]
    assert [*schema["properties"]["sections"]["properties"]["orders"]["items"]["properties"]] == ["number", "status"]
    wrong = desk.http.get("/api/admin/schemas/document.json", params={"templates": "schema"})
    assert wrong.status_code == 400


def test_a_preview_is_an_export_by_what_is_not_saved(author: JobClient) -> None:
    path = f"/api/admin/customers/{TYPICAL.id}/export/preview"
    answer = author.http.post(path, params={"format": "csv"}, json=BODY)
    assert answer.text.startswith("number,status\r\n")
    manifest = author.http.get(f"/api/admin/exports/{answer.headers['x-export-id']}/manifest").json()
    assert (manifest["template"]["name"], manifest["template"]["version"]) == ("draft", 0)
    wrong = author.http.post(path, params={"format": "csv"}, json={"sections": ["order"]})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "VALIDATION_ERROR")
    assert "did you mean orders?" in wrong.json()["error"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"customer": TYPICAL.id, "format": "csv"},
        {"customers": [TYPICAL.id], "format": "json", "layout": "files"},
        {"customers": [TYPICAL.id], "format": "ndjson", "layout": "lines"},
        {"customers": [TYPICAL.id], "format": "csv", "layout": "tables"},
    ],
)
def test_a_job_keeps_to_the_version_that_it_was_submitted_with(author: JobClient, wanted: dict[str, object]) -> None:
    name = f"job-{wanted['format']}-{wanted.get('layout', 'one')}"
    author.http.put(f"{PATH}/{name}", json={**BODY, "parameters": {"delimiter": "semicolon"}})
    job_id = author.submitted(template=name, **wanted)
    author.http.put(f"{PATH}/{name}", json={"sections": ["consents"]})
    assert author.ended(job_id)["state"] == "finished"
    manifest = author.manifest(job_id)
    files = {one["url"].rsplit("/", 1)[1]: author.http.get(one["url"]).content for one in manifest["output"]}
    text = "\n".join(_texts(files))
    assert "number" in text
    assert "marketing" not in text
    assert "consents" not in text


def _texts(files: dict[str, bytes]) -> list[str]:
    found = []
    for body in files.values():
        if body.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                found += [archive.read(one).decode("utf-8", "replace") for one in archive.namelist()]
        else:
            found.append(body.decode("utf-8", "replace"))
    return found


def test_a_job_takes_its_format_from_the_template(author: JobClient) -> None:
    author.http.put(f"{PATH}/format", json={**BODY, "parameters": {"format": "csv"}})
    job_id = author.submitted(customer=TYPICAL.id, template="format")
    assert author.show(job_id)["format"] == "csv"
    refused = author.submit(customer=TYPICAL.id, format="csv", template="nobody")
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")
    assert json.dumps(refused.json())
