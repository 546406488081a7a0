"""What the cover says: the data of `cover.typ`, as people read them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from customer_export.model.document import Document
from customer_export.writers.locale import Locale, Word
from customer_export.writers.pdf.figures import CurrencyFigures, Figures
from customer_export.writers.pdf.texts import Typesetter

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_MONTHS_MAX = 36
"""Columns that stay readable in the width of a page; a longer history is shown by year."""

_SCRIPT_OF_LANGUAGE = {"ar": "arabic", "he": "hebrew", "ja": "cjk", "zh": "cjk"}

CONTENTS_LINK = "https://contents.invalid/"
"""What the links of the contents begin with in the cover as typst makes it; the section's index follows."""

_NARROW_BLANK = "\N{NARROW NO-BREAK SPACE}"

_DIRECTION_MARKS = re.compile("[\u200e\u200f\u061c]")
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


@dataclass(frozen=True, slots=True)
class ContentsEntry:
    """A line of the contents."""

    label: str
    rows: int


def describe_cover(
    *,
    document: Document,
    locale: Locale,
    figures: Figures,
    contents: Sequence[ContentsEntry],
    typesetter: Typesetter,
    han: str,
) -> dict[str, object]:
    """Gather the data of the cover; every text in it is one that some font can show."""
    language, _, rest = locale.tag.partition("-")
    region = rest.rpartition("-")[2]
    has_orders = figures.orders > 0
    data = {
        "language": language,
        "region": region if region.isalpha() and len(region) == 2 else None,  # noqa: PLR2004 - ISO 3166-1
        "rtl": locale.direction == "rtl",
        "script": _SCRIPT_OF_LANGUAGE.get(language),
        "han": han,
        "title": locale.word(Word.TITLE),
        "customer": shortened(document.customer_title or document.request.customer_id, _TITLE_CHARACTERS),
        "author": f"customer-export {document.product_version}",
        "description": locale.word(Word.DESCRIPTION, source=document.map_name),
        "words": {
            "key_figures": locale.word(Word.KEY_FIGURES),
            "orders_by_status": locale.word(Word.ORDERS_BY_STATUS),
            "contents": locale.word(Word.CONTENTS),
        },
        "link": CONTENTS_LINK,
        "facts": _facts(document, locale),
        "figures": _tiles(figures, locale) if has_orders else [],
        "months": _month_charts(figures, locale) if has_orders else [],
        "statuses": _status_chart(figures, locale) if has_orders else None,
        "contents": [
            {"label": entry.label, "rows": locale.word(Word.ROW_COUNT, count=entry.rows)} for entry in contents
        ],
    }
    shown = _visible(data, typesetter)
    assert isinstance(shown, dict)
    return shown


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
    if text.isascii():
        return text
    text = text.replace(_NARROW_BLANK, "\N{NO-BREAK SPACE}")
    bare = _DIRECTION_MARKS.sub("", text)
    return bare if bare.translate(_SYMBOLS_OF_LATIN).isascii() else text


def _facts(document: Document, locale: Locale) -> list[dict[str, str]]:
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
    return [{"label": locale.word(word), "value": value} for word, value in facts]


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


def _tiles(figures: Figures, locale: Locale) -> list[dict[str, str | None]]:
    tiles: list[dict[str, str | None]] = [
        _tile(locale, Word.NUMBER_OF_ORDERS, locale.format_integer(str(figures.orders)))
    ]
    currencies = _by_orders(figures)
    several = len(currencies) > 1
    for code, sums in currencies[:_TILES_OF_CURRENCIES_MAX]:
        note = f"{locale.word(Word.ORDERS)}: {locale.format_integer(str(sums.orders))}" if several else None
        tiles.append(_tile(locale, Word.TOTAL_SPENT, _amount(sums.total, code, locale), note))
    if len(currencies) > _TILES_OF_CURRENCIES_MAX:
        more = len(currencies) - _TILES_OF_CURRENCIES_MAX
        tiles.append(_tile(locale, Word.TOTAL_SPENT, locale.word(Word.MORE_COUNT, count=more)))
    for word, time in ((Word.FIRST_ORDER, figures.first), (Word.LAST_ORDER, figures.last)):
        if time is not None:
            tiles.append(_tile(locale, word, locale.format_date(time[:10])))
    return tiles


