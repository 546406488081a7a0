"""Number formats of a workbook (ECMA-376 part 1, 18.8.31) that show what the other formats of a locale show.

A program shows the separators of digits as its user has set them. All else is fixed: what is not a field is a
quoted literal, since even a plain `/` would be replaced by the user's own separator of dates.
"""

from functools import cache
from locale import windows_locale

import babel
from babel.numbers import get_currency_precision

from customer_export.writers.locale.dates import NAMED_MONTH, Field, read_pattern
from customer_export.writers.locale.numbers import NumberForm, currency_symbol
from customer_export.writers.locale.tags import likely_subtag

# Fields that Excel writes otherwise than CLDR; the others are as wide in Excel as in CLDR.
_YEAR, _PERIOD = "yyyy", "AM/PM"

# The upper half of a locale's number in a format, [$-NNCCLLLL]: Latin digits, Gregorian calendar. Some Arabic
# locales of Windows would otherwise choose their own.
_LATIN_GREGORIAN = 0x0101_0000

# Spain's first number stands for the order of letters before 1994, and LibreOffice does not know it.
_MODERN_SPANISH = 0x0C0A

# ISO 4217: a currency code has three letters.
_CODE_LETTERS = 3


def excel_time_format(pattern: str, locale: babel.Locale) -> str:
    """Turn a CLDR pattern of a date or time stamp into a number format."""
    parts = read_pattern(pattern)
    code = "".join(_field(part) if isinstance(part, Field) else f'"{part}"' for part in parts)
    if not any(isinstance(part, Field) and (part.letter == "a" or part.width >= NAMED_MONTH) for part in parts):
        return code
    language = _windows_locale(locale) + (_LATIN_GREGORIAN if locale.language == "ar" else 0)
    return f"[$-{language:X}]{code}"


def excel_money_format(locale: babel.Locale, currency_code: str, decimals: int | None) -> str:
    """Make the number format of a currency; `decimals` None takes the currency's own number of them.

    What is not three ASCII letters is no code and is left out, since anything may stand in a customer's data.
    """
    if decimals is None:
        decimals = get_currency_precision(currency_code.upper())
    digits = "#,##0" + ("." + "0" * decimals if decimals else "")
    if len(currency_code) != _CODE_LETTERS or not (currency_code.isascii() and currency_code.isalpha()):
        return digits
    symbol = currency_symbol(locale, currency_code)
    is_code = symbol.isascii() and symbol.isalpha()
    token = f"[${symbol}]" if is_code else f"[${symbol}-{_windows_locale(locale):X}]"
    affixes = NumberForm.of_money(locale, symbol).affixes
    positive, negative = (
        _quote(before, symbol, token) + digits + _quote(after, symbol, token)
        for before, after in (affixes.positive, affixes.negative)
    )
    # A format of one section has a minus sign put before it.
    return positive if negative == f'"-"{positive}' else f"{positive};{negative}"


def _field(field: Field) -> str:
    if field.letter == "y":
        return _YEAR
    if field.letter == "a":
        return _PERIOD
    return field.letter.lower() * field.width


def _quote(affix: str, symbol: str, token: str) -> str:
    """Quote what stands around the digits, and put the token in the symbol's place."""
    before, found, after = affix.partition(symbol)
    return "".join((before and f'"{before}"', found and token, after and f'"{after}"'))


@cache
def _windows_locales() -> dict[str, int]:
    """Map `de_AT` to Windows' number of it; the first of several is the main one, but for Spain."""
    numbers = {name: number for number, name in reversed(windows_locale.items())}
    return numbers | {"es_ES": _MODERN_SPANISH}


def _windows_locale(locale: babel.Locale) -> int:
    """Return Windows' number of a locale, or of its language's main region where Windows has none."""
    regions = (locale.territory, likely_subtag(2, locale.language, locale.script))
    return next(number for region in regions if (number := _windows_locales().get(f"{locale.language}_{region}")))
