"""A database whose sections come in other batches, by the plain way if so wanted, and at a pinned moment."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from customer_export.model.columns import Batch, Column
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.document import CsvLayout, JsonBatch, SectionStream
from customer_export.model.request import Period
from customer_export.source.interface import FoundCustomer, Snapshot, Source

Cells = TypeVar("Cells", bound=Sequence[Sequence[object]])

TAKEN_AT = "2026-03-04T05:06:06.123456+00:00"


@dataclass(frozen=True)
class Reading:
    """How sections are read: `batch_rows` at a time, None as they come; `plain`, or as fast as the database can."""

    batch_rows: int | None
    plain: bool


@dataclass(frozen=True)
class RebatchedSource:
    """A source behind which another one is read that way."""

    source: Source
    reading: Reading

    @property
    def map(self) -> CustomerMap:
        return self.source.map

    def check(self) -> None:
        self.source.check()

    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> AbstractContextManager[Snapshot]:
        return self._snapshot(time_zone, time_limit)

    @contextmanager
    def _snapshot(self, time_zone: str, time_limit: timedelta) -> Iterator[Snapshot]:
        with self.source.snapshot(time_zone=time_zone, time_limit=time_limit) as snapshot:
            yield _RebatchedSnapshot(snapshot, self.reading)

    def close(self) -> None:
        self.source.close()


@dataclass(frozen=True)
class _RebatchedSnapshot:
    snapshot: Snapshot
    reading: Reading

    def find(
        self,
        customer_id: str,
        sections: Sequence[Section],
        period: Period,
        *,
        tenant: str | None = None,
        titled: bool = True,
    ) -> FoundCustomer | None:
        found = self.snapshot.find(customer_id, sections, period, tenant=tenant, titled=titled)
        assert found is not None
        streams = [_RebatchedStream(stream, self.reading) for stream in found.sections]
        return replace(found, sections=streams, snapshot=replace(found.snapshot, taken_at=TAKEN_AT, identity=None))

    def cancel(self) -> None:
        self.snapshot.cancel()


@dataclass(frozen=True)
class _RebatchedStream:
    stream: SectionStream
    reading: Reading

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def label(self) -> str:
        return self.stream.label

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.stream.columns

    @property
    def rows(self) -> int:
        return self.stream.rows

    def batches(self) -> Iterator[Batch]:
        if self.reading.batch_rows is None:
            return self.stream.batches()
        return _rebatched(self.stream.batches(), self.reading.batch_rows)

    def csv_records(self, layout: CsvLayout) -> Iterator[bytes] | None:
        return None if self.reading.plain else self.stream.csv_records(layout)

    def json_batches(self) -> Iterator[JsonBatch] | None:
        batches = None if self.reading.plain else self.stream.json_batches()
        if batches is None or self.reading.batch_rows is None:
            return batches
        return _rebatched(batches, self.reading.batch_rows)


def _rebatched(batches: Iterator[Cells], batch_rows: int) -> Iterator[Cells]:
    rows = (row for batch in batches for row in zip(*batch, strict=True))
    while batch := list(islice(rows, batch_rows)):
        yield list(zip(*batch, strict=True))  # type: ignore[misc]  # columns again, as they were
