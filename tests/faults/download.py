"""A download as a standard client makes it, which is told by the protocol alone whether it has got all."""

import socket
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx
import zstandard

from server_process import ServerProcess, export_path

SMALL_BUFFER_BYTES = 1 << 16  # so that a server cannot push a whole file into the client's buffers
PIECE_BYTES = 1 << 15
PATIENCE_SECONDS = 60


@dataclass
class Download:
    """What a client has in the end. `complete` is what it believes; `left`, that it went away itself."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False
    left: bool = False
    failure: str = ""

    @property
    def export_id(self) -> str | None:
        """The export that made the file; of a refusal, the one that was refused."""
        return self.headers.get("x-export-id") or self.headers.get("x-request-id")

    @property
    def content(self) -> bytes | None:
        """The file without its content coding; None if it cannot be unpacked to its end."""
        match self.headers.get("content-encoding"):
            case None:
                return self.body
            case "gzip":
                unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
                plain = unpacking.decompress(self.body)
                return plain if unpacking.eof else None
            case "zstd":
                stream = zstandard.ZstdDecompressor().decompressobj()
                plain = stream.decompress(self.body)
                return plain if stream.eof else None
            case other:
                raise AssertionError(other)


def download(
    server: ServerProcess,
    customer: str,
    parameters: Mapping[str, str],
    *,
    coding: str,
    pause_seconds: float,
    leaves_after_bytes: int | None,
    seen: Callable[[int], None],
) -> Download:
    """Ask for a file and read it, with a pause after each piece. `seen` is told how many bytes have come."""
    got = Download()
    transport = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)])
    body = bytearray()
    try:
        with (
            httpx.Client(transport=transport, timeout=PATIENCE_SECONDS, base_url=server.url) as client,
            client.stream(
                "GET",
                export_path(customer),
                params=dict(parameters),
                headers={**server.bearer, "Accept-Encoding": coding},
            ) as answer,
        ):
            got.status, got.headers = answer.status_code, answer.headers
            for piece in answer.iter_raw(PIECE_BYTES):
                body += piece
                seen(len(body))
                if leaves_after_bytes is not None and len(body) >= leaves_after_bytes:
                    got.left = True
                    break
                time.sleep(pause_seconds)
            else:
                got.complete = True
    except httpx.HTTPError as failure:
        got.failure = type(failure).__name__
    got.body = bytes(body)
    return got
