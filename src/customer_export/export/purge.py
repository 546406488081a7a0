"""Drop what is kept of a customer."""

from collections.abc import Callable
from dataclasses import dataclass

from customer_export.errors import TenantRestrictedError
from customer_export.export.admission import ExportCall, identify
from customer_export.export.parameters import read_customer_id
from customer_export.model.access import Scope
from customer_export.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How much there was: files in the cache, and jobs that were cancelled or lost their files."""

    files: int
    jobs: int


def purge_exports(services: Services, call: ExportCall, *, purge_jobs: Callable[[str], int]) -> Purged:
    """Drop every kept file of a customer, also those being made, and record it; give how much there was.

    `purge_jobs` does the same for the customer's jobs, and gives how many there were.
    Raises one of the errors of 401 or 403, InvalidRequestError, CacheUnavailableError, StorageUnavailableError and
    StoreUnavailableError; done again, it goes on.
    """
    recorder, principal = identify(services, call, Scope.ADMIN)
    with recorder.recording_failures():
        if principal.tenant is not None:
            raise TenantRestrictedError(
                "A purge tells how much is kept of any tenant's customer; ask for a token that is not restricted to one"
            )
        customer_id = read_customer_id(call.customer_id, services.source.map.customer.key_type)
        purged = Purged(files=services.cache.purge(customer_id), jobs=purge_jobs(customer_id))
        recorder.about_customer(customer_id).purged()
    return purged
