"""The pipeline: every export, by whatever way it is asked for, goes through these steps in this order."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from customer_export.errors import (
    AuthenticationRequiredError,
    CustomerNotFoundError,
    ExportTimeoutError,
    InsufficientScopeError,
    InvalidTokenError,
    TokenExpiredError,
)
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.describe import describe_document, describe_manifest, file_name
from customer_export.export.guard import Guard
from customer_export.export.parameters import Parameters, resolve_request
from customer_export.export.plan import Delivery, make_plan
from customer_export.export.record import Recorder
from customer_export.model.access import Credentials, Principal, Scope
from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import ExportRequest
from customer_export.services import Services
from customer_export.source.interface import FoundCustomer, Snapshot

SPOOL_MEMORY_BYTES = 1 << 20  # a file up to here never touches the disk
LONGEST_RECORDED = 2_000  # characters of what a caller sent that the audit keeps of each field

_DENIALS = (AuthenticationRequiredError, InvalidTokenError, TokenExpiredError, InsufficientScopeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCall:
    """What a caller sends. `client` is the address it comes from, None on the command line.

    `export_id` is new; by it the caller, the audit, the log and the manifest speak of the same export.
    """

    export_id: str
    customer_id: str
    parameters: Parameters
    credentials: Credentials
    client: str | None


def start_export(services: Services, call: ExportCall, *, cancellation: Cancellation) -> StartedExport:
    """Take an export to its first byte.

    Whatever is wrong by then raises an ExportError. What is returned must be read or closed. Blocks; another thread
    may end it by `cancellation`.
    """
    customer_map, limits = services.source.map, services.limits
    recorder = Recorder(store=services.store, now=services.now, about=_about(services, call))
    with ExitStack() as held:
        try:
            principal = authorise(services, call.credentials, Scope.EXPORT)
            recorder = recorder.of(principal=principal.name)
            request = resolve_request(call.customer_id, call.parameters, customer_map)
            writer = services.writers[request.format]
            reading = held.enter_context(ExitStack())
            snapshot = reading.enter_context(
                services.source.snapshot(time_zone=request.time_zone, time_limit=limits.time)
            )
            reading.callback(cancellation.finished)
            cancellation.while_running(snapshot.cancel)
            customer = _find(snapshot, request, customer_map)
            streams = customer.sections
            manifest = describe_manifest(
                request,
                streams,
                customer_map,
                export_id=recorder.about.export_id,
                created_at=recorder.about.at,
                principal=principal,
                snapshot=customer.snapshot,
            )
            document = describe_document(request, manifest, customer, customer_map)
            plan = make_plan(
                writer.write(document, streams),
                streams,
                file_format=request.format,
                customer_map=customer_map,
                limits=limits,
            )
            guard = Guard(
                plan.pieces,
                limit_bytes=limits.largest_bytes[request.format],
                check=_still_wanted(services, recorder.about.at, cancellation),
            )
            spooled = None
            if plan.delivery is Delivery.SPOOL:
                spooled = held.enter_context(tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES))
                spooled.writelines(guard)
                reading.close()  # the file is whole: the database is free before the first byte leaves
            return StartedExport(
                recorder=recorder,
                manifest=manifest,
                file_name=file_name(request, recorder.about.at),
                media_type=writer.media_type,
                guard=guard,
                spooled=spooled,
                held=held.pop_all(),
            )
        except _DENIALS as denial:
            recorder.failed(denial, event=AuditEvent.DENIED)
            raise
        except BaseException as failure:
            recorder.failed(failure)
            raise


def authorise(services: Services, credentials: Credentials, scope: Scope) -> Principal:
    """Know who is calling and that they may. Raises one of the errors of 401 or 403."""
    principal = services.authenticator.authenticate(credentials, now=services.now())
    if not principal.may(scope):
        raise InsufficientScopeError(scope)
    return principal


def _about(services: Services, call: ExportCall) -> AuditRecord:
    parameters = dict(call.parameters)
    return AuditRecord(
        at=services.now(),
        event=AuditEvent.STARTED,
        export_id=call.export_id,
        principal=None,
        client=call.client,
        customer_id=_recordable(call.customer_id),
        format=_recordable(parameters.get("format", ""))[:16] or None,
        parameters=_recordable("&".join(f"{name}={value}" for name, value in call.parameters)),
    )


def _recordable(text: str) -> str:
    """Shorten what a caller sent, and replace what a database may not keep: NUL, and halves of surrogate pairs."""
    kept = text[:LONGEST_RECORDED].encode(errors="replace").decode()
    return kept.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _find(snapshot: Snapshot, request: ExportRequest, customer_map: CustomerMap) -> FoundCustomer:
    wanted = [section for section in customer_map.sections if section.name in request.sections]
    customer = snapshot.find(request.customer_id, wanted, request.period)
    if customer is None:
        raise CustomerNotFoundError
    return customer


def _still_wanted(services: Services, began_at: datetime, cancellation: Cancellation) -> Callable[[], None]:
    """Make the check that ends an export which takes too long or which nobody waits for any more."""
    ends_at = began_at + services.limits.time

    def check() -> None:
        cancellation.check()
        if services.now() > ends_at:
            raise ExportTimeoutError(services.limits.time)

    return check
