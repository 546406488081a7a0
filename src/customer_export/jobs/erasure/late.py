"""Purges that come while a job is in flight: what is done of it leaves the customer out, whoever is quicker."""

from datetime import timedelta

from customer_export.jobs.erasure.forgetting import forget_in_job
from customer_export.jobs.erasure.found import Destroyed
from customer_export.jobs.erasure.parts import has_customer, purge_part
from customer_export.jobs.services import Jobs
from customer_export.model.bulk import Partition
from customer_export.model.bulk_result import PartitionResult

LATE = timedelta(days=1)
"""How long after a job's end it is known whom it leaves out: a worker taken for dead may write until then."""

AT_ONCE = 1_000


def purged_meanwhile(
    jobs: Jobs, job_id: str, partition: Partition, result: PartitionResult, *, known: frozenset[str]
) -> list[str]:
    """Give the customers in a part's files who were purged while it was made; `known` are those left out of it."""
    later = jobs.erasure.excluded(job_id) - known
    return sorted(one for one in later if has_customer(jobs, partition, result, one))


def purge_late_part(
    jobs: Jobs, job_id: str, partition: Partition, result: PartitionResult, *, known: frozenset[str]
) -> None:
    """Destroy a part that is done, if a customer in it was purged before it was on record as done.

    A purge puts on record whom a job leaves out, and then looks which parts are done. This is to be called once a part
    is on record as done, and looks who is left out: so one of the two sees the other.
    """
    for customer_id in purged_meanwhile(jobs, job_id, partition, result, known=known):
        purge_part(jobs, job_id, result, customer_id, Destroyed())


def settle_exclusions(jobs: Jobs) -> None:
    """Take purged customers out of orders of jobs that were in flight then, and have ended since."""
    before = jobs.services.now() - LATE
    for excluded in jobs.erasure.settled_exclusions(ended_before=before, limit=AT_ONCE):
        job = jobs.store.job(excluded.job_id)
        assert job is not None  # an exclusion goes with its job
        if job.order.customers.ids == ():  # of nobody else: its worker may have kept a result late
            jobs.erasure.forget_results(job.job_id)
        if forget_in_job(jobs, job, excluded.customer_id):
            jobs.erasure.drop_exclusion(excluded)
