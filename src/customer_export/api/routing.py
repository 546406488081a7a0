"""What the routes have in common: reading a request, and answering with JSON."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from customer_export.api.client_address import client_address
from customer_export.api.delivery import ExportRunner
from customer_export.api.headers import ALWAYS
from customer_export.export.admission import ExportCall
from customer_export.model.access import BearerToken

PASSPHRASE_HEADER = "X-Export-Passphrase"  # noqa: S105  (its name)
"""Of `encrypt=zip`: in a header, since addresses end up in logs, histories and the audit."""


class Anything(Convertor[str]):
    """Any text of a path: a text key may hold slashes, and an id that holds line ends is to be refused on record."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Take the text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Give the text as it is."""
        return value


register_url_convertor("anything", Anything())


class DirectRoute(APIRoute):
    """Calls its function with the request and the path's parameters, which are text.

    What they may be is decided by `export.parameters`; that FastAPI decides it too would cost half a millisecond.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give the function that answers a request."""

        async def handle(request: Request) -> Response:
            return cast(Response, await self.endpoint(request, **request.path_params))

        return handle


def runner_of(request: Request) -> ExportRunner:
    """Give what runs exports, and has the services."""
    return cast(ExportRunner, request.app.state.runner)


def request_id_of(request: Request) -> str:
    """Give the id that the answer, the audit and the log share; the app's middleware makes one for each request."""
    return cast(str, request.scope["request_id"])


def bearer_of(request: Request) -> BearerToken:
    """Read the Authorization header."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return BearerToken(secret=secret.strip() if scheme.lower() == "bearer" else None)


def client_of(request: Request) -> str | None:
    """Give the address of whoever is calling, by what proxies say that the operator trusts."""
    trusted = request.app.state.trusted_proxies
    return client_address(
        peer=request.client.host if request.client else None,
        forwarded_for=request.headers.getlist("x-forwarded-for") if trusted else (),
        real_ip=request.headers.getlist("x-real-ip") if trusted else (),
        trusted=trusted,
    )


def json_answer(
    members: object, *, media_type: str = "application/json", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(members), status_code=status, media_type=media_type, headers=dict(ALWAYS))


def call_of(request: Request, customer_id: str) -> ExportCall:
    """Read what a caller asks about a customer, and where they are."""
    return ExportCall(
        export_id=request_id_of(request),
        customer_id=customer_id,
        parameters=parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True),
        credentials=bearer_of(request),
        client=client_of(request),
        passphrase=request.headers.get(PASSPHRASE_HEADER),
    )
