"""The pipeline: every export, by whatever way it is asked for, goes through these steps in this order."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO

from customer_export.cache.exports import CacheFill
from customer_export.cache.interface import Follow
from customer_export.encryption.choice import sealer_for
from customer_export.errors import ExportTimeoutError
from customer_export.export.admission import Admission, ExportCall, Told, admit
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import LiveFile, StartedExport, WholeFile
from customer_export.export.describe import file_name
from customer_export.export.find import find_customer
from customer_export.export.guard import Guard
from customer_export.export.plan import Delivery, make_plan
from customer_export.export.record import Later
from customer_export.export.rendering import begin_rendering
from customer_export.export.spooling import spooling
from customer_export.export.whole import write_whole
from customer_export.model.audit import CacheUse
from customer_export.model.cached_export import CachedExport
from customer_export.model.manifest import FileProof
from customer_export.observability.tracing import span
from customer_export.services import Services

SPOOL_MEMORY_BYTES = 1 << 22  # 4 MiB: a file up to here never touches the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An export that is to be made. `fill` puts it into the cache, None if it is not to go there."""

    admission: Admission
    fill: CacheFill | None

    def give_up(self, failure: BaseException) -> None:
        """Put on record that it will not be made, and let those go on who wait for it."""
        if self.fill is not None:
            self.fill.drop()
        self.admission.recorder.failed(failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An export that somebody else is making just now: wait for `follow`, then `resume_export`."""

    admission: Admission
    follow: Follow

    def give_up(self, failure: BaseException) -> None:
        """Put on record that nobody waits for it any more."""
        self.admission.recorder.failed(failure)


def open_export(
    services: Services, call: ExportCall, *, told: Told, later: Later | None = None
) -> StartedExport | Waiting | Pending:
    """Admit a caller, and find their file in the cache, or somebody who makes it, or that it is to be made.

    `told` hears of the rate limit. Whatever is wrong raises an ExportError that is on record; with `later`, the record
    is only on its way, then and for the rest of the export, and what `admits_at_once` does not block.
    """
    with span("admit", export_id=call.export_id):
        admission = admit(services, call, told=told, later=later)
    if admission.request.encryption is not None:  # another file each time; no plain copy is to lie anywhere
        return _pending(services, admission, CacheUse.BYPASS, None)
    if admission.request.fresh:
        return _pending(services, admission, CacheUse.BYPASS, services.cache.make(admission.key))
    match services.cache.look(admission.key):
        case CachedExport() as kept:
            return _send_kept(services, admission, kept)
        case Follow() as follow:
            services.metrics.joined()
            return Waiting(admission=admission, follow=follow)
        case fill:
            return _pending(services, admission, CacheUse.MISS, fill)


def resume_export(services: Services, waiting: Waiting, made: CachedExport | None) -> StartedExport | Pending:
    """Go on with what was waited for; None: it is to be made after all."""
    if made is not None:
        return _send_kept(services, waiting.admission, made)
    return _pending(services, waiting.admission, CacheUse.MISS, services.cache.make(waiting.admission.key))


def start_export(services: Services, call: ExportCall, *, cancellation: Cancellation) -> StartedExport:
    """Take an export to its first byte and leave the cache alone: for whoever works on this machine."""
    admission = admit(services, call, told=lambda _allowance: None)
    return make_export(services, Pending(admission=admission, fill=None), cancellation=cancellation)


def make_export(services: Services, pending: Pending, *, cancellation: Cancellation) -> StartedExport:
    """Make an export up to its first byte: snapshot, sections, writer, guard. Cache, manifest and audit come after.

    Whatever is wrong by then raises an ExportError that is on record. What is started must be read or closed. Blocks;
    another thread may end it by `cancellation`.
    """
    admission = pending.admission
    recorder, request, customer_map = admission.recorder, admission.request, admission.customer_map
    limits = services.limits
    making = span(
        "export", export_id=recorder.about.export_id, file_format=request.format, sections=len(request.sections)
    )
    try:
        with making, spooling(), ExitStack() as held:
            sealer = sealer_for(request.encryption, admission.passphrase)
            held.enter_context(services.metrics.in_flight())
            starting = recorder.starting()  # is written while the database is read; before that, no byte leaves
            reading = held.enter_context(ExitStack())
            reading.enter_context(services.load.one_more())
            with span("snapshot"):
                snapshot = reading.enter_context(
                    services.source.snapshot(time_zone=request.time_zone, time_limit=limits.time)
                )
            reading.enter_context(services.metrics.snapshot())
            reading.callback(cancellation.finished)
            cancellation.while_running(snapshot.cancel)
            with span("find"):
                customer = find_customer(snapshot, admission, request.sections)
            rendering = begin_rendering(
                services,
                request,
                customer,
                customer_map=customer_map,
                principal=admission.principal,
                masks=admission.masks,
                export_id=recorder.about.export_id,
                created_at=recorder.about.at,
            )
            plan = make_plan(
                rendering.pieces,
                rendering.streams,
                file_format=request.format,
                customer_map=customer_map,
                limits=limits,
            )
            guard = Guard(
                plan.pieces,
                limit_bytes=limits.largest_bytes[request.format],
                check=_still_wanted(services, recorder.about.at, cancellation),
            )
            live = LiveFile(
                name=file_name(request, recorder.about.at),
                media_type=rendering.media_type,
                guard=guard,
                written=rendering.written,
                manifest=rendering.manifest,
            )
            if plan.delivery is Delivery.STREAM and sealer is None:
                return StartedExport(live, recorder=recorder, starting=starting, fill=pending.fill, held=held.pop_all())
            content = held.enter_context(tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES))
            with span("render"):
                complete = write_whole(live, content, sealer)
            reading.close()  # the file is whole: the database is free before the first byte leaves
            whole = WholeFile(
                export_id=recorder.about.export_id,
                content=content,
                proof=complete.file,
                rows=complete.rows,
                manifest=complete,
            )
            return StartedExport(whole, recorder=recorder, starting=starting, fill=pending.fill, held=held.pop_all())
    except BaseException as failure:
        pending.give_up(failure)
        raise


def _pending(services: Services, admission: Admission, use: CacheUse, fill: CacheFill | None) -> Pending:
    services.metrics.looked_up(use)
    return Pending(admission=replace(admission, recorder=admission.recorder.from_cache(use)), fill=fill)


def _send_kept(services: Services, admission: Admission, kept: CachedExport) -> StartedExport:
    services.metrics.looked_up(CacheUse.HIT)
    proof = FileProof(name=kept.file_name, media_type=kept.media_type, size_bytes=kept.size_bytes, sha256=kept.sha256)
    file = WholeFile(export_id=kept.export_id, content=BytesIO(kept.body), proof=proof, rows=kept.rows, manifest=None)
    recorder = admission.recorder.from_cache(CacheUse.HIT, source_export_id=kept.export_id)
    with ExitStack() as held:
        held.enter_context(services.metrics.in_flight())
        starting = recorder.starting()
        return StartedExport(file, recorder=recorder, starting=starting, fill=None, held=held.pop_all())


def _still_wanted(services: Services, began_at: datetime, cancellation: Cancellation) -> Callable[[], None]:
    """Make the check that ends an export which takes too long or which nobody waits for any more."""
    ends_at = began_at + services.limits.time

    def check() -> None:
        cancellation.check()
        if services.now() > ends_at:
            raise ExportTimeoutError(services.limits.time)

    return check
