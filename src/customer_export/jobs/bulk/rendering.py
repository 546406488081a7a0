"""One customer's file out of many, by the steps of the synchronous export."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import structlog

from customer_export.encryption.scratch import Scratch
from customer_export.errors import (
    CustomerNotFoundError,
    ExportCancelledError,
    ExportError,
    ExportTimeoutError,
    InvalidRequestError,
    RendererBusyError,
    SourceUnavailableError,
    SpoolFullError,
)
from customer_export.export.cancellation import Cancellation
from customer_export.export.describe import file_name
from customer_export.export.guard import Guard
from customer_export.export.parameters import read_customer_id
from customer_export.export.pipeline import SPOOL_MEMORY_BYTES
from customer_export.export.record import INTERNAL_ERROR
from customer_export.export.rendering import Rendering, begin_rendering
from customer_export.export.spooling import spooling
from customer_export.jobs.bulk.order import UnderstoodOrder, request_of
from customer_export.model.bulk_result import FailedCustomer
from customer_export.model.customer_map import KeyType
from customer_export.model.manifest import CompleteManifest, FileProof
from customer_export.services import Services
from customer_export.source.interface import FoundCustomer
from customer_export.source.many.interface import CountedCustomer, CustomerSet

log = structlog.get_logger()

JOB_ID_DIGITS = 32
OWN_DIGITS = 16  # hex: of 100 million customers of one job, two share 64 bits once in 3,700 jobs

_FATAL = (ExportCancelledError, SourceUnavailableError, RendererBusyError, SpoolFullError)
"""What says nothing of one customer: the next one would fail likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedCustomer:
    """A customer's whole file, to be read once."""

    customer_id: str
    export_id: str
    content: "_Content"
    rendering: Rendering
    proof: FileProof

    @property
    def rows(self) -> int:
        """Rows of all sections."""
        return self.rendering.manifest.rows

    def pieces(self) -> Iterator[bytes]:
        """Give the file."""
        return self.content.pieces()

    def manifest(self) -> CompleteManifest:
        """Give the manifest that goes with the file."""
        return self.rendering.manifest.of_file(self.proof)


def export_id_of(job_id: str, customer_id: str) -> str:
    """Give the id of a customer's export in a job: the same one each time, so that a repeated one is the same file.

    It begins with the job's, so that what a file says of its manifest leads to that of the job.
    """
    own = hashlib.sha256(f"{job_id}\n{customer_id}".encode()).hexdigest()
    return job_id + own[:OWN_DIGITS]


def job_id_of(export_id: str) -> str:
    """Give the job that an export id is of, which may be a job's own; any other id is given as it is."""
    return export_id[:-OWN_DIGITS] if len(export_id) == JOB_ID_DIGITS + OWN_DIGITS else export_id


def customer_id_of(key: str, key_type: KeyType) -> str:
    """Give the id of a stored key. Raises CustomerNotFoundError for a key that no id finds."""
    try:
        customer_id = read_customer_id(key, key_type)
    except InvalidRequestError:
        raise CustomerNotFoundError from None
    if customer_id != key:
        raise CustomerNotFoundError
    return customer_id


class _Content:
    """A file that waits until it is whole: in memory, and from SPOOL_MEMORY_BYTES on in a file without a name."""

    def __init__(self, pieces: Iterator[bytes], held: ExitStack, *, is_sealed: bool) -> None:
        self._pieces: list[bytes] = []
        self._scratch: Scratch | None = None
        size_bytes = 0
        for piece in pieces:
            size_bytes += len(piece)
            self._pieces.append(piece)
            if self._scratch is None and size_bytes > SPOOL_MEMORY_BYTES:
                self._scratch = Scratch(tempfile.TemporaryFile(), is_sealed=is_sealed)  # noqa: SIM115  (it is held)
                held.callback(self._scratch.close)
            if self._scratch is not None:
                for one in self._pieces:
                    self._scratch.add(one)
                self._pieces.clear()
        if self._scratch is not None:
            self._scratch.flush()

    def pieces(self) -> Iterator[bytes]:
        """Give the file, once."""
        return iter(self._pieces) if self._scratch is None else self._scratch.frames()


class CustomerRenderer:
    """Renders the customers of one partition."""

    def __init__(
        self, services: Services, understood: UnderstoodOrder, customers: CustomerSet, cancellation: Cancellation
    ) -> None:
        self._services = services
        self._understood = understood
        self._customers = customers
        self._cancellation = cancellation

    def render(self, head: CountedCustomer, found: FoundCustomer, held: ExitStack) -> RenderedCustomer | FailedCustomer:
        """Make a customer's file, or say why there is none. `held` frees it."""
        try:
            with spooling():
                return self._rendered(head, found, held)
        except _FATAL:
            raise
        except ExportError as failure:
            return FailedCustomer(customer_id=head.key, code=failure.code, message=failure.message)
        except Exception:
            log.exception("bulk_customer_failed", job_id=self._understood.order.job_id)
            message = "This customer's export failed for a reason that nobody foresaw; the log has it"
            return FailedCustomer(customer_id=head.key, code=INTERNAL_ERROR, message=message)

    def _rendered(self, head: CountedCustomer, found: FoundCustomer, held: ExitStack) -> RenderedCustomer:
        understood, services = self._understood, self._services
        order = understood.order
        customer_id = customer_id_of(head.key, understood.customer_map.customer.key_type)
        request = request_of(understood, customer_id)
        export_id = export_id_of(order.job_id, customer_id)
        rendering = begin_rendering(
            services,
            request,
            self._customers.complete(found, customer_id, held),
            customer_map=understood.customer_map,
            principal=understood.principal,
            masks=understood.masks,
            export_id=export_id,
            created_at=order.created_at,
        )
        limit_bytes = services.limits.largest_bytes[request.format]
        content = _Content(
            iter(Guard(rendering.pieces, limit_bytes=limit_bytes, check=self._in_time())),
            held,
            is_sealed=understood.is_encrypted,
        )
        written = rendering.written.proof()
        proof = FileProof(
            name=file_name(request, order.created_at),
            media_type=rendering.media_type,
            size_bytes=written.size_bytes,
            sha256=written.sha256,
        )
        return RenderedCustomer(
            customer_id=customer_id, export_id=export_id, content=content, rendering=rendering, proof=proof
        )

    def _in_time(self) -> "_InTime":
        return _InTime(self._services, self._cancellation)


class _InTime:
    """Ends the rendering of one customer that takes longer than a synchronous export may, or a cancelled job."""

    def __init__(self, services: Services, cancellation: Cancellation) -> None:
        self._now = services.now
        self._limit = services.limits.time
        self._ends_at = services.now() + services.limits.time
        self._cancellation = cancellation

    def __call__(self) -> None:
        """Raise ExportTimeoutError or ExportCancelledError."""
        self._cancellation.check()
        if self._now() > self._ends_at:
            raise ExportTimeoutError(self._limit)
