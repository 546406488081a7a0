"""A file that others may get from the cache has its manifest on record first, whatever becomes of its maker."""

from collections.abc import Iterator
from io import BytesIO
from uuid import uuid4

import pytest

from customer_export.api.manifests import recorded_manifest
from customer_export.compose import open_services
from customer_export.demo.customers import TYPICAL
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.pipeline import Pending, make_export, open_export
from customer_export.model.access import LocalOperator
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome


@pytest.fixture
def caching(settings: Settings) -> Iterator[Services]:
    """Services that keep files."""
    with open_services(settings, caching=True) as services:
        yield services


def opened(services: Services, file_format: str) -> StartedExport | Pending:
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=TYPICAL.id,
        parameters=[("format", file_format)],
        credentials=LocalOperator(user="tester"),
        client=None,
    )
    step = open_export(services, call, told=lambda _allowance: None)
    assert isinstance(step, StartedExport | Pending)
    return step


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_manifest_is_on_record_before_anybody_else_gets_the_file(caching: Services, file_format: str) -> None:
    pending = opened(caching, file_format)
    assert isinstance(pending, Pending)
    started = make_export(caching, pending, cancellation=Cancellation())
    next(started.pieces())  # and then its process dies
    again = opened(caching, file_format)
    assert isinstance(again, StartedExport)
    assert again.export_id == started.export_id
    assert caching.store.manifest(again.export_id) is not None
    again.close()
    started.finish()
    assert [record.event for record in caching.store.audit_of(started.export_id)] == ["started", "completed"]
    started.close()


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_manifest_stays_when_whoever_made_the_file_leaves(caching: Services, file_format: str) -> None:
    pending = opened(caching, file_format)
    assert isinstance(pending, Pending)
    started = make_export(caching, pending, cancellation=Cancellation())
    next(started.pieces())
    started.close()  # the client has gone in mid-download
    assert [record.event for record in caching.store.audit_of(started.export_id)] == ["started", "failed"]
    again = opened(caching, file_format)
    assert isinstance(again, StartedExport)
    assert again.proof is not None
    body = b"".join(again.pieces())
    again.finish()
    manifest = recorded_manifest(caching, again.export_id, tenant=None)
    assert manifest["file"] == again.proof.members()
    report = verify_file("file", BytesIO(body), manifest=manifest, keys=None)
    assert report.outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
