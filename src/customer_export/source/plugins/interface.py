"""What a plug-in is: a function that gives the rows of a section from anywhere but the customers' database.

It is installed as an entry point of the group `customer_export.sections`, and a map names it (docs/plugins.md):

    [project.entry-points."customer_export.sections"]
    helpdesk = "acme_helpdesk:tickets"
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, TypeAlias
from uuid import UUID

from customer_export.model.columns import Cell, Column
from customer_export.model.request import Period

ENTRY_POINTS = "customer_export.sections"

PluginValue: TypeAlias = str | int | Decimal | bool | date | datetime | UUID | bytes | None
"""What a cell may be. Each becomes the canonical text of its column's type exactly, or the export fails.

A `str` must be canonical text already (docs/columns.md). A float is refused, as it is not exact: read JSON with
`json.loads(text, parse_float=Decimal)`. A `datetime` has to be aware. `bytes` are for binary columns.
"""

PluginRow: TypeAlias = Mapping[str, PluginValue] | Sequence[PluginValue]
"""A row: by the `source` names of the map's columns (hidden ones may be there), or in the order of `columns`."""


class PluginError(Exception):
    """Raise it where the rows cannot be had. Its text stands in the answer: it must hold nothing personal or secret.

    Of any other exception only the class is told.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRequest:
    """What a plug-in is asked for: one section of one customer.

    `customer_key` is the customer's key in its canonical text, `given` the values of the customer's columns that the
    map lists, as text. Outside of `period`, rows are left out whether the plug-in gives them or not; it is unbounded
    where the section has no `time`. Moments may have any zone and are exported in `time_zone` (IANA). `columns` are
    those that leave; `options` are the map's. `ends_at` is when the export's time is up, by `time.monotonic`.
    """

    section: str
    customer_key: str
    customer_title: str
    given: Mapping[str, Cell]
    period: Period
    time_zone: str
    columns: tuple[Column, ...]
    options: Mapping[str, object]
    ends_at: float
    cancelled: Callable[[], bool]

    def remaining_seconds(self) -> float:
        """Say how much time there is: what to give as time-out to whatever is called. Raises PluginError at the end."""
        remaining = self.ends_at - time.monotonic()
        if remaining <= 0 or self.cancelled():
            raise PluginError("the export has ended or run out of time")
        return remaining


class SectionPlugin(Protocol):
    """A function, or any object that can be called: best a generator, which is closed when an export ends early.

    It is called in a thread of its own, once for each export, by several exports at a time. All its rows are taken,
    in its order, before the export's first byte. It need not hold more than one: rows are kept in a file.
    """

    def __call__(self, request: SectionRequest, /) -> Iterable[PluginRow]:
        """Give all rows of the customer. Whatever it raises ends the export, and nothing of it is taken for whole."""
