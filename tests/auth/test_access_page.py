"""What docs/access.md says is true."""

import re
from pathlib import Path

from customer_export.auth.jwt import LONGEST_TOKEN
from customer_export.auth.keys import ASYMMETRIC, FRESH, KEPT, UNKNOWN_KEY_COOLING
from customer_export.auth.policy_file import PolicyPart, parse_policy
from customer_export.auth.remembered import MOST_REMEMBERED
from customer_export.model.access import Scope
from customer_export.model.columns import PARTIAL_TYPES, ColumnType, Mask
from customer_export.model.policy import MASKABLE

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")


def rows_under(heading: str) -> list[list[str]]:
    """Give the rows of the first table under a heading, without its head."""
    _, found, after = PAGE.partition(f"\n{heading}\n")
    assert found
    table = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()[2:]]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_policy_of_the_page_is_one() -> None:
    example = re.search(r"<!-- tested: policy -->\n```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    policy = parse_policy(example[1].encode(), file="access.md")
    assert set(policy.masks.values()) == {Mask.PARTIAL}
    assert policy.seen.keys() == {"customers:export", "customers:export:finance"}
    assert all(classes <= set(MASKABLE) for classes in policy.seen.values())


def test_every_key_of_a_policy_is_told() -> None:
    rows = rows_under("## The policy file")
    assert [names_in(row[0])[0] for row in rows] == list(PolicyPart.model_fields)
    required = [name for name, field in PolicyPart.model_fields.items() if field.is_required()]
    assert [names_in(row[0])[0] for row in rows if row[1] == "required"] == required


def test_every_scope_is_told() -> None:
    told = [names_in(row[0])[0] for row in rows_under("## Scopes")]
    assert set(told) == {*Scope, "customers:export:NAME"}


def test_every_type_has_its_masks_told() -> None:
    rows = rows_under("### What a mask leaves")
    assert sorted(name for row in rows for name in names_in(row[0])) == sorted(ColumnType)
    assert {name for row in rows if row[2] != "NULL" for name in names_in(row[0])} == PARTIAL_TYPES
    assert {row[1] for row in rows} == {"NULL"}


def test_the_algorithms_of_the_page_can_be_set() -> None:
    (default,) = [row[1] for row in rows_under("## JSON Web Tokens") if names_in(row[0]) == ["EXPORT_JWT_ALGORITHMS"]]
    assert set(names_in(default)[0].split(",")) <= set(ASYMMETRIC)


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert f"{LONGEST_TOKEN:,} characters" in PAGE
    assert f"({MOST_REMEMBERED:,} of them)" in PAGE
    assert f"every {FRESH.total_seconds() / 60:g} minutes" in PAGE
    assert f"at most every {UNKNOWN_KEY_COOLING.total_seconds():g} seconds" in PAGE
    assert KEPT.total_seconds() == 3600
    assert "serve for an hour" in PAGE
