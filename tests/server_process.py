"""`customer-export serve` as its users run it: a process of its own, told everything by its environment."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from customer_export.auth.tokens import digest_of, new_secret
from customer_export.model.access import Scope
from customer_export.model.audit import AuditRecord
from customer_export.store.database import open_database, upgrade
from customer_export.store.interface import StoredToken
from customer_export.store.sql import SqlStore
from customer_export.store.tables import AUDIT
from own_databases import new_sqlite_store
from program import start_program
from servers import PATIENCE_SECONDS, wait_until

StartServer = Callable[..., "ServerProcess"]
"""What starts servers: keywords are environment variables."""

UNLIMITED = {
    "EXPORT_WORKER_PROCESSES": "0",
    "EXPORT_PDF_PROCESSES": "1",
    "EXPORT_RATE_LIMIT_MAX": "1000000",
    "EXPORT_AUTH_FAILURE_MAX": "1000000",
    "EXPORT_CACHE_TTL_MS": "0",
}
"""For tests of something else than limits and cache, which ask for much and for the same."""

ALL_OK = {"source": "ok", "store": "ok", "limits": "ok", "cache": "ok"}
"""What /readyz says of a server that lacks nothing."""

_STARTED = "Application startup complete."
_LISTENING = re.compile(r"running on (http://[0-9.]+:[0-9]+)")


class ServerProcess:
    """A server on a port of its own. `environment` is all it knows; its log and its own database are in `folder`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._log = folder / "server.log"
        given = environment.get("DATABASE_URL")
        own = given or new_sqlite_store(folder / "own.db")
        self.environment = {"PATH": os.environ["PATH"], **UNLIMITED, **environment, "DATABASE_URL": own}
        self.process: BaseProcess | None = None
        self.url = ""
        self._engine = open_database(own)
        if given:
            upgrade(self._engine)
        self.store = SqlStore(self._engine)
        self.admin_token = self.new_token()
        self._http = httpx.Client(timeout=PATIENCE_SECONDS, verify=False, headers={"Accept-Encoding": "identity"})

    def start(
        self, *, afresh: bool = False, workers: int = 1, patience_seconds: float = PATIENCE_SECONDS
    ) -> "ServerProcess":
        """Start, and wait until it listens and has answered once, whatever the state of its databases."""
        self.process = start_program(
            ["serve", "--port", "0", "--workers", str(workers)],
            environment=self.environment,
            folder=self._folder,
            output=self._log,
            errors=self._log,
            afresh=afresh,
        )
        wait_until(self._listens, what="the server to listen", patience_seconds=patience_seconds)
        wait_until(lambda: self.log.count(_STARTED) >= workers, what="all workers")
        assert self.ask("/readyz").status_code in {200, 503}
        return self

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.exitcode is None, f"the server ended:\n{self.log}"
        found = _LISTENING.search(self.log)
        self.url = found[1] if found else ""
        return found is not None

    def restart(self, *, patience_seconds: float = PATIENCE_SECONDS) -> "ServerProcess":
        """Start again after it has ended; its log begins anew."""
        self._log.unlink(missing_ok=True)
        return self.start(patience_seconds=patience_seconds)

    def terminate(self) -> None:
        """Ask it to stop, as an operator would."""
        assert self.process is not None
        self.process.terminate()

    def ended(self) -> int:
        """Wait until it has ended and give its exit code."""
        assert self.process is not None
        self.process.join(PATIENCE_SECONDS)
        assert self.process.exitcode is not None, f"the server does not end:\n{self.log}"
        return self.process.exitcode

    def close(self) -> None:
        """End it, if it still runs, and close what looks into its database."""
        if self.process is not None:
            self.process.kill()
            self.process.join(PATIENCE_SECONDS)
        self._http.close()
        self.store.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        assert self.process.pid is not None
        return self.process.pid

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def events(self, export_id: str) -> list[dict[str, Any]]:
        """Give what it has logged of one export."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line.get("export_id") == export_id]

    def new_token(
        self, *scopes: Scope, name: str = "admin", expires_in: timedelta = timedelta(days=1), revoked: bool = False
    ) -> str:
        """Put a token into its database, and give the secret."""
        secret, now = new_secret(), datetime.now(UTC)
        self.store.add_token(
            StoredToken(
                name=name,
                digest=digest_of(secret),
                scopes=scopes or (Scope.EXPORT,),
                created_at=now,
                expires_at=now + expires_in,
                revoked_at=now if revoked else None,
            )
        )
        return secret

    @property
    def bearer(self) -> dict[str, str]:
        """The header of a caller who may export."""
        return {"Authorization": f"Bearer {self.admin_token}"}

    def client(self) -> httpx.Client:
        """Make a client that may export."""
        return httpx.Client(
            base_url=self.url,
            headers={**self.bearer, "Accept-Encoding": "identity"},
            timeout=PATIENCE_SECONDS,
            verify=False,
        )

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str | bytes] | None = None
    ) -> httpx.Response:
        """Send a request as somebody who is not known, unless the headers say who it is."""
        return self._http.request(method, self.url + path, headers=headers)  # type: ignore[arg-type]  # bytes are fine

    def get(self, customer_id: str, **parameters: str) -> httpx.Response:
        """Export; `from_` stands for `from`."""
        url = f"{self.url}{export_path(customer_id)}"
        return self._http.get(url, params=spelled(parameters), headers=self.bearer)

    def manifest(self, export_id: str) -> httpx.Response:
        """Ask for a manifest."""
        return self.ask(f"/api/admin/exports/{export_id}/manifest", headers=self.bearer)

    def audit(self, export_id: str) -> Sequence[AuditRecord]:
        """Give the audit of one export."""
        return self.store.audit_of(export_id)

    def exports_with(self, parameters: str) -> list[str]:
        """Give the ids of exports on record that were asked for with these parameters, among others."""
        with self._engine.connect() as connection:
            wanted = sa.select(AUDIT.c.export_id).where(AUDIT.c.parameters.contains(parameters)).distinct()
            return list(connection.execute(wanted).scalars())

    def outcome(self, export_id: str) -> AuditRecord:
        """Wait until an export that was started has ended, and give its last record: there must be exactly two."""
        wait_until(lambda: len(self.audit(export_id)) > 1, what=f"the end of export {export_id}")
        started, ended = self.audit(export_id)
        assert started.event == "started"
        return ended


def export_path(customer_id: str) -> str:
    """Give the path of a customer's export; the id is taken as it is."""
    return f"/api/admin/customers/{customer_id}/export"


def spelled(parameters: Mapping[str, str]) -> dict[str, str]:
    """Spell query parameters as HTTP does: Python keeps the name `from` to itself."""
    return {name.rstrip("_"): value for name, value in parameters.items()}
