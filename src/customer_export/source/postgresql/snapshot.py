"""A snapshot of PostgreSQL: one REPEATABLE READ READ ONLY transaction, read as text or by COPY.

It is long because a section reads through the snapshot that found it: neither is of use without the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import TypeAlias

import psycopg
import structlog
from psycopg import errors

from customer_export.model.columns import Batch, Cell, Column
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.document import CsvLayout, CsvRecords, JsonBatch
from customer_export.model.ledger import Ledger
from customer_export.model.request import Period
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.invalid_text import mend_texts, valid_text
from customer_export.source.many.interface import CustomerChoice
from customer_export.source.postgresql.copy import CopiedRows, copied_rows
from customer_export.source.postgresql.encoding import knows_encoding
from customer_export.source.postgresql.failures import reason_of, translated
from customer_export.source.postgresql.json import json_batch
from customer_export.source.postgresql.many import PostgresqlCustomers
from customer_export.source.postgresql.pipeline import Pipeline, Rows, Statement
from customer_export.source.postgresql.sql import PostgresqlTexts
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

log = structlog.get_logger()

Connection: TypeAlias = psycopg.Connection[tuple[Cell, ...]]
Parameters: TypeAlias = Mapping[str, str | int | None]

SMALL_ROWS = 100  # a section up to here is read at once with the others like it, in one round trip
CHUNK_ROWS = 256  # rows that libpq hands over at a time: fewer cost time, more cost memory where rows are wide
CONNECT_SECONDS = 5  # a database that needs longer to say hello is down as far as a download is concerned
_BEGIN = Statement(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
_COMMIT = Statement(b"COMMIT")
_NO_ROWS = Statement(b"SET LOCAL jit = off")
"""Comes before others where a section was streamed: libpq gives the rows of the next statement in chunks, too."""
_SET = "SELECT set_config('TimeZone', %s, false), set_config('statement_timeout', %s, false)"


class PostgresqlSnapshot:
    """One transaction, begun when the customer is looked for.

    `session` is what the connection still has to be told: a time zone, and how long a statement may take (ms).
    """

    def __init__(
        self,
        connection: Connection,
        texts: PostgresqlTexts,
        customer_map: CustomerMap,
        *,
        pipeline: Pipeline,
        session: tuple[str, str] | None,
        time_zone: str,
        time_limit: timedelta,
    ) -> None:
        self._connection = connection
        self._texts = texts
        self._map = customer_map
        self._pipeline = pipeline
        self._session = session
        self._time_zone = time_zone
        self._time_limit = time_limit
        self.knows_encoding = knows_encoding(connection)
        """Whether the database's texts are UTF-8 for certain."""
        self._cancelled = False

    def answer(self) -> None:
        """Raise SourceUnavailableError unless the database answers."""
        with self._translating():
            self._connection.execute("SELECT 1")

    def find(
        self,
        customer_id: str,
        sections: Sequence[Section],
        period: Period,
        *,
        tenant: str | None = None,
        titled: bool = True,
    ) -> FoundCustomer | None:
        """Begin, find the customer and count every section in one round trip; read the small sections in another."""
        bounds = bounds_of(period)
        reach = Reach(one_tenant=tenant is not None, titled=titled)
        parameters: Parameters = {
            **key_parameters(customer_id, tenant=tenant),
            **period_parameters(period, time_zone=self._time_zone),
        }
        with self._translating():
            try:
                row = self._open(self._texts.opening(tuple(sections), bounds, reach), parameters)
            except errors.DataError:
                if self._is_a_key(reach, parameters):
                    raise
                return None
            if row is None:
                return None
            taken_at, version, identity, *cells = row
            if not self._texts.is_key(customer_id, str(cells[0])):
                return None
            title, counts = title_and_counts(self._map, cells)
            planned = plan_rules(self._map, sections)
            rules = [self._texts.totals(one.rule, tuple(sections), bounds) for one in planned if not one.not_checked]
            read, answers = self._read_small(sections, counts, rules, bounds, parameters)
        ledger = Ledger()
        return FoundCustomer(
            title=title,
            given=given_values(self._map, cells),
            snapshot=SnapshotInfo(taken_at=str(taken_at), server=f"PostgreSQL {version}", identity=identity),
            sections=[
                PostgresqlSection(self, section, rows, bounds, parameters, read=read.get(section.name), ledger=ledger)
                for section, rows in zip(sections, counts, strict=True)
            ],
            totals=cache(lambda: checks_of(planned, self._checked(rules, parameters) if answers is None else answers)),
            ledger=ledger,
        )

    def choose(
        self, choice: CustomerChoice, sections: Sequence[Section], period: Period, *, titled: bool = True
    ) -> PostgresqlCustomers:
        """Begin; what is chosen is read later."""
        with self._translating():
            row = self._open(self._texts.info(), {})
        assert row is not None
        taken_at, version, identity = row
        return PostgresqlCustomers(
            self._connection,
            self._texts,
            self._map,
            sections=sections,
            period=period,
            choice=choice,
            titled=titled,
            time_zone=self._time_zone,
            info=SnapshotInfo(taken_at=str(taken_at), server=f"PostgreSQL {version}", identity=identity),
            translating=self._translating,
        )

    def _checked(self, rules: Sequence[Statement], parameters: Parameters) -> Sequence[Rows]:
        with self._translating():
            return self._valid(self._pipeline.run([_NO_ROWS, *rules], parameters)[1:]) if rules else []

    def _open(self, opening: Statement, parameters: Parameters) -> tuple[Cell, ...] | None:
        if self._session is not None:
            self._connection.execute(_SET, self._session)
        (found,) = self._valid(self._pipeline.run([_BEGIN, opening], parameters)[1:])
        return found[0] if found else None

    def _valid(self, answers: Sequence[Rows]) -> Sequence[Rows]:
        """Give answers in UTF-8, whatever is in the database."""
        if self.knows_encoding:
            return answers
        return [[tuple(map(valid_text, row)) for row in rows] for rows in answers]

    def _is_a_key(self, reach: Reach, parameters: Parameters) -> bool:
        """Whether the id is of the key's type, as an integer of 30 digits is not: then something else is amiss."""
        self._connection.execute("ROLLBACK")
        try:
            self._open(self._texts.opening((), Bounds(start=False, end=False), reach), parameters)
        except errors.DataError:
            return False
        return True

    def _read_small(
        self,
        sections: Sequence[Section],
        counts: Sequence[int],
        rules: Sequence[Statement],
        bounds: Bounds,
        parameters: Parameters,
    ) -> tuple[Mapping[str, Rows], Sequence[Rows] | None]:
        """Read the sections of one batch at once. If there are no others, rules are checked and that is all."""
        small = [section for section, rows in zip(sections, counts, strict=True) if 0 < rows <= SMALL_ROWS]
        statements = [self._texts.small_rows(section, bounds) for section in small]
        is_all = max(counts, default=0) <= SMALL_ROWS
        if is_all:
            statements += [*rules, _COMMIT]
        read = self._pipeline.run(statements, parameters) if statements else []
        rows = dict(zip((section.name for section in small), read, strict=False))
        return rows, self._valid(read[len(small) : -1]) if is_all else None

    def stream(self, section: Section, bounds: Bounds, parameters: Parameters) -> Iterator[Batch]:
        """Read a section's rows while the database goes on sending them."""
        with self._translating():
            text = self._texts.rows(section, bounds)
            rows = self._connection.cursor().stream(text.encode(), parameters, size=CHUNK_ROWS)
            wanted = FIRST_ROWS
            while batch := list(islice(rows, wanted)):
                yield list(zip(*batch, strict=True))
                wanted = batch_rows(batch)

    def copy(
        self,
        section: Section,
        bounds: Bounds,
        parameters: Parameters,
        layout: CsvLayout | None,
        *,
        expected_rows: int,
    ) -> Iterator[CopiedRows]:
        """Give the rows that COPY writes as CSV, or without a layout as JSON texts, as many as make a piece."""
        read_rows = 0
        last: CopiedRows = []
        with self._translating():
            texts = self._texts
            text = texts.json_copy(section, bounds) if layout is None else texts.copy(section, bounds, layout)
            for piece in copied_rows(self._connection, text, parameters):
                if last:
                    yield last
                last = piece
                read_rows += len(piece)
        # the last piece leaves when COPY has let go of the connection: the reader may stop at it, and a ROLLBACK
        # would wait for ever
        check_rows(section, read_rows=read_rows, expected_rows=expected_rows)
        if last:
            yield last

    def cancel(self) -> None:
        """End whatever statement is running, from another thread."""
        self._cancelled = True
        try:
            self._connection.cancel_safe(timeout=CONNECT_SECONDS)
        except psycopg.Error as failure:
            log.warning("source_cancel_failed", reason=reason_of(failure))

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as failure:
            raise translated(failure, self._map, cancelled=self._cancelled, time_limit=self._time_limit) from failure


