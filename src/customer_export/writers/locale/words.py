"""The product's own words: a TOML file a language, and one for what a script or region says otherwise."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from babel.core import get_global

Phrase: TypeAlias = Mapping[str, str]
"""A text by CLDR plural category; a text that does not depend on a count has only `other`."""

# A file holds what its locale says otherwise than its parent; zh-Hant has no parent in CLDR, whose data
# never fall back across scripts, but here every word of zh is one to start from.
_LANGUAGE_OF_SCRIPT = {"zh_Hant": "zh"}


@unique
class Word(StrEnum):
    """A word or sentence of the product. In the comments: the placeholders that `Locale.word` fills."""

    TITLE = "title"
    DESCRIPTION = "description"  # source
    SUMMARY = "summary"
    CONTENTS = "contents"
    CUSTOMER = "customer"
    CUSTOMER_ID = "customer_id"
    EXPORT_ID = "export_id"
    CREATED = "created"
    SNAPSHOT_TAKEN = "snapshot_taken"
    REQUESTED_BY = "requested_by"
    GENERATED_BY = "generated_by"  # product
    DATA_SOURCE = "data_source"
    TIME_ZONE = "time_zone"
    TIMES_IN = "times_in"  # zone

    PERIOD = "period"
    ALL_TIME = "all_time"
    FROM = "from"
    TO = "to"
    PERIOD_FROM = "period_from"  # start
    PERIOD_BEFORE = "period_before"  # end
    PERIOD_FROM_BEFORE = "period_from_before"  # start, end

    SECTION = "section"
    SECTIONS = "sections"
    ROW = "row"
    ROWS = "rows"
    ROW_COUNT = "row_count"  # count
    MORE_COUNT = "more_count"  # count
    NO_DATA = "no_data"
    NO_ENTRIES = "no_entries"
    NOT_SET = "not_set"

    KEY_FIGURES = "key_figures"
    ORDERS = "orders"
    NUMBER_OF_ORDERS = "number_of_orders"
    TOTAL_SPENT = "total_spent"
    AVERAGE_ORDER = "average_order"
    FIRST_ORDER = "first_order"
    LAST_ORDER = "last_order"
    SPENDING_BY_MONTH = "spending_by_month"
    SPENDING_BY_YEAR = "spending_by_year"
    ORDERS_BY_STATUS = "orders_by_status"
    CURRENCY = "currency"
    MONTH = "month"
    AMOUNT = "amount"
    STATUS = "status"
    TOTAL = "total"
    TOTALS_NOT_ADDING_UP = "totals_not_adding_up"
    SUM_OF_PARTS = "sum_of_parts"
    DIFFERENCE = "difference"

    PAGE_OF = "page_of"  # page, pages
    CONTINUED = "continued"
    CONTINUED_ON_SHEET = "continued_on_sheet"  # name
    CONTINUED_FROM_SHEET = "continued_from_sheet"  # name
    CONTINUED_IN_APPENDIX = "continued_in_appendix"  # number
    LONG_TEXTS = "long_texts"

    SHEET = "sheet"
    COLUMN = "column"
    VALUE = "value"
    LINK = "link"
    YES = "yes"
    NO = "no"

    FILE = "file"
    CONTENT = "content"
    README_TITLE = "readme_title"
    README_CSV = "readme_csv"  # section
    README_CSVW = "readme_csvw"
    README_JSON = "readme_json"
    README_SCHEMA = "readme_schema"
    README_ALTERATIONS = "readme_alterations"
    README_MANIFEST = "readme_manifest"
    README_VERIFY = "readme_verify"  # command


def read_words(identifier: str) -> Mapping[Word, Phrase]:
    """Return every word for a locale of CLDR, e.g. `de_AT`; raises KeyError for a word without text."""
    texts: dict[str, str | dict[str, str]] = {}
    for name in reversed(_lineage(identifier)):
        texts |= _read_file(name)
    return {word: _phrase(texts[word]) for word in Word}


def _lineage(identifier: str) -> list[str]:
    """List a locale and its ancestors by CLDR, nearest first: `zh_Hant_TW`, `zh_Hant`, `zh`."""
    parents: Mapping[str, str] = get_global("parent_exceptions")
    names = [identifier]
    while parent := (_LANGUAGE_OF_SCRIPT.get(names[-1]) or parents.get(names[-1]) or names[-1].rpartition("_")[0]):
        names.append(parent)
    return names


@cache
def _read_file(name: str) -> Mapping[str, str | dict[str, str]]:
    """Read the words of one file of the package; no file means that there is nothing to say otherwise."""
    path = files(__package__) / "words" / f"{name.replace('_', '-')}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _phrase(text: str | dict[str, str]) -> Phrase:
    return {"other": text} if isinstance(text, str) else text
