"""The product's words are whole in every language, and cells read as CLDR says, without losing a digit."""

import re
import string
import subprocess
import sys
import tomllib
from collections import Counter
from datetime import date, datetime
from decimal import Decimal, localcontext
from importlib.resources import files
from itertools import pairwise, product
from pathlib import Path

import pytest
from babel import Locale as CldrLocale
from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.localedata import locale_identifiers
from babel.numbers import format_currency as babel_currency
from babel.numbers import format_decimal as babel_decimal
from hypothesis import given
from hypothesis import strategies as st

from customer_export.model.columns import Cell, ColumnType
from customer_export.writers.locale import LOCALES, Locale, Word, locale_of, parse_locale

WORDS = files("customer_export.writers.locale") / "words"
REGIONS = (
    *(
        "en-GB",
        "en-IN",
        "en-CA",
        "en-ZA",
        "en-AU",
        "de-AT",
        "de-CH",
        "fr-CA",
        "fr-CH",
        "es-MX",
        "es-419",
        "it-CH",
    ),
    *("pt-PT", "pt-AO", "nl-BE", "zh-TW", "zh-HK", "ar-SA", "ar-EG", "ar-AE", "ar-MA", "ar-SY"),
)
TAGS = (*LOCALES, *REGIONS)
EVERY_TAG = sorted({tag for name in locale_identifiers() if (tag := parse_locale(name)) is not None})
MINUS_OF_ENGLISH = "-"

languages = pytest.mark.parametrize("language", LOCALES)
tags = pytest.mark.parametrize("tag", TAGS)


def read_file(name: str) -> dict[str, str | dict[str, str]]:
    return tomllib.loads((WORDS / f"{name}.toml").read_text(encoding="utf-8"))


def texts_of(text: str | dict[str, str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def all_placeholders(text: str | dict[str, str]) -> set[str]:
    return set().union(*map(placeholders, texts_of(text)))


# Words


@pytest.mark.parametrize("name", [*LOCALES, "zh-Hant"])
def test_every_language_has_every_word_and_no_other(name: str) -> None:
    assert set(read_file(name)) == {word.value for word in Word}


def test_there_is_no_file_of_words_that_nothing_reads() -> None:
    names = {Path(entry.name).stem for entry in WORDS.iterdir()}
    assert names == {*LOCALES, "zh-Hant", "pt-PT"}


@pytest.mark.parametrize(("name", "parent"), [("pt-PT", "pt"), ("zh-Hant", "zh")])
def test_a_region_only_says_what_its_language_has_a_place_for(name: str, parent: str) -> None:
    own, inherited = read_file(name), read_file(parent)
    assert {key: all_placeholders(text) for key, text in own.items()} == {
        key: all_placeholders(inherited[key]) for key in own
    }


def test_portuguese_of_portugal_repeats_nothing_of_brazil() -> None:
    brazilian = read_file("pt")
    assert [key for key, text in read_file("pt-PT").items() if brazilian[key] == text] == []


@languages
def test_placeholders_are_the_same_in_every_language(language: str) -> None:
    english = {key: all_placeholders(text) for key, text in read_file("en").items()}
    assert {key: all_placeholders(text) for key, text in read_file(language).items()} == english


@languages
def test_plurals_are_those_of_the_language(language: str) -> None:
    rule = CldrLocale.parse(language).plural_form
    for key, text in read_file(language).items():
        assert ("count" in all_placeholders(text)) == isinstance(text, dict), key
        if isinstance(text, dict):
            assert set(text) == {*rule.tags, "other"}, key


@languages
def test_a_plural_without_its_number_is_for_one_number_only(language: str) -> None:
    rule = CldrLocale.parse(language).plural_form
    numbers = Counter(rule(number) for number in range(1_000))
    for key, text in read_file(language).items():
        for category, form in text.items() if isinstance(text, dict) else ():
            assert "{count}" in form or numbers[category] == 1, (key, category)


@pytest.mark.parametrize("name", [*LOCALES, "zh-Hant", "pt-PT"])
def test_words_are_trimmed_and_begin_like_a_sentence(name: str) -> None:
    for key, text in read_file(name).items():
        for form in texts_of(text):
            assert form, key
            assert form == form.strip(), key
            assert form[0] == form[0].upper() or key == Word.MORE_COUNT, (key, form)


# Loan words and abbreviations that are rightly spelled as in English.
SAME_AS_IN_ENGLISH = {
    "de": {"status", "link"},
    "fr": {"total"},
    "es": {"total", "no"},
    "it": {"link", "no", "file"},
    "pt": {"status", "total", "link"},
    "nl": {"status", "link"},
    "pl": {"status"},
}


@languages
def test_no_word_was_left_in_english(language: str) -> None:
    english, own = read_file("en"), read_file(language)
    same = {key for key, text in own.items() if text == english[key]}
    assert same == (set(english) if language == "en" else SAME_AS_IN_ENGLISH.get(language, set()))


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("ja", r"[\u3040-\u30ff\u4e00-\u9fff]"),
        ("zh", r"[\u4e00-\u9fff]"),
        ("zh-Hant", r"[\u4e00-\u9fff]"),
        ("ar", r"[\u0600-\u06ff]"),
        ("he", r"[\u0590-\u05ff]"),
    ],
)
def test_every_word_is_in_the_script_of_its_language(name: str, script: str) -> None:
    for key, text in read_file(name).items():
        for form in texts_of(text):
            assert re.search(script, form), (key, form)


