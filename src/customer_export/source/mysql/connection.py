"""A connection to MySQL or MariaDB whose cells arrive as the text that the server wrote, a batch at a time.

PyMySQL speaks the protocol; only the rows are read by us (rows.py): its own cursors take four times as long for
one, and when they are closed they read a result to its end, however many rows that are.
"""

import codecs
import math
import select
import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias

import pymysql
from pymysql.connections import Connection
from pymysql.constants import COMMAND, CR
from pymysql.converters import encoders
from pymysql.protocol import FieldDescriptorPacket

from customer_export.model.columns import Cell
from customer_export.source.mysql.rows import PacketOutOfTurnError, Raw, incoming_rows, texts_of
from customer_export.source.mysql.url import CHARSET, MysqlAddress

Values: TypeAlias = Mapping[str, str | int | None]

ENCODING = "mysql_utf8"
"""UTF-8 with U+FFFD for what is none: MySQL takes the halves of surrogate pairs for characters, and Python doesn't."""

codecs.register(
    lambda name: (
        codecs.CodecInfo(
            codecs.utf_8_encode, lambda given, _errors="": codecs.utf_8_decode(given, "replace", True), name=name
        )
        if name == ENCODING
        else None
    )
)

GRACE_SECONDS = 5  # the server ends a statement by itself; who hears nothing of that by then has lost it
MOST_ROWS_EVER = 2**64 - 1
_SESSION = (
    # the server's own mode may change how a statement is read, and how CHAR is padded
    f"SET SESSION sql_mode = '', time_zone = '+00:00', sql_select_limit = {MOST_ROWS_EVER}, sql_big_selects = 1, "
    "sql_auto_is_null = 0",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
)


class ResultColumn(NamedTuple):
    """A column of a result in the protocol's own numbers."""

    name: str
    kind: int
    flags: int
    scale: int
    length: int
    charset: int


