"""What a column that leads somewhere is called after: `fk_customer_id`, `custid` and `bestell_id` taken apart."""

import re
from collections.abc import Iterator
from functools import lru_cache

from customer_export.mapping.words import singular

SHORTEST_BEGINNING = 3  # letters of a table's name that a column may be called after: `ord_id` of `orders`

MARKS = frozenset(
    {"id", "ids", "no", "nr", "num", "number", "key", "code", "fk", "uuid", "guid", "ref", "pk", "oid", "uid"}
)
_LEADING_MARKS = frozenset({"id", "fk", "ref"})
_GLUED = re.compile(rf"(.{{3,}}?)(?:{'|'.join(sorted(MARKS, key=len, reverse=True))})")
"""A name with its mark written together: `customerid`."""


@lru_cache(maxsize=65536)
def core_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Take off a column's name what only says that it is a reference: `fk_customer_id` is `customer`."""
    core = list(words)
    while len(core) > 1 and core[-1] in MARKS:
        core.pop()
    if len(core) == len(words) and singular(core[-1]) != core[-1]:
        return ()  # `num_orders` counts them
    while len(core) > 1 and core[0] in _LEADING_MARKS:
        core.pop(0)
    return tuple(singular(word) for word in core)


def marked_core(words: tuple[str, ...]) -> str | None:
    """Give what a column is called after that says it is a reference: of `bestell_id` and `bestellid`, `bestell`."""
    core = core_of(words)
    if not core:
        return None
    glued = _GLUED.fullmatch(core[-1])
    return core[-1] if len(core) < len(words) else glued and glued[1]


def beginnings(stem: tuple[str, ...]) -> Iterator[str]:
    """Give what the last word of a table's name may be shortened to."""
    for word in stem[-1:]:
        yield from (word[:length] for length in range(SHORTEST_BEGINNING, len(word)))


def names_in(core: tuple[str, ...]) -> Iterator[str]:
    """Give what a table may be called that a column is called after; of `custid` also `cust`."""
    if not core:
        return
    yield core[-1]
    yield "".join(core)
    glued = _GLUED.fullmatch(core[-1])
    if glued is not None:
        yield singular(glued[1])


def ends_in(core: tuple[str, ...], stem: tuple[str, ...]) -> bool:
    """Whether what a column is called after is a table, by the stem of its name, and perhaps a part in front of it."""
    if not core:
        return False
    return core[-len(stem) :] == stem or "".join(stem) in names_in(core)