def test_chinese_words_are_simplified_or_traditional_never_mixed() -> None:
    simplified = "".join(form for text in read_file("zh").values() for form in texts_of(text))
    traditional = "".join(form for text in read_file("zh-Hant").values() for form in texts_of(text))
    pairs = "户戶导導数數据據订訂单單总總额額币幣状狀态態页頁续續长長链連档檔关關键鍵无無记記录錄运執"
    for here, there in zip(pairs[::2], pairs[1::2], strict=True):
        assert there not in simplified
        assert here not in traditional


def test_german_words_suit_switzerland_which_has_no_sharp_s() -> None:
    assert not [text for text in read_file("de").values() if "ß" in str(text)]


@tags
@pytest.mark.parametrize("word", [Word.SUMMARY, Word.LONG_TEXTS, Word.CONTINUED, Word.CONTENTS])
def test_words_that_name_sheets_are_legal_names(tag: str, word: Word) -> None:
    name = locale_of(tag).word(word)
    # Excel's limits: 31 characters, none of these, no apostrophe at either end.
    assert len(name) <= 31
    assert not set(name) & set("[]:*?/\\'")


@pytest.mark.parametrize(
    ("tag", "count", "text"),
    [
        ("en", 1, "1 row"),
        ("en", 1234, "1,234 rows"),
        ("de", 1234, "1.234 Zeilen"),
        ("fr", 0, "0 ligne"),
        ("fr", 1_000_000, "1\u202f000\u202f000 de lignes"),
        ("pl", 2, "2 wiersze"),
        ("pl", 5, "5 wierszy"),
        ("pl", 22, "22 wiersze"),
        ("ar", 0, "لا توجد صفوف"),
        ("ar", 2, "صفان"),
        ("ar", 5, "5 صفوف"),
        ("ar", 11, "11 صفًا"),
        ("he", 2, "שתי שורות"),
        ("ja", 3, "3 行"),
        ("zh-TW", 3, "3 列"),
        ("pt-PT", 3, "3 linhas"),
    ],
)
def test_counts_take_the_plural_of_the_language(tag: str, count: int, text: str) -> None:
    assert locale_of(tag).word(Word.ROW_COUNT, count=count) == text


def test_values_are_put_in_as_they_are() -> None:
    locale = locale_of("de")
    assert locale.word(Word.PAGE_OF, page=1, pages=1200) == "Seite 1 von 1.200"
    assert locale.word(Word.CONTINUED_ON_SHEET, name="{page} {0}") == "Fortsetzung auf Blatt {page} {0}"
    assert locale.template(Word.PAGE_OF) == "Seite {page} von {pages}"


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="pages"):
        locale_of("en").word(Word.PAGE_OF, page=1)


@tags
def test_every_word_can_be_said_in_every_locale(tag: str) -> None:
    locale = locale_of(tag)
    for word in Word:
        values: dict[str, str | int] = dict.fromkeys(placeholders(locale.template(word)), "x")
        if "count" in values:
            values["count"] = 7
        assert "{" not in locale.word(word, **values)


# Tags