class PostgresqlSection:
    """One section, already read if it is small."""

    def __init__(
        self,
        snapshot: PostgresqlSnapshot,
        section: Section,
        rows: int,
        bounds: Bounds,
        parameters: Parameters,
        *,
        read: Rows | None,
        ledger: Ledger,
    ) -> None:
        self._snapshot = snapshot
        self._ledger = ledger
        self._section = section
        self._bounds = bounds
        self._parameters = parameters
        self._read = read
        self.rows = rows
        self.name = section.name
        self.label = section.label
        self.columns: tuple[Column, ...] = section.exported_columns

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        if self.rows == 0:
            return iter(())
        if self._read is not None:
            batches: Iterator[Batch] = iter([list(zip(*self._read, strict=True))])
        else:
            batches = self._snapshot.stream(self._section, self._bounds, self._parameters)
        if not self._snapshot.knows_encoding:
            batches = self._mended(batches)
        return counted(self._section, batches, expected_rows=self.rows)

    def _mended(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Make UTF-8 of texts that are none, and note it."""
        ledger = self._ledger.section(self.name)
        for batch in batches:
            yield [mend_texts(cells, column.name, ledger) for cells, column in zip(batch, self.columns, strict=True)]
            ledger.advance(len(batch[0]))

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:
        r"""Let COPY write the records, unless the rows are here already or a record has a single cell.

        PostgreSQL quotes a lone `\.`, which no reader of CSV needs.
        """
        if not self._is_fast() or len(layout.places) + (layout.section is not None) == 1:
            return None
        # RFC 4180 ends records by CRLF
        return (CsvRecords(b"\r\n".join([*rows, b""]), len(rows)) for rows in self._copied(layout))

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """Let COPY write the JSON texts, unless the rows are here already."""
        if not self._is_fast():
            return None
        columns = len(self.columns)
        return (json_batch(rows, columns=columns) for rows in self._copied(layout=None))

    def _is_fast(self) -> bool:
        """Whether COPY is worth its round trip, and its bytes are known to be UTF-8."""
        return self.rows > SMALL_ROWS and self._snapshot.knows_encoding

    def _copied(self, layout: CsvLayout | None) -> Iterator[CopiedRows]:
        return self._snapshot.copy(self._section, self._bounds, self._parameters, layout, expected_rows=self.rows)
