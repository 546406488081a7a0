"""A connection to MySQL or MariaDB whose cells arrive as the text that the server wrote, a batch at a time.

PyMySQL speaks the protocol; only the rows are read here. Its own cursors take four times as long for a row, and when
they are closed they read a result to its end, however many rows that are.
"""

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
from pymysql.err import raise_mysql_exception
from pymysql.protocol import FieldDescriptorPacket

from customer_export.model.columns import Cell
from customer_export.source.mysql.url import CHARSET, MysqlAddress
from customer_export.source.reading import BATCH_BYTES, MOST_ROWS

Raw: TypeAlias = Cell
"""A cell as it came: a character for each of its bytes."""

Values: TypeAlias = Mapping[str, str | int | None]

GRACE_SECONDS = 5  # the server ends a statement by itself; who hears nothing of that by then has lost it
MOST_ROWS_EVER = 2**64 - 1
_PACKET_BYTES = 0xFFFFFF  # a packet of just this size goes on in the next
_NULL, _END, _ERROR = 0xFB, 0xFE, 0xFF  # what the first byte of a cell or packet may say
_LENGTH_BYTES = {0xFC: 2, 0xFD: 3, 0xFE: 8}
_END_BYTES = 9  # a packet that begins like the end and is no shorter than this is a row
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
        return [row for batch in self.batches() for row in zip(*map(texts_of, batch), strict=True)]

    def send(self, text: str, values: Values | None = None) -> None:
        """Begin a statement, whose rows `batches` gives."""
        if values is not None:
            text = text % {name: _literal(value) for name, value in values.items()}
        self._execute_command(COMMAND.COM_QUERY, text)  # type: ignore[attr-defined]  # of the stubs
        answer = self._read_packet()  # type: ignore[no-untyped-call]  # of the stubs
        self.in_rows = not answer.is_ok_packet()
        if self.in_rows:
            columns = range(answer.read_length_encoded_integer())
            kind = FieldDescriptorPacket
            self._described = [self._read_packet(kind) for _ in columns]  # type: ignore[no-untyped-call]  # of the stubs
            self._read_packet()  # type: ignore[no-untyped-call]  # of the stubs: the end of the descriptions

    def describe(self, text: str, values: Values) -> list[ResultColumn]:
        """Run a statement that gives no rows, and describe its columns as the protocol does."""
        self.send(text, values)
        list(self.batches())
        return [
            ResultColumn(one.name, one.type_code, one.flags, one.scale, one.length, one.charsetnr)
            for one in self._described
        ]

    def batches(self) -> Iterator[list[Sequence[Raw]]]:
        """Give the rows, column by column. Raises pymysql.Error; what is left is not read if the caller stops."""
        while self.in_rows:
            cells: list[Raw] = []
            rows = size = 0
            while rows < MOST_ROWS and size < BATCH_BYTES:
                packet = self._row_packet()
                if packet is None:
                    break
                _add_cells(packet, cells)
                size += len(packet)
                rows += 1
            if rows:
                columns = len(self._described)
                yield [cells[column::columns] for column in range(columns)]

    def _row_packet(self) -> bytes | None:
        """Read the next row; None at the end."""
        packet = self._packet()
        first = packet[0] if packet else None
        if first == _END and len(packet) < _END_BYTES:
            self.in_rows = False
            return None
        if first == _ERROR:
            self.in_rows = False
            raise_mysql_exception(packet)
        return packet

    def _packet(self) -> bytes:
        header = self._bytes(4)
        size = header[0] | header[1] << 8 | header[2] << 16
        if header[3] != self._next_seq_id:
            self.abandon()
            raise pymysql.OperationalError(CR.CR_SERVER_LOST, "The server broke off")
        self._next_seq_id = (header[3] + 1) & 0xFF
        packet = self._bytes(size)
        return packet if size < _PACKET_BYTES else packet + self._packet()

    def _bytes(self, size: int) -> bytes:
        try:
            read: bytes = self._rfile.read(size)
        except OSError as failure:
            self.abandon()
            raise pymysql.OperationalError(CR.CR_SERVER_LOST, type(failure).__name__) from failure
        if len(read) < size:
            self.abandon()
            raise pymysql.OperationalError(CR.CR_SERVER_LOST, "The server broke off")
        return read

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


def _add_cells(packet: bytes, cells: list[Raw]) -> None:
    """Cut a row into its cells: texts with their lengths before them."""
    text = packet.decode("latin-1")
    add = cells.append
    place, end = 0, len(packet)
    while place < end:
        size = packet[place]
        place += 1
        if size >= _NULL:
            if size == _NULL:
                add(None)
                continue
            width = _LENGTH_BYTES[size]
            size = int.from_bytes(packet[place : place + width], "little")
            place += width
        add(text[place : place + size])
        place += size


def texts_of(cells: Sequence[Raw]) -> Sequence[Cell]:
    """Read cells as UTF-8. The server has converted them, so that there is nothing which isn't."""
    if "".join(filter(None, cells)).isascii():
        return cells
    return [cell if cell is None else cell.encode("latin-1").decode(errors="replace") for cell in cells]


def bytes_of(cell: str) -> bytes:
    """Give the bytes of a cell as it came."""
    return cell.encode("latin-1")