@pytest.mark.parametrize(
    ("given_tag", "canonical"),
    [
        ("en", "en"),
        ("EN-gb", "en-GB"),
        ("pt_BR", "pt-BR"),
        ("de-at", "de-AT"),
        ("es-419", "es-419"),
        ("zh-TW", "zh-TW"),
        ("zh-hant-tw", "zh-TW"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh-Hans", "zh"),
        ("zh-Hant", "zh-Hant"),
        ("zh-Hant-MY", "zh-Hant-MY"),
        ("iw", "he-IL"),
    ],
)
def test_tags_become_canonical(given_tag: str, canonical: str) -> None:
    assert parse_locale(given_tag) == canonical
    assert locale_of(given_tag) is locale_of(canonical)


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "",
            "e",
            "sv",
            "ru-RU",
            "xx",
            "english",
            "de-XX",
            "en-Shaw",
            "zh-Latn-CN",
            "ar-u-nu-arab",
            "en-US-POSIX",
        ),
        *("de_DE.UTF-8", "de@euro", "de-", "-de", "de\n", "../de", "d\u0435"),  # the last with a Cyrillic e
    ],
)
def test_other_tags_are_refused(tag: str) -> None:
    assert parse_locale(tag) is None
    with pytest.raises(ValueError, match="not supported"):
        locale_of(tag)


@given(st.text() | st.from_regex(r"[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{1,5}){0,3}", fullmatch=True))
def test_any_text_is_a_tag_or_refused(text: str) -> None:
    canonical = parse_locale(text)
    assert canonical is None or parse_locale(canonical) == canonical


def test_every_region_of_every_language_makes_a_locale() -> None:
    assert len(EVERY_TAG) > 250
    assert {parse_locale(tag) for tag in EVERY_TAG} == set(EVERY_TAG)
    for tag in EVERY_TAG:
        locale = locale_of(tag)
        assert locale.tag == tag
        assert locale.direction == ("rtl" if tag[:2] in {"ar", "he"} else "ltr")
        assert locale.excel_date_format
        assert locale.excel_timestamp_format
        assert locale.excel_money_format("KWD")


def test_a_language_is_named_in_itself() -> None:
    names = [locale_of(tag).language_name for tag in ("en", "de-AT", "fr", "es", "pl", "ja", "ar", "he")]
    assert names == [
        "English", "Deutsch (Österreich)", "Français", "Español", "Polski", "日本語", "العربية", "עברית"
    ]  # fmt: skip


# Numbers and money against Babel

whole_numbers = st.integers(-(10**30), 10**30).map(str) | st.integers(-99_999, 99_999).map(str)
fractions = st.just("") | st.text("0123456789", min_size=1, max_size=8).map(lambda digits: f".{digits}")
numbers = st.builds(lambda whole, fraction: f"{whole}{fraction}", whole_numbers, fractions)


def scaled(pattern: str, text: str) -> str:
    """Give a CLDR pattern as many decimals as a number has."""
    decimals = len(text.partition(".")[2])
    return re.sub(r"0(\.[0#]+)?(?![#,0])", "0" + ("." + "0" * decimals if decimals else ""), pattern)


def with_minus(text: str, cldr: CldrLocale) -> str:
    """Babel writes an ASCII minus; CLDR's patterns mean the locale's own."""
    return text.replace(MINUS_OF_ENGLISH, cldr.number_symbols["latn"]["minusSign"])


def babels_decimal(text: str, cldr: CldrLocale) -> str:
    with localcontext(prec=100):
        pattern = scaled(cldr.decimal_formats[None].pattern, text)
        return with_minus(babel_decimal(Decimal(text), pattern, locale=cldr, numbering_system="latn"), cldr)


@given(text=numbers, tag=st.sampled_from(TAGS))
def test_decimals_are_what_babel_writes_at_the_stored_scale(text: str, tag: str) -> None:
    locale = locale_of(tag)
    assert locale.format_decimal(text) == babels_decimal(text, locale.cldr)


@given(text=whole_numbers, tag=st.sampled_from(TAGS))
def test_integers_are_what_babel_writes(text: str, tag: str) -> None:
    locale = locale_of(tag)
    assert locale.format_integer(text) == babels_decimal(text, locale.cldr)


