"""What verify says of files that are whole, and of files that are not."""

import gzip
import io
import random
from collections.abc import Sequence
from zipfile import ZipFile

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_export.model.columns import Cell, ColumnType
from customer_export.model.request import CsvOptions, CsvProfile, ExportFormat
from customer_export.signing.keys import SigningKey
from customer_export.signing.signature import sign_members
from customer_export.verify.check import Keys, verify_file
from customer_export.verify.findings import Outcome, Report
from verify.proven import Made, make
from writers.sections import MemorySection, column, section

FORMS = (ExportFormat.CSV, ExportFormat.JSON, ExportFormat.NDJSON, ExportFormat.XLSX, ExportFormat.ZIP)
HOSTILE = (
    "",
    "'",
    "'=1",
    "=1+1",
    "\t",
    'a"b',
    "a\r\nb",
    "\r",
    "\n x ",
    "_x0041_",
    "\x01",
    "é😀",
    "a,b;c|d",
    " ",
    "null",
    "0" * 40,
)
TEXTS = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.sampled_from(("0", "-1", "007", "-0", "-0.00", "1.10", "12345678901234567890", "NaN", "Infinity", "1e5"))
CELLS: dict[ColumnType, st.SearchStrategy[str]] = {
    ColumnType.TEXT: TEXTS,
    ColumnType.IDENTIFIER: TEXTS | NUMBERS,
    ColumnType.INTEGER: st.integers().map(str) | NUMBERS | TEXTS,
    ColumnType.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False, places=3).map("{:f}".format) | NUMBERS,
    ColumnType.MONEY: st.decimals(min_value=-(10**9), max_value=10**9, places=2).map("{:f}".format) | NUMBERS,
    ColumnType.BOOLEAN: st.sampled_from(("true", "false", "maybe")),
    ColumnType.DATE: st.dates().map(str) | TEXTS,
    ColumnType.TIMESTAMP: st.sampled_from(
        (
            "2024-01-31T10:00:00+01:00",
            "2024-01-31T10:00:00+00:00",
            "2024-07-31T10:00:00.5+02:00",
            "2024-07-31T10:00:00.500+02:00",
            "2024-07-31T10:00:00.000+02:00",
            "2024-07-31T23:59:59.999999+02:00",
            "2024-10-27T02:30:00+02:00",
            "2024-10-27T02:30:00+01:00",
            "2024-03-31T02:30:00+01:00",
            "2024-03-31T12:30:00+02:00",
            "1899-01-01T00:00:00+00:53",
            "2090-07-31T23:59:59.999999+02:00",
            "not a moment",
        )
    )
    | st.datetimes().map(lambda moment: f"{moment.isoformat()}+00:00"),
    ColumnType.UUID: st.uuids().map(str),
    ColumnType.EMAIL: TEXTS | st.just("ada@example.com"),
    ColumnType.URL: TEXTS | st.just("https://example.com/?a=1&b=2"),
    ColumnType.JSON: st.sampled_from(('{"a": 1.10}', "[1,2]", '"x"', "-0", "123456789012345678901", '{"a":null}')),
    ColumnType.BINARY: st.just("binary; 3 bytes; sha256=00"),
}
COLUMNS = (
    column("id", ColumnType.INTEGER),
    *(
        column(f"c_{kind.value}", kind, currency_code="EUR" if kind is ColumnType.MONEY else None)
        for kind in ColumnType
    ),
)
OPTIONS = tuple(
    CsvOptions(delimiter=delimiter, bom=bom, profile=profile)
    for delimiter in ",;\t|"
    for bom in (False, True)
    for profile in CsvProfile
)


def rows_of(cells: st.SearchStrategy[Sequence[Cell]]) -> st.SearchStrategy[Sequence[Sequence[Cell]]]:
    return st.lists(cells, max_size=6).map(lambda rows: [(str(number), *row) for number, row in enumerate(rows)])


ANY_ROWS = rows_of(st.tuples(*(st.none() | CELLS[kind] for kind in ColumnType)))


def check(made: Made, data: bytes | None = None, *, beside: bool = True, keys: Keys | None = None) -> Report:
    file = io.BytesIO(made.data if data is None else data)
    return verify_file("file", file, manifest=made.manifest if beside else None, keys=keys)


def orders(rows: int = 50) -> MemorySection:
    columns = (column("id", ColumnType.INTEGER), column("note"), column("at", ColumnType.DATE))
    return section("orders", columns, *((str(number), f"note {number}", "2024-01-31") for number in range(1, rows + 1)))


