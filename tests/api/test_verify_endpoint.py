"""POST /api/admin/exports/verify against running servers: files as they were downloaded, and what became of them."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_refusals import assert_problem

from customer_export.cache.sealing import Seal
from customer_export.demo.customers import TYPICAL
from customer_export.export.signing import rotate_key
from customer_export.model.access import Scope
from server_process import ServerProcess, StartServer

PATH = "/api/admin/exports/verify"
FORMATS = ("csv", "json", "ndjson", "xlsx", "pdf", "zip")


def ask(server: ServerProcess, *, headers: Mapping[str, str] | None = None, **sent: Any) -> httpx.Response:
    return httpx.post(f"{server.url}{PATH}", headers=server.bearer if headers is None else headers, timeout=60, **sent)


def found(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def codes(report: Mapping[str, Any]) -> list[str]:
    return [finding["code"] for finding in report["findings"]]


def export(server: ServerProcess, form: str) -> tuple[bytes, str]:
    """Export, and wait until the manifest is on record; give the file and the export's id."""
    made = server.get(TYPICAL.id, format=form)
    export_id = made.headers["x-export-id"]
    server.outcome(export_id)
    return made.content, export_id


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_whole_by_the_manifest_on_record(server: ServerProcess, form: str) -> None:
    made, export_id = export(server, form)
    report = found(ask(server, content=made, params={"exportId": export_id}))
    assert (report["outcome"], report["manifestFrom"]) == ("whole", "record")
    assert (report["exportId"], report["customerId"], report["format"]) == (export_id, TYPICAL.id, form)
    assert report["signature"]["state"] == "valid"
    damaged = bytearray(made)
    damaged[len(damaged) // 2] ^= 1
    report = found(ask(server, content=bytes(damaged), params={"exportId": export_id}))
    assert report["outcome"] == "not_whole"
    assert "file_changed" in codes(report)


@pytest.mark.parametrize("form", ["json", "ndjson", "xlsx", "pdf", "zip"])
def test_a_file_that_says_which_export_it_is_needs_nothing_else(server: ServerProcess, form: str) -> None:
    made, _ = export(server, form)
    report = found(ask(server, content=made))
    assert (report["outcome"], report["manifestFrom"]) == ("whole", "record")
    assert "the file's size and SHA-256" in report["checked"]
    assert found(ask(server, content=gzip.compress(made)))["outcome"] == "whole"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_form_has_the_file_and_its_manifest(server: ServerProcess, form: str) -> None:
    made, export_id = export(server, form)
    manifest = server.manifest(export_id).content
    files = {"file": (f"küste.{form}", made), "manifest": ("m.json", manifest)}
    report = found(ask(server, files=files))
    assert (report["outcome"], report["manifestFrom"]) == ("whole", "given")
    changed = {**files, "manifest": ("m.json", manifest.replace(b'"locale":"en"', b'"locale":"de"'))}
    assert codes(found(ask(server, files=changed))) == ["signature_wrong"]
    report = found(ask(server, files={**files, "manifest": ("", b"")}, params={"exportId": export_id}))
    assert (report["outcome"], report["manifestFrom"]) == ("whole", "record")


def test_a_report_with_the_json_attached_is_whole_and_so_are_its_rows(server: ServerProcess) -> None:
    made = server.get(TYPICAL.id, format="pdf", attach="json")
    server.outcome(made.headers["x-export-id"])
    report = found(ask(server, content=made.content))
    assert report["outcome"] == "whole"
    assert report["rows"]["profile"] == 1
    assert report["canonicalSha256"] == server.manifest(made.headers["x-export-id"]).json()["canonical"]["sha256"]


def test_a_csv_alone_says_what_is_missing(server: ServerProcess) -> None:
    report = found(ask(server, content=export(server, "csv")[0]))
    assert report["outcome"] == "unknown"
    assert "manifest" in report["unknown"]


def test_the_signature_of_a_key_that_is_retired_by_now_is_valid(start_server: StartServer, demo_shop: Path) -> None:
    server = start_server(SOURCE_URL=f"sqlite:///{demo_shop}")
    made, export_id = export(server, "csv")
    manifest = server.manifest(export_id).content
    before = server.ask("/.well-known/customer-export-keys.json").json()["keys"]
    assert rotate_key(server.store, seal=Seal(), now=datetime.now(UTC))
    assert len(server.ask("/.well-known/customer-export-keys.json").json()["keys"]) == 2
    report = found(ask(server, files={"file": ("a.csv", made), "manifest": ("m.json", manifest)}))
    assert report["outcome"] == "whole"
    assert report["signature"]["keyId"] == before[0]["kid"]


def test_another_servers_file_is_signed_by_an_unknown_key(
    sqlite_server: ServerProcess, start_server: StartServer
) -> None:
    made, _ = export(sqlite_server, "json")
    report = found(ask(start_server(SOURCE_URL=sqlite_server.environment["SOURCE_URL"]), content=made))
    assert (report["outcome"], report["manifestFrom"], codes(report)) == ("not_whole", "file", ["unknown_key"])


def test_who_may_not_export_may_not_verify(server: ServerProcess) -> None:
    assert_problem(ask(server, headers={}, content=b"x"), 401, "AUTHENTICATION_REQUIRED")
    reader = {"Authorization": f"Bearer {server.new_token(Scope.AUDIT, name='reader')}"}
    assert_problem(ask(server, headers=reader, content=b"x"), 403, "INSUFFICIENT_SCOPE")


def test_what_is_no_file_of_ours_is_told(server: ServerProcess) -> None:
    assert found(ask(server, content=b""))["outcome"] == "unknown"
    assert found(ask(server, content=b"PK\x03\x04 and no more"))["outcome"] == "not_whole"
    assert found(ask(server, content=b"\x1f\x8b and no more"))["outcome"] == "not_whole"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"--a"),
        ("multipart/form-data; boundary=a", b""),
        ("multipart/form-data; boundary=a", b"--a--\r\n"),
        ("multipart/form-data; boundary=a", b"no boundary at all"),
        ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut'),
        ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n--a--\r\n'),
        (
            "multipart/form-data; boundary=a",
            b'--a\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n'
            b'--a\r\nContent-Disposition: form-data; name="manifest"\r\n\r\nno JSON\r\n--a--\r\n',
        ),
    ],
)
def test_a_form_that_is_none_is_told(server: ServerProcess, kind: str, content: bytes) -> None:
    assert_problem(
        ask(server, headers={**server.bearer, "Content-Type": kind}, content=content), 400, "VALIDATION_ERROR"
    )


