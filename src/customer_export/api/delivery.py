"""Run an export beside the event loop and send it, for as long as somebody is there to take it."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from customer_export.api.headers import export_headers
from customer_export.errors import ExportError
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.pipeline import ExportCall, start_export
from customer_export.services import Services

Result = TypeVar("Result")


class ExportRunner:
    """Exports run in `threads` threads; others wait for their turn.

    Those that start have threads of their own: waiting for a connection there, they cannot keep the streams that
    hold the connections from going on.
    """

    def __init__(self, services: Services, *, threads: int) -> None:
        self.services = services
        self._starting = ThreadPoolExecutor(threads, thread_name_prefix="export-start")
        self._going_on = ThreadPoolExecutor(threads, thread_name_prefix="export")

    async def run(self, work: Callable[[], Result], *, starting: bool = False) -> Result:
        """Run blocking work in a thread. If the awaiting task is cancelled, the work is still waited for."""
        pool = self._starting if starting else self._going_on
        future = asyncio.get_running_loop().run_in_executor(pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait((future,))
            future.exception()  # whoever failed has put it on record; asyncio only wants it looked at
            raise

    async def start(self, call: ExportCall, request: Request) -> "ExportResponse":
        """Take an export to its first byte, or end it if the client goes away before."""
        cancellation = Cancellation()
        gone = asyncio.ensure_future(_gone(request.receive))
        begun = asyncio.ensure_future(self.run(partial(_begin, self.services, call, cancellation), starting=True))
        await asyncio.wait((begun, gone), return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            await asyncio.to_thread(cancellation.ask)
            await asyncio.wait((begun,))
        if begun.exception() is not None:
            gone.cancel()
        return ExportResponse(self, *begun.result(), cancellation, gone)

    def close(self) -> None:
        """Wait for running exports and end the threads."""
        self._starting.shutdown()
        self._going_on.shutdown()


def _begin(
    services: Services, call: ExportCall, cancellation: Cancellation
) -> tuple[StartedExport, Iterator[bytes], bytes | None]:
    """Start an export and read its first piece: until then every failure still has a status of its own."""
    export = start_export(services, call, cancellation=cancellation)
    pieces = export.pieces()
    try:
        return export, pieces, next(pieces, None)
    except BaseException:
        export.close()
        raise


class ExportResponse(Response):
    """Sends an export. Whatever goes wrong on the way ends the connection without the end of the message."""

    def __init__(
        self,
        runner: ExportRunner,
        export: StartedExport,
        pieces: Iterator[bytes],
        first: bytes | None,
        cancellation: Cancellation,
        gone: "asyncio.Future[None]",
    ) -> None:
        self._runner = runner
        self._export = export
        self._pieces = pieces
        self._first = first
        self._cancellation = cancellation
        self._gone = gone
        self._left_bytes = export.size_bytes  # None of a stream, whose end is a mark of its own
        self._finished = False
        self._upcoming: asyncio.Future[bytes | None] | None = None
        self.background = None
        self.status_code = 200
        self.init_headers(export_headers(export))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the pieces as fast as the client takes them, no longer than an export may take."""
        sending = asyncio.ensure_future(self._send(send))
        limit_seconds = self._runner.services.limits.time.total_seconds()
        try:
            waited_for = (sending, self._gone)
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED, timeout=limit_seconds)
            if not sending.done() and self._left_bytes != 0:  # who has the whole file may leave at once
                await asyncio.to_thread(self._cancellation.ask)
            else:
                await asyncio.wait((sending,))
        finally:
            sending.cancel()
            self._gone.cancel()
            await self._settle(sending)
            if not self._finished:
                await self._runner.run(self._export.close)
        failure = None if sending.cancelled() else sending.exception()
        if failure is not None and not isinstance(failure, ExportError | OSError):
            raise failure
        # a foreseen failure is on record; that the message has no end is what tells the client

    async def _send(self, send: Send) -> None:
        """Send each piece while the next one is made."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        piece = self._first
        while piece is not None and len(piece) != self._left_bytes:
            self._upcoming = asyncio.ensure_future(self._runner.run(partial(next, self._pieces, None)))
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if self._left_bytes is not None:
                self._left_bytes -= len(piece)
            piece = await self._upcoming
        if piece is not None:  # the last of a whole file: nobody has to look for another
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            self._left_bytes = 0
        await self._runner.run(self._export.finish)
        self._finished = True
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _settle(self, sending: "asyncio.Future[None]") -> None:
        """Wait for what is under way: nothing may be closed that a thread still reads."""
        await asyncio.wait((sending,))
        if self._upcoming is not None:
            await asyncio.wait((self._upcoming,))
            if not self._upcoming.cancelled():
                self._upcoming.exception()  # as above


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
