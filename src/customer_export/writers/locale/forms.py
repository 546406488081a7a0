"""A locale as writers use it: its words, and cells as people read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import babel

from customer_export.model.columns import Cell, ColumnType
from customer_export.writers.locale.dates import TimeForm, TimePatterns, short_month_names
from customer_export.writers.locale.excel import excel_money_format, excel_time_format
from customer_export.writers.locale.numbers import NumberForm, currency_symbol
from customer_export.writers.locale.tags import CACHED_LOCALES, babel_locale, parse_locale
from customer_export.writers.locale.words import Phrase, Word, read_words

# Codes come from the customer's data, so the cache is bounded; ISO 4217 has fewer than 200 in use.
_CACHED_CURRENCIES = 1024

# ISO 4217: a currency code has three letters.
_CODE_LETTERS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Locale:
    """One locale; `language_name` is its name in its own language.

    Every `format_…` takes canonical cell text (model/columns.py). What cannot be read as its type, such as
    `Infinity`, is returned as it is.
    """

    tag: str
    direction: Literal["ltr", "rtl"]
    language_name: str
    words: Mapping[Word, Phrase]
    numbers: NumberForm
    times: TimeForm
    cldr: babel.Locale

    def word(self, key: Word, /, **values: str | int) -> str:
        """Return a word with its placeholders filled; numbers are grouped, `count` also chooses the plural.

        Raises KeyError if a placeholder has no value.
        """
        count = values.get("count")
        texts = {
            name: value if isinstance(value, str) else self.format_integer(str(value)) for name, value in values.items()
        }
        return self.template(key, count=count if isinstance(count, int) else None).format_map(texts)

    def template(self, key: Word, /, *, count: int | None = None) -> str:
        """Return a word with its placeholders, e.g. `Page {page} of {pages}`, in the plural for `count`."""
        phrase = self.words[key]
        category = "other" if count is None else self.cldr.plural_form(count)
        return phrase.get(category, phrase["other"])

    def format_integer(self, text: str) -> str:
        """Group the digits of an integer of any size."""
        return text if "." in text else self.numbers.format(text)

    def format_decimal(self, text: str) -> str:
        """Group the digits of a decimal of any size, at its stored scale."""
        return self.numbers.format(text)

    def format_money(self, text: str, currency_code: str | None) -> str:
        """Write an amount at its stored scale with its currency's symbol or code, if there is one."""
        return _money_form(self.tag, currency_code).format(text) if currency_code else self.numbers.format(text)

    def format_boolean(self, text: str) -> str:
        """Write `true` and `false` as yes and no."""
        return self._booleans.get(text, text)

    def format_date(self, text: str) -> str:
        """Write a date, e.g. `Jan 5, 2024`."""
        return self.times.format_date(text)

    def format_timestamp(self, text: str, *, with_offset: bool = False) -> str:
        """Write a time stamp's wall time to the second, and its fraction where that is not zero."""
        return self.times.format_timestamp(text, with_offset=with_offset)

    def format_month(self, text: str) -> str:
        """Write a month and its year from `YYYY-MM`, e.g. `Jan 2024`."""
        return self.times.format_month(text)

    def format_column(
        self,
        cells: Sequence[Cell],
        type: ColumnType,  # noqa: A002
        currencies: Sequence[Cell] | str | None = None,
    ) -> list[Cell]:
        """Write a column's cells for people; NULL stays None, and types that are text stay as they are.

        `currencies` is for money: the cells of the currency column, one code for all, or None for none.
        """
        if type is ColumnType.MONEY and currencies is not None and not isinstance(currencies, str):
            money = self.format_money
            return [None if cell is None else money(cell, code) for cell, code in zip(cells, currencies, strict=True)]
        write = self._formats_by_type(currencies if isinstance(currencies, str) else None).get(type)
        return list(cells) if write is None else [None if cell is None else write(cell) for cell in cells]

    @property
    def month_names(self) -> tuple[str, ...]:
        """The short names of the twelve months, January first."""
        return short_month_names(self.cldr)

    @cached_property
    def excel_date_format(self) -> str:
        """The number format of a date in a workbook."""
        return excel_time_format(TimePatterns.of(self.cldr).date, self.cldr)

    @cached_property
    def excel_month_format(self) -> str:
        """The number format of a month with its year in a workbook."""
        return excel_time_format(TimePatterns.of(self.cldr).month, self.cldr)

    @cached_property
    def excel_timestamp_format(self) -> str:
        """The number format of a time stamp in a workbook, to the second."""
        return excel_time_format(TimePatterns.of(self.cldr).timestamp, self.cldr)

    def excel_money_format(self, currency_code: str, *, decimals: int | None = None) -> str:
        """Return the number format of amounts in a currency.

        `decimals` None takes the currency's own number by CLDR; pass the stored scale where it is larger,
        since a spreadsheet would show the amount rounded.
        """
        return excel_money_format(self.cldr, currency_code, decimals)

    @cached_property
    def _booleans(self) -> Mapping[str, str]:
        return {"true": self.word(Word.YES), "false": self.word(Word.NO)}

    def _formats_by_type(self, currency_code: str | None) -> Mapping[ColumnType, Callable[[str], str]]:
        return {
            ColumnType.INTEGER: self.format_integer,
            ColumnType.DECIMAL: self.numbers.format,
            ColumnType.MONEY: (_money_form(self.tag, currency_code) if currency_code else self.numbers).format,
            ColumnType.BOOLEAN: self.format_boolean,
            ColumnType.DATE: self.times.format_date,
            ColumnType.TIMESTAMP: self.times.format_timestamp,
        }


def locale_of(tag: str) -> Locale:
    """Return the locale of a tag; raises ValueError for one that `parse_locale` does not support."""
    canonical = parse_locale(tag)
    if canonical is None:
        raise ValueError(f"locale {tag!r} is not supported")
    return _make_locale(canonical)


@lru_cache(maxsize=CACHED_LOCALES)
def _make_locale(tag: str) -> Locale:
    locale = babel_locale(tag)
    name = locale.get_display_name() or tag
    return Locale(
        tag=tag,
        direction="rtl" if locale.text_direction == "rtl" else "ltr",
        language_name=name[0].upper() + name[1:],
        words=read_words(str(locale)),
        numbers=NumberForm.of_decimals(locale),
        times=TimeForm.of(locale),
        cldr=locale,
    )


def _money_form(tag: str, currency_code: str) -> NumberForm:
    # What is no code may be of any length, and is not worth keeping.
    make = _make_money_form if len(currency_code) == _CODE_LETTERS else _make_money_form.__wrapped__
    return make(tag, currency_code)


@lru_cache(maxsize=_CACHED_CURRENCIES)
def _make_money_form(tag: str, currency_code: str) -> NumberForm:
    locale = babel_locale(tag)
    return NumberForm.of_money(locale, currency_symbol(locale, currency_code))
