"""Bulk exports in memory, and the synchronous export of the same customer on the same snapshot to hold them against."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import start_export
from customer_export.jobs.bulk.partition import export_partition
from customer_export.jobs.bulk.plan import plan_partitions
from customer_export.jobs.bulk.rendering import export_id_of
from customer_export.model.access import LocalOperator, Principal
from customer_export.model.bulk import EVERYBODY, BulkOrder, Chosen, Layout, Partition
from customer_export.model.bulk_result import PartitionResult
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.ledger import Alterations
from customer_export.model.manifest import CompleteManifest
from customer_export.model.request import Period
from customer_export.services import Services
from customer_export.source.interface import FoundCustomer, Snapshot, SnapshotInfo, Source
from customer_export.source.many.interface import CustomerChoice, CustomerSet

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
OPERATOR = LocalOperator(user="tester")


@dataclass(frozen=True)
class Written:
    size_bytes: int
    sha256: str


@dataclass
class Kept:
    """Artifacts in memory."""

    files: dict[str, bytes] = field(default_factory=dict)

    def write(self, name: str, pieces: Iterable[bytes], *, media_type: str) -> Written:
        assert media_type
        self.files[name] = b"".join(pieces)
        return Written(len(self.files[name]), hashlib.sha256(self.files[name]).hexdigest())


@dataclass(frozen=True)
class Bulk:
    """A whole job."""

    order: BulkOrder
    partitions: Sequence[Partition]
    results: Sequence[PartitionResult]
    files: Mapping[str, bytes]

    def index(self) -> list[dict[str, Any]]:
        """Give the lines of all indexes, in the order of partitions."""
        return [orjson.loads(line) for one in self.results for line in self.files[one.index.name].splitlines()]


class FixedCoverage:
    def known(self) -> None:
        return None


def at_one_time(services: Services) -> Services:
    """Let no clock and no look at the database change a byte."""
    return replace(services, now=lambda: NOW, coverage=FixedCoverage())


def order_of(layout: Layout, file_format: str, chosen: Chosen = EVERYBODY, **changes: Any) -> BulkOrder:
    return BulkOrder(job_id=uuid4().hex, created_at=NOW, customers=chosen, layout=layout, format=file_format, **changes)


def operator(services: Services) -> Principal:
    return services.authenticator.authenticate(OPERATOR, now=NOW)


def run_bulk(
    services: Services,
    order: BulkOrder,
    *,
    principal: Principal | None = None,
    earlier: "Bulk | None" = None,
    without: frozenset[str] = frozenset(),
    passphrase: str | None = None,
) -> Bulk:
    """Plan and export, one partition after the other; orders, partitions and results go through JSON on their way."""
    principal = principal or operator(services)
    order = BulkOrder.of_members(orjson.loads(orjson.dumps(order.members())))
    kept = Kept()
    results: list[PartitionResult] = []
    partitions = plan_partitions(services, order, principal=principal) if earlier is None else earlier.partitions
    for partition in partitions:
        again = type(partition).of_members(orjson.loads(orjson.dumps(partition.members())))
        assert again == partition
        result = export_partition(
            services,
            order,
            again,
            principal=principal,
            artifacts=kept,
            cancellation=Cancellation(),
            told=lambda _customers, _rows: None,
            earlier=None if earlier is None else iter([earlier.files[earlier.results[len(results)].index.name]]),
            without=without,
            passphrase=passphrase,
        )
        assert PartitionResult.of_members(orjson.loads(orjson.dumps(result.members()))) == result
        results.append(result)
    return Bulk(order, partitions, results, kept.files)


def synchronous(
    services: Services, order: BulkOrder, customer_id: str, snapshot: SnapshotInfo, *, passphrase: str | None = None
) -> bytes:
    """Give the file of one customer, as if its export had met that snapshot."""
    content, _ = synchronous_export(services, order, customer_id, snapshot, passphrase=passphrase)
    return content


def synchronous_export(
    services: Services, order: BulkOrder, customer_id: str, snapshot: SnapshotInfo, *, passphrase: str | None = None
) -> tuple[bytes, CompleteManifest]:
    """Export one customer by the pipeline of the API, as if it had met that snapshot."""
    call = ExportCall(
        export_id=export_id_of(order.job_id, customer_id),
        customer_id=customer_id,
        parameters=[("format", order.format), *order.parameters],
        credentials=OPERATOR,
        client=None,
        passphrase=passphrase,
    )
    stated = replace(services, source=StatedSource(services.source, snapshot))
    started = start_export(stated, call, cancellation=Cancellation())
    try:
        content = b"".join(started.pieces())
        started.finish()
        return content, started.manifest
    finally:
        started.close()


def altered(alterations: Iterable[Alterations]) -> Counter[tuple[str, str, str]]:
    """Add up what was changed, by section, column and kind."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in alterations:
        counts[one.section, one.column, one.kind.value] += one.count
    return counts


def snapshot_of(result: PartitionResult) -> SnapshotInfo:
    return SnapshotInfo(taken_at=result.snapshot_at, server=result.snapshot_server, identity=result.snapshot_identity)


@dataclass(frozen=True)
class StatedSource:
    """A source whose snapshots say that they are another one."""

    source: Source
    stated: SnapshotInfo

    @property
    def map(self) -> CustomerMap:
        return self.source.map

    def check(self) -> None:
        self.source.check()

    @contextmanager
    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> Iterator["StatedSnapshot"]:
        with self.source.snapshot(time_zone=time_zone, time_limit=time_limit) as snapshot:
            yield StatedSnapshot(snapshot, self.stated)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class StatedSnapshot:
    snapshot: Snapshot
    stated: SnapshotInfo

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
        return None if found is None else replace(found, snapshot=self.stated)

    def choose(
        self, choice: CustomerChoice, sections: Sequence[Section], period: Period, *, titled: bool = True
    ) -> CustomerSet:
        return self.snapshot.choose(choice, sections, period, titled=titled)

    def cancel(self) -> None:
        self.snapshot.cancel()


Over = Callable[..., Services]
"""What the fixture `over` gives: it takes a URL and a map."""
