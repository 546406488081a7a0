"""Export one partition: read it set-wise in one snapshot, merge it per customer, write its files."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

from customer_export.encryption.choice import sealer_for
from customer_export.encryption.interface import Sealer
from customer_export.errors import CustomerNotFoundError
from customer_export.export.cancellation import Cancellation
from customer_export.export.spooling import spooling
from customer_export.jobs.bulk.artifact import ArtifactWriting
from customer_export.jobs.bulk.collecting import collecting_rarely
from customer_export.jobs.bulk.index import MEDIA_TYPE, PartitionIndex, read_index
from customer_export.jobs.bulk.interface import Artifacts, Told
from customer_export.jobs.bulk.merge import ReadCustomers
from customer_export.jobs.bulk.order import UnderstoodOrder, understand_order
from customer_export.jobs.bulk.rendering import CustomerRenderer, RenderedCustomer
from customer_export.jobs.bulk.shards import joined, zipped
from customer_export.jobs.bulk.tables import write_tables
from customer_export.jobs.files import part_name
from customer_export.model.access import Principal
from customer_export.model.bulk import BulkOrder, Layout, Partition
from customer_export.model.bulk_result import Artifact, FailedCustomer, PartitionResult
from customer_export.services import Services
from customer_export.source.interface import SnapshotInfo
from customer_export.source.many.interface import CustomerSet

READING_LIMIT = timedelta(minutes=30)
"""What a statement over a partition may take: thousands of customers, one of whom may have millions of rows."""

TOLD_EVERY_SECONDS = 0.5


def index_name(job_id: str, number: int) -> str:
    """Name the index of a partition."""
    return f"{job_id}/part-{number:05}.customers.ndjson"


def export_partition(
    services: Services,
    order: BulkOrder,
    partition: Partition,
    *,
    principal: Principal,
    artifacts: Artifacts,
    cancellation: Cancellation,
    told: Told,
    earlier: Iterable[bytes] | None = None,
    without: frozenset[str] = frozenset(),
    passphrase: str | None = None,
) -> PartitionResult:
    """Export a partition's customers into files of deterministic names, and give what is to be kept of it.

    Idempotent: called again it reads a new snapshot and puts its files in the place of the earlier ones. They are named
    `{job_id}/part-00007.zip` (files), `{job_id}/part-00007.ndjson` (lines) or `{job_id}/{section}/part-00007.parquet`
    (tables), and the index `{job_id}/part-00007.customers.ndjson`. Nothing goes on record in the audit: that is the
    caller's affair, as are the principal's rights, which have to be checked just before.

    `earlier` is the index of the same partition in the job `since`, in pieces of any size. Then only those customers
    have files whose rows are others by now; of the rest the index says that they are unchanged or gone.

    Files of an order that says `encrypt` are encrypted, and have its suffix behind their names; the index is not. Of a
    repeated partition they are others each time. `passphrase` is that of `encrypt=zip`.

    `without` are customers, by their ids, of whom nothing is to be written, not even that they are left out.

    A customer who fails is recorded in the result and the index, and the rest goes on. What fails all of them is
    raised: SourceUnavailableError, SourceFailedError, MapMismatchError, ExportTimeoutError (of reading),
    ExportCancelledError, what `artifacts` and `told` raise; then the files are not all there, and it is to be called
    again. Blocks; another thread may end it by `cancellation`.
    """
    understood = understand_order(services, order, principal=principal)
    if (earlier is None) != (order.since is None):
        raise ValueError("An earlier index belongs to an order since another job")
    known = {one: digest for one, digest in read_index(earlier or ()).items() if one not in without}
    index = PartitionIndex(known, since=order.since)
    sealer = sealer_for(understood.request.encryption, passphrase)
    writing = _Writing(services, understood, partition, artifacts, sealer, cancellation, told, index, without)
    with spooling(), collecting_rarely(), ExitStack() as held:
        reading = held.enter_context(ExitStack())
        snapshot = reading.enter_context(
            services.source.snapshot(time_zone=understood.request.time_zone, time_limit=READING_LIMIT)
        )
        reading.callback(cancellation.finished)
        cancellation.while_running(snapshot.cancel)
        customers = snapshot.choose(
            understood.choice(partition), understood.sections, understood.request.period, titled=understood.titled
        )
        if order.layout is Layout.TABLES:
            return writing.tables(customers)
        read = ReadCustomers(understood, customers, held)
        reading.close()  # everything is here: the database is free while files are made
        return writing.files(customers, read)


class _Writing:
    """What is written of one partition."""

    def __init__(
        self,
        services: Services,
        understood: UnderstoodOrder,
        partition: Partition,
        artifacts: Artifacts,
        sealer: Sealer | None,
        cancellation: Cancellation,
        told: Told,
        index: PartitionIndex,
        without: frozenset[str],
    ) -> None:
        self._services = services
        self._understood = understood
        self._order = understood.order
        self._partition = partition
        self._plainly = ArtifactWriting(artifacts=artifacts, sealer=None, at=self._order.created_at)
        self._writing = replace(self._plainly, sealer=sealer)
        self._cancellation = cancellation
        self._told = told
        self._index = index
        self._without = without

    def files(self, customers: CustomerSet, read: ReadCustomers) -> PartitionResult:
        """Write the file of all customers' files, and the index."""
        each = self._each(customers, read)
        request = self._understood.request
        if self._order.layout is Layout.FILES:
            pieces = zipped(each, self._index, file_format=request.format, created_at=self._order.created_at)
            name, media_type = self._name("zip"), "application/zip"
        else:
            pieces, name, media_type = joined(each, self._index), self._name("ndjson"), MEDIA_TYPE
        file = self._writing.write(name, pieces, media_type=media_type, rows=lambda: self._index.rows)
        self._note_missing()
        self._index.note_gone()
        return self._result(customers.snapshot, (file,))

    def tables(self, customers: CustomerSet) -> PartitionResult:
        """Write a table a section, and the index."""
        files = write_tables(
            self._understood,
            customers,
            self._index,
            writing=self._writing,
            name=lambda section: f"{self._order.job_id}/{section}/{self._part}.{self._order.format}",
            check=self._cancellation.check,
            told=self._told,
            without=self._without,
        )
        self._note_missing()
        return self._result(customers.snapshot, files)

    def _each(
        self, customers: CustomerSet, read: ReadCustomers
    ) -> Iterator[tuple[RenderedCustomer | FailedCustomer, ExitStack]]:
        renderer = CustomerRenderer(self._services, self._understood, customers, self._cancellation)
        told_at = time.monotonic()
        for head, found in read.merged():
            if head.key in self._without:
                continue
            held = ExitStack()
            yield renderer.render(head, found, held), held
            if time.monotonic() - told_at > TOLD_EVERY_SECONDS:
                self._told(self._index.customers + self._index.unchanged, self._index.rows)
                told_at = time.monotonic()

    def _note_missing(self) -> None:
        """Record the ids that were asked for and are nobody's."""
        for one in self._partition.ids or ():
            if one not in self._index.known and one not in self._without:
                failure = CustomerNotFoundError()
                self._index.fail(FailedCustomer(customer_id=one, code=failure.code, message=failure.message))

    def _result(self, snapshot: SnapshotInfo, files: tuple[Artifact, ...]) -> PartitionResult:
        name = index_name(self._order.job_id, self._partition.number)
        index = self._plainly.write(name, self._index.pieces(), media_type=MEDIA_TYPE, rows=lambda: self._index.lines)
        self._told(self._index.customers + self._index.unchanged, self._index.rows)
        return PartitionResult(
            number=self._partition.number,
            customers=self._index.customers,
            rows=self._index.rows,
            failed=self._index.failed,
            unchanged=self._index.unchanged,
            gone=self._index.gone,
            given=tuple(self._index.given),
            failures=tuple(self._index.failures),
            files=files,
            index=index,
            alterations=tuple(self._index.ledger.alterations()),
            canonical_sha256=self._index.canonical_sha256,
            snapshot_at=snapshot.taken_at,
            snapshot_server=snapshot.server,
            snapshot_identity=snapshot.identity,
        )

    @property
    def _part(self) -> str:
        return part_name(self._partition.number)

    def _name(self, extension: str) -> str:
        return f"{self._order.job_id}/{self._part}.{extension}"