@pytest.mark.parametrize("form", FORMS)
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_file_that_nobody_touched_is_whole(form: ExportFormat, data: st.DataObject) -> None:
    names = data.draw(st.sampled_from((("orders",), ("orders", "visits"))))
    sections = [section(name, COLUMNS, *data.draw(ANY_ROWS)) for name in names]
    options = data.draw(st.sampled_from(OPTIONS)) if form is ExportFormat.CSV else None
    zone = data.draw(st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")))

    made = make(form, sections, csv=options, time_zone=zone)
    report = check(made)

    assert report.findings == []
    assert report.canonical_sha256 == made.manifest["canonical"]["sha256"]
    assert report.outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST


@pytest.mark.parametrize("form", FORMS)
@settings(suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_file_that_was_touched_is_not_whole(form: ExportFormat, seed: int) -> None:
    chance = random.Random(seed)
    made = make(form, [orders(20)])
    data = bytearray(made.data)
    place = chance.randrange(len(data))
    match chance.choice(("flip", "cut", "append", "reorder")):
        case "flip":
            data[place] ^= 1 << chance.randrange(8)
        case "cut":
            del data[place:]
        case "append":
            data += made.data[place:]
        case _:
            data[:] = data[place:] + data[:place] if place else data + b"x"

    assert check(made, bytes(data)).outcome is Outcome.NOT_WHOLE


@pytest.mark.parametrize("form", [ExportFormat.JSON, ExportFormat.NDJSON, ExportFormat.XLSX])
@settings(suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_signed_file_that_was_touched_is_not_whole_by_itself(form: ExportFormat, seed: int) -> None:
    chance = random.Random(seed)
    key = SigningKey.generate()
    made = make(form, [orders(20)], sign=lambda members: sign_members(members, key))
    keys = {key.key_id: key.public}
    assert check(made, beside=False, keys=keys).outcome is Outcome.WHOLE
    data = bytearray(made.data)
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    assert check(made, bytes(data), beside=False, keys=keys).outcome in {Outcome.NOT_WHOLE, Outcome.UNKNOWN}


def test_a_workbook_that_was_written_again_is_another_file() -> None:
    made = make(ExportFormat.XLSX, [orders()])
    assert check(made, beside=False).outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
    again = io.BytesIO()
    with ZipFile(io.BytesIO(made.data)) as archive, ZipFile(again, "w") as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name))
    codes = {finding.code for finding in check(made, again.getvalue(), beside=False).findings}
    assert codes == {"no_end", "content_changed"}


@pytest.mark.parametrize("form", [ExportFormat.JSON, ExportFormat.NDJSON])
def test_a_file_that_holds_its_manifest_needs_no_other(form: ExportFormat) -> None:
    made = make(form, [orders()])

    assert check(made, beside=False).outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
    changed = made.data.replace(b"note 17", b"note 71")
    assert {finding.code for finding in check(made, changed, beside=False).findings} == {
        "content_changed",
        "cells_changed",
    }
    assert check(made, made.data + b" ", beside=False).outcome is Outcome.NOT_WHOLE
    assert check(made, made.data[:-200], beside=False).outcome is Outcome.NOT_WHOLE


def test_it_says_after_which_row_a_file_is_cut() -> None:
    made = make(ExportFormat.CSV, [orders()])
    report = check(made, made.data[: made.data.index(b"18,note 18")])

    assert [finding.message for finding in report.findings if finding.section] == [
        "orders has 17 rows of 50: 33 missing"
    ]


def test_it_tells_rows_in_another_order_from_cells_that_were_changed() -> None:
    made = make(ExportFormat.CSV, [orders()])
    lines = made.data.splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]

    assert "keys_changed" in {finding.code for finding in check(made, b"".join(lines)).findings}
    changed = made.data.replace(b"note 17", b"note 71")
    assert "cells_changed" in {finding.code for finding in check(made, changed).findings}
    doubled = made.data + made.data[made.data.index(b"50,note 50") :]
    assert {"file_long", "section_long"} == {finding.code for finding in check(made, doubled).findings}


@pytest.mark.parametrize("form", FORMS)
def test_a_download_may_still_be_compressed(form: ExportFormat) -> None:
    made = make(form, [orders()])
    for packed in (gzip.compress(made.data), zstandard.ZstdCompressor().compress(made.data)):
        assert check(made, packed).outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
        assert check(made, packed[:-5]).outcome is Outcome.NOT_WHOLE
        assert check(made, packed + b"x").outcome is Outcome.NOT_WHOLE


def test_the_manifest_of_another_file_is_told() -> None:
    made = make(ExportFormat.JSON, [orders()])
    other = make(ExportFormat.JSON, [orders(3)])
    other.manifest["exportId"] = "another"

    report = verify_file("file", io.BytesIO(made.data), manifest=other.manifest, keys=None)
    assert [finding.code for finding in report.findings] == ["wrong_manifest"]


def test_a_long_text_of_a_workbook_is_told_back() -> None:
    columns = (column("id", ColumnType.INTEGER), column("note"), column("other"))
    long = "".join(chr(97 + number % 26) for number in range(100_000))
    rows = [("1", long, "x"), ("2", "short", long[::-1]), ("3", "é" * 40_000, "… [nothing: Orders!B4]")]

    assert check(make(ExportFormat.XLSX, [section("orders", columns, *rows)])).findings == []


