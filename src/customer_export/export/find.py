"""Find the customer, as far as the caller reaches."""

from collections.abc import Collection

from customer_export.errors import CustomerNotFoundError
from customer_export.export.admission import Admission
from customer_export.source.interface import FoundCustomer, Snapshot


def find_customer(snapshot: Snapshot, admission: Admission, names: Collection[str]) -> FoundCustomer:
    """Find the customer and make the sections of these names ready. Raises CustomerNotFoundError."""
    request, customer_map, tenant = admission.request, admission.customer_map, admission.principal.tenant
    wanted = [section for section in customer_map.sections if section.name in names]
    customer = snapshot.find(
        request.customer_id, wanted, request.period, tenant=tenant, titled=bool(customer_map.customer.title)
    )
    if customer is None:
        raise CustomerNotFoundError(denied=tenant is not None)
    return customer
