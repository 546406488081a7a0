"""Send one message: to the address that was checked, within a time, and without reading what comes back."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from customer_export.webhooks.targets import (
    USUAL_PORTS,
    Network,
    Resolve,
    Target,
    TargetRefusedError,
    look_up,
    pinned_address,
    read_target,
)

Connection = TypeVar("Connection", bound=socket.socket)

SUCCESS = range(200, 300)
GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of sending: a status, or why there is none. Of an answer nothing else is kept."""

    status: int | None = None
    error: str | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status in SUCCESS


class Send(Protocol):
    """Sends a message."""

    def __call__(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Sent:
        """Try once; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends over HTTP/1.1: no redirects, no proxies, no cookies. `seconds` is the time for all of it."""

    allowed: Sequence[Network]
    seconds: float
    tls: ssl.SSLContext
    resolve: Resolve = look_up

    def __call__(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Sent:
        """Try once; never raises."""
        try:
            target = read_target(url)
            address = pinned_address(target, allowed=self.allowed, resolve=self.resolve)
        except TargetRefusedError as failure:
            return Sent(error=f"the URL {failure}")
        try:
            return Sent(status=self._post(target, address, headers, body))
        except ssl.SSLError as failure:
            return Sent(error=f"no TLS connection ({failure.reason or 'refused'})")
        except TimeoutError:
            return Sent(error=f"no answer within {self.seconds:g} seconds")
        except (OSError, http.client.HTTPException) as failure:
            return Sent(error=f"no answer ({type(failure).__name__})")

    def _post(self, target: Target, address: str, headers: Mapping[str, str], body: bytes) -> int:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.default_port = USUAL_PORTS[target.scheme]  # which the Host header leaves out
        with _deadline(self.seconds) as guard:
            connection.sock = guard.watch(socket.create_connection((address, target.port), timeout=self.seconds))
            try:
                if target.scheme == "https":
                    connection.sock = guard.watch(self._in_tls(connection.sock, target))
                    connection.sock.do_handshake()
                connection.request("POST", target.path, body, dict(headers))
                status = connection.getresponse().status
            except Exception:
                if guard.is_over:
                    raise TimeoutError from None
                raise
            finally:
                connection.close()
            if guard.is_over:  # it was cut off within its headers
                raise TimeoutError
            return status

    def _in_tls(self, connection: socket.socket, target: Target) -> ssl.SSLSocket:
        """Wrap a connection, whose socket is another one from now on; the handshake is still to come."""
        return self.tls.wrap_socket(connection, server_hostname=target.host, do_handshake_on_connect=False)


class _Guard:
    """Ends a connection when its time is over, however slowly the other side goes on."""

    def __init__(self) -> None:
        self.is_over = False
        self._socket: socket.socket | None = None

    def watch(self, connection: Connection) -> Connection:
        """Take the socket that is used from now on. Raises TimeoutError if the time was over before."""
        self._socket = connection
        if self.is_over:
            connection.close()
            raise TimeoutError
        return connection

    def end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _deadline(seconds: float) -> Iterator[_Guard]:
    guard = _Guard()
    timer = threading.Timer(seconds, guard.end)
    timer.daemon = True
    timer.start()
    try:
        yield guard
    finally:
        timer.cancel()
