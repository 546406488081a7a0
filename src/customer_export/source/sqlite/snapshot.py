"""A snapshot of SQLite: one read transaction, and what is read in it.

It is long because a section reads through the snapshot that found it: neither is of use without the other.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import cache, partial
from itertools import chain
from typing import Any

from customer_export.model.columns import Batch, Column
from customer_export.model.csv_records import encode_batch
from customer_export.model.customer_map import CustomerMap, KeyType, Section
from customer_export.model.document import CsvLayout, CsvRecords, JsonBatch
from customer_export.model.ledger import Ledger
from customer_export.model.request import Period
from customer_export.model.totals import TotalsCheck
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.invalid_text import READ_AS, mend_texts
from customer_export.source.many.interface import CustomerChoice
from customer_export.source.reading import (
    FIRST_ROWS,
    batch_rows,
    bounds_of,
    check_rows,
    counted,
    given_values,
    period_parameters,
    title_and_counts,
)
from customer_export.source.reconcile import checks_of, plan_rules
from customer_export.source.select import Bounds, Reach, key_parameters
from customer_export.source.sqlite.cells import UTC_ZONE, ToText, Value, columns_of, scale_of, to_text
from customer_export.source.sqlite.csv import RECORD_END, is_writable
from customer_export.source.sqlite.failures import translated
from customer_export.source.sqlite.many import SqliteCustomers
from customer_export.source.sqlite.pages import PAGED_ROWS, Joined, has_pages, read_ahead, read_pages
from customer_export.source.sqlite.pieces import piece_of
from customer_export.source.sqlite.sql import SqliteTexts

Parameters = Mapping[str, str | int | None]

SMALL_ROWS = 300  # what writing a record in SQLite spares on these, compiling its expression costs: half a millisecond
LOOK_EVERY_STEPS = 100_000  # of SQLite's virtual machine, about 5 ms: how often time and cancelling are checked

LENIENT_TEXT = partial(str, encoding="utf-8", errors="replace")
"""Reads text with U+FFFD in place of bytes that are not UTF-8, which SQLite does not forbid."""

ESCAPED_TEXT = partial(str, encoding="utf-8", errors=READ_AS)
"""Reads text whose bytes that are not UTF-8 are to be mended."""

_LARGEST_INTEGER = 2**63 - 1


class SqliteSnapshot:
    """One open read transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        texts: SqliteTexts,
        customer_map: CustomerMap,
        *,
        time_zone: str,
        time_limit: timedelta,
    ) -> None:
        self._connection = connection
        self._texts = texts
        self._map = customer_map
        self._time_zone = time_zone
        self._time_limit = time_limit
        self._cancelled = threading.Event()
        self._deadline = time.monotonic() + time_limit.total_seconds()
        connection.set_progress_handler(self._must_end, LOOK_EVERY_STEPS)

    def answer(self) -> None:
        """Raise SourceUnavailableError unless the file can be read."""
        with self._translating():
            self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()

    def find(
        self,
        customer_id: str,
        sections: Sequence[Section],
        period: Period,
        *,
        tenant: str | None = None,
        titled: bool = True,
    ) -> FoundCustomer | None:
        """Begin the transaction, find the customer and count every section, in one statement."""
        key: str | int = customer_id
        if self._map.customer.key_type is KeyType.INTEGER:
            key = int(customer_id)
            if abs(key) > _LARGEST_INTEGER:
                return None
        bounds = bounds_of(period)
        reach = Reach(one_tenant=tenant is not None, titled=titled)
        parameters: Parameters = {
            **key_parameters(key, tenant=tenant),
            **period_parameters(period, time_zone=self._time_zone),
        }
        self._connection.text_factory = LENIENT_TEXT  # a name in another encoding is no reason not to be found
        with self._translating():
            self._connection.execute("BEGIN")
            row = self._connection.execute(self._texts.opening(tuple(sections), bounds, reach), parameters).fetchone()
        self._connection.text_factory = str
        if row is None:
            return None
        taken_at, version, *cells = row
        title, counts = title_and_counts(self._map, cells)
        ledger = Ledger()
        return FoundCustomer(
            title=title,
            given=given_values(self._map, cells),
            snapshot=SnapshotInfo(taken_at=taken_at, server=f"SQLite {version}", identity=None),
            sections=[
                SqliteSection(self, section, rows, bounds, parameters, ledger=ledger)
                for section, rows in zip(sections, counts, strict=True)
            ],
            totals=cache(partial(self._check_totals, sections, bounds, parameters)),
            ledger=ledger,
        )

    def choose(
        self, choice: CustomerChoice, sections: Sequence[Section], period: Period, *, titled: bool = True
    ) -> SqliteCustomers:
        """Begin the transaction; what is chosen is read later."""
        with self._translating():
            self._connection.execute("BEGIN")
            taken_at, version = self._connection.execute(self._texts.info()).fetchone()
        return SqliteCustomers(
            self._texts,
            self._map,
            sections=sections,
            period=period,
            choice=choice,
            titled=titled,
            time_zone=self._time_zone,
            info=SnapshotInfo(taken_at=taken_at, server=f"SQLite {version}", identity=None),
            fetched=self._fetched,
            column_texts=self._column_texts,
            lenient=LENIENT_TEXT,
            escaped=ESCAPED_TEXT,
            translating=self._translating,
        )

    def _check_totals(
        self, sections: Sequence[Section], bounds: Bounds, parameters: Parameters
    ) -> Sequence[TotalsCheck]:
        planned = plan_rules(self._map, sections)
        texts = [self._texts.totals(one.rule, tuple(sections), bounds) for one in planned if not one.not_checked]
        self._connection.text_factory = LENIENT_TEXT
        with self._translating():
            answers = [self._connection.execute(text, parameters).fetchall() for text in texts]
        return checks_of(planned, answers)

    def stream(
        self, section: Section, bounds: Bounds, parameters: Parameters, ledger: Ledger, *, skipped_rows: int = 0
    ) -> Iterator[Batch]:
        """Read a section's rows, all but the first, as canonical text."""
        texts = self._column_texts(section)
        with self._translating():
            text = self._texts.rows(section, bounds)
            for columns in self._columns(section, text, parameters, ledger, skipped_rows=skipped_rows):
                yield [text(values) for text, values in zip(texts, columns, strict=True)]

    def _column_texts(self, section: Section) -> list[ToText]:
        stored = self._texts.statements.stored_types(section)
        return [
            to_text(
                column.type,
                scale=scale_of(kind),
                time_zone=self._time_zone,
                naive_zone=self._map.time_zone,
                stored_as=column.stored_as,
            )
            for column, kind in zip(section.exported_columns, stored, strict=True)
        ]

    def _columns(
        self, section: Section, text: str, parameters: Parameters, ledger: Ledger, *, skipped_rows: int
    ) -> Iterator[Sequence[Sequence[Value]]]:
        """Read rows, and where a text is not UTF-8, read on with U+FFFD in place of the bytes that are not."""
        try:
            for rows in self._fetched(text, parameters, str, skipped_rows=skipped_rows):
                yield columns_of(rows)
                skipped_rows += len(rows)
        except sqlite3.OperationalError as failure:
            if "decode" not in str(failure):
                raise
        else:
            return
        noted = ledger.section(section.name)
        noted.advance(skipped_rows)
        for rows in self._fetched(text, parameters, ESCAPED_TEXT, skipped_rows=skipped_rows):
            yield [
                mend_texts(values, column.name, noted)
                for values, column in zip(columns_of(rows), section.exported_columns, strict=True)
            ]
            noted.advance(len(rows))

    def _fetched(
        self, text: str, parameters: Parameters, text_factory: Callable[[bytes], object], *, skipped_rows: int = 0
    ) -> Generator[list[Any], None, None]:
        """Read rows a batch at a time; those to be skipped are the same as before: one snapshot, a total order."""
        if skipped_rows:
            text, parameters = f"{text} LIMIT -1 OFFSET :skipped_rows", {**parameters, "skipped_rows": skipped_rows}
        cursor = self._connection.execute(text, parameters)
        wanted = FIRST_ROWS
        while True:
            self._connection.text_factory = text_factory
            rows = cursor.fetchmany(wanted)
            if not rows:
                return
            yield rows
            wanted = batch_rows(rows)

    def can_write(self, columns: Sequence[Column], layout: CsvLayout) -> bool:
        """Whether SQLite can write such records."""
        return is_writable(columns, layout, in_utc=self._time_zone == UTC_ZONE)

    def records(
        self,
        section: Section,
        bounds: Bounds,
        parameters: Parameters,
        layout: CsvLayout,
        ledger: Ledger,
        *,
        expected_rows: int,
    ) -> Iterator[CsvRecords]:
        """Read a section's rows as the CSV records that SQLite writes; where it can't, the plain path goes on."""
        read_rows = 0
        with self._translating(), closing(self._joined(section, bounds, parameters, layout, expected_rows)) as joined:
            for text, rows in joined:
                piece = piece_of(text, rows, layout)
                if piece is None:
                    break
                read_rows += rows
                yield CsvRecords(piece, rows)
        if read_rows != expected_rows:
            for batch in self.stream(section, bounds, parameters, ledger, skipped_rows=read_rows):
                rows = len(batch[0])
                read_rows += rows
                yield CsvRecords(encode_batch(batch, section.exported_columns, layout), rows)
        check_rows(section, read_rows=read_rows, expected_rows=expected_rows)

    def _joined(
        self, section: Section, bounds: Bounds, parameters: Parameters, layout: CsvLayout, expected_rows: int
    ) -> Generator[Joined, None, None]:
        """Read records as SQLite writes them: a row each, or in pages if there are many and SQLite finds these."""
        pages = self._texts.pages(section, bounds, layout)
        in_pages = expected_rows > PAGED_ROWS and has_pages(self._connection, pages, parameters)
        with closing(self._fetched(self._texts.records(section, bounds, layout), parameters, bytes)) as batches:
            for rows in batches:
                text = RECORD_END.encode().join(chain.from_iterable(rows))
                yield text, len(rows)
                if in_pages:
                    break
            else:
                return
        width = len(text) // len(rows)
        yield from read_ahead(read_pages(self._connection, pages, parameters, read_rows=len(rows), width=width))

    def cancel(self) -> None:
        """End whatever statement is running, from another thread."""
        self._cancelled.set()

    def _must_end(self) -> int:
        return int(self._cancelled.is_set() or time.monotonic() > self._deadline)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as failure:
            cancelled = self._cancelled.is_set()
            raise translated(failure, self._map, cancelled=cancelled, time_limit=self._time_limit) from failure


class SqliteSection:
    """One section, read when asked for."""

    def __init__(
        self,
        snapshot: SqliteSnapshot,
        section: Section,
        rows: int,
        bounds: Bounds,
        parameters: Parameters,
        *,
        ledger: Ledger,
    ) -> None:
        self._snapshot = snapshot
        self._ledger = ledger
        self._section = section
        self._bounds = bounds
        self._parameters = parameters
        self.rows = rows
        self.name = section.name
        self.label = section.label
        self.columns: tuple[Column, ...] = section.exported_columns

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        if self.rows == 0:
            return iter(())
        batches = self._snapshot.stream(self._section, self._bounds, self._parameters, self._ledger)
        return counted(self._section, batches, expected_rows=self.rows)

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:
        """Let SQLite write the records if they are many, and of a kind that it can write."""
        if self.rows <= SMALL_ROWS or not self._snapshot.can_write(self.columns, layout):
            return None
        return self._snapshot.records(
            self._section, self._bounds, self._parameters, layout, self._ledger, expected_rows=self.rows
        )

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """SQLite does not write JSON texts."""
        return None
