"""Rows, cells and sections in another order are no longer the export, and what is said of them names the section."""

import io
import re
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.columns import ColumnType
from customer_export.model.request import ExportFormat
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome
from verify.proven import Made, make
from writers.sections import MemorySection, column, section

ROWS = 12
Change = Callable[[bytes], bytes]


def notes(name: str) -> MemorySection:
    columns = (column("id", ColumnType.INTEGER), column("note"), column("at", ColumnType.DATE))
    rows = [(str(number), f"{name} {number:02}", "2024-01-31") for number in range(1, ROWS + 1)]
    return section(name, columns, *rows)


@pytest.fixture(scope="module")
def exports() -> Mapping[ExportFormat, Made]:
    forms = (ExportFormat.CSV, ExportFormat.JSON, ExportFormat.NDJSON, ExportFormat.XLSX, ExportFormat.ZIP)
    return {form: make(form, [notes("orders"), notes("visits")]) for form in forms}


@given(seed=st.integers(0, 2**32), what=st.sampled_from(["rows", "cells", "sections"]))
def test_another_order_is_another_export(exports: Mapping[ExportFormat, Made], seed: int, what: str) -> None:
    one, other = Random(seed).sample(range(1, ROWS), 2)  # the last line of a JSON's section has no comma
    for form, made in exports.items():
        changed = reordered(form, made.data, what, one, other)
        assert changed != made.data
        # the file's own digests show any change of a byte: here rows and cells have to show it
        report = verify_file("file", io.BytesIO(changed), manifest=made.manifest, keys=None)
        assert report.outcome is Outcome.NOT_WHOLE, form
        named = {finding.section for finding in report.findings if finding.section is not None}
        assert named, (form, what, report.members())
        assert named <= {"orders", "visits"}


def reordered(form: ExportFormat, data: bytes, what: str, one: int, other: int) -> bytes:
    """Change two rows of the orders, what two of them say, or what two sections say, each for the other."""
    if form is ExportFormat.XLSX:
        sheet, next_sheet = "xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml"
        change = partial(swap_sheet_rows, one=one + 1, other=other + 1) if what == "rows" else swapping(one, other)
        return exchange(data, sheet, next_sheet) if what == "sections" else rewritten(data, sheet, change)
    if form is ExportFormat.ZIP:
        table, next_table = "csv/orders.csv", "csv/visits.csv"
        change = partial(swap_lines, one=one, other=other) if what == "rows" else swapping(one, other)
        return exchange(data, table, next_table) if what == "sections" else rewritten(data, table, change)
    match what:
        case "rows":
            return swap_lines(data, one, other)
        case "cells":
            return swapping(one, other)(data)
        case _:
            return swap_texts(data, name_of("orders", one), name_of("visits", one))


def name_of(name: str, number: int) -> bytes:
    return f"{name} {number:02}".encode()


def swapping(one: int, other: int) -> Change:
    return lambda data: swap_texts(data, name_of("orders", one), name_of("orders", other))


def swap_texts(data: bytes, one: bytes, other: bytes) -> bytes:
    return data.replace(one, b"\0").replace(other, one).replace(b"\0", other)


def swap_lines(data: bytes, one: int, other: int) -> bytes:
    lines = data.splitlines(keepends=True)
    first, second = (
        next(place for place, line in enumerate(lines) if name_of("orders", number) in line) for number in (one, other)
    )
    lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def swap_sheet_rows(xml: bytes, *, one: int, other: int) -> bytes:
    """Give each of two rows the other's cells; references stay those of the place."""
    rows = {number: re.search(rf'<row r="{number}">.*?</row>'.encode(), xml) for number in (one, other)}
    texts = {number: found[0] for number, found in rows.items() if found is not None}
    moved = {
        place: re.sub(rb'( r="[A-Z]*)[0-9]+"', rf'\g<1>{place}"'.encode(), text)
        for place, text in ((one, texts[other]), (other, texts[one]))
    }
    return xml.replace(texts[one], b"\0").replace(texts[other], moved[other]).replace(b"\0", moved[one])


def rewritten(data: bytes, member: str, change: Change) -> bytes:
    return packed({name: change(text) if name == member else text for name, text in members_of(data).items()})


def exchange(data: bytes, one: str, other: str) -> bytes:
    members = members_of(data)
    return packed({**members, one: members[other], other: members[one]})


def members_of(data: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with ZipFile(whole, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return whole.getvalue()
