"""Cache warming over HTTP: what this process keeps warm, and why not."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from customer_export.api.routing import DirectRoute, bearer_of, client_of, json_answer, runner_of
from customer_export.api.warming_description import WARMING_DESCRIPTION
from customer_export.export.admission import authorise
from customer_export.jobs.warming.show import show_warming
from customer_export.model.access import Scope

router = APIRouter(route_class=DirectRoute)


@router.get("/api/admin/warming", **WARMING_DESCRIPTION)
async def warming(request: Request) -> Response:
    """Say what is kept warm."""
    services, warmer = runner_of(request).services, request.app.state.warmer

    def look() -> object:
        principal = authorise(services, bearer_of(request), Scope.ADMIN, client=client_of(request))
        return show_warming(None if warmer is None else warmer.looked, principal, is_on=warmer is not None)

    return json_answer(await runner_of(request).run(look))
