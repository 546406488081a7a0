"""Tables for everybody: a section's rows of all customers, as they come out of the database."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import accumulate, compress

from customer_export.errors import ExportCancelledError, ExportError, SourceUnavailableError
from customer_export.jobs.bulk.artifact import ArtifactWriting
from customer_export.jobs.bulk.index import PartitionIndex
from customer_export.jobs.bulk.interface import Told
from customer_export.jobs.bulk.merge import SPOOL_MEMORY_BYTES, EmptySection
from customer_export.jobs.bulk.order import UnderstoodOrder
from customer_export.jobs.bulk.rendering import customer_id_of
from customer_export.jobs.bulk.spool import KeyedSpool
from customer_export.model.bulk import TableFormat
from customer_export.model.bulk_result import Artifact, FailedCustomer
from customer_export.model.columns import Column, ColumnType, PersonalDataClass, SourceColumn
from customer_export.model.customer_map import KeyType, Plugin, Section
from customer_export.model.document import SectionStream
from customer_export.model.ledger import AlterationKind, Ledger
from customer_export.source.interface import FoundCustomer
from customer_export.source.many.interface import CountedCustomer, CustomerSet, KeyedBatch
from customer_export.source.reading import check_rows
from customer_export.writers.tables.interface import KeyedRows
from customer_export.writers.tables.registry import TABLE_WRITERS

KEY_COLUMN = "customer_key"
_KEY_TYPES = {
    KeyType.UUID: ColumnType.UUID,
    KeyType.INTEGER: ColumnType.INTEGER,
    KeyType.TEXT: ColumnType.IDENTIFIER,
}


def write_tables(
    understood: UnderstoodOrder,
    customers: CustomerSet,
    index: PartitionIndex,
    *,
    writing: ArtifactWriting,
    name: Callable[[str], str],
    check: Callable[[], None],
    told: Told,
    without: frozenset[str] = frozenset(),
) -> tuple[Artifact, ...]:
    """Write a table of each section; `name` names the file of one. Whoever is in `without` is in none of them."""
    writer = TABLE_WRITERS[TableFormat(understood.order.format)]
    files: list[Artifact] = []
    with ExitStack() as held:
        tables = _Tables(understood, customers, held, check, without)
        for section in understood.sections:
            columns = (key_column(understood, section), *section.exported_columns)
            ledger = index.ledger.section(section.name)
            pieces = writer.write(section.name, columns, tables.batches(section, index.ledger), ledger=ledger)
            file = writing.write(
                name(section.name),
                pieces,
                media_type=writer.media_type,
                rows=partial(tables.rows.__getitem__, section.name),
                section=section.name,
            )
            files.append(file)
            index.note_table(section.name, file.content_sha256)
            told(0, sum(tables.rows.values()))
    for key, rows in tables.reached.items():
        index.add_rows(key, rows)
    for failure in tables.failed.values():
        index.fail(failure)
    return tuple(files)


def key_column(understood: UnderstoodOrder, section: Section) -> Column:
    """Describe the first column of a table, under a name that no other has."""
    name = KEY_COLUMN
    while any(column.name == name for column in section.exported_columns):
        name += "_"
    return Column(
        name=name,
        label="Customer key",
        type=_KEY_TYPES[understood.customer_map.customer.key_type],
        source=SourceColumn(None, understood.customer_map.customer.key),
        personal_data=PersonalDataClass.IDENTITY,
    )


class _Tables:
    """The rows of a partition, and the customers who are `reached`, each with the number of their rows.

    Plug-ins are asked first: whoever `failed` with them is in no table.
    """

    def __init__(
        self,
        understood: UnderstoodOrder,
        customers: CustomerSet,
        held: ExitStack,
        check: Callable[[], None],
        without: frozenset[str],
    ) -> None:
        self._understood = understood
        self._customers = customers
        self._check = check
        self._plain = [one.name for one in understood.sections if not isinstance(one.table, Plugin)]
        self._plugins = [one.name for one in understood.sections if isinstance(one.table, Plugin)]
        self._spools = {
            name: KeyedSpool(memory_bytes=SPOOL_MEMORY_BYTES // len(self._plugins), is_sealed=understood.is_encrypted)
            for name in self._plugins
        }
        for spool in self._spools.values():
            held.callback(spool.close)
        self.reached: dict[str, int] = {}
        self.failed: dict[str, FailedCustomer] = {}
        self.rows: dict[str, int] = {}
        self._counted = dict.fromkeys((one.name for one in understood.sections), 0)
        self._left_out = set(without)
        for head in customers.counted():
            check()
            if head.key in without:
                continue
            try:
                self._reach(head)
            except (ExportCancelledError, SourceUnavailableError):
                raise
            except ExportError as failure:
                failed = FailedCustomer(customer_id=head.key, code=failure.code, message=failure.message)
                self.failed[head.key] = failed
                self._left_out.add(head.key)

    def _reach(self, head: CountedCustomer) -> None:
        customer_id = customer_id_of(head.key, self._understood.customer_map.customer.key_type)
        counts = dict(zip(self._plain, head.counts, strict=True))
        with ExitStack() as held:
            for stream in self._asked(head, customer_id, held):
                counts[stream.name] = stream.rows
                keyed = (KeyedBatch([head.key] * len(batch[0]), batch) for batch in stream.batches())
                self._spools[stream.name].fill(keyed)
        self.reached[head.key] = sum(counts.values())
        for name, rows in counts.items():
            self._counted[name] += rows

    def _asked(self, head: CountedCustomer, customer_id: str, held: ExitStack) -> Sequence[SectionStream]:
        """Give the sections of plug-ins."""
        if not self._plugins:
            return ()
        sections = [EmptySection(one) for one in self._understood.sections if one.name in self._plain]
        found = FoundCustomer(title=head.title, given=head.given, snapshot=self._customers.snapshot, sections=sections)
        complete = self._customers.complete(found, customer_id, held)
        return [stream for stream in complete.sections if stream.name in self._spools]

    def batches(self, section: Section, ledger: Ledger) -> KeyedRows:
        """Give a section's rows of whoever is reached, and note what their reading changed.

        Raises SourceFailedError unless they are those counted.
        """
        rows = 0
        noted = ledger.section(section.name)
        for column in section.exported_columns:
            if column.mask is not None:
                ledger.add_column(section.name, column.name, AlterationKind.MASKED, rows=self._counted[section.name])
        spool = self._spools.get(section.name)
        for one in self._customers.rows(section) if spool is None else spool.frames():
            self._check()
            kept = self._kept(one)
            rows += len(kept.keys)
            for name, kind, places, _originals in kept.notes:
                noted.add(name, kind, places)
            noted.advance(len(kept.keys))
            if kept.keys:
                yield kept.keys, kept.batch
        self.rows[section.name] = rows
        check_rows(section, read_rows=rows, expected_rows=self._counted[section.name])

    def _kept(self, one: KeyedBatch) -> KeyedBatch:
        if self._left_out.isdisjoint(one.keys):
            return one
        wanted = [key in self.reached for key in one.keys]
        place = list(accumulate(wanted, initial=0))
        return KeyedBatch(
            list(compress(one.keys, wanted)),
            [list(compress(cells, wanted)) for cells in one.batch],
            [(name, kind, [place[at] for at in places if wanted[at]], ()) for name, kind, places, _ in one.notes],
        )