def test_the_archive_says_which_row_differs() -> None:
    made = make(ExportFormat.ZIP, [orders()])
    changed = io.BytesIO()
    with ZipFile(io.BytesIO(made.data)) as old, ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"note 17", b"note 71") if name.endswith(".csv") else content)

    broken = [finding for finding in check(made, changed.getvalue()).findings if finding.code == "broken"]
    assert [finding.after_row for finding in broken] == [16]
    assert "row 17 of orders" in broken[0].message


def test_a_signature_counts_by_a_trusted_key_only() -> None:
    key, stranger = SigningKey.generate(), SigningKey.generate()
    made = make(ExportFormat.CSV, [orders()])
    signed = Made(made.form, made.data, sign_members(made.manifest, key))

    assert check(signed).outcome is Outcome.WHOLE_BY_UNCHECKED_MANIFEST
    assert check(signed, keys={key.key_id: key.public}).outcome is Outcome.WHOLE
    assert [f.code for f in check(signed, keys={stranger.key_id: stranger.public}).findings] == ["unknown_key"]
    assert [f.code for f in check(made, keys={key.key_id: key.public}).findings] == ["not_signed"]
    forged = Made(made.form, made.data, {**signed.manifest, "requestedBy": "somebody"})
    assert [f.code for f in check(forged, keys={key.key_id: key.public}).findings] == ["signature_wrong"]


def test_without_a_manifest_nothing_can_be_told() -> None:
    made = make(ExportFormat.CSV, [orders()])
    assert check(made, beside=False).outcome is Outcome.UNKNOWN


def test_a_manifest_without_digests_proves_nothing_of_the_rows() -> None:
    made = make(ExportFormat.JSON, [orders()])
    old = {
        "manifestVersion": 1,
        **{name: made.manifest[name] for name in ("exportId", "customer", "format", "parameters")},
    }
    old["sections"] = [{"name": "orders", "rows": 50, "filtered": False}]

    assert check(Made(made.form, made.data, old)).outcome is Outcome.UNKNOWN
    assert check(Made(made.form, made.data, {**old, "file": made.manifest["file"]})).findings == []


@pytest.mark.parametrize("form", FORMS)
def test_it_says_in_which_rows_a_cell_was_changed(form: ExportFormat) -> None:
    whole, changed = orders(3_000), [list(row) for row in orders(3_000).data]
    changed[1_699][1] = "note 007"
    made, other = (make(form, [section("orders", whole.columns, *rows)]) for rows in (whole.data, changed))
    report = check(Made(form, other.data, made.manifest))

    [finding] = [finding for finding in report.findings if finding.section == "orders"]
    assert finding.code == "cells_changed"
    assert finding.rows is not None
    first, last = finding.rows
    assert first <= 1_700 <= last
    assert last - first < 200  # a record has 27 bytes, a block 4,096
    assert f"in the rows {first:,} to {last:,}, and perhaps in later ones" in finding.message
    assert finding.after_row == first - 1


def test_it_says_how_much_of_a_section_is_right() -> None:
    whole = orders(3_000)
    made = make(ExportFormat.CSV, [whole])
    lines = made.data.split(b"\r\n")
    [short] = [finding for finding in check(made, b"\r\n".join([*lines[:2_001], b""])).findings if finding.section]
    assert (short.code, short.rows) == ("section_short", None)
    assert short.after_row is not None
    assert 1_800 < short.after_row <= 2_000
    assert short.message.endswith(f"1,000 missing; the first {short.after_row:,} are as they were")
    [gone] = [
        finding for finding in check(made, b"\r\n".join(lines[:1_001] + lines[1_002:])).findings if finding.section
    ]
    assert gone.code == "section_short"
    assert gone.rows is not None
    assert gone.rows[0] <= 1_001 <= gone.rows[1]
    doubled = b"\r\n".join([*lines[:1_001], lines[1_000], *lines[1_001:]])
    [added] = [finding for finding in check(made, doubled).findings if finding.section]
    assert added.code == "section_long"
    assert added.rows is not None
    assert added.rows[0] <= 1_001 <= added.rows[1]


@settings(suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_the_rows_that_it_names_hold_the_first_change(seed: int) -> None:
    chance = random.Random(seed)
    texts = ('a"b', "a\r\nb", "\r", "\n", "'=1", "", "x" * 5_000, "é")
    rows = [[str(number), chance.choice(texts), "2024-01-31"] for number in range(1, chance.randrange(20, 300))]
    changed = [list(row) for row in rows]
    row = chance.randrange(len(rows))
    changed[row][1] = f"{changed[row][1]}!"
    form = chance.choice(FORMS)
    made, other = (make(form, [section("orders", orders().columns, *each)]) for each in (rows, changed))
    [finding] = [one for one in check(Made(form, other.data, made.manifest)).findings if one.section]
    assert finding.rows is not None or "blocks" not in made.manifest["sections"][0]
    assert finding.rows is None or finding.rows[0] <= row + 1 <= finding.rows[1]
