"""Purges over HTTP: destroy what is kept of a customer, and show the receipt."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from customer_export.api.jobs import jobs_of
from customer_export.api.purge_description import (
    PURGE_DESCRIPTION,
    RECEIPT_DESCRIPTION,
    RECEIPT_SCHEMA_DESCRIPTION,
)
from customer_export.api.routing import DirectRoute, bearer_of, call_of, client_of, json_answer, runner_of
from customer_export.export.admission import authorise
from customer_export.jobs.purge import purge_customer, show_receipt
from customer_export.model.access import Scope
from customer_export.model.receipt_schema import receipt_schema

PATH = "/api/admin/purges"

router = APIRouter(route_class=DirectRoute)


@router.post("/api/admin/customers/{id:anything}/purge", **PURGE_DESCRIPTION)
async def purge(
    request: Request,
    id: Annotated[str, Path(description="The customer's id, of the type that the map says")],  # noqa: A002
) -> Response:
    """Destroy what is kept, queued and scheduled of a customer."""
    call = call_of(request, id)
    request.app.state.followed_purges.made_here(call.export_id)
    receipt = await runner_of(request).run(partial(purge_customer, jobs_of(request), call))
    answer = json_answer(receipt)
    answer.headers["Location"] = f"{PATH}/{call.export_id}"
    return answer


@router.get(PATH + "/{purgeId}", **RECEIPT_DESCRIPTION)
async def purge_receipt(
    request: Request,
    purgeId: Annotated[str, Path(description="The purgeId of a receipt: the X-Request-Id of the purge")],  # noqa: N803
) -> Response:
    """Give the receipt of a purge."""
    jobs = jobs_of(request)

    def find() -> object:
        principal = authorise(jobs.services, bearer_of(request), Scope.ADMIN, client=client_of(request))
        return show_receipt(jobs, purgeId, principal)

    return json_answer(await runner_of(request).run(find))


@router.get("/api/admin/schemas/purge-receipt.json", **RECEIPT_SCHEMA_DESCRIPTION)
async def receipt_schema_document(request: Request) -> Response:
    """Give the JSON Schema of receipts."""
    services = runner_of(request).services

    def find() -> object:
        authorise(services, bearer_of(request), Scope.EXPORT, client=client_of(request))
        return receipt_schema()

    return json_answer(await runner_of(request).run(find), media_type="application/schema+json")
