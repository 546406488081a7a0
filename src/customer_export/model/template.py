"""A template: named, versioned choices for exports, and what they make of a customer map.

Pure. A template only ever narrows what a caller may see: masks stay, and what the map hides cannot be chosen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache

from customer_export.model.columns import Column
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.policy import orders_left

KEPT_VIEWS = 64  # as many as of policies (model/policy.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """A column that is exported; `label` stands in place of the map's, None keeps that."""

    name: str
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionChoice:
    """A section that is exported, with its columns in their order; None are all that the map exports."""

    name: str
    label: str | None = None
    columns: tuple[ColumnChoice, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDesign:
    """How a PDF looks. `theme` (JSON) has values in place of those of the theme, `logo` is a PNG or SVG.

    `pages` is typst source that sets the pages itself; None leaves them to the report (docs/templates.md).
    """

    theme: str | None = None
    logo: bytes | None = None
    pages: str | None = None


class SummaryPlace(StrEnum):
    """Where a workbook has its Summary among its sheets."""

    FIRST = "first"
    LAST = "last"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookDesign:
    """What a workbook has beside its rows: the Summary, the charts on it, and rows of totals under money."""

    summary: SummaryPlace = SummaryPlace.FIRST
    charts: bool = True
    totals: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTemplate:
    """One version of a template. Two are equal if their content is: `sha256` (hex) is that of it.

    `parameters` are query parameters, for where a caller gives none; `sections` are in their order, None are all of the
    map's. `version` counts from 1; 0 is that of a draft, which is kept nowhere.
    """

    name: str
    version: int
    sha256: str
    description: str = field(default="", compare=False)
    parameters: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    sections: tuple[SectionChoice, ...] | None = field(default=None, compare=False)
    design: ReportDesign = field(default=ReportDesign(), compare=False)
    workbook: WorkbookDesign = field(default=WorkbookDesign(), compare=False)

    @property
    def reference(self) -> str:
        """Give the text that names this version, and no later one."""
        return f"{self.name}@{self.version}"

    def members(self) -> dict[str, object]:
        """Give what manifests say of it (docs/manifest.md)."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTemplate:
    """A version as it is kept: `content` is the text (JSON) that it was saved as; `versions` is how many there are."""

    name: str
    version: int
    content: str
    sha256: str
    saved_at: datetime
    saved_by: str


def map_by_template(customer_map: CustomerMap, template: ExportTemplate) -> CustomerMap:
    """Give the map as exports by a template show it; it has to fit. The same one each time."""
    return _kept_view(customer_map, template)


def misfits(template: ExportTemplate, customer_map: CustomerMap) -> Iterator[str]:
    """Say what of a template is not in a map, each as `place: what and the remedy`."""
    if template.sections is None:
        return
    if not template.sections:
        yield "sections: is empty; name those that are exported, or leave it out for all"
    yield from _repeated("sections", [choice.name for choice in template.sections])
    for choice in template.sections:
        section = customer_map.section(choice.name)
        if section is None:
            yield f"sections: {_unknown('section', choice.name, [one.name for one in customer_map.sections])}"
        elif choice.columns is not None:
            yield from _misfits_of(section, choice.columns)


def chosen_columns(template: ExportTemplate, customer_map: CustomerMap) -> Iterator[tuple[Section, Column]]:
    """Give the columns that a template names, with their sections; it has to fit."""
    for choice in template.sections or ():
        section = customer_map.section(choice.name)
        assert section is not None
        names = {column.name for column in choice.columns or ()}
        yield from ((section, column) for column in section.exported_columns if column.name in names)


def _misfits_of(section: Section, choices: Sequence[ColumnChoice]) -> Iterator[str]:
    place = f"sections[{section.name}].columns"
    shown = {column.name: column for column in section.exported_columns}
    names = [choice.name for choice in choices]
    if not names:
        yield f"{place}: is empty; name those that are exported, or leave it out for all"
    yield from _repeated(place, names)
    for name in names:
        if name not in shown:
            yield f"{place}: {_unknown('column', name, list(shown))}"
        elif (currency := shown[name].currency) is not None and currency not in names:
            yield f"{place}: {name} is an amount of the currency in {currency}; name that one, too"


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no {what} {name[:64]!r}; {remedy}"


def _repeated(place: str, names: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys(one for one in names if names.count(one) > 1):
        yield f"{place}: {name} is named twice; name it once"


@lru_cache(KEPT_VIEWS)
def _kept_view(customer_map: CustomerMap, template: ExportTemplate) -> CustomerMap:
    if template.sections is None:
        return customer_map
    sections = tuple(_chosen(customer_map, choice) for choice in template.sections)
    orders = customer_map.orders
    return replace(
        customer_map,
        sections=sections,
        orders=None if orders is None else orders_left(orders, sections),
    )


def _chosen(customer_map: CustomerMap, choice: SectionChoice) -> Section:
    section = customer_map.section(choice.name)
    assert section is not None
    if choice.label is not None:
        section = replace(section, label=choice.label)
    if choice.columns is None:
        return section
    by_name = {column.name: column for column in section.columns}
    shown = [_labelled(by_name.pop(one.name), one.label) for one in choice.columns]
    # the others are still there to sort and to filter by
    return replace(section, columns=(*shown, *(replace(column, hidden=True) for column in by_name.values())))


def _labelled(column: Column, label: str | None) -> Column:
    return column if label is None else replace(column, label=label)
