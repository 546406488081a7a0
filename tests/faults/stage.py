"""What faults strike: a server on PostgreSQL and Valkey, with a small disk of its own for what it spools."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psutil

from own_databases import new_store
from server_process import ServerProcess
from servers import POLL_SECONDS, PostgresqlServer, wait_until
from small_disks import empty_disk, fill_disk, mount_small_disk, unmount
from valkey_servers import ValkeyServer
from whale_shop import WHALE_MAP

CUSTOMERS = {"small": 12, "middle": 700, "large": 6_000, "whale": 25_000}
"""Orders of each customer: below and above where CSV is streamed, and more than a spool keeps in memory (4 MiB).

Every ninth has a text that only a renderer can set.
"""
SHOP = """
CREATE TABLE customers (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
    id serial PRIMARY KEY, customer_id text NOT NULL REFERENCES customers, placed_at timestamptz NOT NULL,
    total numeric(12, 2) NOT NULL, note text
);
""" + "\n".join(
    f"""
INSERT INTO customers VALUES ('{name}', '{name.title()}');
INSERT INTO orders (customer_id, placed_at, total, note)
    SELECT '{name}', timestamptz '2020-01-01' + n * interval '1 hour', n / 100.0,
        repeat(md5(n::text), 7) || CASE n % 9 WHEN 0 THEN ' 日本語 ' || n ELSE '' END
    FROM generate_series(1, {orders}) AS n;
"""
    for name, orders in CUSTOMERS.items()
)
START_SECONDS = 180  # of hundreds of starts on a busy machine one may be slow
DISK_BYTES = 24 << 20  # of the spool: the largest file here has 9 MB, and its compressed form lies beside it
RENDERER = "child.py"
KILLING_SECONDS = 0.3  # a renderer works for moments only: one that is killed between them is not missed
OWN_LIMITS = {
    "EXPORT_TIMEOUT_MS": "60000",
    "EXPORT_CACHE_TTL_MS": "300000",
    "EXPORT_PDF_PROCESSES": "1",
    "EXPORT_MAX_SIZE_JSON": "20000000",
}
HEIR_TIMEOUT_MS = "300"  # after twice as long the heir takes what began before it for interrupted


@dataclass
class Stage:
    """All that an export needs, to be broken and mended. Whoever makes one closes it."""

    folder: Path
    postgresql: PostgresqlServer
    valkey: ValkeyServer
    server: ServerProcess
    disk: Path | None
    why_no_disk: str = ""

    def mend(self) -> None:
        """Bring back whatever is down."""
        self.empty_disk()
        if not self.postgresql.runs:
            self.postgresql.start()
        if self.valkey.runs:
            self.valkey.thaw()
        else:
            self.valkey.start()
        process = self.server.process
        assert process is not None
        if process.exitcode is not None:
            self.server.restart(patience_seconds=START_SECONDS)
        wait_until(self._ready, what="the server to be ready again", patience_seconds=START_SECONDS)

    def _ready(self) -> bool:
        return self.server.ask("/readyz").status_code == 200

    def end_backends(self, database: str) -> None:
        """End all of PostgreSQL's processes that serve a database."""
        self.postgresql.execute(
            "postgres",
            f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'",
        )

    def kill_renderers(self) -> None:
        """Kill the processes that set PDFs, and for a moment those that take their place."""
        deadline = monotonic() + KILLING_SECONDS
        while monotonic() < deadline:
            for child in psutil.Process(self.server.pid).children():
                with suppress(psutil.Error):
                    if RENDERER in " ".join(child.cmdline()):
                        child.kill()
            sleep(POLL_SECONDS)

    def fill_disk(self) -> None:
        """Leave no room for another byte of a spool."""
        assert self.disk is not None
        fill_disk(self.disk)

    def empty_disk(self) -> None:
        """Make room again."""
        if self.disk is not None:
            empty_disk(self.disk)

    def begin_heir(self) -> None:
        """Replace the server by one that takes over what others have left without an end."""
        assert self.server.process is not None
        self.server.process.kill()
        self.server.process.join()
        self.server.environment |= {"EXPORT_TIMEOUT_MS": HEIR_TIMEOUT_MS}
        self.server.restart(patience_seconds=START_SECONDS)

    def close(self) -> None:
        """End everything."""
        self.server.close()
        self.valkey.remove()
        self.postgresql.remove()
        if self.disk is not None:
            unmount(self.disk)


def open_stage(folder: Path) -> Stage:
    """Start everything."""
    postgresql, valkey = PostgresqlServer(), ValkeyServer()
    postgresql.start()
    valkey.start()
    shop = postgresql.create_database("shop", SHOP)
    map_file = folder / "map.toml"
    map_file.write_text(WHALE_MAP, encoding="utf-8")
    disk, why_no_disk = mount_small_disk(folder / "spool", size_bytes=DISK_BYTES)
    environment: Mapping[str, str] = {
        **OWN_LIMITS,
        "SOURCE_URL": shop,
        "SOURCE_MAP": str(map_file),
        "DATABASE_URL": new_store(postgresql, "own"),
        "REDIS_URL": valkey.url,
        "TMPDIR": str(folder if disk is None else disk),
    }
    server = ServerProcess(folder, environment).start(patience_seconds=START_SECONDS)
    return Stage(folder, postgresql, valkey, server, disk, why_no_disk)