@given(
    text=numbers,
    tag=st.sampled_from(TAGS),
    code=st.sampled_from(["EUR", "USD", "GBP", "JPY", "CNY", "PLN", "KWD", "ILS", "EGP", "CHF", "INR", "XXQ"]),
)
def test_money_is_what_babel_writes_at_the_stored_scale(text: str, tag: str, code: str) -> None:
    locale = locale_of(tag)
    symbols = locale.cldr.number_symbols["latn"]
    with localcontext(prec=100):
        pattern = scaled(locale.cldr.currency_formats["standard"].pattern, text)
        expected = babel_currency(
            Decimal(text), code, pattern, locale=locale.cldr, currency_digits=False, numbering_system="latn"
        )
    expected = with_minus(expected, locale.cldr)
    # Babel knows neither the marks that some locales have for money alone nor the space beside a letter.
    expected = expected.replace(symbols["decimal"], symbols.get("currencyDecimal", symbols["decimal"]))
    assert locale.format_money(text, code).replace("\u00a0", "") == expected.replace("\u00a0", "")


@given(text=numbers, tag=st.sampled_from(EVERY_TAG))
def test_no_digit_is_lost_or_made_up(text: str, tag: str) -> None:
    locale = locale_of(tag)
    for shown in (locale.format_decimal(text), locale.format_money(text, "EUR")):
        assert re.sub(r"[^0-9]", "", shown) == re.sub(r"[^0-9]", "", text)


@pytest.mark.parametrize(
    ("tag", "amount", "code", "shown"),
    [
        ("en", "1234.5000", "USD", "$1,234.5000"),
        ("en", "-1234.50", "EUR", "-€1,234.50"),
        ("en", "5", "PLN", "PLN\u00a05"),
        ("en-AU", "5.00", "AUD", "$5.00"),
        ("en-IN", "1234567.50", "INR", "₹12,34,567.50"),
        ("de", "1234.50", "EUR", "1.234,50\u00a0€"),
        ("de-AT", "1234.50", "EUR", "€\u00a01.234,50"),
        ("de-CH", "-1234.50", "CHF", "CHF-1’234.50"),
        ("fr", "1234.50", "CAD", "1\u202f234,50\u00a0$CA"),
        ("fr-CH", "1234.50", "CHF", "1\u202f234.50\u00a0CHF"),
        ("es", "1234.50", "EUR", "1.234,50\u00a0€"),
        ("it", "1234.50", "EUR", "1.234,50\u00a0€"),
        ("pt-BR", "1234.50", "BRL", "R$\u00a01.234,50"),
        ("pt-PT", "1234.50", "EUR", "1\u00a0234,50\u00a0€"),
        ("nl", "-1234.50", "EUR", "€\u00a0-1.234,50"),
        ("pl", "1234.50", "PLN", "1\u00a0234,50\u00a0zł"),
        ("ja", "1200", "JPY", "￥1,200"),
        ("zh", "1234.50", "CNY", "¥1,234.50"),
        ("ar", "12.345", "KWD", "\u200f12.345\u00a0د.ك.\u200f"),
        ("ar", "-12.345", "USD", "\u200f\u200e-12.345\u00a0US$"),
        ("he", "1234.50", "ILS", "\u200f1,234.50\u00a0\u200f₪"),
        ("en", "0.123456789012345678901234567890", "BTC", "BTC\u00a00.123456789012345678901234567890"),
        ("en", "12.30", "eur", "€12.30"),
        ("en", "12.30", "Bonus points", "Bonus points\u00a012.30"),
        ("en", "1234.30", "", "1,234.30"),
        ("en", "1234.30", None, "1,234.30"),
    ],
)
def test_money_reads_as_people_write_it(tag: str, amount: str, code: str | None, shown: str) -> None:
    assert locale_of(tag).format_money(amount, code) == shown


def test_no_two_currencies_of_a_locale_look_alike() -> None:
    for tag in EVERY_TAG:
        locale = locale_of(tag)
        shown = Counter(locale.format_money("1", code) for code in locale.cldr.currencies)
        assert [text for text, count in shown.items() if count > 1] == [], tag


def test_a_number_of_a_million_digits_is_grouped_too() -> None:
    shown = locale_of("en").format_decimal("9" * 1_000_000 + ".5")
    assert len(shown) == 1_000_000 + 333_333 + 2


# Dates and times against Babel

days = st.dates(min_value=date(1, 1, 1))


# Taiwan's medium time says "in the morning" or "at noon", which no spreadsheet has: it is shown in 24 hours.
def clocked_tags() -> list[str]:
    return [tag for tag in EVERY_TAG if "B" not in locale_of(tag).cldr.time_formats["medium"].pattern]


offsets = st.sampled_from(["+00:00", "-03:30", "+05:45", "+14:00", "+01:15:30", "Z", ""])


