"""A snapshot of MySQL or MariaDB: one read-only transaction at REPEATABLE READ, begun with its consistent snapshot."""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

import pymysql
import structlog
from pymysql.constants import ER

from customer_export.errors import (
    ExportCancelledError,
    ExportTimeoutError,
)
from customer_export.model.columns import Batch, Column
from customer_export.model.customer_map import CustomerMap, Query, Section, TableName
from customer_export.model.document import CsvLayout, CsvRecords, JsonBatch
from customer_export.model.ledger import Ledger
from customer_export.model.request import Period
from customer_export.model.totals import TotalsCheck
from customer_export.source.comparing import FAMILIES
from customer_export.source.interface import FoundCustomer, SnapshotInfo
from customer_export.source.many.interface import CustomerChoice
from customer_export.source.mysql.connection import MysqlConnection, Values
from customer_export.source.mysql.failures import reason_of, translated
from customer_export.source.mysql.many import MysqlCustomers
from customer_export.source.mysql.noted import read_column
from customer_export.source.mysql.sql import MysqlTexts
from customer_export.source.mysql.url import MysqlAddress
from customer_export.source.reading import bounds_of, counted, given_values, period_parameters, title_and_counts
from customer_export.source.reconcile import checks_of, plan_rules
from customer_export.source.select import CUSTOMER_KEY, Bounds, Reach, key_parameters

log = structlog.get_logger()

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)


