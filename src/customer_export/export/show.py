"""A look at what an export of a customer would hold: nothing is written but the record that somebody looked."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from customer_export.errors import CustomerNotFoundError
from customer_export.export.admission import ExportCall, identify
from customer_export.export.parameters import read_customer_id
from customer_export.model.access import Principal, Scope
from customer_export.model.columns import Cell
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.document import SectionStream
from customer_export.model.policy import map_for
from customer_export.model.request import Period
from customer_export.services import Services

SHOW = "show"
"""What stands in the audit in the place of a format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSection:
    """A section: how many rows there are, the first of them by column name, and how long they took to come.

    The time is of the section's count and of the query up to its first rows, with the customer's being found.
    """

    name: str
    label: str
    columns: Sequence[str]
    rows: int
    first_rows: Sequence[Mapping[str, Cell]]
    milliseconds: float

    def members(self) -> dict[str, object]:
        """Give the section as JSON members."""
        return {
            "name": self.name,
            "rows": self.rows,
            "milliseconds": round(self.milliseconds, 1),
            "firstRows": [dict(row) for row in self.first_rows],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCustomer:
    """A customer as an export would have them, a section after the other, each of its own moment."""

    customer_id: str
    title: str
    server: str
    sections: Sequence[ShownSection]

    def members(self) -> dict[str, object]:
        """Give the customer as JSON members (docs/map-check.md)."""
        return {
            "customer": {"id": self.customer_id, "title": self.title},
            "server": self.server,
            "sections": [section.members() for section in self.sections],
        }


def show_customer(
    services: Services, call: ExportCall, *, first_rows: int, monotonic: Callable[[], float] = time.monotonic
) -> ShownCustomer:
    """Read the first rows of every section. The start is on record before anything is read, and the end after it.

    Raises what an export raises, which is on record by then.
    """
    recorder, principal = identify(services, call, Scope.EXPORT)
    with recorder.recording_failures():
        customer_map = map_for(principal, services.source.map, services.policy)
        customer_id = read_customer_id(call.customer_id, customer_map.customer.key_type)
        services.source.check()  # else the first section's time would be that of looking at the schema
    recorder = recorder.about_customer(customer_id)
    recorder.starting().wait()
    with recorder.recording_failures():
        look = _Look(services, principal, customer_map, customer_id, first_rows, monotonic)
        sections = [look.at(section) for section in customer_map.sections]
        shown = ShownCustomer(customer_id=customer_id, title=look.title, server=look.server, sections=sections)
    recorder.looked(rows=sum(len(section.first_rows) for section in sections))
    return shown


class _Look:
    """Each section in a snapshot of its own, since a snapshot finds a customer once."""

    def __init__(
        self,
        services: Services,
        principal: Principal,
        customer_map: CustomerMap,
        customer_id: str,
        first_rows: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._services = services
        self._principal = principal
        self._map = customer_map
        self._customer_id = customer_id
        self._first_rows = first_rows
        self._monotonic = monotonic
        self.title = customer_id
        self.server = ""

    def at(self, section: Section) -> ShownSection:
        began = self._monotonic()
        with self._services.source.snapshot(time_zone="UTC", time_limit=self._services.limits.time) as snapshot:
            customer = snapshot.find(
                self._customer_id,
                [section],
                Period(),
                tenant=self._principal.tenant,
                titled=bool(self._map.customer.title),
            )
            if customer is None:
                raise CustomerNotFoundError(denied=self._principal.tenant is not None)
            (stream,) = customer.sections
            first_rows = _first(stream, self._first_rows)
            took = self._monotonic() - began
        self.title, self.server = customer.title, customer.snapshot.server
        return ShownSection(
            name=section.name,
            label=section.label,
            columns=[column.name for column in stream.columns],
            rows=stream.rows,
            first_rows=first_rows,
            milliseconds=took * 1000,
        )


def _first(stream: SectionStream, wanted: int) -> list[Mapping[str, Cell]]:
    names = [column.name for column in stream.columns]
    rows = (row for batch in stream.batches() for row in zip(*batch, strict=True))
    seen = list(islice(rows, max(wanted, 1)))  # one at least, so that the query has run
    return [dict(zip(names, row, strict=True)) for row in seen[:wanted]]