@given(day=days, tag=st.sampled_from(EVERY_TAG))
def test_dates_are_what_babel_writes(day: date, tag: str) -> None:
    locale = locale_of(tag)
    assert locale.format_date(day.isoformat()) == babel_date(day, "medium", locale=locale.cldr)


@given(moment=st.datetimes(), offset=offsets, tag=st.deferred(lambda: st.sampled_from(clocked_tags())))
def test_timestamps_are_what_babel_writes_of_their_wall_time(moment: datetime, offset: str, tag: str) -> None:
    locale = locale_of(tag)
    cldr = locale.cldr
    pattern = str(cldr.datetime_formats["medium"])
    pattern = pattern.replace("{0}", cldr.time_formats["medium"].pattern)
    pattern = pattern.replace("{1}", cldr.date_formats["medium"].pattern)
    if moment.microsecond:
        pattern = pattern.replace("ss", f"ss'{cldr.number_symbols['latn']['decimal']}{moment.microsecond:06}'")
    shown = locale.format_timestamp(moment.isoformat() + offset)
    assert shown == babel_datetime(moment, pattern, locale=cldr)


@pytest.mark.parametrize(
    ("tag", "day", "moment", "month"),
    [
        ("en", "Jan 5, 2024", "Jan 5, 2024, 3:04:05\u202fPM", "Jan 2024"),
        ("en-GB", "5 Jan 2024", "5 Jan 2024, 15:04:05", "Jan 2024"),
        ("de", "05.01.2024", "05.01.2024, 15:04:05", "Jan. 2024"),
        ("de-AT", "05.01.2024", "05.01.2024, 15:04:05", "Jän. 2024"),
        ("fr", "5 janv. 2024", "5 janv. 2024, 15:04:05", "janv. 2024"),
        ("es", "5 ene 2024", "5 ene 2024, 15:04:05", "ene 2024"),
        ("it", "5 gen 2024", "5 gen 2024, 15:04:05", "gen 2024"),
        ("pt", "5 de jan. de 2024", "5 de jan. de 2024 15:04:05", "jan. de 2024"),
        ("pt-PT", "05/01/2024", "05/01/2024, 15:04:05", "01/2024"),
        ("nl", "5 jan 2024", "5 jan 2024, 15:04:05", "jan 2024"),
        ("pl", "5 sty 2024", "5 sty 2024, 15:04:05", "sty 2024"),
        ("ja", "2024/01/05", "2024/01/05 15:04:05", "2024年1月"),
        ("zh", "2024年1月5日", "2024年1月5日 15:04:05", "2024年1月"),
        ("zh-TW", "2024年1月5日", "2024年1月5日 15:04:05", "2024年1月"),
        ("zh-HK", "2024年1月5日", "2024年1月5日 下午3:04:05", "2024年1月"),
        ("ar", "05\u200f/01\u200f/2024", "05\u200f/01\u200f/2024، 3:04:05 م", "يناير 2024"),
        ("he", "5 בינו׳ 2024", "5 בינו׳ 2024, 15:04:05", "ינו׳ 2024"),
    ],
)
def test_dates_read_as_people_write_them(tag: str, day: str, moment: str, month: str) -> None:
    locale = locale_of(tag)
    assert locale.format_date("2024-01-05") == day
    assert locale.format_timestamp("2024-01-05T15:04:05+01:00") == moment
    assert locale.format_month("2024-01") == month
    assert locale.month_names[0] in {month.partition(" ")[0], "jan.", "1月"}
    assert len(set(locale.month_names)) == 12


def test_fractions_of_a_second_are_kept_as_stored_unless_zero() -> None:
    locale = locale_of("de")
    assert locale.format_timestamp("2024-01-05T15:04:05.120+01:00") == "05.01.2024, 15:04:05,120"
    assert locale.format_timestamp("2024-01-05T15:04:05.123456789Z") == "05.01.2024, 15:04:05,123456789"
    assert locale.format_timestamp("2024-01-05T15:04:05.000000+01:00") == "05.01.2024, 15:04:05"


def test_the_offset_is_shown_when_asked_for() -> None:
    locale = locale_of("en-GB")
    shown = [
        locale.format_timestamp(f"2024-01-05T15:04:05{end}", with_offset=True)
        for end in ("+01:00", ".5-03:30", "Z", "")
    ]
    assert shown == [
        "5 Jan 2024, 15:04:05 UTC+01:00",
        "5 Jan 2024, 15:04:05.5 UTC-03:30",
        "5 Jan 2024, 15:04:05 UTC",
        "5 Jan 2024, 15:04:05",
    ]


