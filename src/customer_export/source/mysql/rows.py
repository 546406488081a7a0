"""Rows as MySQL's protocol sends them: a packet a row, in it the cells' texts, each with its length before it.

What has arrived is decoded at once, a character for each byte, and cut by the lengths: a row costs the time of its
cells. (MySQL's documentation: Client/Server Protocol, Text Resultset.)
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from pymysql.err import raise_mysql_exception

from customer_export.model.columns import Cell
from customer_export.source.reading import BATCH_BYTES, MOST_ROWS

Raw: TypeAlias = Cell
"""A cell as it came: a character for each of its bytes."""
Read: TypeAlias = Callable[[int], bytes]

CHUNK_BYTES = 1 << 16  # what a read may give: more costs memory and spares no time
_HEADER_BYTES = 4  # of a packet: its size in three, its number in the sequence in one
_PACKET_BYTES = 0xFFFFFF  # a packet of just this size goes on in the next
_NULL, _END, _ERROR = 0xFB, 0xFE, 0xFF  # what the first byte of a cell or packet may say
_LENGTH_BYTES = {0xFC: 2, 0xFD: 3, 0xFE: 8}
_END_BYTES = 9  # a packet that begins like the end and is no shorter than this is a row


class PacketOutOfTurnError(Exception):
    """A packet has another number than its turn is: the server broke off, or something between lost a part."""


def incoming_rows(read_some: Read, read_all: Read, *, sequence: int) -> Iterator[tuple[list[Raw], bool]]:
    """Give the cells of a batch of rows, one row after the other, and whether there is more to come.

    `read_some` gives at least one byte and `read_all` as many as asked for; `sequence` is the first packet's number.
    Raises PacketOutOfTurnError, pymysql.Error if the server ends the statement, and what the readers raise.
    """
    incoming, text, place = b"", "", 0
    cells: list[Raw] = []
    rows = size = 0
    while True:
        end = packet_end(incoming, place)
        if end > len(incoming):
            incoming, place = _with_more(incoming[place:], end - place, read_some, read_all), 0
            text = incoming.decode("latin-1")
            continue
        if incoming[place + 3] != sequence:
            raise PacketOutOfTurnError
        sequence = (sequence + 1) & 0xFF
        place += _HEADER_BYTES
        if end - place == _PACKET_BYTES:
            # so long a packet was read to its end and no further
            row, sequence = _joined(incoming[place:end], sequence, read_all)
            incoming, text, place, end = row, row.decode("latin-1"), 0, len(row)
        first = incoming[place] if place < end else 0
        if first == _ERROR:
            raise_mysql_exception(incoming[place:end])
        if first == _END and end - place < _END_BYTES:
            yield cells, False
            return
        _cut(incoming, text, place, end, cells)
        size += end - place
        place = end
        rows += 1
        if rows == MOST_ROWS or size >= BATCH_BYTES:
            yield cells, True
            cells, rows, size = [], 0, 0


def packet_end(incoming: bytes, place: int) -> int:
    """Say where the packet at a place ends; of one whose header is not there yet, where that ends."""
    if place + _HEADER_BYTES > len(incoming):
        return place + _HEADER_BYTES
    return place + _HEADER_BYTES + (incoming[place] | incoming[place + 1] << 8 | incoming[place + 2] << 16)


def _with_more(begun: bytes, whole_bytes: int, read_some: Read, read_all: Read) -> bytes:
    missing = whole_bytes - len(begun)
    return begun + (read_some(CHUNK_BYTES) if missing < CHUNK_BYTES else read_all(missing))


def _joined(first: bytes, sequence: int, read_all: Read) -> tuple[bytes, int]:
    """Read the rest of a row that is longer than a packet; give it and the number of the packet behind it."""
    parts = [first]
    while len(parts[-1]) == _PACKET_BYTES:
        header = read_all(_HEADER_BYTES)
        if header[3] != sequence:
            raise PacketOutOfTurnError
        sequence = (sequence + 1) & 0xFF
        parts.append(read_all(packet_end(header, 0) - _HEADER_BYTES))
    return b"".join(parts), sequence


def _cut(incoming: bytes, text: str, place: int, end: int, cells: list[Raw]) -> None:
    """Add the cells of the row between two places."""
    add = cells.append
    while place < end:
        size = incoming[place]
        place += 1
        if size >= _NULL:
            if size == _NULL:
                add(None)
                continue
            width = _LENGTH_BYTES[size]
            size = int.from_bytes(incoming[place : place + width], "little")
            place += width
        add(text[place : place + size])
        place += size


def texts_of(cells: Sequence[Raw], *, errors: str = "strict") -> Sequence[Cell]:
    """Read cells as UTF-8. The server has converted them; only halves of surrogate pairs are none to Python.

    Raises UnicodeDecodeError unless `errors` says what to do with them.
    """
    if "".join(filter(None, cells)).isascii():
        return cells
    return [cell if cell is None else cell.encode("latin-1").decode(errors=errors) for cell in cells]


def bytes_of(cell: str) -> bytes:
    """Give the bytes of a cell as it came."""
    return cell.encode("latin-1")
