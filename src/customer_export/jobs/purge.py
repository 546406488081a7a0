"""Erase a customer from all that is kept here: cache, schedules, jobs and their files; with a signed receipt."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from customer_export.errors import (
    CacheUnavailableError,
    PurgeIncompleteError,
    PurgeNotFoundError,
    TenantRestrictedError,
)
from customer_export.export.admission import ExportCall, identify
from customer_export.export.parameters import read_customer_id
from customer_export.jobs.erasure.found import Destroyed
from customer_export.jobs.erasure.jobs import erase_from_jobs
from customer_export.jobs.erasure.receipt import Purge, Searched, cache_state, make_receipt
from customer_export.jobs.erasure.schedules import Erasing, erase_from_schedules
from customer_export.jobs.services import Jobs
from customer_export.model.access import Principal, Scope
from customer_export.signing.canonical_json import canonical_json


def purge_customer(jobs: Jobs, call: ExportCall, *, cached_elsewhere: timedelta | None = None) -> Mapping[str, object]:
    """Destroy every copy of a customer that is kept, queued or scheduled, and give the receipt.

    `cached_elsewhere`: for how long servers keep files in memory that cannot be reached from here; None if there is no
    such memory. What cannot be reached keeps nothing else from being destroyed.

    Raises one of the errors of 401 or 403, InvalidRequestError, StoreUnavailableError, and PurgeIncompleteError, whose
    receipt is kept all the same; done again, it goes on.
    """
    services = jobs.services
    recorder, principal = identify(services, call, Scope.ADMIN)
    with recorder.recording_failures():
        _require_all(principal)
        customer_id = read_customer_id(call.customer_id, services.source.map.customer.key_type)
        recorder = recorder.about_customer(customer_id)
    with recorder.recording_failures():
        erasing = Erasing(customer_id=customer_id, principal=principal.name, client=call.client)
        purge = _purge(jobs, call.export_id, erasing, cached_elsewhere)
        receipt = make_receipt(jobs, purge)
        jobs.erasure.keep_receipt(call.export_id, receipt)
        counts = urlencode({name: count for name, count in purge.counts().items() if count is not None})
        recorder = recorder.counting(counts)
    with recorder.recording_failures():
        if purge.problems:
            raise PurgeIncompleteError(call.export_id, purge.problems)
        recorder.purged(size_bytes=purge.destroyed.bytes, sha256=receipt_digest(receipt))
    return receipt


def show_receipt(jobs: Jobs, purge_id: str, principal: Principal) -> Mapping[str, object]:
    """Give the receipt of a purge, to administrators of all. Raises PurgeNotFoundError and TenantRestrictedError."""
    _require_all(principal)
    receipt = jobs.erasure.receipt(purge_id) if purge_id.isalnum() else None
    if receipt is None:
        raise PurgeNotFoundError
    return receipt


def receipt_digest(receipt: Mapping[str, object]) -> str:
    """Give what the audit keeps of a receipt: the SHA-256 of its canonical JSON, signature included."""
    return hashlib.sha256(canonical_json(receipt)).hexdigest()


def _require_all(principal: Principal) -> None:
    if principal.tenant is not None:
        raise TenantRestrictedError(
            "A purge tells how much is kept of any tenant's customer; ask for a token that is not restricted to one"
        )


def _purge(jobs: Jobs, purge_id: str, erasing: Erasing, elsewhere: timedelta | None) -> Purge:
    """Search place by place: schedules before jobs, so that what they have just submitted is found there."""
    services, destroyed, customer_id = jobs.services, Destroyed(), erasing.customer_id
    begun_at = services.now()
    jobs.erasure.begin(purge_id, customer_id, at=begun_at)
    state, until = cache_state(services.cache.reach, elsewhere=elsewhere, now=begun_at)
    cache_files: int | None = None
    try:
        cache_files = services.cache.purge(customer_id)
    except CacheUnavailableError as failure:
        state, destroyed.problems["cache"] = Searched.FAILED, failure
    erase_from_schedules(jobs, erasing, destroyed)
    erase_from_jobs(jobs, customer_id, destroyed)
    return Purge(
        purge_id=purge_id,
        customer_id=customer_id,
        principal=erasing.principal,
        begun_at=begun_at,
        cache_files=None if state is Searched.ELSEWHERE else cache_files,
        cache_state=state,
        cache_until=until,
        destroyed=destroyed,
    )