# Whatever is not canonical

CANONICAL = {
    ColumnType.INTEGER: r"-?(0|[1-9][0-9]*)",
    ColumnType.DECIMAL: r"-?(0|[1-9][0-9]*)(\.[0-9]+)?",
    ColumnType.MONEY: r"-?(0|[1-9][0-9]*)(\.[0-9]+)?",
    ColumnType.BOOLEAN: r"true|false",
    ColumnType.DATE: r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    ColumnType.TIMESTAMP: r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*",
}
ODD_TEXTS = [
    *("", " ", "Infinity", "-Infinity", "NaN", "not a date", "007", "-007.5", "1e5", "1,5", "+5", "--5"),
    *("5.", ".5", "-", ".", "1.2.3", "1.-5", "١٢٣", "１２", "²", " 5", "5\n", "True", "0x10", "1_000"),
    *("12 345", "2024W01", "2024W011", "2024-W01", "2024", "T15:04:05"),
    *("2024-1-5", "20240105", "2024-W01-5", "2024-02-30", "0000-01-01", "2024-01-05 ", "12024-01-05"),
    *("2024-01-05 BC", "infinity", "-infinity", "٢٠٢٤-01-05", "2024\u201301\u201305", "2024-01-05T15:04"),
    *("2024-01-05 15:04:05+01:00", "2024-01-05T24:00:00Z", "2024-01-05T15:04:60Z"),
    *("2024-01-05T15:04:05+0100", "2024-01-05T150405Z", "2024-01-05T15:04:05.Z", "2024-01-05T15:04:05,5Z"),
    *("2024-01-05T15:04:05+01:00 BC", "2024-W01-5T15:04:05Z", "2024-02-30T15:04:05Z"),
    *("2024-01-05t15:04:05Z", "2024-01-05T15-04-05Z", "2024-01-05T1:04:05Z"),
]  # fmt: skip


@pytest.mark.parametrize("type_", CANONICAL)
@pytest.mark.parametrize("tag", ["en", "de", "fr-CA", "ar", "zh-HK"])
def test_what_is_not_canonical_is_shown_as_it_is(type_: ColumnType, tag: str) -> None:
    odd = [text for text in ODD_TEXTS if not re.fullmatch(CANONICAL[type_], text, re.ASCII)]
    assert locale_of(tag).format_column(odd, type_) == odd


@pytest.mark.parametrize("text", ["2024-02-30", "0000-01-01", "2023-02-29"])
def test_days_that_do_not_exist_are_shown_as_they_are(text: str) -> None:
    locale = locale_of("en")
    assert locale.format_date(text) == text
    assert locale.format_timestamp(f"{text}T15:04:05Z") == f"{text}T15:04:05Z"
    assert locale.format_month("2024-13") == "2024-13"


@given(text=st.text(), type_=st.sampled_from(sorted(ColumnType)), tag=st.sampled_from(TAGS))
def test_any_other_text_is_shown_as_it_is(text: str, type_: ColumnType, tag: str) -> None:
    if type_ not in CANONICAL or not re.fullmatch(CANONICAL[type_], text, re.ASCII):
        assert locale_of(tag).format_column([text], type_, "EUR") == [text]


# Columns

cells_of_columns = st.lists(
    st.none()
    | numbers
    | st.sampled_from([*ODD_TEXTS, "true", "false"])
    | days.map(date.isoformat)
    | st.datetimes().map(lambda moment: f"{moment.isoformat()}+01:00")
)


def format_cell(locale: Locale, type_: ColumnType, text: str, code: str | None) -> str:
    shown = {
        ColumnType.INTEGER: locale.format_integer(text),
        ColumnType.DECIMAL: locale.format_decimal(text),
        ColumnType.MONEY: locale.format_money(text, code),
        ColumnType.BOOLEAN: locale.format_boolean(text),
        ColumnType.DATE: locale.format_date(text),
        ColumnType.TIMESTAMP: locale.format_timestamp(text),
    }
    return shown.get(type_, text)


@given(cells=cells_of_columns, type_=st.sampled_from(sorted(ColumnType)), tag=st.sampled_from(TAGS))
def test_a_column_reads_like_its_cells(cells: list[Cell], type_: ColumnType, tag: str) -> None:
    locale = locale_of(tag)
    for code in ("EUR", None):
        assert locale.format_column(cells, type_, code) == [
            None if cell is None else format_cell(locale, type_, cell, code) for cell in cells
        ]


