"""What our own database keeps of templates, on SQLite and PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from customer_export.model.template import KeptTemplate
from customer_export.store.templates import SqlTemplates

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def templates(engine: sa.Engine) -> SqlTemplates:
    return SqlTemplates(engine)


def save(templates: SqlTemplates, name: str, content: str) -> tuple[KeptTemplate, bool]:
    return templates.save(name, content, sha256=f"{content:0>64}", at=NOW, by="desk")


def test_versions_are_counted_and_the_same_again_is_none(templates: SqlTemplates) -> None:
    first, is_new = save(templates, "desk", "a")
    assert (first.version, is_new) == (1, True)
    assert save(templates, "desk", "a") == (first, False)
    second, _ = save(templates, "desk", "b")
    third, _ = save(templates, "desk", "a")  # what an older version said is a new one
    assert (second.version, third.version) == (2, 3)
    assert templates.find("desk") == third
    assert templates.find("desk", 2) == second
    assert templates.find("desk", 4) is None
    assert templates.versions("desk") == [third, second, first]


def test_what_was_deleted_is_gone_and_its_numbers_never_come_again(templates: SqlTemplates) -> None:
    save(templates, "desk", "a")
    assert templates.delete("desk", at=NOW)
    assert not templates.delete("desk", at=NOW)
    assert templates.find("desk") is None
    assert templates.find("desk", 1) is None
    assert templates.newest(after=None, limit=10) == []
    again, is_new = save(templates, "desk", "a")
    assert (again.version, is_new) == (2, True)
    assert templates.versions("desk") == [again]


def test_the_list_has_the_newest_of_each_page_by_page(templates: SqlTemplates) -> None:
    for name in ("c", "a", "b-1"):
        save(templates, name, "1")
    newest, _ = save(templates, "a", "2")
    first = templates.newest(after=None, limit=2)
    assert [(one.name, one.version) for one in first] == [("a", 2), ("b-1", 1)]
    assert first[0] == newest
    assert [one.name for one in templates.newest(after="b-1", limit=2)] == ["c"]


def test_of_many_who_save_each_gets_a_version_of_their_own(templates: SqlTemplates) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda number: save(templates, "desk", str(number)), range(16)))
    assert sorted(one.version for one, _ in kept) == list(range(1, 17))
