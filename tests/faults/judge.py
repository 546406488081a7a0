"""What a client holds in the end, and whether anything in it could be taken for what it is not."""

from collections.abc import Mapping
from enum import StrEnum, unique
from io import BytesIO
from time import monotonic, sleep
from typing import Any
from zipfile import ZipFile

import httpx
import orjson

from customer_export.export.record import INTERNAL_ERROR
from customer_export.model.request import ExportFormat
from customer_export.verify.check import Keys, verify_file
from customer_export.verify.findings import Outcome
from faults.download import Download
from faults.runs import Calm, Fault, Run
from faults.stage import Stage
from servers import POLL_SECONDS

OK, MANIFEST_PATIENCE_SECONDS = 200, 5  # the record of a whole file's end is written behind its last byte
ANSWER_PATIENCE_SECONDS = 120  # a busy machine may need some of them
LOSES_RECORDS = {Fault.SERVER, Fault.OWN_BACKENDS, Fault.POSTGRESQL}
"""After these a file may be whole whose end never came on record, and with it no manifest."""


@unique
class Verdict(StrEnum):
    """What a client holds."""

    UNANSWERED = "no answer"
    REFUSED = "an error"
    LEFT = "what it took before it left"
    BROKEN = "a broken download"
    WHOLE = "a whole file, proved"
    WHOLE_UNRECORDED = "a whole file, its end not on record"


def judge(run: Run, got: Download, stage: Stage, calm: Calm, keys: Keys) -> Verdict:
    """Say what a client holds. Raises AssertionError if it could take something for what it is not."""
    if got.status is None:
        return Verdict.UNANSWERED
    if got.status != OK:
        if got.complete:
            assert orjson.loads(got.body)["code"] != INTERNAL_ERROR, got.body  # all that breaks here is foreseen
        return Verdict.REFUSED
    if not got.complete:
        _is_exposed(run, got, stage, keys)
        return Verdict.LEFT if got.left else Verdict.BROKEN
    content = got.content
    assert content is not None, "the message is complete, and what is packed in it is not"
    manifest = _manifest(stage, got, patient=run.fault not in LOSES_RECORDS)
    if manifest is None:
        assert run.fault in LOSES_RECORDS, f"the file is complete, and {got.export_id} has no manifest"
        _has_all(run, content, calm)
        return Verdict.WHOLE_UNRECORDED
    report = verify_file(str(run.form), BytesIO(content), manifest=manifest, keys=keys)
    assert report.outcome is Outcome.WHOLE, report.members()
    assert manifest["canonical"] == calm.manifest["canonical"], "the rows are not those of the customer"
    return Verdict.WHOLE


def _is_exposed(run: Run, got: Download, stage: Stage, keys: Keys) -> None:
    """Insist that neither the protocol nor a look at the file nor verify calls a part a whole."""
    manifest = _manifest(stage, got, patient=False)
    if manifest is not None and got.content is not None and len(got.content) == manifest["file"]["bytes"]:
        return  # all that is missing is the end of the message
    report = verify_file(str(run.form), BytesIO(got.body), manifest=manifest, keys=keys)
    assert report.outcome in {Outcome.NOT_WHOLE, Outcome.UNKNOWN}, report.members()
    if "content-encoding" not in got.headers:
        assert not _opens(run.form, got.body), "a part of the file opens like a whole one"


def _opens(form: ExportFormat, body: bytes) -> bool:
    """Whether a part can be opened; tables of lines always can."""
    try:
        match form:
            case ExportFormat.JSON:
                orjson.loads(body)
                return True
            case ExportFormat.XLSX | ExportFormat.ZIP:
                return bool(ZipFile(BytesIO(body)).namelist())
            case ExportFormat.PDF:
                return body.rstrip().endswith(b"%%EOF")
            case _:
                return False
    except Exception:  # noqa: BLE001  (whatever the reader says, it does not open)
        return False


def _has_all(run: Run, content: bytes, calm: Calm) -> None:
    """Compare a file with the one that was made when nothing broke, as far as another export can tell."""
    told = {name: value for name, value in calm.manifest.items() if name not in {"file", "exportId"}}
    if run.form is ExportFormat.PDF:
        canonical: Mapping[str, Any] = calm.manifest["canonical"]  # type: ignore[assignment]  # JSON
        assert content.rstrip().endswith(b"%%EOF")
        assert str(canonical["sha256"]).encode() in content
        return
    own = {"exportId": _embedded_id(run.form, content) or calm.manifest["exportId"]}
    report = verify_file(str(run.form), BytesIO(content), manifest={**told, **own}, keys=None)
    assert report.findings == [], report.members()


def _embedded_id(form: ExportFormat, content: bytes) -> str | None:
    match form:
        case ExportFormat.JSON:
            return str(orjson.loads(content)["manifest"]["exportId"])
        case ExportFormat.NDJSON:
            return str(orjson.loads(content.splitlines()[-1])["manifest"]["exportId"])
        case ExportFormat.ZIP:
            return str(orjson.loads(ZipFile(BytesIO(content)).read("manifest.json"))["exportId"])
        case _:
            return None


def _manifest(stage: Stage, got: Download, *, patient: bool) -> dict[str, Any] | None:
    """Give the manifest on record, None if there is none, or none yet."""
    assert got.export_id is not None
    deadline = monotonic() + (MANIFEST_PATIENCE_SECONDS if patient else 0)
    url = f"{stage.server.url}/api/admin/exports/{got.export_id}/manifest"
    while True:
        answer = httpx.get(url, headers=stage.server.bearer, timeout=ANSWER_PATIENCE_SECONDS)
        if answer.status_code == OK:
            told: dict[str, Any] = answer.json()
            return told
        if monotonic() >= deadline:
            return None
        sleep(POLL_SECONDS)