@given(rows=st.lists(st.tuples(st.none() | numbers, st.sampled_from(["EUR", "JPY", "", "x", None]))))
def test_each_amount_has_the_currency_of_its_row(rows: list[tuple[Cell, Cell]]) -> None:
    locale = locale_of("de")
    amounts, codes = [amount for amount, _ in rows], [code for _, code in rows]
    assert locale.format_column(amounts, ColumnType.MONEY, codes) == [
        None if amount is None else locale.format_money(amount, code) for amount, code in rows
    ]


def test_yes_and_no_are_words() -> None:
    assert locale_of("fr").format_column(["true", "false", None, "1"], ColumnType.BOOLEAN) == [
        "Oui",
        "Non",
        None,
        "1",
    ]


# Right to left


@pytest.mark.parametrize("tag", [tag for tag in EVERY_TAG if tag.startswith(("ar", "he"))])
def test_digits_are_latin_wherever_the_text_runs_right_to_left(tag: str) -> None:
    locale = locale_of(tag)
    shown = " ".join(
        [
            locale.format_decimal("-1234567890.5"),
            locale.format_money("1234567890.5", "EGP"),
            locale.format_date("1987-06-23"),
            locale.format_timestamp("1987-06-23T23:45:10+00:00"),
            locale.format_month("1987-06"),
            locale.word(Word.PAGE_OF, page=1, pages=9876543210),
        ]
    )
    assert set("1234567890") <= set(shown)
    assert not [character for character in shown if character.isdecimal() and not character.isascii()]


def test_a_minus_stays_left_of_its_digits_where_the_text_runs_right_to_left() -> None:
    assert locale_of("ar").format_decimal("-5") == "\u200e-5"
    assert locale_of("he").format_integer("-5") == "\u200e-5"


# Workbooks

FORMAT_TOKENS = re.compile(
    r'"[^"\\]*"|\[\$-[0-9A-F]{3,7}\]|\[\$[^\]"\[]+?(?:-[0-9A-F]{3,4})?\]|yyyy|m{1,3}|d{1,2}|h{1,2}|ss|AM/PM|#,##0(?:\.0+)?|;'
)


def test_number_formats_hold_nothing_but_tokens_and_quoted_text() -> None:
    for tag, code in product(EVERY_TAG, ("EUR", "JPY", "KWD", "PLN", "USD", "XXQ")):
        locale = locale_of(tag)
        for written in (
            locale.excel_date_format, locale.excel_timestamp_format, locale.excel_money_format(code)
        ):  # fmt: skip
            tokens = FORMAT_TOKENS.findall(written)
            assert "".join(tokens) == written, (tag, written)
            # Two quoted texts in a row might be read as one with a quote in it.
            assert not [pair for pair in pairwise(tokens) if pair[0][0] == pair[1][0] == '"'], (tag, written)


