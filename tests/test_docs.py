"""What the documentation says is true: its links, tables, examples and commands are held against the code."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from customer_export.api.app import create_app
from customer_export.api.problem import STATUS
from customer_export.compose import open_services
from customer_export.errors import MapError, MapMismatchError
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.parameters import ExportParameters
from customer_export.export.pipeline import start_export
from customer_export.export.record import INTERNAL_ERROR
from customer_export.model.access import LocalOperator
from customer_export.model.audit import AuditRecord
from customer_export.model.columns import ColumnType
from customer_export.model.request import ExportFormat
from customer_export.settings import Settings
from customer_export.source.map_document import (
    ColumnPart,
    CustomerPart,
    DsarPart,
    ExclusionPart,
    LinkStepPart,
    MapPart,
    OrdersPart,
    Part,
    ReconcilePart,
    RecordedTablePart,
    SectionPart,
)
from customer_export.source.map_file import parse_map
from customer_export.source.sqlite.source import SqliteSource
from customer_export.writers.interface import Writer

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

SHOP = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, password TEXT NOT NULL, joined_at TEXT NOT NULL
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, number TEXT NOT NULL, user_id INTEGER REFERENCES users, guest_email TEXT,
    placed_at TEXT NOT NULL, currency TEXT NOT NULL, total NUMERIC(12, 2) NOT NULL
);
INSERT INTO users VALUES (42, 'Ada Bergström', 'ada@example.com', 'secret', '2024-02-29 08:30:00');
INSERT INTO orders VALUES
    (1, '0001', 42, NULL, '2024-03-01 10:00:00', 'EUR', 12.5),
    (2, '0002', NULL, 'ADA@example.com', '2024-04-01 11:00:00', 'EUR', 4),
    (3, '0003', 7, 'ada@example.com', '2024-04-02 11:00:00', 'EUR', 9);
"""
"""A shop that the README's map fits; the third order is another user's."""

SUBSCRIBERS = "CREATE TABLE subscribers (id INTEGER PRIMARY KEY, email TEXT NOT NULL);"
"""The table of the map in docs/map.md."""


def text_of(page: str | Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def marked(page: str | Path, mark: str) -> list[str]:
    """Give the code blocks of a page that stand under `<!-- tested: mark -->`."""
    found = re.findall(rf"<!-- tested: {re.escape(mark)} -->\n```\w*\n(.*?)```", text_of(page), re.DOTALL)
    assert found, f"{page} has no block marked {mark!r}"
    return list(found)


def rows_under(page: str, heading: str) -> list[list[str]]:
    """Give the rows of all tables between a heading and the next one of its rank or above, without their heads."""
    _, found, after = f"\n{text_of(page)}".partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    rank = len(heading) - len(heading.lstrip("#"))
    body = re.split(rf"\n#{{1,{rank}}} ", after)[0]
    return [row for table in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE) for row in cells_of(table)[2:]]