class MysqlSnapshot:
    """One transaction, begun when the customer is looked for."""

    def __init__(
        self,
        connection: MysqlConnection,
        texts: MysqlTexts,
        customer_map: CustomerMap,
        *,
        address: MysqlAddress,
        time_zone: str,
        time_limit: timedelta,
    ) -> None:
        self._connection = connection
        self._texts = texts
        self._map = customer_map
        self._address = address
        self._time_zone = time_zone
        self._time_limit = time_limit
        self._deadline = time.monotonic() + time_limit.total_seconds()
        self._ending = threading.Lock()
        self._ended = False
        self._cancelled = False

    def answer(self) -> None:
        """Raise SourceUnavailableError unless the database answers."""
        with self._translating():
            self._connection.ask("SELECT 1")

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
        bounds = bounds_of(period)
        reach = Reach(one_tenant=tenant is not None, titled=titled)
        values = {**self._key_values(customer_id, tenant=tenant), **self._period_values(period)}
        with self._translating():
            self._connection.hold_to(self._time_limit)
            self._connection.ask("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            rows = self._connection.ask(self._texts.opening(tuple(sections), bounds, reach), values)
        if not rows:
            return None
        ((taken_at, version, _, *cells),) = rows
        title, counts = title_and_counts(self._map, [customer_id, *cells])  # the key may be bytes
        ledger = Ledger()
        return FoundCustomer(
            title=title,
            given=given_values(self._map, [customer_id, *cells]),
            snapshot=SnapshotInfo(
                taken_at=str(taken_at), server=_server(str(version)), identity=self._unsteady(sections)
            ),
            sections=[
                MysqlSection(self, section, rows, bounds, values, ledger=ledger)
                for section, rows in zip(sections, counts, strict=True)
            ],
            totals=cache(partial(self._check_totals, sections, bounds, values)),
            ledger=ledger,
        )

    def choose(
        self, choice: CustomerChoice, sections: Sequence[Section], period: Period, *, titled: bool = True
    ) -> MysqlCustomers:
        """Begin the transaction; what is chosen is read later."""
        with self._translating():
            self._connection.hold_to(self._time_limit)
            self._connection.ask("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            ((taken_at, version),) = self._connection.ask(self._texts.info())
        return MysqlCustomers(
            self._connection,
            self._texts,
            self._map,
            sections=sections,
            period=period,
            choice=choice,
            titled=titled,
            time_zone=self._time_zone,
            info=SnapshotInfo(taken_at=str(taken_at), server=_server(str(version)), identity=self._unsteady(sections)),
            values=self._period_values(period),
            key_values=partial(self._key_values, tenant=None),
            own_key=lambda one: self._key_values(one, tenant=None)[CUSTOMER_KEY],
            check=self._check,
            translating=self._translating,
        )

    def _check_totals(self, sections: Sequence[Section], bounds: Bounds, values: Values) -> Sequence[TotalsCheck]:
        planned = plan_rules(self._map, sections)
        texts = [self._texts.totals(one.rule, tuple(sections), bounds) for one in planned if not one.not_checked]
        with self._translating():
            return checks_of(planned, [self._connection.ask(text, values) for text in texts])

    def _key_values(self, customer_id: str, *, tenant: str | None) -> Values:
        """Give the key as each family of types is compared exactly: numbers with numbers, text with text."""
        number = int(customer_id) if _INTEGER.fullmatch(customer_id) else None
        by_family: dict[str, str | int | None] = dict.fromkeys(FAMILIES, customer_id)
        by_family |= {"integer": number, "numeric": number}
        named = {f"{CUSTOMER_KEY}_{family}": value for family, value in by_family.items()}
        return {**key_parameters(by_family[self._texts.key_family], tenant=tenant), **named}

    def _period_values(self, period: Period) -> Values:
        """Give the period's ends as dates, and as moments without a zone: in UTC, and in the map's zone."""
        values = dict(period_parameters(period, time_zone=self._time_zone))
        for name, end in (("start", period.start), ("end", period.end)):
            if end is not None:
                values[f"{name}_utc"] = _naive_text(end, "UTC")
                values[f"{name}_naive"] = _naive_text(end, self._map.time_zone)
        return values

    def _unsteady(self, sections: Sequence[Section]) -> str | None:
        """Name the tables that the transaction does not hold still, since their engines have no transactions."""
        unsteady = self._texts.schema.unsteady
        read = [self._map.customer.table, *(table for section in sections for table in _tables_of(section))]
        listed = [f"{table} ({unsteady[table]})" for table in dict.fromkeys(read) if table in unsteady]
        return f"not of one moment: {', '.join(listed)}" if listed else None

    def stream(self, section: Section, bounds: Bounds, values: Values, ledger: Ledger) -> Iterator[Batch]:
        """Read a section's rows while the database goes on sending them."""
        texts = self._texts.to_texts(section, time_zone=self._time_zone)
        columns, noted = section.exported_columns, ledger.section(section.name)
        with self._translating():
            self._connection.send(self._texts.rows(section, bounds), values)
            for batch in self._connection.batches():
                self._check()
                yield [
                    read_column(text, cells, column, noted)
                    for text, cells, column in zip(texts, batch, columns, strict=True)
                ]
                noted.advance(len(batch[0]))

    def _check(self) -> None:
        if self._cancelled:
            raise ExportCancelledError
        if time.monotonic() > self._deadline:
            raise ExportTimeoutError(self._time_limit)

    def cancel(self) -> None:
        """End whatever statement is running, from another thread and by another connection."""
        with self._ending:
            if self._ended:
                return
            self._cancelled = True
        try:
            connection = MysqlConnection(self._address)
            try:
                connection.ask(f"KILL QUERY {self._connection.id}")
            finally:
                connection.close()
        except pymysql.Error as failure:
            if failure.args[0] != ER.NO_SUCH_THREAD:
                log.warning("source_cancel_failed", reason=reason_of(failure))

    def end(self) -> bool:
        """End the transaction, which can't be cancelled any more; say whether the connection may serve another."""
        with self._ending:
            self._ended = True
        if self._cancelled or self._connection.in_rows or not self._connection.open:
            return False
        self._connection.ask("ROLLBACK")
        return True

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except pymysql.Error as failure:
            late = time.monotonic() > self._deadline
            raise translated(
                failure, self._map, cancelled=self._cancelled, late=late, time_limit=self._time_limit
            ) from failure


class MysqlSection:
    """One section, read when asked for."""

    def __init__(
        self, snapshot: MysqlSnapshot, section: Section, rows: int, bounds: Bounds, values: Values, *, ledger: Ledger
    ) -> None:
        self._snapshot = snapshot
        self._ledger = ledger
        self._section = section
        self._bounds = bounds
        self._values = values
        self.rows = rows
        self.name = section.name
        self.label = section.label
        self.columns: tuple[Column, ...] = section.exported_columns

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        if self.rows == 0:
            return iter(())
        batches = self._snapshot.stream(self._section, self._bounds, self._values, self._ledger)
        return counted(self._section, batches, expected_rows=self.rows)

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:  # noqa: ARG002
        """MySQL does not write CSV to its clients."""
        return None

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """MySQL does not write JSON texts."""
        return None


def _tables_of(section: Section) -> Iterator[TableName]:
    relation = section.relation
    yield from relation.reads if isinstance(relation, Query) else (relation,)
    yield from (lookup.table for lookup in section.lookups)
    yield from (step.table for link in section.links for step in link if step.table is not None)


def _server(version: str) -> str:
    """Name the product and its version, given what VERSION() says: `8.4.3`, or `10.11.19-MariaDB-0+deb12u1`."""
    return f"{'MariaDB' if 'MariaDB' in version else 'MySQL'} {version.partition('-')[0]}"


def _naive_text(moment: datetime, zone: str) -> str:
    """Write a moment on the clocks of a zone, as DATETIME is compared."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" ", "microseconds")
