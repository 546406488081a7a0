"""What the cover says, as people read it; cover_blocks.py and charts.py say how it looks."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision

from customer_export.model.document import Document
from customer_export.writers.locale import Locale, Word
from customer_export.writers.pdf.figures import CurrencyFigures, Figures

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_MONTHS_MAX = 36
"""Columns that stay readable in the width of a page; a longer history is shown by year."""

_NARROW_BLANK = "\N{NARROW NO-BREAK SPACE}"

_DIRECTION_MARKS = re.compile("[\u200e\u200f\u061c]")
_OF_RUNNING_TEXT = re.compile("[\u202f\u200e\u200f\u061c]")
_SYMBOLS_OF_LATIN = str.maketrans("", "", "\u00a0€£¥")

_LEFT_TO_RIGHT, _END_OF_DIRECTION = "\N{LEFT-TO-RIGHT ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"

_YEARS_MAX = 60
_LABELS_MAX = 12  # in the width of the page

_STATUSES_MAX = 8
_STATUS_CHARACTERS = 40
_TITLE_CHARACTERS = 300
"""The cover's own room. The title and the statuses are whole in the sections."""
_CHARTS_MAX = 2
"""Charts of spending, one a currency, beside each other: more would be too narrow."""

_TILES_OF_CURRENCIES_MAX = 6

_MISMATCHES_MAX = 8
"""Of each rule: enough to see what they have in common, and not more than half a page."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Who, what, when or from where."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart: `share` of the longest from 0 to 1; an empty `label` is left out, to make room for others."""

    label: str
    share: float
    value: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart; `alternative` says in words what it shows."""

    title: str
    alternative: str
    highest: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What the cover says of the customer, in the words of a locale. The contents are not in it."""

    title: str
    customer: str
    description: str
    facts: Sequence[Fact]
    tiles: Sequence[Tile]
    months: Sequence[Chart]
    statuses: Chart | None
    not_adding_up: Sequence[Fact] = ()


def describe_cover(*, document: Document, locale: Locale, figures: Figures) -> Cover:
    """Gather what the cover says."""
    has_orders = figures.orders > 0
    return Cover(
        title=locale.word(Word.TITLE),
        customer=shortened(document.customer_title or document.request.customer_id, _TITLE_CHARACTERS),
        description=locale.word(Word.DESCRIPTION, source=document.map_name),
        facts=_facts(document, locale),
        not_adding_up=list(_not_adding_up(document, locale)),
        tiles=_tiles(figures, locale) if has_orders else (),
        months=_month_charts(figures, locale) if has_orders else (),
        statuses=_status_chart(figures, locale) if has_orders else None,
    )


CANONICAL_DIGEST = "SHA-256 (CSV)"
"""Of the rows as `format=csv` has them; a name in every language."""


def local_time(moment: datetime, *, document: Document, locale: Locale) -> str:
    """Write a moment in the export's time zone."""
    local = moment.astimezone(ZoneInfo(document.request.time_zone))
    return plain_blanks(locale.format_timestamp(local.isoformat(timespec="seconds")))


def shortened(text: str, characters: int) -> str:
    """Return a text, or how it begins where it is longer."""
    return text if len(text) <= characters else f"{text[:characters]}…"


def plain_blanks(text: str) -> str:
    """Rid a number or a time of what CLDR puts in for running text and a table's font needn't have.

    Narrow blanks become ordinary ones. Marks of direction go where all else is Latin: alone in a cell it reads from
    left to right anyway, and with them `-1,234.50 US$` falls apart.
    """
    if _OF_RUNNING_TEXT.search(text) is None:
        return text
    text = text.replace(_NARROW_BLANK, "\N{NO-BREAK SPACE}")
    bare = _DIRECTION_MARKS.sub("", text)
    return bare if bare.translate(_SYMBOLS_OF_LATIN).isascii() else text


def _facts(document: Document, locale: Locale) -> list[Fact]:
    request = document.request
    snapshot = local_time(datetime.fromisoformat(document.snapshot_at), document=document, locale=locale)
    facts = (
        (Word.CUSTOMER_ID, request.customer_id),
        (Word.PERIOD, _period(document, locale)),
        (Word.SNAPSHOT_TAKEN, snapshot),
        (Word.TIME_ZONE, request.time_zone),
        (Word.EXPORT_ID, document.export_id),
        (Word.REQUESTED_BY, document.requested_by),
        (Word.CREATED, local_time(document.created_at, document=document, locale=locale)),
        (Word.DATA_SOURCE, f"{document.map_name} ({document.map_version})"),
    )
    digest = document.marks().canonical_sha256
    proof = [Fact(CANONICAL_DIGEST, digest)] if digest else []
    return [*(Fact(locale.word(word), value) for word, value in facts), *proof]


def _not_adding_up(document: Document, locale: Locale) -> Iterator[Fact]:
    """Say of each rule which totals are not the sums of their parts; the manifest has more of them."""
    for check in document.totals():
        for one in check.samples[:_MISMATCHES_MAX]:
            amounts = ((Word.TOTAL, one.total), (Word.SUM_OF_PARTS, one.sum), (Word.DIFFERENCE, one.difference))
            written = [f"{locale.word(word)}: {_written(text, one.currency, locale)}" for word, text in amounts]
            yield Fact(f"{check.label} · {shortened(one.key, _STATUS_CHARACTERS)}", " · ".join(written))
        more = check.mismatched - len(check.samples[:_MISMATCHES_MAX])
        if more > 0:
            yield Fact(check.label, locale.word(Word.MORE_COUNT, count=more))


