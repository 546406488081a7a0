"""A file made for the cache before anybody asks: the same steps as for whoever asks, with their rights as of now."""

from collections.abc import Callable

from customer_export.auth.tokens import WARMING_PREFIX
from customer_export.errors import InvalidRequestError
from customer_export.export.admission import (
    LONGEST_RECORDED,
    Admission,
    ExportCall,
    admission_of,
    recorder_of,
    require_scope,
)
from customer_export.export.cancellation import Cancellation
from customer_export.export.parameters import Parameters
from customer_export.export.pipeline import Pending, make_export
from customer_export.model.access import Scope
from customer_export.model.audit import CacheUse
from customer_export.services import Services


def admit_warming(services: Services, call: ExportCall) -> Admission:
    """Give what somebody would get now, and put nothing on record: nothing of a customer has been read.

    Raises one of the errors of 401 or 403, InvalidRequestError, and what the template and the store raise.
    """
    principal = services.authenticator.authenticate(call.credentials, now=services.now())
    require_scope(principal, Scope.EXPORT)
    recorder = recorder_of(services, call).of(principal=f"{WARMING_PREFIX}{principal.name}")
    admission = admission_of(services, call, recorder.from_cache(CacheUse.WARM), principal)
    if admission.request.encryption is not None or admission.request.fresh:
        raise InvalidRequestError(
            "Invalid request parameters: what is encrypted or fresh never comes out of the cache; leave encrypt and "
            "fresh out"
        )
    return admission


def warm_export(
    services: Services, admission: Admission, *, cancellation: Cancellation, may_begin: Callable[[], bool]
) -> None:
    """Make a file and put it into the cache as its first reader would have, if it is not too large for that.

    `may_begin` is asked when a purge that begins from then on keeps the file out of the cache; if it says no, nothing
    is made. Raises what an export raises, which is on record by then. What `services.load` counts are other exports.
    """
    fill = services.cache.make(admission.key)
    if not may_begin():
        fill.drop()
        return
    started = make_export(services, Pending(admission=admission, fill=fill), cancellation=cancellation)
    try:
        for _ in started.pieces():
            cancellation.check()
        started.finish()
    except BaseException as failure:
        started.give_up(failure)
        raise


def recorded_parameters(text: str) -> Parameters | None:
    """Read parameters as the audit has them; None if it has only a part. No value that is valid holds `&`."""
    if len(text) >= LONGEST_RECORDED:
        return None
    pairs = [pair.partition("=") for pair in text.split("&") if pair]
    return tuple((name, value) for name, _, value in pairs)