class MysqlConnection(Connection):
    """One connection, which serves one thread at a time.

    `decoded` is for whoever asks through the driver's own cursors, which then give Python's values.
    """

    _described: list[Any]
    _rfile: Any
    _sock: Any
    server_version: str
    _next_seq_id: int
    _read_timeout: float | None
    _write_timeout: float | None

    def __init__(self, address: MysqlAddress, *, decoded: bool = False) -> None:
        self.in_rows = False
        self._limit: timedelta | None = None
        super().__init__(
            host=address.host,
            port=address.port,
            unix_socket=address.socket,
            user=address.user,
            password=address.password.encode(),
            database=address.database,
            charset=CHARSET,
            conv=None if decoded else dict(encoders),  # type: ignore[arg-type]  # of the stubs
            autocommit=True,
            connect_timeout=address.connect_seconds,
            read_timeout=address.connect_seconds,
            write_timeout=address.connect_seconds,
            program_name="customer-export",
            ssl_disabled=address.tls is None,
            ssl=address.tls if address.encrypted_only else None,
            defer_connect=True,
        )
        if address.tls is not None:
            self.ctx = address.tls
        if address.socket is not None:
            self._secure = True  # no other machine hears it
            self.connect(_unix_socket(address.socket, address.connect_seconds))
        else:
            self.connect()
        self.encoding = ENCODING

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is a MariaDB."""
        return "MariaDB" in self.server_version

    def begin_session(self) -> None:
        """Make the session one that only reads, and that no setting of the server's has a say in."""
        for statement in _SESSION:
            self.ask(statement)
        ((self.id,),) = self.ask("SELECT CONNECTION_ID()")

    def hold_to(self, limit: timedelta) -> None:
        """Let the server end every statement that takes longer, and not wait longer for it."""
        if limit == self._limit:
            return
        seconds = max(limit.total_seconds(), 0.001)
        whole = max(1, math.ceil(seconds))
        most = (
            f"max_statement_time = {seconds:.3f}" if self.is_mariadb else f"max_execution_time = {seconds * 1000:.0f}"
        )
        # the server gives up a client that takes no rows for a minute; a slow download may take none for longer
        self.ask(f"SET SESSION {most}, lock_wait_timeout = {whole}, net_write_timeout = {whole}")
        self._read_timeout = self._write_timeout = seconds + GRACE_SECONDS
        self._limit = limit

    def ask(self, text: str, values: Values | None = None) -> list[tuple[Cell, ...]]:
        """Run a statement and give all its rows."""
        self.send(text, values)
        return [
            row
            for batch in self.batches()
            for row in zip(*(texts_of(cells, errors="replace") for cells in batch), strict=True)
        ]

    def send(self, text: str, values: Values | None = None) -> None:
        """Begin a statement, whose rows `batches` gives."""
        if values is not None:
            text = text % {name: _literal(value) for name, value in values.items()}
        self._execute_command(COMMAND.COM_QUERY, text)  # type: ignore[attr-defined]  # of the stubs
        answer = self._read_packet()  # type: ignore[no-untyped-call]  # of the stubs
        self.in_rows = not answer.is_ok_packet()
        if self.in_rows:
            columns = range(answer.read_length_encoded_integer())
            self._described = [self._read_packet() for _ in columns]  # type: ignore[no-untyped-call]  # of the stubs
            self._read_packet()  # type: ignore[no-untyped-call]  # of the stubs: the end of the descriptions

    def describe(self, text: str, values: Values) -> list[ResultColumn]:
        """Run a statement that gives no rows, and describe its columns as the protocol does."""
        self.send(text, values)
        list(self.batches())
        described: list[Any] = [FieldDescriptorPacket(one.get_all_data(), ENCODING) for one in self._described]
        return [
            ResultColumn(one.name, one.type_code, one.flags, one.scale, one.length, one.charsetnr) for one in described
        ]

    def batches(self) -> Iterator[list[Sequence[Raw]]]:
        """Give the rows, column by column. Raises pymysql.Error; what is left is not read if the caller stops."""
        columns = range(len(self._described) if self.in_rows else 0)
        rows = incoming_rows(self._some, self._bytes, sequence=self._next_seq_id)
        while self.in_rows:
            try:
                cells, self.in_rows = next(rows)
            except PacketOutOfTurnError as failure:
                raise self._lost(failure) from failure
            except pymysql.Error:
                self.in_rows = False
                raise
            if cells:
                yield [cells[column :: len(columns)] for column in columns]

    def _some(self, size: int) -> bytes:
        """Read what there is, at most so many bytes, and at least one."""
        try:
            read: bytes = self._rfile.read1(size)
        except OSError as failure:
            raise self._lost(failure) from failure
        if not read:
            raise self._lost(EOFError())
        return read

    def _bytes(self, size: int) -> bytes:
        """Read so many bytes."""
        try:
            read: bytes = self._rfile.read(size)
        except OSError as failure:
            raise self._lost(failure) from failure
        if len(read) < size:
            raise self._lost(EOFError())
        return read

    def _lost(self, failure: Exception) -> pymysql.OperationalError:
        self.abandon()
        return pymysql.OperationalError(CR.CR_SERVER_LOST, type(failure).__name__)

    def has_ended(self) -> bool:
        """Whether the server has closed the idle connection: only then is there something to read on it."""
        if not self.open:
            return True
        arrival = select.poll()
        arrival.register(self._sock.fileno(), select.POLLIN)
        return bool(arrival.poll(0))

    def abandon(self) -> None:
        """Close at once, whatever the server still has to send."""
        self.in_rows = False
        self._force_close()  # type: ignore[attr-defined]


def _unix_socket(path: str, connect_seconds: int) -> socket.socket:
    """Connect to a Unix socket; the driver leaves it open where that fails."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.settimeout(connect_seconds)
        end.connect(path)
    except OSError as failure:
        end.close()
        raise pymysql.OperationalError(CR.CR_CONNECTION_ERROR, type(failure).__name__) from failure
    return end


def _literal(value: str | int | None) -> str:
    """Write a value into a statement: texts as hexadecimal, which no mode of the server can read otherwise."""
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else f"_{CHARSET} X'{value.encode().hex()}'"
