"""Around every answer: its request id, what is left of the rate limit, and how long it took."""

from random import getrandbits
from time import monotonic

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_export.api.rate_headers import rate_headers

ALLOWANCE = "customer_export.allowance"
"""The key of the scope under which a route leaves what the rate limit said."""

_VERSION_4 = 0x4000_8000_0000_0000_0000
_RANDOM_BITS = (1 << 128) - 1 ^ 0xF000_C000_0000_0000_0000


class Exchange:
    """Gives each request an id of 32 hex digits, and its answer the headers and figures that all have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the id in the scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = monotonic()
        request_id = scope["request_id"] = _new_id()
        structlog.contextvars.bind_contextvars(request_id=request_id)  # for what the server logs of this task
        status = 500  # of an answer that never came

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *_rate(scope)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            scope["app"].state.runner.services.metrics.answered(
                route=_route(scope), method=scope["method"], status=status, seconds=monotonic() - began
            )


def _new_id() -> str:
    """Make a random UUID (RFC 9562, version 4). It is no secret; asking the system would let other threads go first."""
    return f"{getrandbits(128) & _RANDOM_BITS | _VERSION_4:032x}"


def _rate(scope: Scope) -> list[tuple[bytes, bytes]]:
    allowance = scope.get(ALLOWANCE)
    if allowance is None:
        return []
    told = rate_headers(allowance)
    told.pop("Retry-After", None)  # only refusals have it, and they say it themselves
    return [(name.lower().encode(), value.encode()) for name, value in told.items()]


def _route(scope: Scope) -> str:
    """Name the path's pattern: the path itself holds a customer's id."""
    return str(scope.get("route_path") or getattr(scope.get("route"), "path_format", "none"))
