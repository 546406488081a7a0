"""Cut a job's customers into partitions."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from customer_export.jobs.bulk.order import IDS_EACH, UnderstoodOrder, understand_order
from customer_export.model.access import Principal
from customer_export.model.bulk import BulkOrder, KeyBound, Partition
from customer_export.model.request import ExportRequest
from customer_export.services import Services

PLANNING_LIMIT = timedelta(minutes=10)
"""Numbering 100 million keys by their index takes 45 seconds, or more if it has to be read from the disk."""


def check_order(services: Services, order: BulkOrder, *, principal: Principal) -> ExportRequest:
    """Raise InvalidRequestError, with all that is wrong, unless the order can be carried out for this caller.

    Gives what all customers' requests have in common. Asks no database. To be called when a job is submitted, and by
    `plan_partitions` again when it runs.
    """
    return understand_order(services, order, principal=principal).request


def plan_partitions(services: Services, order: BulkOrder, *, principal: Principal) -> Sequence[Partition]:
    """Cut the customers whom the order names and the principal reaches into ranges of the key, or into lists of ids.

    Ranges follow the key's own order in the database, leave no gap and do not overlap. The first and the last have no
    bound, so that customers who are added meanwhile are not lost. At least one partition, even if there is nobody.
    To be called once a job, and its answer kept: a second call may cut elsewhere.

    Raises InvalidRequestError, TenantRestrictedError, SourceUnavailableError, SourceFailedError, MapMismatchError.
    """
    understood = understand_order(services, order, principal=principal)
    if order.customers.ids is not None:
        return _lists(understood, order.customers.ids)
    return list(_ranges(_bounds(services, understood)))


def _lists(understood: UnderstoodOrder, ids: Sequence[str]) -> list[Partition]:
    """Cut ids as they were given, the second of a kind left out."""
    each = min(IDS_EACH, understood.part_customers)
    once = list(dict.fromkeys(ids))
    parts = [tuple(once[start : start + each]) for start in range(0, len(once), each)] or [()]
    return [Partition(number=number, customers=len(part), ids=part) for number, part in enumerate(parts)]


def _bounds(services: Services, understood: UnderstoodOrder) -> list[tuple[KeyBound | None, int]]:
    with services.source.snapshot(time_zone=understood.request.time_zone, time_limit=PLANNING_LIMIT) as snapshot:
        chosen = snapshot.choose(understood.choice(), (), understood.request.period)
        return list(chosen.split(each=understood.part_customers))


def _ranges(bounds: Sequence[tuple[KeyBound | None, int]]) -> Iterator[Partition]:
    """Cut at all keys but the last, whose number is how many customers there are."""
    inner = [(key, number) for key, number in bounds[:-1] if key is not None]
    total = bounds[-1][1] if bounds else 0
    after: KeyBound | None = None
    before = 0
    for number, (through, counted) in enumerate([*inner, (None, total)]):
        yield Partition(number=number, customers=counted - before, after=after, through=through)
        after, before = through, counted
