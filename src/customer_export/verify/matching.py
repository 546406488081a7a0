"""Pairs the rows of two readings of one section: equal rows first, then those of one key.

Equal rows go as they come; what waits for its partner is kept, so memory follows the differences and not the rows.
Beyond KEPT_ROWS the waiting rows go to the disk, in parts of which each is paired on its own.
"""

import zlib
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from tempfile import TemporaryFile
from typing import IO

import orjson

from customer_export.model.columns import Cell

Row = tuple[Cell, ...]
_Waiting = defaultdict[Row, deque[int]]
"""The numbers of rows that wait for an equal one."""
KEPT_ROWS = 200_000  # of both files together: about 200 MB of rows of ten cells
PARTS = 64  # so that 12 million rows that differ come back in parts of KEPT_ROWS


@dataclass(frozen=True, slots=True)
class Numbered:
    """A row with its number in its file's section, from 1."""

    number: int
    cells: Row


@dataclass(frozen=True, slots=True)
class Pair:
    """What became of a row: only `old` is gone, only `new` was added, both differ."""

    old: Numbered | None
    new: Numbered | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The places of the cells that rows are known by; `identity` are those of them that are no moments or amounts.

    Rows are paired by the whole key; those that are left over by the identity, where it is unique among them: a row
    whose section is sorted by the time of its last change is still that row when it is changed. Without a key, rows
    that differ are paired by their number.
    """

    whole: Sequence[int]
    identity: Sequence[int]


class Matcher:
    """Takes the rows of both files in turn, and gives what could not be paired with an equal row."""

    def __init__(self, keys: Keys, stack: ExitStack, *, kept_rows: int = KEPT_ROWS) -> None:
        self._keys = keys
        self._stack = stack
        self._kept_rows = kept_rows
        self._waiting: tuple[_Waiting, _Waiting] = (defaultdict(deque), defaultdict(deque))
        self._count = 0
        self._parts: list[IO[bytes]] = []

    def add(self, old: Sequence[Row], new: Sequence[Row], *, old_number: int, new_number: int) -> None:
        """Add the next rows of both; the numbers are those of the first ones."""
        both = min(len(old), len(new))
        if old != new:
            for place in range(both):
                if old[place] != new[place]:
                    self._add(0, old_number + place, old[place])
                    self._add(1, new_number + place, new[place])
        for place in range(both, len(old)):
            self._add(0, old_number + place, old[place])
        for place in range(both, len(new)):
            self._add(1, new_number + place, new[place])
        if self._count > self._kept_rows and self._keys.whole:
            self._move_to_disk()

    def pairs(self) -> Iterator[Pair]:
        """Give what differs, in the order of the rows; of more than fits into memory, so within each of PARTS."""
        if not self._parts:
            yield from _paired(_listed(self._waiting[0]), _listed(self._waiting[1]), self._keys)
            return
        self._move_to_disk()
        for part in self._parts:
            yield from _paired(*_read_part(part), self._keys)

    def _add(self, side: int, number: int, row: Row) -> None:
        others = self._waiting[1 - side]
        partners = others.get(row)
        if partners:
            partners.popleft()
            self._count -= 1
            if not partners:
                del others[row]
            return
        self._waiting[side][row].append(number)
        self._count += 1

    def _move_to_disk(self) -> None:
        """Write the waiting rows where those that may be partners lie together."""
        if not self._parts:
            self._parts = [self._stack.enter_context(TemporaryFile()) for _ in range(PARTS)]  # noqa: SIM115  (the stack closes them)
        for side, waiting in enumerate(self._waiting):
            for row, numbers in waiting.items():
                key = orjson.dumps([row[place] for place in self._keys.identity or self._keys.whole])
                part = self._parts[zlib.crc32(key) % PARTS]
                part.writelines(orjson.dumps((side, number, row)) + b"\n" for number in numbers)
            waiting.clear()
        self._count = 0


def _read_part(part: IO[bytes]) -> tuple[list[Numbered], list[Numbered]]:
    """Read rows back, without those that have an equal partner."""
    part.seek(0)
    waiting: tuple[_Waiting, _Waiting] = (defaultdict(deque), defaultdict(deque))
    for line in part:
        side, number, cells = orjson.loads(line)
        row = tuple(cells)
        partners = waiting[1 - side].get(row)
        if partners:
            partners.popleft()
        else:
            waiting[side][row].append(number)
    return _listed(waiting[0]), _listed(waiting[1])


def _listed(waiting: _Waiting) -> list[Numbered]:
    rows = [Numbered(number, row) for row, numbers in waiting.items() for number in numbers]
    return sorted(rows, key=lambda row: row.number)


def _paired(old: list[Numbered], new: list[Numbered], keys: Keys) -> Iterator[Pair]:
    """Pair rows that differ, and give them in the order of the rows."""
    pairs: list[Pair] = []
    if keys.whole:
        old, new = _pair_by(pairs, old, new, keys.whole, unique=False)
        if keys.identity and len(keys.identity) < len(keys.whole):
            old, new = _pair_by(pairs, old, new, keys.identity, unique=True)
    else:
        old, new = _pair_by(pairs, old, new, None, unique=True)
    pairs += [Pair(row, None) for row in old]
    pairs += [Pair(None, row) for row in new]
    yield from sorted(pairs, key=_order)


def _pair_by(
    pairs: list[Pair],
    old: list[Numbered],
    new: list[Numbered],
    places: Sequence[int] | None,
    *,
    unique: bool,
) -> tuple[list[Numbered], list[Numbered]]:
    """Pair rows that agree in some cells (None: in their number); `unique`: only where one of each does."""

    def key(row: Numbered) -> Hashable:
        return row.number if places is None else tuple(row.cells[place] for place in places)

    waiting: defaultdict[Hashable, deque[Numbered]] = defaultdict(deque)
    for row in old:
        waiting[key(row)].append(row)
    counts = Counter(map(key, new)) if unique else Counter[Hashable]()
    left = []
    for row in new:
        partners = waiting.get(key(row))
        if not partners or (unique and (len(partners) > 1 or counts[key(row)] > 1)):
            left.append(row)
        else:
            pairs.append(Pair(partners.popleft(), row))
    return sorted(chain.from_iterable(waiting.values()), key=lambda row: row.number), left


def _order(pair: Pair) -> tuple[int, int]:
    """Order by the row of the new file, and what is gone by where it was."""
    row = pair.new or pair.old
    assert row is not None
    return row.number, 0 if pair.new is None else 1