def _written(text: str, currency: str | None, locale: Locale) -> str:
    """Write an amount of a rule with no fewer decimals than its currency, if it has one; what is no number stays."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    exponent = amount.as_tuple().exponent
    least = get_currency_precision(currency.upper()) if currency else 0
    decimals = max(least, -exponent) if isinstance(exponent, int) else least
    return _amount(Decimal(f"{amount:.{decimals}f}"), currency or "", locale)


def _period(document: Document, locale: Locale) -> str:
    period = document.request.period
    start = None if period.start is None else local_time(period.start, document=document, locale=locale)
    end = None if period.end is None else local_time(period.end, document=document, locale=locale)
    if start is not None and end is not None:
        return locale.word(Word.PERIOD_FROM_BEFORE, start=start, end=end)
    if start is not None:
        return locale.word(Word.PERIOD_FROM, start=start)
    if end is not None:
        return locale.word(Word.PERIOD_BEFORE, end=end)
    return locale.word(Word.ALL_TIME)


def _tiles(figures: Figures, locale: Locale) -> list[Tile]:
    tiles = [Tile(locale.word(Word.NUMBER_OF_ORDERS), locale.format_integer(str(figures.orders)))]
    currencies = _by_orders(figures)
    several = len(currencies) > 1
    for code, sums in currencies[:_TILES_OF_CURRENCIES_MAX]:
        note = f"{locale.word(Word.ORDERS)}: {locale.format_integer(str(sums.orders))}" if several else ""
        tiles.append(Tile(locale.word(Word.TOTAL_SPENT), _amount(sums.total, code, locale), note))
    if len(currencies) > _TILES_OF_CURRENCIES_MAX:
        more = len(currencies) - _TILES_OF_CURRENCIES_MAX
        tiles.append(Tile(locale.word(Word.TOTAL_SPENT), locale.word(Word.MORE_COUNT, count=more)))
    for word, time in ((Word.FIRST_ORDER, figures.first), (Word.LAST_ORDER, figures.last)):
        if time is not None:
            tiles.append(Tile(locale.word(word), locale.format_date(time[:10])))
    return tiles


def _amount(amount: Decimal, code: str, locale: Locale) -> str:
    """Write an amount; in a line from right to left it keeps its own direction."""
    text = plain_blanks(locale.format_money(format(amount, "f"), code or None))
    right_to_left = any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)
    return text if right_to_left or locale.direction == "ltr" else f"{_LEFT_TO_RIGHT}{text}{_END_OF_DIRECTION}"


def _by_orders(figures: Figures) -> list[tuple[str, CurrencyFigures]]:
    return sorted(figures.currencies.items(), key=lambda item: (-item[1].orders, item[0]))


def _month_charts(figures: Figures, locale: Locale) -> list[Chart]:
    shown = _by_orders(figures)[:_CHARTS_MAX]
    charts = (_month_chart(code, sums, locale, labels_max=_LABELS_MAX // len(shown)) for code, sums in shown)
    return [chart for chart in charts if chart is not None]


def _month_chart(code: str, sums: CurrencyFigures, locale: Locale, *, labels_max: int) -> Chart | None:
    known = {month: amount for month, amount in sums.months.items() if _MONTH.fullmatch(month)}
    if not known or max(known.values()) <= 0:
        return None
    by_year = _ordinal(max(known)) - _ordinal(min(known)) >= _MONTHS_MAX
    bars = _years(known) if by_year else _months(known, locale)
    highest = max(amount for _, amount in bars)
    every = -(-len(bars) // labels_max)
    title = locale.word(Word.SPENDING_BY_YEAR if by_year else Word.SPENDING_BY_MONTH)
    written = [(label, _amount(amount, code, locale), amount) for label, amount in bars]
    return Chart(
        title=f"{title} · {code}" if code else title,
        alternative=f"{title}: " + "; ".join(f"{label} {value}" for label, value, _ in written),
        highest=_amount(highest, code, locale),
        bars=[
            Bar(label if index % every == 0 else "", max(0.0, float(amount / highest)), value)
            for index, (label, value, amount) in enumerate(written)
        ],
    )


def _months(months: Mapping[str, Decimal], locale: Locale) -> list[tuple[str, Decimal]]:
    """Make a bar for every month from the first to the last."""
    first, last = _ordinal(min(months)), _ordinal(max(months))
    names = [f"{ordinal // 12:04}-{ordinal % 12 + 1:02}" for ordinal in range(first, last + 1)]
    return [(locale.format_month(name), months.get(name, Decimal(0))) for name in names]


def _years(months: Mapping[str, Decimal]) -> list[tuple[str, Decimal]]:
    """Make a bar for every year."""
    years: dict[int, Decimal] = {}
    for month, amount in months.items():
        years[int(month[:4])] = years.get(int(month[:4]), Decimal(0)) + amount
    begin = max(min(years), max(years) - _YEARS_MAX + 1)
    return [(str(year), years.get(year, Decimal(0))) for year in range(begin, max(years) + 1)]


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _status_chart(figures: Figures, locale: Locale) -> Chart | None:
    ranked = sorted(figures.statuses.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return None
    shown = ranked[:_STATUSES_MAX]
    rest = ranked[_STATUSES_MAX:]
    if rest:
        shown.append((locale.word(Word.MORE_COUNT, count=len(rest)), sum(count for _, count in rest)))
    highest = max(count for _, count in shown)
    bars = [
        Bar(shortened(label, _STATUS_CHARACTERS), count / highest, locale.format_integer(str(count)))
        for label, count in shown
    ]
    title = locale.word(Word.ORDERS_BY_STATUS)
    return Chart(
        title=title,
        alternative=f"{title}: " + "; ".join(f"{bar.label} {bar.value}" for bar in bars),
        highest=locale.format_integer(str(highest)),
        bars=bars,
    )
