"""Drafts of maps for tests: written by what `map init` is made of, read back, and counted by."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from customer_export.mapping.coverage.report import coverage_of
from customer_export.mapping.customer_table import find_customer_table, require_key
from customer_export.mapping.draft import Draft, DraftSection
from customer_export.mapping.drafting import Wishes, draft_map, without_shared
from customer_export.mapping.toml_text import map_text
from customer_export.model.catalogue import Catalogue
from customer_export.model.columns import Column
from customer_export.model.coverage import Coverage
from customer_export.model.customer_map import CustomerMap, Query
from customer_export.model.request import Period
from customer_export.source.map_file import parse_map
from customer_export.source.registry import open_survey
from databases import LONG, opened

LIMIT = timedelta(seconds=20)


@dataclass(frozen=True)
class Drafted:
    """A draft, the map that its text is, and the database that both are of."""

    url: str
    draft: Draft
    map: CustomerMap
    catalogue: Catalogue

    @property
    def coverage(self) -> Coverage:
        return coverage_of(self.map, self.catalogue)

    def section(self, name: str) -> DraftSection:
        """Give a section by its name, whether it is used or proposed."""
        return next(one for one in self.draft.sections if one.section.name == name)

    def column(self, section: str, name: str) -> Column:
        """Give a column of a section by its name."""
        return next(one.column for one in self.section(section).columns if one.column.name == name)

    def left_out(self, table: str) -> dict[str, str]:
        """Give the reasons for which columns of a table are left out; under `""` that of the whole table."""
        return {
            column: one.reason
            for one in self.draft.excluded
            if str(one.table) == table
            for column in (one.columns or ("",))
        }

    def rows(self, customer: str) -> Counter[str]:
        """Count a customer's rows in each table, by the map alone."""
        counted: Counter[str] = Counter()
        with (
            opened(self.url, self.map, connections=1) as source,
            source.snapshot(time_zone="UTC", time_limit=LONG) as snapshot,
        ):
            found = snapshot.find(customer, self.map.sections, Period())
            assert found is not None
            for section, stream in zip(self.map.sections, found.sections, strict=True):
                counted[str(self.section(section.name).table)] += stream.rows
        return +counted


def drafted(url: str, customer: str, *, key: str | None = None, by_email: bool = False) -> Drafted:
    """Draft a map of a database, and insist that its text is a map that fits."""
    with open_survey(url, statement_limit=LIMIT) as survey:
        catalogue = survey.catalogue()
        table = find_customer_table(catalogue, customer)
        wishes = Wishes(
            key=require_key(table, key), name="Test", by_natural_keys=by_email, server_time_zone=survey.time_zone()
        )
        draft = draft_map(table, catalogue, survey, wishes)
    draft = without_shared(draft, coverage_of(parsed(draft), catalogue))
    customer_map = parsed(draft)
    with opened(url, customer_map, connections=1) as source:
        source.check()
    return Drafted(url=url, draft=draft, map=customer_map, catalogue=catalogue)


def parsed(draft: Draft) -> CustomerMap:
    """Read a draft's text back, and insist that it says what the draft does."""
    read = parse_map(map_text(draft, head=["A test's map."]).encode(), file="draft.toml")
    for section, drafted_one in zip(read.sections, draft.used, strict=True):
        for name in ("name", "label", "table", "links", "lookups", "order", "time", "columns", "unique"):
            said, wanted = getattr(section, name), getattr(drafted_one.section, name)
            assert (said.sql if isinstance(said, Query) else said) == (
                drafted_one.sql or wanted if name == "table" else wanted
            ), name
    assert (read.customer, read.orders, read.excluded) == (draft.customer, draft.orders, draft.excluded)
    return read
