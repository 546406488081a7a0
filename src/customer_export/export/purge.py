"""Drop what is kept of a customer."""

from customer_export.errors import TenantRestrictedError
from customer_export.export.admission import ExportCall, identify
from customer_export.export.parameters import read_customer_id
from customer_export.model.access import Scope
from customer_export.services import Services


def purge_exports(services: Services, call: ExportCall) -> int:
    """Drop every kept file of a customer, also those being made, and record it; give how many there were.

    Raises one of the errors of 401 or 403, InvalidRequestError, CacheUnavailableError and StoreUnavailableError.
    """
    recorder, principal = identify(services, call, Scope.ADMIN)
    with recorder.recording_failures():
        if principal.tenant is not None:
            raise TenantRestrictedError(
                "A purge tells how much is kept of any tenant's customer; ask for a token that is not restricted to one"
            )
        customer_id = read_customer_id(call.customer_id, services.source.map.customer.key_type)
        dropped = services.cache.purge(customer_id)
        recorder.about_customer(customer_id).purged()
    return dropped
