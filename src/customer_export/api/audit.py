"""GET /api/admin/audit: who exported whom, page by page, the newest first."""

from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from customer_export.api.audit_parameters import cursor_of, resolve_audit_request
from customer_export.api.description import AUDIT_DESCRIPTION
from customer_export.api.routing import DirectRoute, bearer_of, client_of, json_answer, request_id_of, runner_of
from customer_export.errors import TenantRestrictedError
from customer_export.export.admission import authorise
from customer_export.model.access import Credentials, Scope
from customer_export.services import Services

PATH = "/api/admin/audit"

log = structlog.get_logger()


router = APIRouter(route_class=DirectRoute)


@router.get(PATH, **AUDIT_DESCRIPTION)
async def list_audit(request: Request) -> Response:
    """Give a page of the audit."""
    runner = runner_of(request)
    given = request.query_params.multi_items()
    page = await runner.run(
        lambda: _page(
            runner.services, bearer_of(request), given, client=client_of(request), request_id=request_id_of(request)
        )
    )
    answer = json_answer(page)
    if page["next"] is not None:
        answer.headers["Link"] = f'<{page["next"]}>; rel="next"'
    return answer


def _page(
    services: Services, credentials: Credentials, given: list[tuple[str, str]], *, client: str | None, request_id: str
) -> dict[str, object]:
    principal = authorise(services, credentials, Scope.AUDIT, client=client)
    if principal.tenant is not None:
        raise TenantRestrictedError(
            "The audit is of all tenants' customers; ask for a token that is not restricted to one"
        )
    asked = resolve_audit_request(given)
    entries = services.store.audit(asked.wanted, before=asked.before, limit=asked.limit + 1)
    shown = entries[: asked.limit]
    following = None
    if len(entries) > asked.limit:
        kept = [(name, value) for name, value in given if name != "cursor"]
        following = f"{PATH}?{urlencode([*kept, ('cursor', cursor_of(shown[-1].sequence))])}"
    log.info("audit_read", request_id=request_id, principal=principal.name, records=len(shown))
    return {"records": [entry.members() for entry in shown], "next": following}
