"""Try a draft on a customer who has rows: find one, and count them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from customer_export.errors import ExportError, ExportTimeoutError
from customer_export.mapping.draft import Draft
from customer_export.model.customer_map import Section, TableName
from customer_export.model.request import Period
from customer_export.source.interface import Source, Survey

SAMPLED_ROWS = 500  # of each section that leads straight to customers: enough to meet somebody who is in most of them
TRIED_CUSTOMERS = 3
COUNT_LIMIT = timedelta(seconds=20)  # for counting one customer; without indexes a large table takes longer


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledCustomer:
    """A customer who is there, and how many rows each section has of them; None where counting took too long."""

    id: str
    rows: Mapping[str, int] | None


def sample_customer(source: Source, draft: Draft, survey: Survey) -> SampledCustomer | None:
    """Choose a customer with rows in as many sections as can be; None if there are no customers."""
    best: SampledCustomer | None = None
    for customer_id in _likely(draft, survey):
        try:
            rows = _count(source, customer_id, source.map.sections)
        except ExportTimeoutError:
            return SampledCustomer(id=customer_id, rows=None)
        if rows is not None and (best is None or best.rows is None or _filled(rows) > _filled(best.rows)):
            best = SampledCustomer(id=customer_id, rows=rows)
    return best


def failing_sections(source: Source, draft: Draft, survey: Survey) -> dict[str, str]:
    """Say which sections the database refuses to count, and why; those that only take long are none."""
    customer_id = next(iter(_likely(draft, survey)), None)
    if customer_id is None:
        return {}
    try:
        _count(source, customer_id, source.map.sections)
    except ExportTimeoutError:
        return {}
    except ExportError:
        return dict(_refusals(source, customer_id))
    return {}


def _refusals(source: Source, customer_id: str) -> list[tuple[str, str]]:
    refused: list[tuple[str, str]] = []
    for section in source.map.sections:
        try:
            _count(source, customer_id, [section])
        except ExportTimeoutError:
            continue
        except ExportError as failure:
            refused.append((section.name, failure.message))
    return refused


def _count(source: Source, customer_id: str, sections: Sequence[Section]) -> Mapping[str, int] | None:
    with source.snapshot(time_zone="UTC", time_limit=COUNT_LIMIT) as snapshot:
        found = snapshot.find(customer_id, sections, Period())
        return None if found is None else {stream.name: stream.rows for stream in found.sections}


def _filled(rows: Mapping[str, int]) -> tuple[int, int]:
    return sum(count > 0 for count in rows.values()), sum(rows.values())


def _likely(draft: Draft, survey: Survey) -> list[str]:
    """Give ids of customers, those first who are met in the most sections, then in the most rows."""
    sections, rows = Counter[str](), Counter[str]()
    for section in draft.used:
        for link in section.section.links:
            if len(link) == 1 and link[0].to == (draft.customer.key,) and section.table != draft.customer.table:
                met = _values(survey, section.table, link[0].columns[0])
                sections.update(set(met))
                rows.update(met)
    ranked = sorted(sections, key=lambda one: (-sections[one], -rows[one], one))
    anybody = _values(survey, draft.customer.table, draft.customer.key)
    return list(dict.fromkeys([*ranked[:TRIED_CUSTOMERS], *anybody[:1]]))


def _values(survey: Survey, table: TableName, column: str) -> list[str]:
    read = survey.rows(table, [column], most_rows=SAMPLED_ROWS)
    return [value for value in (read[0] if read else ()) if value]