@pytest.mark.parametrize(
    ("tag", "day", "moment", "money"),
    [
        (
            "en", '[$-409]mmm" "d", "yyyy', '[$-409]mmm" "d", "yyyy", "h":"mm":"ss"\u202f"AM/PM',
            "[$€-409]#,##0.00",
        ),
        ("de", 'dd"."mm"."yyyy', 'dd"."mm"."yyyy", "hh":"mm":"ss', '#,##0.00"\u00a0"[$€-407]'),
        ("fr", '[$-40C]d" "mmm" "yyyy', '[$-40C]d" "mmm" "yyyy", "hh":"mm":"ss', '#,##0.00"\u00a0"[$€-40C]'),
        ("es", '[$-C0A]d" "mmm" "yyyy', '[$-C0A]d" "mmm" "yyyy", "h":"mm":"ss', '#,##0.00"\u00a0"[$€-C0A]'),
        ("it", '[$-410]d" "mmm" "yyyy', '[$-410]d" "mmm" "yyyy", "hh":"mm":"ss', '#,##0.00"\u00a0"[$€-410]'),
        (
            "pt", '[$-416]d" de "mmm" de "yyyy', '[$-416]d" de "mmm" de "yyyy" "hh":"mm":"ss',
            '[$€-416]"\u00a0"#,##0.00',
        ),
        (
            "nl", '[$-413]d" "mmm" "yyyy', '[$-413]d" "mmm" "yyyy", "hh":"mm":"ss',
            '[$€-413]"\u00a0"#,##0.00;[$€-413]"\u00a0-"#,##0.00',
        ),
        ("pl", '[$-415]d" "mmm" "yyyy', '[$-415]d" "mmm" "yyyy", "hh":"mm":"ss', '#,##0.00"\u00a0"[$€-415]'),
        ("ja", 'yyyy"/"mm"/"dd', 'yyyy"/"mm"/"dd" "h":"mm":"ss', "[$€-411]#,##0.00"),
        ("zh", 'yyyy"年"m"月"d"日"', 'yyyy"年"m"月"d"日 "hh":"mm":"ss', "[$€-804]#,##0.00"),
        (
            "ar", 'dd"\u200f/"mm"\u200f/"yyyy',
            '[$-1010C01]dd"\u200f/"mm"\u200f/"yyyy"، "h":"mm":"ss" "AM/PM',
            '"\u200f"#,##0.00"\u00a0"[$€-C01];"\u200f\u200e-"#,##0.00"\u00a0"[$€-C01]',
        ),
        (
            "he", '[$-40D]d" ב"mmm" "yyyy', '[$-40D]d" ב"mmm" "yyyy", "h":"mm":"ss',
            '"\u200f"#,##0.00"\u00a0\u200f"[$€-40D];"\u200f\u200e-"#,##0.00"\u00a0\u200f"[$€-40D]',
        ),
    ],
)  # fmt: skip
def test_number_formats_of_each_language(tag: str, day: str, moment: str, money: str) -> None:
    locale = locale_of(tag)
    assert locale.excel_date_format == day
    assert locale.excel_timestamp_format == moment
    assert locale.excel_money_format("EUR") == money


@pytest.mark.parametrize(
    ("code", "decimals", "written"),
    [
        ("JPY", None, "[$¥-409]#,##0"),
        ("KWD", None, '[$KWD]"\u00a0"#,##0.000'),
        ("XXQ", None, '[$XXQ]"\u00a0"#,##0.00'),
        ("USD", 4, "[$$-409]#,##0.0000"),
        ("JPY", 2, "[$¥-409]#,##0.00"),
        ("usd", None, "[$$-409]#,##0.00"),
        ("", None, "#,##0.00"),
        ('"]', None, "#,##0.00"),
        ("A-1", None, "#,##0.00"),
        ("€€€", None, "#,##0.00"),
    ],
)
def test_money_formats_have_the_decimals_of_the_currency(code: str, decimals: int | None, written: str) -> None:
    assert locale_of("en").excel_money_format(code, decimals=decimals) == written


# Babel

SNAPSHOT = """
import sys
from customer_export.writers.locale import Word, locale_of
for tag in sys.argv[1:]:
    locale_of(tag)
for tag in sorted(sys.argv[1:]):
    locale = locale_of(tag)
    moments = [f"2024-{month:02}-05T{month * 2 - 1:02}:04:05Z" for month in range(1, 13)]
    print(tag, locale.language_name, locale.month_names, [locale.format_timestamp(text) for text in moments],
          [locale.format_month(text[:7]) for text in moments], locale.format_money("-1234.5", "USD"),
          locale.excel_timestamp_format)
"""


def test_no_locale_depends_on_which_were_loaded_before_it() -> None:
    # Babel 2.18 gives the stand-alone months of Arabic in Japanese once Japanese has been loaded, and the
    # short ones of Morocco as Egypt's once Egypt has been.
    def snapshot(order: list[str]) -> str:
        command = [sys.executable, "-X", "utf8", "-c", SNAPSHOT, *order]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout

    assert snapshot(list(TAGS)) == snapshot(list(reversed(TAGS)))


# Documentation


def test_the_examples_of_the_documentation_are_true() -> None:
    page = Path(__file__).parents[2] / "docs" / "formats" / "locale.md"
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", page.read_text("utf-8"), re.M)
    assert {row[0] for row in rows} >= set(LOCALES)
    for tag, name, title, number, money, moment in rows:
        locale = locale_of(tag)
        assert name == locale.language_name
        assert title == locale.word(Word.TITLE)
        assert number == locale.format_decimal("-1234567.50")
        assert money == locale.format_money("1234.500", "EUR")
        assert moment == locale.format_timestamp("2024-01-05T15:04:05+01:00")
