"""Customers one after the other, each as the single export finds them, out of streams of everybody's rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from customer_export.errors import SourceFailedError
from customer_export.jobs.bulk.order import UnderstoodOrder
from customer_export.jobs.bulk.spool import KeyedCursor, KeyedSpool
from customer_export.jobs.bulk.written import RowWriting
from customer_export.model.columns import Batch, Column
from customer_export.model.csv_table import table_of
from customer_export.model.customer_map import Plugin, Section
from customer_export.model.document import CsvLayout, CsvRecords, JsonBatch
from customer_export.model.ledger import Ledger
from customer_export.model.request import ExportFormat
from customer_export.model.totals import TotalsCheck
from customer_export.source.interface import FoundCustomer
from customer_export.source.many.interface import CountedCustomer, CustomerSet
from customer_export.source.reading import counted

SPOOL_MEMORY_BYTES = 1 << 25
"""32 MiB of a partition's rows are in memory, shared by its sections; beyond it they wait on the disk."""


class ReadCustomers:
    """All customers of a partition, read out of the database. Close it to forget them."""

    def __init__(self, understood: UnderstoodOrder, customers: CustomerSet, held: ExitStack) -> None:
        self._customers = customers
        self._sections = [one for one in understood.sections if not isinstance(one.table, Plugin)]
        self.heads: Sequence[CountedCustomer] = customers.counted()
        self._cursors: dict[str, KeyedCursor] = {}
        streams = {one.name: EmptySection(one) for one in understood.sections}
        table = table_of(list(streams.values()))
        as_json = understood.request.format in (ExportFormat.JSON, ExportFormat.NDJSON)
        for section in self._sections:
            memory_bytes = SPOOL_MEMORY_BYTES // len(self._sections)
            spool = KeyedSpool(memory_bytes=memory_bytes, is_sealed=understood.is_encrypted)
            held.callback(spool.close)
            spool.fill(customers.rows(section))
            writing = RowWriting(section, streams[section.name], table, as_json=as_json)
            self._cursors[section.name] = KeyedCursor(map(writing.write, spool.frames()))
        self._without_totals = customers.without_totals()
        self._totals: dict[str, dict[int, TotalsCheck]] = {}
        for key, number, check in customers.totals():
            self._totals.setdefault(key, {})[number] = check

    def merged(self) -> Iterator[tuple[CountedCustomer, FoundCustomer]]:
        """Give each customer with their rows, which are there until the next one is asked for.

        Raises SourceFailedError at the end if there are rows of customers who are not.
        """
        for head in self.heads:
            yield head, self._found(head)
            for cursor in self._cursors.values():
                cursor.skip(head.key)
        for name, cursor in self._cursors.items():
            if cursor.next_key() is not None:
                raise SourceFailedError(
                    f"The section {name!r} gave rows in another order than the customers'; "
                    "report it with the types and collations of the customer table's key"
                )

    def _found(self, head: CountedCustomer) -> FoundCustomer:
        counts = zip(self._sections, head.counts, strict=True)
        ledger = Ledger()
        return FoundCustomer(
            title=head.title,
            given=head.given,
            snapshot=self._customers.snapshot,
            sections=[MergedSection(one, rows, self._cursors[one.name], head.key, ledger) for one, rows in counts],
            ledger=ledger,
            totals=partial(_checks, self._without_totals, self._totals.get(head.key, {})),
        )


def _checks(without: Sequence[TotalsCheck], found: Mapping[int, TotalsCheck]) -> Sequence[TotalsCheck]:
    return [found.get(number, check) for number, check in enumerate(without)]


class MergedSection:
    """One section of one customer, to be read before the next customer's."""

    def __init__(self, section: Section, rows: int, cursor: KeyedCursor, key: str, ledger: Ledger) -> None:
        self._section = section
        self._cursor = cursor
        self._key = key
        self._ledger = ledger
        self.rows = rows
        self.name = section.name
        self.label = section.label
        self.columns: tuple[Column, ...] = section.exported_columns

    def batches(self) -> Iterator[Batch]:
        """Read the rows."""
        return counted(self._section, self._noted(), expected_rows=self.rows)

    def _noted(self) -> Iterator[Batch]:
        ledger = self._ledger.section(self.name)
        for batch, notes in self._cursor.batches(self._key):
            for column, kind, places, originals in notes:
                before = dict(zip(places, originals, strict=False))
                ledger.add(column, kind, places, before.__getitem__ if originals else None)
            ledger.advance(len(batch[0]))
            yield batch

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:  # noqa: ARG002
        """Nobody has written any."""
        return None

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """Nobody has written any."""
        return None


class EmptySection:
    """A section that nobody reads here."""

    def __init__(self, section: Section) -> None:
        self.rows = 0
        self.name = section.name
        self.label = section.label
        self.columns: tuple[Column, ...] = section.exported_columns

    def batches(self) -> Iterator[Batch]:
        """Give none."""
        return iter(())

    def csv_records(self, layout: CsvLayout) -> Iterator[CsvRecords] | None:  # noqa: ARG002
        """Nobody has written any."""
        return None

    def json_batches(self) -> Iterator[JsonBatch] | None:
        """Nobody has written any."""
        return None
