"""How people read numbers and amounts of money, made from their canonical text without rounding or floats."""

import unicodedata
from dataclasses import dataclass
from typing import Self

import babel
from babel.numbers import NumberPattern, parse_pattern

_NO_BREAK_SPACE = "\u00a0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Affixes:
    """What stands around the digits of a positive and of a negative number: (before, after)."""

    positive: tuple[str, str]
    negative: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberForm:
    """One locale's way to write numbers: marks, sizes of groups from the right, and what stands around."""

    affixes: Affixes
    group_mark: str
    decimal_mark: str
    first_group_digits: int
    next_group_digits: int

    @classmethod
    def of_decimals(cls, locale: babel.Locale) -> Self:
        """Make the form of plain numbers."""
        symbols = locale.number_symbols["latn"]
        pattern = parse_pattern(locale.decimal_formats[None])
        return cls._of_pattern(pattern, _affixes(pattern, symbols["minusSign"]), symbols["group"], symbols["decimal"])

    @classmethod
    def of_money(cls, locale: babel.Locale, symbol: str) -> Self:
        """Make the form of amounts in the currency with this symbol (or code)."""
        symbols = locale.number_symbols["latn"]
        pattern = parse_pattern(locale.currency_formats["standard"])
        affixes = _affixes(pattern, symbols["minusSign"])
        spaced = Affixes(positive=_put_symbol(affixes.positive, symbol), negative=_put_symbol(affixes.negative, symbol))
        group_mark = symbols.get("currencyGroup", symbols["group"])
        return cls._of_pattern(pattern, spaced, group_mark, symbols.get("currencyDecimal", symbols["decimal"]))

    @classmethod
    def _of_pattern(cls, pattern: NumberPattern, affixes: Affixes, group_mark: str, decimal_mark: str) -> Self:
        first, following = pattern.grouping
        return cls(
            affixes=affixes,
            group_mark=group_mark,
            decimal_mark=decimal_mark,
            first_group_digits=first,
            next_group_digits=following,
        )

    def format(self, text: str) -> str:
        """Write a canonical number at its stored scale; any other text is returned as it is.

        A number with needless leading zeros is another text: it may well be an identifier.
        """
        whole, point, fraction = text.partition(".")
        negative = whole[:1] == "-"
        digits = whole[1:] if negative else whole
        if not (text.isascii() and digits.isdigit() and (fraction.isdigit() or not point)):
            return text
        if digits[0] == "0" and digits != "0":
            return text
        before, after = self.affixes.negative if negative else self.affixes.positive
        first = self.first_group_digits
        if len(digits) > first:
            if len(digits) > first + self.next_group_digits:
                digits = self._group(digits)
            else:
                digits = f"{digits[:-first]}{self.group_mark}{digits[-first:]}"
        if point:
            return f"{before}{digits}{self.decimal_mark}{fraction}{after}"
        return f"{before}{digits}{after}"

    def _group(self, digits: str) -> str:
        """Put marks between many groups, in linear time: a number may be as long as its database allows."""
        head, tail = digits[: -self.first_group_digits], digits[-self.first_group_digits :]
        size = self.next_group_digits
        odd = len(head) % size
        groups = [head[:odd]] if odd else []
        groups += [head[start : start + size] for start in range(odd, len(head), size)]
        return self.group_mark.join([*groups, tail])


def currency_symbol(locale: babel.Locale, currency_code: str) -> str:
    """Return the locale's symbol of a currency, or its code where the locale has none of its own.

    These are CLDR's standard symbols, of which no two are alike in a locale (`$` in German and `US$` in Dutch
    are the US dollar); its narrow ones (`kr` for four currencies) are not used. An unknown code is kept.
    """
    return str(locale.currency_symbols.get(currency_code.upper(), currency_code))


def _affixes(pattern: NumberPattern, minus: str) -> Affixes:
    """Read a pattern's affixes, with the locale's minus sign: CLDR writes `-` in a pattern for it."""
    (positive_before, negative_before), (positive_after, negative_after) = pattern.prefix, pattern.suffix
    return Affixes(
        positive=(positive_before, positive_after),
        negative=(negative_before.replace("-", minus), negative_after.replace("-", minus)),
    )


def _put_symbol(affix: tuple[str, str], symbol: str) -> tuple[str, str]:
    """Put the currency's symbol in, with a space where a letter of it would touch a digit.

    The rule is `currencySpacing` of Unicode TS 35, part 3: `$5` but `PLN 5`.
    """
    before, after = (part.replace("¤", symbol) for part in affix)
    if before and symbol and before.endswith(symbol) and _touches(symbol[-1]):
        before += _NO_BREAK_SPACE
    if after and symbol and after.startswith(symbol) and _touches(symbol[0]):
        after = _NO_BREAK_SPACE + after
    return before, after


def _touches(character: str) -> bool:
    """Whether a symbol's outermost character needs a space beside a digit: no sign and no separator."""
    return unicodedata.category(character)[0] not in "SZ"
