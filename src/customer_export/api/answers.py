"""Failures as answers, counted."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from customer_export.api.problem import problem, problem_of
from customer_export.api.routing import request_id_of, runner_of
from customer_export.errors import ExportError
from customer_export.export.record import INTERNAL_ERROR


async def answer_foreseen(request: Request, failure: Exception) -> Response:
    """Answer a failure that is foreseen."""
    assert isinstance(failure, ExportError)  # registered for these
    answer = problem_of(failure, request_id=request_id_of(request))
    runner_of(request).services.metrics.failed(code=failure.code, status=answer.status_code)
    return answer


async def answer_http(request: Request, failure: Exception) -> Response:
    """Answer a request for what is not there."""
    assert isinstance(failure, HTTPException)  # registered for these
    status = HTTPStatus(failure.status_code)
    runner_of(request).services.metrics.failed(code=status.name, status=status)
    return problem(
        status,
        code=status.name,
        message=f"{request.method} {request.url.path[:200]}: {status.phrase.lower()}",
        request_id=request_id_of(request),
        headers=_allowing(request) if status is HTTPStatus.METHOD_NOT_ALLOWED else failure.headers,
    )


def _allowing(request: Request) -> Mapping[str, str]:
    """Name the methods of a path: it may have a route for each, and the framework knows of the first alone."""
    found = [route for route in request.app.state.routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in found if route.path == found[0].path for method in route.methods}
    return {"Allow": ", ".join(sorted(methods))}


async def answer_unforeseen(request: Request, _failure: Exception) -> Response:
    """Answer a failure that nobody foresaw; whoever asked for this answer logs it."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    runner_of(request).services.metrics.failed(code=INTERNAL_ERROR, status=status)
    return problem(
        status,
        code=INTERNAL_ERROR,
        message="Something went wrong that nobody foresaw; the log says more under the request id",
        request_id=request_id_of(request),
        headers={"X-Request-Id": request_id_of(request)},  # this answer is made outside of Exchange
    )
