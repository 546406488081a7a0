"""The pipeline: what is on record of each export, and how it leaves."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pipeline_starts import Start, with_limits

from customer_export.auth.tokens import digest_of
from customer_export.demo.customers import (
    ABOVE_STREAMING,
    HOSTILE,
    MOST_ORDERS,
    TYPICAL,
    WellKnownCustomer,
)
from customer_export.errors import (
    AuthenticationRequiredError,
    CustomerNotFoundError,
    ExportCancelledError,
    ExportTimeoutError,
    ExportTooLargeError,
    InvalidRequestError,
)
from customer_export.export.cancellation import Cancellation
from customer_export.model.access import BearerToken
from customer_export.model.audit import AuditEvent
from customer_export.model.columns import Column, ColumnType, PersonalDataClass
from customer_export.model.ledger import Ledger
from customer_export.model.request import ExportFormat
from customer_export.services import Services
from customer_export.store.interface import StoredToken
from customer_export.writers.json_cells import encode_rows, quoted

STREAMED = {ExportFormat.CSV, ExportFormat.NDJSON}


def outcomes(services: Services, export_id: str) -> list[tuple[str, str | None]]:
    """Give event and code of each record of an export."""
    return [(record.event, record.code) for record in services.store.audit_of(export_id)]


def test_the_start_is_on_record_before_the_first_byte_and_the_end_after_the_last(
    start: Start, services: Services
) -> None:
    started = start(TYPICAL.id, format="csv")
    pieces = started.pieces()
    first = next(pieces)
    assert outcomes(services, started.export_id) == [("started", None)]
    content = first + b"".join(pieces)
    started.finish()
    assert outcomes(services, started.export_id) == [("started", None), ("completed", None)]
    ended = services.store.audit_of(started.export_id)[-1]
    assert (ended.bytes, ended.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert ended.rows == started.manifest.rows
    started.close()
    assert len(outcomes(services, started.export_id)) == 2


@pytest.mark.parametrize("customer", [TYPICAL, ABOVE_STREAMING], ids=["spooled", "streamed"])
def test_an_export_that_is_closed_too_early_was_cancelled(
    start: Start, services: Services, customer: WellKnownCustomer
) -> None:
    started = start(customer.id, format="csv")
    next(started.pieces())
    started.close()
    started.close()
    assert outcomes(services, started.export_id) == [("started", None), ("failed", "EXPORT_CANCELLED")]


def test_an_export_whose_pieces_were_taken_but_never_finished_was_cancelled(start: Start, services: Services) -> None:
    started = start(TYPICAL.id, format="json")
    list(started.pieces())
    started.close()
    assert outcomes(services, started.export_id)[-1] == ("failed", "EXPORT_CANCELLED")


@pytest.mark.parametrize(
    ("customer_id", "parameters"), [("nonsense", {"format": "csv"}), (TYPICAL.id, {})], ids=["id", "no format"]
)
def test_a_refusal_is_one_record(
    start: Start, services: Services, customer_id: str, parameters: dict[str, str]
) -> None:
    with pytest.raises(InvalidRequestError):
        start(customer_id, export_id="0" * 32, **parameters)
    assert outcomes(services, "0" * 32) == [("failed", "VALIDATION_ERROR")]


def test_who_looks_for_somebody_unknown_is_on_record_before_the_database_is_asked(
    start: Start, services: Services
) -> None:
    with pytest.raises(CustomerNotFoundError):
        start("12345678-0000-4000-8000-000000000000", export_id="0" * 32, format="csv")
    assert outcomes(services, "0" * 32) == [("started", None), ("failed", "CUSTOMER_NOT_FOUND")]


def test_a_denial_is_on_record_as_one(start: Start, services: Services) -> None:
    with pytest.raises(AuthenticationRequiredError):
        start(TYPICAL.id, export_id="0" * 32, credentials=BearerToken(secret=None), format="json")
    (record,) = services.store.audit_of("0" * 32)
    assert (record.event, record.code, record.principal) == (AuditEvent.DENIED, "AUTHENTICATION_REQUIRED", None)


def test_what_a_caller_sends_is_kept_within_bounds(start: Start, services: Services) -> None:
    with pytest.raises(InvalidRequestError):
        start("x\0\ud800" + "y" * 10_000, export_id="0" * 32, format="z" * 100, sections="s" * 10_000)
    (record,) = services.store.audit_of("0" * 32)
    assert record.customer_id.startswith("x\N{REPLACEMENT CHARACTER}?y")
    assert len(record.customer_id) == len(record.parameters) == 2_000
    assert record.format == "z" * 16


@pytest.mark.parametrize("file_format", ExportFormat)
def test_csv_and_ndjson_above_the_threshold_stream_and_all_else_is_spooled(
    start: Start, services: Services, file_format: ExportFormat
) -> None:
    at = start(TYPICAL.id, format=file_format, changes=with_limits(services, stream_above_rows=TYPICAL.orders))
    above = start(TYPICAL.id, format=file_format, changes=with_limits(services, stream_above_rows=TYPICAL.orders - 1))
    assert at.proof is not None
    assert (above.proof is None) == (file_format in STREAMED)


@pytest.mark.parametrize("threshold", [0, 19, 20, 10**9])
def test_the_threshold_is_the_operators(start: Start, services: Services, threshold: int) -> None:
    changed = with_limits(services, stream_above_rows=threshold)
    started = start(TYPICAL.id, format="csv", sections="orders", changes=changed)
    assert (started.proof is None) == (TYPICAL.orders > threshold)


@pytest.mark.parametrize("file_format", ["csv", "json", "ndjson"])
def test_a_file_may_have_its_limit_and_not_a_byte_more(start: Start, services: Services, file_format: str) -> None:
    parameters = {"format": file_format, "sections": "addresses"}
    whole = start(HOSTILE.id, changes=stopped(services), **parameters)
    assert whole.proof is not None
    size_bytes = whole.proof.size_bytes
    for limit_bytes, fits in ((size_bytes, True), (size_bytes - 1, False)):
        limits = dict.fromkeys(ExportFormat, limit_bytes)
        changed = with_limits(stopped(services), largest_bytes=limits)
        if fits:
            assert start(HOSTILE.id, changes=changed, **parameters).proof.size_bytes == size_bytes
        else:
            with pytest.raises(ExportTooLargeError) as told:
                start(HOSTILE.id, changes=changed, **parameters)
            assert told.value.limit_bytes == limit_bytes


def stopped(services: Services) -> Services:
    """Stop the clock, so that two files differ in nothing that depends on it."""
    return replace(services, now=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC))


def test_a_stream_within_two_thirds_of_its_limit_streams_and_one_far_beyond_is_refused(
    start: Start, services: Services
) -> None:
    whole = start(MOST_ORDERS.id, format="csv")
    size_bytes = sum(map(len, whole.pieces()))
    for limit_bytes, delivered in (
        (size_bytes * 2, "streamed"),
        (size_bytes // 8, "refused"),
        (size_bytes + 1, "spooled"),
    ):
        changed = with_limits(services, largest_bytes=dict.fromkeys(ExportFormat, limit_bytes))
        if delivered == "refused":
            with pytest.raises(ExportTooLargeError) as told:
                start(MOST_ORDERS.id, format="csv", changes=changed)
            assert told.value.estimated_bytes is not None
            assert size_bytes / 2 < told.value.estimated_bytes < size_bytes * 2
        else:
            started = start(MOST_ORDERS.id, format="csv", changes=changed)
            assert (started.proof is None) == (delivered == "streamed")


def test_a_spooled_and_a_streamed_file_are_the_same_bytes(start: Start, services: Services) -> None:
    for file_format in STREAMED:
        contents = set()
        for threshold in (0, 10**9):
            changed = with_limits(stopped(services), stream_above_rows=threshold)
            started = start(ABOVE_STREAMING.id, format=file_format, sections="orders,order_items", changes=changed)
            content = b"".join(started.pieces())
            if file_format is ExportFormat.NDJSON:  # its first and last line have the export's id
                content = b"\n".join(content.splitlines()[1:-1])
            contents.add(content)
        assert len(contents) == 1


def test_time_that_runs_out_ends_a_stream(start: Start, services: Services) -> None:
    clock = [datetime(2026, 1, 31, 12, tzinfo=UTC)]
    changed = with_limits(replace(services, now=lambda: clock[-1]), time=timedelta(hours=1))
    pieces = start(MOST_ORDERS.id, format="csv", changes=changed, export_id="0" * 32).pieces()
    next(pieces)
    clock.append(clock[0] + timedelta(hours=1, seconds=1))
    with pytest.raises(ExportTimeoutError):
        list(pieces)
    assert outcomes(services, "0" * 32)[-1] == ("failed", "EXPORT_TIMEOUT")


def test_an_export_that_was_cancelled_before_it_began_reads_nothing(start: Start, services: Services) -> None:
    cancellation = Cancellation()
    cancellation.ask()
    with pytest.raises(ExportCancelledError):
        start(TYPICAL.id, format="csv", cancellation=cancellation, export_id="0" * 32)
    assert outcomes(services, "0" * 32) == [("started", None), ("failed", "EXPORT_CANCELLED")]


def test_cancelling_in_mid_stream_ends_it_and_leaves_the_source_usable(start: Start, services: Services) -> None:
    for number in range(10):  # more than there are connections
        cancellation = Cancellation()
        started = start(MOST_ORDERS.id, format="csv", cancellation=cancellation, export_id=f"{number:032}")
        pieces = started.pieces()
        next(pieces)
        cancellation.ask()
        with pytest.raises(ExportCancelledError):
            list(pieces)
        assert outcomes(services, f"{number:032}") == [("started", None), ("failed", "EXPORT_CANCELLED")]
    assert start(TYPICAL.id, format="csv").proof.size_bytes


def test_every_format_has_a_writer_and_a_limit(services: Services) -> None:
    assert set(services.writers) == set(services.limits.largest_bytes) == set(ExportFormat)


@pytest.mark.parametrize("file_format", ExportFormat)
def test_every_format_can_be_written_of_one_section_and_of_all(start: Start, file_format: ExportFormat) -> None:
    assert start(TYPICAL.id, format=file_format, sections="profile").proof.size_bytes
    assert start(TYPICAL.id, format=file_format).proof.size_bytes


@pytest.mark.parametrize("kind", ColumnType)
def test_every_column_type_can_be_written_as_json(kind: ColumnType) -> None:
    column = Column(
        name="cell", label="Cell", type=kind, source="cell", personal_data=PersonalDataClass.NONE,
        currency_code="EUR" if kind is ColumnType.MONEY else None,
    )  # fmt: skip
    ledger = Ledger().section("s")
    assert encode_rows(quoted([[None]]), [column], between=b"", ledger=ledger) == b'{"cell":null}'
    assert encode_rows(quoted([["1"]]), [column], between=b"", ledger=ledger).startswith(b'{"cell":')


def test_the_command_line_and_http_give_the_same_bytes(start: Start, services: Services) -> None:
    """Both call the pipeline; whoever asks changes nothing in a CSV file."""
    secret = "cex_test"
    services.store.add_token(
        StoredToken(
            name="jane", digest=digest_of(secret), scopes=("admin",), created_at=services.now(), expires_at=None
        )
    )
    local = start(TYPICAL.id, format="csv")
    remote = start(TYPICAL.id, format="csv", credentials=BearerToken(secret=secret))
    assert b"".join(local.pieces()) == b"".join(remote.pieces())
