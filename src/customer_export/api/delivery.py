"""Run exports beside the event loop and send them, for as long as somebody is there to take them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import NoReturn, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from customer_export.api.headers import export_headers
from customer_export.api.opening import (
    Caller,
    Opened,
    begin_export,
    goes_at_once,
    make_pending,
    opened,
    resume_waiting,
)
from customer_export.errors import ExportBusyError, ExportCancelledError, ExportError
from customer_export.export.admission import ExportCall, Told
from customer_export.export.delivery import StartedExport
from customer_export.export.pipeline import Pending, Waiting, open_export
from customer_export.model.cached_export import CachedExport
from customer_export.services import Services

QUICK_THREADS = 16  # for what takes milliseconds: knowing the caller, looking into the cache, writing the record

QUICK_SECONDS = 0.02  # what is done by then need not know whether its caller has gone

_BUSY = "Too many exports are being made just now; try again in a moment"

Result = TypeVar("Result")


class ExportRunner:
    """Makes at most `slots` exports at a time; at most `queue` others wait for their turn, `patience_seconds` each.

    What needs no making never waits for a slot. A slot is also a connection to the customers' database, so that
    nobody waits for one of those while holding a thread.
    """

    def __init__(self, services: Services, *, slots: int, queue: int, patience_seconds: float) -> None:
        self.services = services
        self._threads = ThreadPoolExecutor(2 * slots + QUICK_THREADS, thread_name_prefix="export")
        self._slots = asyncio.Semaphore(slots)
        self._queue = queue
        self._queued = 0
        self._patience_seconds = patience_seconds

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run blocking work in a thread. If the awaiting task is cancelled, the work is still waited for."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError:
            await asyncio.wait((future,))
            future.exception()  # whoever failed has put it on record; asyncio only wants it looked at
            raise
        return future.result()

    async def start(self, call: ExportCall, request: Request, *, told: Told) -> "ExportResponse":
        """Take an export to its first byte, or end it if the client goes away before."""
        caller = Caller(request)
        try:
            return await self._start(call, caller, told)
        except BaseException:
            caller.forget()
            await _written(caller)
            raise

    async def _start(self, call: ExportCall, caller: "Caller", told: Told) -> "ExportResponse":
        step: Opened | Waiting | Pending
        has_slot = False
        try:
            if self.services.admits_at_once:
                step = await self._begin_here(call, caller, told)
            else:
                has_slot = await self._free_slot()
                begin = partial(begin_export, self.services, call, told, caller, may_make=has_slot)
                step = await self._while_there(begin, caller)
            if isinstance(step, Waiting):
                made = await self._made(step, caller)
                step = await self._while_there(partial(resume_waiting, self.services, step, made, caller), caller)
            if isinstance(step, Pending):
                has_slot = has_slot or await self._free_slot() or await self._next_slot(step, caller)
                step = await self._while_there(partial(make_pending, self.services, step, caller), caller)
        except BaseException:
            if has_slot:
                self._slots.release()
            raise
        if has_slot and not step.is_live:
            self._slots.release()
        return ExportResponse(self, step, caller)

    async def _begin_here(self, call: ExportCall, caller: "Caller", told: Told) -> Opened | Waiting | Pending:
        """Admit a caller without a thread: one change of threads takes as long as all that is done here."""
        step = open_export(self.services, call, told=told, later=caller.later)
        if not isinstance(step, StartedExport):
            return step
        if not goes_at_once(step, caller):
            return await self._while_there(partial(opened, step, caller), caller)
        try:
            await _ended(step.starting.written)  # if it failed, `opened` raises why, and puts that on record
        except BaseException:
            step.close()
            raise
        return opened(step, caller)

    async def _free_slot(self) -> bool:
        """Take a slot if one is free."""
        return not self._slots.locked() and await self._slots.acquire()

    async def _while_there(self, work: Callable[[], Result], caller: "Caller") -> Result:
        """Run work in a thread; if the caller goes away, end it."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            await asyncio.wait((future,), timeout=QUICK_SECONDS)
            if not future.done():
                await asyncio.wait((future, caller.gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not future.done():
                await asyncio.to_thread(caller.cancellation.ask)
                await asyncio.wait((future,))
        return future.result()

    async def _made(self, waiting: Waiting, caller: "Caller") -> CachedExport | None:
        """Wait for somebody else's file, without a thread; None if it does not come."""
        made = asyncio.wrap_future(waiting.follow.made)
        waited_for = (made, caller.gone)
        await asyncio.wait(waited_for, timeout=waiting.follow.longest_seconds, return_when=asyncio.FIRST_COMPLETED)
        if caller.gone.done():
            await self._give_up(waiting, ExportCancelledError())
        return made.result() if made.done() else None

    async def _next_slot(self, pending: Pending, caller: "Caller") -> bool:
        """Wait for a slot. Raises ExportBusyError if too many wait already, or if none becomes free in time."""
        if self._queued >= self._queue:
            await self._give_up(pending, ExportBusyError(_BUSY))
        self._queued += 1
        acquiring = asyncio.ensure_future(self._slots.acquire())
        try:
            with self.services.metrics.waiting(), self.services.load.one_more():
                await asyncio.wait(
                    (acquiring, caller.gone), timeout=self._patience_seconds, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            self._queued -= 1
            if not acquiring.done():
                acquiring.cancel()  # done only in the loop's next turn, so it still tells below that there was none
        if not acquiring.done():
            await self._give_up(pending, ExportCancelledError() if caller.gone.done() else ExportBusyError(_BUSY))
        return True

    async def _give_up(self, step: Pending | Waiting, failure: ExportError) -> NoReturn:
        await self.run(partial(step.give_up, failure))
        raise failure

    def free_slot(self) -> None:
        """Let the next one make their export."""
        self._slots.release()

    def close(self) -> None:
        """Wait for running exports and end the threads."""
        self._threads.shutdown()


async def _ended(work: "Future[None]") -> None:
    """Wait until a thread's work has ended, whatever came of it: a third of what `asyncio.wrap_future` takes."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    work.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    await ended.wait()


async def _written(caller: Caller) -> None:
    """Wait for the records on their way. Those that fail are in the log."""
    if caller.later:
        await asyncio.wait([asyncio.wrap_future(written) for written in caller.later])


class ExportResponse(Response):
    """Sends an export. Whatever goes wrong on the way ends the connection without the end of the message."""

    def __init__(self, runner: ExportRunner, opened: Opened, caller: Caller) -> None:
        self._runner = runner
        self._opened = opened
        self._caller = caller
        self._left_bytes = None if opened.sent is None else opened.sent.size_bytes
        self._finished = False
        self._upcoming: asyncio.Future[bytes | None] | None = None
        self.background = None
        self.status_code = 200
        self.raw_headers = list(export_headers(opened.export, encoding=opened.encoding, sent=opened.sent))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the pieces as fast as the client takes them, no longer than an export may take."""
        if self._opened.first is not None and self._left_bytes == len(self._opened.first):
            try:  # all that there is goes out at once, and nobody has to be waited for
                await self._send(send)
            finally:
                self._caller.forget()
                if not self._finished:
                    await self._runner.run(self._opened.export.close)
            return
        sending = asyncio.ensure_future(self._send(send))
        gone = self._caller.gone
        limit_seconds = self._runner.services.limits.time.total_seconds()
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED, timeout=limit_seconds)
            if not sending.done() and self._left_bytes != 0:  # who has the whole file may leave at once
                await asyncio.to_thread(self._caller.cancellation.ask)
            else:
                await asyncio.wait((sending,))
        finally:
            sending.cancel()
            self._caller.forget()
            await self._settle(sending)
            if not self._finished:
                await self._runner.run(self._opened.export.close)
            if self._opened.is_live:
                self._runner.free_slot()
        failure = None if sending.cancelled() else sending.exception()
        if failure is not None and not isinstance(failure, ExportError | OSError):
            raise failure
        # a foreseen failure is on record; that the message has no end is what tells the client

    async def _send(self, send: Send) -> None:
        """Send each piece while the next one is made."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        piece, next_piece = self._opened.first, partial(next, self._opened.pieces, None)
        self._runner.services.metrics.first_byte(
            file_format=self._opened.export.format, seconds=monotonic() - self._caller.began
        )
        while piece is not None and len(piece) != self._left_bytes:
            self._upcoming = asyncio.ensure_future(self._runner.run(next_piece))
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if self._left_bytes is not None:
                self._left_bytes -= len(piece)
            piece = await self._upcoming
        if self._opened.is_live:
            await self._runner.run(self._opened.export.finish)
            self._finished = True
            await send({"type": "http.response.body", "body": piece or b"", "more_body": False})
        else:  # nobody has to look for another piece, nor to wait for the record of what they have
            await send({"type": "http.response.body", "body": piece or b"", "more_body": False})
            self._left_bytes, self._finished = 0, True
            self._opened.export.finish_soon()

    async def _settle(self, sending: "asyncio.Future[None]") -> None:
        """Wait for what is under way: nothing may be closed that a thread still reads."""
        await asyncio.wait((sending,))
        if self._upcoming is not None:
            await asyncio.wait((self._upcoming,))
            if not self._upcoming.cancelled():
                self._upcoming.exception()  # as above
