"""From a customer who has been found to the bytes of their file: the same steps, alone or among many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from customer_export.export.describe import describe_document, describe_manifest
from customer_export.export.proven import ProvenSection, prove_sections
from customer_export.model.access import Principal
from customer_export.model.customer_map import CustomerMap
from customer_export.model.manifest import Manifest
from customer_export.model.policy import Masks
from customer_export.model.request import ExportRequest
from customer_export.model.written import WrittenBytes
from customer_export.services import Services
from customer_export.source.interface import FoundCustomer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A file in the making: its `pieces`, to be taken once; what has been `written`, and the manifest, follow them."""

    streams: Sequence[ProvenSection]
    manifest: Manifest
    written: WrittenBytes
    media_type: str
    pieces: Iterator[bytes]


def begin_rendering(
    services: Services,
    request: ExportRequest,
    customer: FoundCustomer,
    *,
    customer_map: CustomerMap,
    principal: Principal,
    masks: Masks,
    export_id: str,
    created_at: datetime,
) -> Rendering:
    """Prove, describe and write the sections of a customer. `customer_map` is the map as the principal may see it."""
    writer = services.writers[request.format]
    streams = prove_sections(customer.sections, customer_map, customer.ledger)
    manifest = describe_manifest(
        request,
        streams,
        customer_map,
        export_id=export_id,
        created_at=created_at,
        principal=principal,
        masks=masks,
        customer=customer,
        coverage=services.coverage.known(),
        sign=services.signer.sign,
    )
    written = WrittenBytes()
    document = describe_document(request, manifest, customer, customer_map, written=written)
    return Rendering(
        streams=streams,
        manifest=manifest,
        written=written,
        media_type=writer.media_type,
        pieces=_to_the_end(written.passing(writer.write(document, streams)), manifest),
    )


def _to_the_end(pieces: Iterator[bytes], manifest: Manifest) -> Iterator[bytes]:
    """Give the pieces, and then, while the snapshot is still open, check whether totals add up."""
    yield from pieces
    manifest.totals()