def test_parameters_and_exports_that_there_are_not(server: ServerProcess) -> None:
    assert_problem(ask(server, params={"export": "1"}, content=b"x"), 400, "VALIDATION_ERROR")
    assert_problem(ask(server, params={"exportId": "0" * 32}, content=b"x"), 404, "EXPORT_NOT_FOUND")


def test_what_is_larger_than_any_file_is_refused_and_not_unpacked(start_server: StartServer, demo_shop: Path) -> None:
    limits = {f"EXPORT_MAX_SIZE_{form.upper()}": "100000" for form in FORMATS}
    server = start_server(SOURCE_URL=f"sqlite:///{demo_shop}", **limits)
    told = ask(server, content=b"x" * 100_001)
    assert_problem(told, 413, "UPLOAD_TOO_LARGE")
    assert told.json()["limitBytes"] == 100_000

    def pieces() -> Any:
        for _ in range(300):
            yield b"x" * 1000

    assert_problem(ask(server, content=pieces()), 413, "UPLOAD_TOO_LARGE")
    report = found(ask(server, content=gzip.compress(b"x" * 1_000_000)))
    assert report["findings"][0]["message"] == "unpacked it is larger than 100,000 bytes"


def test_reading_ends_in_time(start_server: StartServer, demo_shop: Path) -> None:
    server = start_server(SOURCE_URL=f"sqlite:///{demo_shop}", EXPORT_TIMEOUT_MS="1")
    assert_problem(ask(server, content=b'{"header"'), 504, "VERIFICATION_TIMEOUT")
