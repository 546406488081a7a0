"""Values as databases store them, and the canonical texts that they have."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from customer_export.model.columns import Cell
from customer_maps import make_map, section
from databases import Database, opened, read

NAIVE_ZONE = "Europe/Berlin"


@dataclass(frozen=True)
class Stored:
    """A value, `literal` of the column type `stored`, and the canonical text it has in a column of type `kind`."""

    kind: str
    stored: str
    literal: str
    text: Cell
    zone: str = "UTC"

    def __str__(self) -> str:
        return f"{self.kind} in {self.stored}: {self.literal[:40]} in {self.zone}"


def described(content: bytes) -> str:
    return f"binary; {len(content)} bytes; sha256={hashlib.sha256(content).hexdigest()}"


Texts = Mapping[Stored, Cell]


def read_all(database: Database, cells: list[Stored]) -> Texts:
    """Store each value in a table of its own and read every zone's in one export.

    Customer 1 has the value alone and customer 2 has it between NULLs: neighbours must not change a cell.
    """
    statements = [
        f"CREATE TABLE s{number} (id INTEGER NOT NULL PRIMARY KEY, customer_id INTEGER, value {cell.stored});"
        f"INSERT INTO s{number} (id, customer_id, value)"
        f" VALUES (1, 1, {cell.literal}), (2, 2, NULL), (3, 2, {cell.literal}), (4, 2, NULL);"
        for number, cell in enumerate(cells)
    ]
    database.execute("\n".join(statements))
    columns = [
        {"name": "value", "type": cell.kind, "personal_data": "none"}
        | ({"currency_code": "EUR"} if cell.kind == "money" else {})
        for cell in cells
    ]
    sections = [section(f"s{number}", [column]) for number, column in enumerate(columns)]
    texts: dict[Stored, Cell] = {}
    with opened(database.url, make_map(*sections, time_zone=NAIVE_ZONE)) as source:
        for zone in {cell.zone for cell in cells}:
            names = {f"s{number}": cell for number, cell in enumerate(cells) if cell.zone == zone}
            alone = read(source, "1", sections=list(names), time_zone=zone)
            beside = read(source, "2", sections=list(names), time_zone=zone)
            for name, cell in names.items():
                assert beside[name] == [(None,), *alone[name], (None,)], cell
                ((texts[cell],),) = alone[name]
    return texts
