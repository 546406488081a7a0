"""The application: routes, errors as answers, and the services for as long as it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import uuid4

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_export import __version__
from customer_export.api.delivery import ExportRunner
from customer_export.api.problem import problem, problem_of
from customer_export.api.routes import request_id_of, router
from customer_export.compose import open_services
from customer_export.errors import ExportError
from customer_export.settings import Settings


class RequestIds:
    """Gives each request an id of 32 hex digits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the id in the scope."""
        scope["request_id"] = uuid4().hex
        await self._app(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """Make the application. Its services are opened when it starts; what they raise ends the start."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_services(settings, warm=True) as services:
            app.state.runner = ExportRunner(services, threads=settings.export_source_connections)
            yield
            app.state.runner.close()

    app = FastAPI(
        title="customer-export",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.include_router(router)
    app.add_middleware(RequestIds)
    app.add_exception_handler(ExportError, _foreseen)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unforeseen)
    return app


async def _foreseen(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, ExportError)  # registered for these
    return problem_of(failure, request_id=request_id_of(request))


async def _of_http(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)  # registered for these
    status = HTTPStatus(failure.status_code)
    return problem(
        status,
        code=status.name,
        message=f"{request.method} {request.url.path[:200]}: {status.phrase.lower()}",
        request_id=request_id_of(request),
        headers=failure.headers,
    )


async def _unforeseen(request: Request, _failure: Exception) -> Response:
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        code="INTERNAL_ERROR",
        message="Something went wrong that nobody foresaw; the log says more under the request id",
        request_id=request_id_of(request),
    )
