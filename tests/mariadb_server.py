"""A real MariaDB for the tests: started here on its own data, with settings that a source must not depend on."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pymysql
from pymysql.constants import CLIENT

from servers import PATIENCE_SECONDS, start_server, wait_until

PROGRAM, INSTALLER = "mariadbd", "mariadb-install-db"
WHY_MISSING = f"{PROGRAM} is not on this machine; Debian has it in mariadb-server"

Rows = list[tuple[object, ...]]


def is_installed() -> bool:
    """Whether this machine has MariaDB's server."""
    return all(shutil.which(program) for program in (PROGRAM, INSTALLER))


class MariadbServer:
    """A MariaDB on fresh data, reached by a Unix socket of its own, or by TCP if told a port.

    Nothing is shared with another server, so several may run at a time. Whoever makes one starts and removes it.
    Tests write standard SQL: quoted names, `||`, no backslashes in texts. The source must work all the same.
    """

    SETTINGS = (
        "sql-mode=ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH",
        "default-time-zone=+05:45",
        "character-set-server=utf8mb4",
        "collation-server=utf8mb4_general_ci",
        "max-recursive-iterations=10000000",
        "skip-log-bin",
        "innodb-flush-log-at-trx-commit=2",  # what was committed survives the process, if not the machine
        "skip-innodb-doublewrite",
        "innodb-buffer-pool-size=64M",
        "innodb-log-file-size=32M",
        "performance-schema=off",
        "max-connections=120",
        "skip-name-resolve",
    )

    def __init__(self, *, options: tuple[str, ...] = ("skip-networking",)) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mdb-"))
        self.socket = self.folder / "s"
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        self._user = _server_user()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._install()

    def _install(self) -> None:
        command = [INSTALLER, "--no-defaults", f"--datadir={self._data}", "--skip-test-db", "--skip-name-resolve"]
        command += ["--auth-root-authentication-method=normal", "--innodb-log-file-size=32M"]
        command.append(f"--tmpdir={self.folder}")
        done = subprocess.run(command, user=self._user, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{INSTALLER} failed: {done.stdout}{done.stderr}"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start the server and wait until it answers. It may be started again after a stop, on the same data."""
        settings = [f"--{setting}" for setting in (*self.SETTINGS, *self._options)]
        places = [f"--datadir={self._data}", f"--socket={self.socket}", f"--pid-file={self.folder / 'pid'}"]
        places.append(f"--tmpdir={self.folder}")
        command = [PROGRAM, "--no-defaults", *places, *settings]
        self._process = start_server(command, folder=self.folder, log=self._log, user=self._user)
        wait_until(self._answers, what="MariaDB to start")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"MariaDB did not start:\n{self.log}"
        with socket.socket(socket.AF_UNIX) as end:  # the driver would leave it open where nobody listens
            return end.connect_ex(str(self.socket)) == 0

    def stop(self) -> None:
        """Kill the server: connections break at once, and what was committed is found again by its recovery."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def remove(self) -> None:
        """Stop the server for good."""
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str, *, user: str = "root", scheme: str = "mariadb") -> str:
        """Give the URL of a database."""
        return f"{scheme}://{user}@/{database}?socket={quote(str(self.socket), safe='')}"

    def create_database(self, name: str, sql_text: str = "") -> str:
        """Create a database (anew, if it is there), run statements in it, and give its URL."""
        self.execute("mysql", f'DROP DATABASE IF EXISTS "{name}"; CREATE DATABASE "{name}"')
        if sql_text:
            self.execute(name, sql_text)
        return self.url(name)

    def connect(self, database: str) -> pymysql.Connection:
        """Open a connection that may be sent several statements at a time; each is committed by itself."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            ssl_disabled=True,
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
            init_command="SET time_zone = '+00:00'",
        )

    def execute(self, database: str, sql_text: str) -> Rows:
        """Run statements and give the rows of the last one, if it gives rows."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql_text)
            rows = cursor.fetchall()
            while cursor.nextset():
                rows = cursor.fetchall()
            return list(rows)


def _server_user() -> str | None:
    """Name the user the server runs as: MariaDB refuses to be run by root; None is who we are."""
    return pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None