def cells_of(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def first_names(rows: list[list[str]]) -> list[str]:
    return [name for row in rows for name in names_in(row[0])]


# Links


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """Name a page's headings as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text_of(page), flags=re.S | re.M), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    shown = re.sub(r"<!--.*?-->", "", without_code(text_of(page)), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", shown):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors_of(linked), f"{page.name} links to {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page not in PAGES:
            continue
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", without_code(text_of(page)))
        linked = [(page.parent / target).resolve() for target in targets if not re.match(r"[a-z]+:", target)]
        waiting += [target / "README.md" if target.is_dir() else target for target in linked]
    assert set(PAGES) - reached == set()


# Tables


def test_the_errors_page_has_every_code_with_its_status() -> None:
    documented = {names_in(row[0])[0]: int(row[1]) for row in rows_under("docs/errors.md", "## Codes")}
    admitted = {kind.code: status.value for kind, status in STATUS.items()}
    assert documented == {**admitted, INTERNAL_ERROR: 500, "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405}


def test_the_settings_page_has_every_variable_with_its_default() -> None:
    documented = {names_in(row[0])[0]: row[1] for row in rows_under("docs/settings.md", "# Settings") if len(row) == 3}
    assert documented == {name.upper(): as_written(field.default) for name, field in Settings.model_fields.items()}


def as_written(default: object) -> str:
    match default:
        case None:
            return "unset"
        case "" | SecretStr():
            return "none"
        case bool():
            return f"`{str(default).lower()}`"
        case _:
            return f"`{default}`"


def test_the_http_page_has_every_parameter() -> None:
    known = [field.alias or name for name, field in ExportParameters.model_fields.items()]
    documented = [name for row in rows_under("docs/http.md", "## Export") if len(row) == 3 for name in names_in(row[0])]
    assert documented == known


def test_the_http_page_has_every_endpoint() -> None:
    paths = create_app(Settings()).openapi()["paths"]
    known = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert known == {name for row in cells_of_first_table("docs/http.md") for name in names_in(row[0])}


def cells_of_first_table(page: str) -> list[list[str]]:
    table = re.search(r"(?:^\|.*\n)+", text_of(page), re.MULTILINE)
    assert table is not None
    return cells_of(table[0])[2:]


def test_the_columns_page_has_every_type_in_its_order() -> None:
    documented = [name for row in cells_of_first_table("docs/columns.md") for name in names_in(row[0])]
    assert documented == [kind.value for kind in ColumnType]


@pytest.mark.parametrize(
    ("heading", "part"),
    [
        ("## `[customer]`", CustomerPart),
        ("## `[orders]`", OrdersPart),
        ("### Columns", ColumnPart),
        ("### Links", LinkStepPart),
        ("## `[[reconcile]]`", ReconcilePart),
        ("## `[[exclude]]`", ExclusionPart),
        ("## `[dsar]`", DsarPart),
        ("## `[[recorded]]`", RecordedTablePart),
    ],
)
def test_the_map_page_has_every_key(heading: str, part: type[Part]) -> None:
    rows = rows_under("docs/map.md", heading)
    assert first_names(rows) == list(part.model_fields)
    required = [name for name, field in part.model_fields.items() if field.is_required()]
    assert [names_in(row[0])[0] for row in rows if row[1] == "required"] == required


def test_the_map_page_has_every_key_of_a_section_and_of_the_file() -> None:
    section = [row for row in rows_under("docs/map.md", "## `[[sections]]`") if len(row) == 3]
    assert first_names(section)[: len(SectionPart.model_fields)] == list(SectionPart.model_fields)
    tables = {"customer", "orders", "sections", "reconcile", "exclude", "dsar", "recorded"}
    assert set(first_names(rows_under("docs/map.md", "## The head"))) == set(MapPart.model_fields) - tables


def test_the_operations_page_has_every_column_of_the_audit() -> None:
    documented = first_names(rows_under("docs/operations.md", "## The audit"))
    assert set(documented) == {"sequence", *(field.name for field in fields(AuditRecord))}


# Maps


def test_an_example_of_a_map_loads() -> None:
    for example in marked("docs/map.md", "map"):
        assert parse_map(example.encode(), file="docs/map.md").sections


def plain(text: str) -> str:
    """Undo what Markdown needs to show a message: quotes for backticks, an ellipsis for what goes on and on."""
    return text.replace("`", "'").partition("…")[0]


def told_remedies() -> list[str]:
    rows = rows_under("docs/map.md", "## Mistakes and remedies")
    return [plain(row[0].strip("`")) for row in rows]


PROFILE_END = 'personal_data = "contact" },\n]\n'
LOOKUP = '[[sections.lookups]]\nname = "person"\ncolumns = "email"\ntable = "subscribers"\nto = "email"\n'  # not unique
TABLE = 'table = "subscribers"\nlinks = [[{ columns = "id" }]]\n'
MISTAKES = [
    ('type = "email"', 'type = "email", typ = "email"'),
    ('order = ["id"]\n', ""),
    ('type = "email"', 'type = "mail"'),
    ('type = "email"', 'type = "money"'),
    ('type = "email"', 'type = "email", source = "person.email"'),
    ('{ columns = "id" }', '{ columns = "id", table = "people", to = "id" }'),
    (TABLE, f"{TABLE}sql = 'SELECT * FROM subscribers WHERE id = :customer'\n"),
    (TABLE, "sql = 'SELECT * FROM subscribers'\n"),
    (TABLE, "sql = 'WITH d AS (DELETE FROM subscribers WHERE id = :customer RETURNING *) SELECT * FROM d'\n"),
    (TABLE + 'order = ["id"]\n', "plugin = 'helpdesk'\n"),
    (PROFILE_END, PROFILE_END.replace(" },", ", hidden = true },")),
    ('name = "Newsletter"', 'name = "Newsletter"\ntime_zone = "CEST"'),
    ('[customer]\ntable = "subscribers"', '[customer]\ntable = "subscriber"'),
    ('type = "email"', 'type = "email", source = "mail"'),
    ('key = "id"', 'key = "email"'),
    ('order = ["id"]', 'order = ["email"]'),
    (PROFILE_END, PROFILE_END + LOOKUP),
    ('{ columns = "id" }', '{ columns = "id", only_if_zero = "email" }'),
    (TABLE, "sql = 'SELECT * FROM subscriber WHERE id = :customer'\n"),
]
"""What to change in the map of docs/map.md to make each mistake of its tables, in their order."""


@pytest.mark.parametrize(("mistake", "told"), list(zip(MISTAKES, told_remedies(), strict=True)), ids=str)
def test_a_mistake_in_a_map_is_told_as_the_map_page_says(tmp_path: Path, mistake: tuple[str, str], told: str) -> None:
    (example,) = marked("docs/map.md", "map")
    assert mistake[0] in example
    with closing(sqlite3.connect(tmp_path / "newsletter.db")) as database:
        database.executescript(SUBSCRIBERS)
    with pytest.raises((MapError, MapMismatchError)) as caught:
        check_map(example.replace(*mistake), tmp_path / "newsletter.db")
    assert told in plain(caught.value.message)


def check_map(text: str, database: Path) -> None:
    """Do with a map what the start of the server does."""
    SqliteSource(database, parse_map(text.encode(), file="map.toml"), connections=1).check()


# Commands

PROGRAMS = Path(sys.executable).parent


def environment(**changes: str) -> Mapping[str, str]:
    """Give this process's environment without settings of the program, with its commands on the path."""
    ours = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return {**inherited, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", **changes}


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    """A folder with the shop of docs/map.md and its map."""
    (example,) = marked("docs/map.md", "shop map")
    (tmp_path / "map.toml").write_text(example, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.executescript(SHOP)
    return tmp_path


def run_blocks(page: str, folder: Path) -> str:
    """Run the marked shell blocks of a page, as one script, after the first of the README's; give what they print."""
    return run_script("\n".join([*marked("README.md", "sh")[:1], *marked(page, "sh")]), folder)


def run_script(script: str, folder: Path, *, exit_code: int = 0) -> str:
    """Run shell commands in a folder; give what they print."""
    command = ["bash", "-c", f"set -eu\n{script}"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, done.stderr
    return done.stdout


def test_the_five_steps_of_the_readme_give_the_customer_with_their_guest_orders(shop_folder: Path) -> None:
    (shop_folder / "map.toml").unlink()  # the second step writes it
    run_blocks("README.md", shop_folder)
    assert (shop_folder / "customer.csv").read_text(encoding="utf-8").splitlines() == [
        "section,id,name,email,joined_at,number,user_id,guest_email,placed_at,currency,total",
        "profile,42,Ada Bergström,ada@example.com,2024-02-29T08:30:00+00:00,,,,,,",
        "orders,1,,,,0001,42,,2024-03-01T10:00:00+00:00,EUR,12.50",
        "orders,2,,,,0002,,ADA@example.com,2024-04-01T11:00:00+00:00,EUR,4.00",
    ]


def test_the_page_of_map_init_shows_the_way_from_a_url_to_a_pdf(shop_folder: Path) -> None:
    (shop_folder / "map.toml").unlink()
    shown = marked("docs/map-init.md", "transcript")
    for transcript in shown:
        command, _, told = transcript.removeprefix("$ ").partition("\n")
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=shop_folder,
            env=environment(DATABASE_URL="sqlite:///own.db"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert settled(done.stdout + done.stderr) == settled(told), command
    assert [path.read_bytes()[:5] for path in shop_folder.glob("customer-42-*.pdf")] == [b"%PDF-"]


def settled(output: str) -> list[str]:
    """Leave out of an output what is another each time: versions, moments, sizes and digests."""
    text = re.sub(r"SQLite [\d.]+", "SQLite", output)
    text = re.sub(r"customer-42-\d+\.pdf: 3 rows, .*", "customer-42.pdf: 3 rows", text)
    return [line.rstrip() for line in text.strip().splitlines()]


def test_the_manifest_page_proves_a_file_and_shows_every_member(shop_folder: Path) -> None:
    assert "customer.csv: OK" in run_blocks("docs/manifest.md", shop_folder)
    shown = re.search(r"```json\n(.*?)```", text_of("docs/manifest.md"), re.DOTALL)
    assert shown is not None
    made = json.loads((shop_folder / "manifest.json").read_text(encoding="utf-8"))
    described = {place for place in places_in(json.loads(shown[1])) if not place.startswith("alterations[]")}
    assert described - {"parameters.sections", "parameters.from"} == set(places_in(made))


def test_the_page_of_signatures_checks_one_by_hand(shop_folder: Path) -> None:
    assert "Signature Verified Successfully" in run_blocks("docs/signing.md", shop_folder)


def test_the_page_of_erasure_purges_and_checks_the_receipt_by_hand(shop_folder: Path) -> None:
    printed = run_blocks("docs/erasure.md", shop_folder)
    assert printed.startswith("cached unknown\njobs 0\n")
    assert ": whole\n" in printed
    assert "Signature Verified Successfully" in printed


def places_in(node: object, place: str = "") -> Iterator[str]:
    """Name every member of a JSON document by its path; the items of a list share one."""
    if isinstance(node, dict):
        for name, member in node.items():
            yield from places_in(member, f"{place}.{name}".removeprefix("."))
    elif isinstance(node, list):
        for item in node:
            yield from places_in(item, f"{place}[]")
    else:
        yield place


def test_the_page_of_the_check_shows_what_a_new_table_and_column_make_of_it(shop_folder: Path) -> None:
    record, look = marked("docs/map-check.md", "check")
    set_up = marked("README.md", "sh")[0]
    change = "CREATE TABLE wishlists (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, title TEXT);"
    run_script(set_up + record, shop_folder)
    with closing(sqlite3.connect(shop_folder / "shop.db")) as database:
        database.executescript(f"{change} ALTER TABLE orders ADD COLUMN voucher TEXT;")
    found = run_script(set_up + look, shop_folder, exit_code=1)
    (shown,) = marked("docs/map-check.md", "check output")
    assert after_the_head(shown) == after_the_head(found)


def test_the_page_of_the_check_shows_a_customer(shop_folder: Path) -> None:
    (look,) = marked("docs/map-check.md", "show")
    found = run_script(marked("README.md", "sh")[0] + look, shop_folder)
    (shown,) = marked("docs/map-check.md", "show output")
    assert without_times(after_the_head(shown)) == without_times(after_the_head(found))


def without_times(output: str) -> str:
    return re.sub(r"[\d.]+ ms", "some ms", output)


def after_the_head(output: str) -> str:
    """Leave out the line with the versions."""
    return output.partition("\n")[2].strip()


def test_the_operations_page_shows_how_tokens_come_and_go(shop_folder: Path) -> None:
    printed = run_blocks("docs/operations.md", shop_folder)
    assert printed.startswith("cex_")
    assert "valid" in printed


def test_the_readme_lists_the_commands_as_the_program_does() -> None:
    shown = subprocess.run(
        [PROGRAMS / "customer-export", "--help"],
        env=environment(COLUMNS="200", TERM="dumb", NO_COLOR="1"),
        capture_output=True,
        text=True,
        check=True,
    )
    _, _, commands = shown.stdout.partition("Commands")
    (listed,) = marked("README.md", "help")
    assert [line.split(maxsplit=1) for line in listed.splitlines()] == [
        list(found) for found in re.findall(r"^│ (\S+) +(.*?) *│$", commands, re.MULTILINE)
    ]


# Pictures and code


def export_bytes(settings: Settings, customer_id: str, sections: str, writer: Writer | None = None) -> bytes:
    """Export some sections as CSV, or with another writer in its place, through the whole pipeline."""
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=[("format", "csv"), ("sections", sections)],
        credentials=LocalOperator(user="reader"),
        client=None,
    )
    with open_services(settings) as services:
        writers = services.writers if writer is None else {**services.writers, ExportFormat.CSV: writer}
        started = start_export(replace(services, writers=writers), call, cancellation=Cancellation())
        try:
            return b"".join(started.pieces())
        finally:
            started.close()


@pytest.fixture
def demo_settings(tmp_path: Path, demo_shop: Path) -> Settings:
    return Settings(
        source_url=f"sqlite:///{demo_shop}", source_map=None, database_url=f"sqlite:///{tmp_path / 'own.db'}"
    )


def test_the_picture_shows_what_the_demo_exports(demo_settings: Settings) -> None:
    root = ElementTree.parse(DOCS / "images" / "export.svg").getroot()
    lines = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    header = next(number for number, line in enumerate(lines) if line.startswith("order,position"))
    shown = lines[header : header + 8]
    exported = export_bytes(demo_settings, "33333333-0000-4000-8000-000000000000", "order_items").decode().splitlines()
    # a smaller shop numbers its orders otherwise
    assert [line.partition(",")[2] for line in shown] == [line.partition(",")[2] for line in exported[:8]]
    digests = re.findall(r"[0-9a-f]{64}", "\n".join(lines))
    assert len(digests) == 2
    assert len(set(digests)) == 1


def test_the_writer_of_the_architecture_page_writes(demo_settings: Settings) -> None:
    (code,) = marked("docs/architecture.md", "writer")
    module: dict[str, object] = {}
    exec(compile(code, "tsv.py", "exec"), module)
    writer = module["TsvWriter"]
    assert callable(writer)
    lines = export_bytes(demo_settings, "bad00000-0000-4000-8000-000000000000", "notes", writer()).decode().split("\n")
    assert lines[0] == "section\twritten_at\tauthor\tsubject\tbody"
    assert {line.count("\t") for line in lines[:-1]} == {4}
    assert any("\\n" in line for line in lines)