def _tile(locale: Locale, word: Word, value: str, note: str | None = None) -> dict[str, str | None]:
    return {"label": locale.word(word), "value": value, "note": note}


def _amount(amount: Decimal, code: str, locale: Locale) -> str:
    """Write an amount; in a line from right to left it keeps its own direction."""
    text = plain_blanks(locale.format_money(format(amount, "f"), code or None))
    right_to_left = any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)
    return text if right_to_left or locale.direction == "ltr" else f"{_LEFT_TO_RIGHT}{text}{_END_OF_DIRECTION}"


def _by_orders(figures: Figures) -> list[tuple[str, CurrencyFigures]]:
    return sorted(figures.currencies.items(), key=lambda item: (-item[1].orders, item[0]))


def _month_charts(figures: Figures, locale: Locale) -> list[dict[str, object]]:
    shown = _by_orders(figures)[:_CHARTS_MAX]
    charts = (_month_chart(code, sums, locale, labels_max=_LABELS_MAX // len(shown)) for code, sums in shown)
    return [chart for chart in charts if chart is not None]


def _month_chart(code: str, sums: CurrencyFigures, locale: Locale, *, labels_max: int) -> dict[str, object] | None:
    known = {month: amount for month, amount in sums.months.items() if _MONTH.fullmatch(month)}
    if not known or max(known.values()) <= 0:
        return None
    bars = _bars(known, locale)
    highest = max(amount for _, amount in bars)
    every = -(-len(bars) // labels_max)
    drawn = [
        {"label": label if index % every == 0 else None, "share": max(0.0, float(amount / highest))}
        for index, (label, amount) in enumerate(bars)
    ]
    title = locale.word(Word.SPENDING_BY_MONTH)
    return {
        "title": f"{title} · {code}" if code else title,
        "highest": _amount(highest, code, locale),
        "alt": f"{title}: " + "; ".join(f"{label} {_amount(amount, code, locale)}" for label, amount in bars),
        "bars": drawn[::-1] if locale.direction == "rtl" else drawn,
    }


def _bars(months: Mapping[str, Decimal], locale: Locale) -> list[tuple[str, Decimal]]:
    """Make a bar for every month from the first to the last, or for every year if the months are too many."""
    first, last = (_ordinal(month) for month in (min(months), max(months)))
    if last - first < _MONTHS_MAX:
        names = [f"{ordinal // 12:04}-{ordinal % 12 + 1:02}" for ordinal in range(first, last + 1)]
        return [(locale.format_month(name), months.get(name, Decimal(0))) for name in names]
    years: dict[int, Decimal] = {}
    for month, amount in months.items():
        years[int(month[:4])] = years.get(int(month[:4]), Decimal(0)) + amount
    begin = max(first // 12, last // 12 - _YEARS_MAX + 1)
    return [(str(year), years.get(year, Decimal(0))) for year in range(begin, last // 12 + 1)]


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _status_chart(figures: Figures, locale: Locale) -> dict[str, object] | None:
    ranked = sorted(figures.statuses.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return None
    shown = ranked[:_STATUSES_MAX]
    rest = ranked[_STATUSES_MAX:]
    if rest:
        shown.append((locale.word(Word.MORE_COUNT, count=len(rest)), sum(count for _, count in rest)))
    highest = max(count for _, count in shown)
    counted = [
        (shortened(label, _STATUS_CHARACTERS), locale.format_integer(str(count)), count / highest)
        for label, count in shown
    ]
    title = locale.word(Word.ORDERS_BY_STATUS)
    return {
        "alt": f"{title}: " + "; ".join(f"{label} {count}" for label, count, _ in counted),
        "bars": [{"label": label, "value": count, "share": share} for label, count, share in counted],
    }


def _visible(value: object, typesetter: Typesetter) -> object:
    if isinstance(value, str):
        return typesetter.visible(value)
    if isinstance(value, list):
        return [_visible(item, typesetter) for item in value]
    if isinstance(value, dict):
        return {key: _visible(item, typesetter) for key, item in value.items()}
    return value
