"""Clients of a running server, each at an address of its own, so that no test uses up another's allowance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import httpx

from customer_export.model.audit import AuditEntry, AuditFilter, AuditRecord
from server_process import ServerProcess, export_path, spelled
from valkey_servers import ValkeyCluster, ValkeyServer

Keeper = ValkeyServer | ValkeyCluster | None
"""Where limits and cache are kept: None is the server's own memory."""

BELIEVED = {"EXPORT_TRUSTED_PROXIES": "127.0.0.0/8"}
"""Makes a test on this machine a proxy that the server trusts."""

CONTRACT = {
    "EXPORT_RATE_LIMIT_MAX": "5",
    "EXPORT_RATE_LIMIT_WINDOW_MS": "60000",
    "EXPORT_CACHE_TTL_MS": "300000",
    **BELIEVED,
}
"""The limits as the contract has them."""

_numbers = count(1)


@dataclass(frozen=True)
class Visitor:
    """Somebody who calls a server by way of a proxy, which says where they are."""

    server: ServerProcess
    address: str

    @property
    def headers(self) -> dict[str, str]:
        """What the proxy sends on, with a token."""
        return {**self.server.bearer, "X-Forwarded-For": self.address}

    def get(self, customer_id: str, *, headers: Mapping[str, str] | None = None, **parameters: str) -> httpx.Response:
        """Export; `from_` stands for `from`."""
        query = str(httpx.QueryParams(spelled(parameters)))
        return self.ask(f"{export_path(customer_id)}?{query}", headers=headers)

    def ask(self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Ask for anything; `headers` take the place of the token."""
        told = self.headers if headers is None else {"X-Forwarded-For": self.address, **headers}
        return self.server.ask(path, method=method, headers=told)

    def records(self) -> list[AuditRecord]:
        """Give what is on record of this client, the oldest first."""
        entries: list[AuditEntry] = list(self.server.store.audit(AuditFilter(), limit=100_000))
        return [entry.record for entry in reversed(entries) if entry.record.client == self.address]


def new_visitor(server: ServerProcess) -> Visitor:
    """Give a client at an address where nobody was before."""
    number = next(_numbers)
    return Visitor(server, f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")


def visitors(server: ServerProcess) -> Iterator[Visitor]:
    """Give ever new clients."""
    while True:
        yield new_visitor(server)


def new_period() -> dict[str, str]:
    """Give parameters that leave nothing out and that nobody has asked for before, so that no file is kept for them."""
    number = next(_numbers)
    return {"from_": f"{1000 + number // 300:04}-{1 + number // 25 % 12:02}-{1 + number % 25:02}"}


def redis_of(keeper: Keeper) -> dict[str, str]:
    """Give the setting that makes a server keep limits and cache there, however long it has to wait for an answer."""
    if keeper is None:
        return {}
    return {"REDIS_URL": keeper.patient_url if isinstance(keeper, ValkeyServer) else keeper.url}
