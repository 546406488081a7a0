"""Take a caller's export to its first piece: until that was read, every failure still has a status of its own."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from starlette.requests import Request
from starlette.types import Receive

from customer_export.api.compression import (
    SMALLEST_BYTES,
    Encoding,
    SentBytes,
    choose_encoding,
    compressed,
    is_compressible,
    spooled,
)
from customer_export.export.admission import ExportCall, Told
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.guard import PIECE_BYTES
from customer_export.export.pipeline import Pending, Waiting, make_export, open_export, resume_export
from customer_export.export.record import Later
from customer_export.model.cached_export import CachedExport
from customer_export.services import Services


@dataclass(frozen=True, slots=True)
class Opened:
    """An export with its first piece: until that was read, every failure still had a status of its own.

    `sent` is what is known of the bytes that are sent, None if the end of the message tells.
    """

    export: StartedExport
    pieces: Iterator[bytes]
    first: bytes | None
    encoding: Encoding | None
    sent: SentBytes | None

    @property
    def is_live(self) -> bool:
        """Whether the file is still being made."""
        return self.export.proof is None


class Caller:
    """Who waits for an export: whether they are still there, what they can read, and how to end their export.

    `later` has the records that their answer must not come before.
    """

    def __init__(self, request: Request) -> None:
        self.cancellation = Cancellation()
        self.later: Later = []
        self._receive = request.receive
        self._gone: asyncio.Future[None] | None = None
        self.accepted = request.headers.get("accept-encoding", "")
        self.began = monotonic()

    @property
    def gone(self) -> "asyncio.Future[None]":
        """Done when they have gone; looked for from the first time that somebody asks."""
        if self._gone is None:
            self._gone = asyncio.ensure_future(_gone(self._receive))
        return self._gone

    def forget(self) -> None:
        """Look no more."""
        if self._gone is not None:
            self._gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def begin_export(
    services: Services, call: ExportCall, told: Told, caller: Caller, *, may_make: bool
) -> Opened | Waiting | Pending:
    """Do in one go what can be done at once: most exports are made, or found, in the thread that admits them."""
    step = open_export(services, call, told=told)
    if isinstance(step, Pending) and may_make:
        return make_pending(services, step, caller)
    return opened(step, caller) if isinstance(step, StartedExport) else step


def resume_waiting(services: Services, waiting: Waiting, made: CachedExport | None, caller: Caller) -> Opened | Pending:
    """Go on with what was waited for."""
    step = resume_export(services, waiting, made)
    return opened(step, caller) if isinstance(step, StartedExport) else step


def make_pending(services: Services, pending: Pending, caller: Caller) -> Opened:
    """Make what is to be made."""
    return opened(make_export(services, pending, cancellation=caller.cancellation), caller)


def goes_at_once(export: StartedExport, caller: Caller) -> bool:
    """Whether nothing blocks but the record of the start: a file in memory that leaves in one piece as it is."""
    return export.proof is not None and export.proof.size_bytes <= PIECE_BYTES and _encoding(export, caller) is None


def opened(export: StartedExport, caller: Caller) -> Opened:
    """Read the first piece, of a whole file that is to be compressed after all of it has been."""
    pieces, encoding = export.pieces(), _encoding(export, caller)
    try:
        if encoding is None:
            proof = export.proof
            sent = None if proof is None else SentBytes(size_bytes=proof.size_bytes, sha256=proof.sha256)
            return Opened(export, pieces, next(pieces, None), None, sent)
        pieces = compressed(pieces, encoding)
        if export.proof is None:
            return Opened(export, pieces, next(pieces, None), encoding, None)
        sent, pieces = spooled(pieces)
        return Opened(export, pieces, next(pieces, None), encoding, sent)
    except BaseException as failure:
        export.give_up(failure)
        raise


def _encoding(export: StartedExport, caller: Caller) -> Encoding | None:
    is_small = export.proof is not None and export.proof.size_bytes < SMALLEST_BYTES
    if not caller.accepted or is_small or not is_compressible(export.media_type):
        return None
    return choose_encoding(caller.accepted)
