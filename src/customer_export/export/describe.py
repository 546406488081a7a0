"""What an export says about itself: its manifest, the head that writers see, and its file's name."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from customer_export import __version__
from customer_export.export.proven import ProvenSection
from customer_export.model.access import Principal
from customer_export.model.customer_map import CustomerMap, Plugin
from customer_export.model.document import Document
from customer_export.model.dsar import covering_of
from customer_export.model.manifest import Manifest
from customer_export.model.policy import Masks
from customer_export.model.request import ExportRequest
from customer_export.model.written import WrittenBytes
from customer_export.source.interface import FoundCustomer
from customer_export.writers.json_schema import document_schema

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def describe_manifest(
    request: ExportRequest,
    sections: Sequence[ProvenSection],
    customer_map: CustomerMap,
    *,
    export_id: str,
    created_at: datetime,
    principal: Principal,
    masks: Masks,
    customer: FoundCustomer,
    coverage: Mapping[str, object] | None,
    sign: Callable[[Mapping[str, object]], Mapping[str, object]],
) -> Manifest:
    """Say what the export holds: true once all sections have been read, which checks their rows and digests them."""
    snapshot = customer.snapshot
    plugins = {one.name: one.table.name for one in customer_map.sections if isinstance(one.table, Plugin)}
    timed = {one.name for one in customer_map.sections if one.time is not None}
    return Manifest(
        export_id=export_id,
        created_at=created_at,
        customer_id=request.customer_id,
        requested_by=principal.name,
        tenant=principal.tenant,
        masked={kind.value: mask.value for kind, mask in masks.items()},
        format=request.format,
        parameters=dict(request.parameters),
        locale=request.locale,
        time_zone=request.time_zone,
        snapshot_at=snapshot.taken_at,
        snapshot_server=snapshot.server,
        snapshot_identity=snapshot.identity,
        map_name=customer_map.name,
        map_version=customer_map.version,
        software=f"customer-export {__version__}",
        sections=tuple(
            section.proof(
                filtered=section.name in timed and not request.period.unbounded,
                plugin=(plugins[section.name], customer.asked_at[section.name]) if section.name in plugins else None,
            )
            for section in sections
        ),
        coverage=coverage,
        sign=sign,
        totals=customer.totals if customer_map.reconcile else tuple,
        ledger=customer.ledger,
        template=request.template,
    )


def describe_document(
    request: ExportRequest,
    manifest: Manifest,
    customer: FoundCustomer,
    customer_map: CustomerMap,
    *,
    written: WrittenBytes,
) -> Document:
    """Give the head that writers see; what they give is to pass through `written`."""
    return Document(
        export_id=manifest.export_id,
        created_at=manifest.created_at,
        snapshot_at=manifest.snapshot_at,
        product_version=__version__,
        requested_by=manifest.requested_by,
        customer_title=customer.title,
        map_name=manifest.map_name,
        map_version=manifest.map_version,
        request=request,
        orders=customer_map.orders,
        manifest=manifest.members,
        sign=manifest.sign,
        written=written.proof,
        dsar=covering_of(request, customer_map),
        ledger=manifest.ledger,
        totals=manifest.totals,
        schema=None if request.template is None else partial(document_schema, customer_map, request.template),
    )


def file_name(request: ExportRequest, created_at: datetime) -> str:
    """Name the file by the id and epoch milliseconds; what a header or a file system might not bear becomes _."""
    milliseconds = (created_at - _EPOCH) // timedelta(milliseconds=1)
    return f"customer-{re.sub(r'[^A-Za-z0-9.-]', '_', request.customer_id)}-{milliseconds}.{request.format}"
