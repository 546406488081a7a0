"""A client that reads as much as a test wants and leaves when it wants, which no HTTP library lets it do."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from server_process import ServerProcess
from servers import PATIENCE_SECONDS

SMALL_BUFFER_BYTES = 1 << 16


@contextmanager
def reading(server: ServerProcess, path: str) -> Iterator[socket.socket]:
    """Ask for an export by hand; as long as nothing is read from the small buffer, the server stands still."""
    place = urlsplit(server.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect((place.hostname, place.port))
        request = f"GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {server.admin_token}\r\n\r\n"
        connection.sendall(request.encode())
        yield connection


def head_of(connection: socket.socket) -> tuple[str, dict[str, str]]:
    """Read the head of an answer, byte by byte so that nothing of the body is taken."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"the connection ended in the head: {head!r}"
        head += byte
    status, *lines = head.decode("latin-1").strip().split("\r\n")
    return status, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def rest_of(connection: socket.socket) -> bytes:
    """Read until the other side ends."""
    received = bytearray()
    while piece := connection.recv(1 << 20):
        received += piece
    return bytes(received)
