"""Two server processes behind nginx, on one Valkey and one PostgreSQL."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
from nginx_server import NginxServer
from psycopg import sql

from customer_export.model.audit import AuditFilter, AuditRecord
from program import start_program
from server_process import ServerProcess, export_path, spelled
from servers import PATIENCE_SECONDS, wait_until

PROXY = "127.0.0.1"  # where nginx calls the servers from
FORGED = "203.0.113.9"  # what a client says of itself

_addresses = (f"127.1.{number // 250}.{number % 250 + 1}" for number in itertools.count())


class Cluster:
    """The proxy and the servers behind it. `source` is the URL of the customers' database."""

    def __init__(self, nginx: NginxServer, servers: list[ServerProcess], *, source: str) -> None:
        self.nginx = nginx
        self.servers = servers
        self.source = source

    @contextmanager
    def client(self, address: str | None = None) -> Iterator[httpx.Client]:
        """Make a client who may export, at an address that nobody else has."""
        transport = httpx.HTTPTransport(verify=self.nginx.trust, local_address=address or next(_addresses))
        headers = {**self.servers[0].bearer, "Accept-Encoding": "identity", "X-Forwarded-For": FORGED}
        with httpx.Client(
            base_url=self.nginx.url, transport=transport, headers=headers, timeout=PATIENCE_SECONDS
        ) as client:
            yield client

    def get(self, customer_id: str, *, address: str | None = None, **parameters: str) -> httpx.Response:
        """Export once, from an address that nobody else has, or from that one."""
        with self.client(address) as client:
            return client.get(export_path(customer_id), params=spelled(parameters))

    def rush(self, customers: list[str], *, addresses: list[str], **parameters: str) -> list[httpx.Response]:
        """Export all these customers at once, each from its address."""
        with ThreadPoolExecutor(len(customers)) as threads:
            asked = [
                threads.submit(self.get, customer, address=address, **parameters)
                for customer, address in zip(customers, addresses, strict=True)
            ]
            return [future.result() for future in asked]

    def figure(self, name: str) -> float:
        """Add up a figure of /metrics over all servers that run."""
        return sum(figure_of(server, name) for server in self.servers)

    def server_of(self, export_id: str) -> ServerProcess:
        """Tell which server made an export, which ends a moment after its last byte."""
        wait_until(lambda: any(server.events(export_id) for server in self.servers), what=f"the end of {export_id}")
        (server,) = [server for server in self.servers if server.events(export_id)]
        return server

    def records(self) -> list[AuditRecord]:
        """Give the whole audit, the oldest first."""
        return [
            entry.record for entry in reversed(self.servers[0].store.audit(AuditFilter(), before=None, limit=100_000))
        ]

    def verify_audit(self, folder: Path) -> tuple[int, str]:
        """Run `customer-export audit verify`, and give its exit code and what it says."""
        said = folder / "verify.txt"
        process = start_program(
            ["audit", "verify"],
            environment=self.servers[0].environment,
            folder=folder,
            output=said,
            errors=said,
        )
        process.join(PATIENCE_SECONDS)
        assert process.exitcode is not None
        return process.exitcode, said.read_text(encoding="utf-8")


def new_addresses(count: int) -> list[str]:
    """Give addresses of clients that nobody has used."""
    return list(itertools.islice(_addresses, count))


def figure_of(server: ServerProcess, name: str) -> float:
    """Give a figure of a server's /metrics, summed over its labels."""
    found = re.findall(rf"^customer_export_{name}(?:\{{.*\}})? (\S+)$", server.ask("/metrics").text, re.MULTILINE)
    return sum(map(float, found))


def encoded(key: str) -> str:
    """Spell a key as a part of a path that nobody on the way takes for more than that, not even `..`."""
    return quote(key, safe="").replace(".", "%2E")


def outcomes(answers: list[httpx.Response]) -> Counter[int]:
    """Count the answers by status."""
    return Counter(answer.status_code for answer in answers)


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """Let nobody read a table."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(table)))
        yield
