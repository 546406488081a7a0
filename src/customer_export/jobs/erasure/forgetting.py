"""Orders and partitions without a customer's id: what is left of a job that has ended names nobody who was purged."""

from dataclasses import replace

from customer_export.jobs.manifest import chosen_members
from customer_export.jobs.services import Jobs
from customer_export.model.bulk import BulkOrder, Chosen, Comparison, Condition, KeyBound, Partition
from customer_export.model.customer_map import CustomerMap, LinkStep
from customer_export.model.job import WITH_FILES, Job


def key_columns(customer_map: CustomerMap) -> frozenset[str]:
    """Give the exported columns that are the customer's own key, by which a filter names a customer."""
    customer = customer_map.customer
    own = (LinkStep(columns=(customer.key,), table=None, to=(customer.key,)),)
    return frozenset(
        column.name
        for section in customer_map.sections
        if section.table == customer.table and section.links == (own,)
        for column in section.exported_columns
        if column.source.lookup is None and column.source.name == customer.key
    )


def names(order: BulkOrder, customer_id: str, *, keys: frozenset[str]) -> bool:
    """Whether an order names a customer; `keys` are the columns that do so in a filter."""
    return customer_id in (order.customers.ids or ()) or any(
        condition.column in keys and customer_id in condition.values for condition in order.customers.conditions
    )


def covers(order: BulkOrder, customer_id: str) -> bool:
    """Whether a customer may be among those of an order."""
    return order.customers.ids is None or customer_id in order.customers.ids


def forget_in_job(jobs: Jobs, job: Job, customer_id: str) -> bool:
    """Take a customer's id out of a job that has ended. Doing so twice is harmless.

    False if it is still a bound of partitions: as long as a job has files, another one may have what has changed since.
    """
    keys = key_columns(jobs.services.source.map)
    if names(job.order, customer_id, keys=keys):
        order = _without(job.order, customer_id, keys)
        jobs.erasure.rewrite_order(job.job_id, order)
        if order.customers.conditions:  # which stand in the manifest; a list does so by its length
            chosen = chosen_members(order.customers)
            sign = jobs.services.signer.sign
            jobs.erasure.edit_manifest(job.job_id, lambda manifest: sign({**manifest, "customers": chosen}))
    has_bounds = job.state in WITH_FILES
    is_left = False
    for partition in jobs.erasure.partitions_naming(job.job_id, customer_id):
        forgotten = _partition_without(partition, customer_id, bounds=not has_bounds)
        if forgotten != partition:
            jobs.erasure.rewrite_partition(job.job_id, forgotten)
        is_left = is_left or customer_id in (str(forgotten.after), str(forgotten.through))
    return not is_left


def _without(order: BulkOrder, customer_id: str, keys: frozenset[str]) -> BulkOrder:
    ids = order.customers.ids
    chosen = Chosen(
        ids=None if ids is None else tuple(one for one in ids if one != customer_id),
        conditions=tuple(_condition_without(one, customer_id, keys) for one in order.customers.conditions),
    )
    return replace(order, customers=chosen)


def _condition_without(condition: Condition, customer_id: str, keys: frozenset[str]) -> Condition:
    if condition.column not in keys or condition.comparison is not Comparison.EQUALS:
        return condition
    return replace(condition, values=tuple(one for one in condition.values if one != customer_id))


def _partition_without(partition: Partition, customer_id: str, *, bounds: bool) -> Partition:
    """Leave the id out; a bound that is their key becomes open, if nobody reads this partition any more."""
    ids = partition.ids
    forgotten = replace(partition, ids=None if ids is None else tuple(one for one in ids if one != customer_id))
    if not bounds:
        return forgotten
    after, through = (_bound_without(one, customer_id) for one in (partition.after, partition.through))
    return replace(forgotten, after=after, through=through)


def _bound_without(bound: KeyBound | None, customer_id: str) -> KeyBound | None:
    return None if bound is not None and str(bound) == customer_id else bound
