"""How people read dates and times: CLDR's medium patterns, compiled once a locale.

The years are always those of the Gregorian calendar and the digits Latin, as in the canonical text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Self

import babel
from babel.dates import format_datetime, tokenize_pattern

# The end of a time stamp: seconds, their fraction, and the distance from UTC.
_END = re.compile(r"([0-5][0-9])(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?").fullmatch

# Where the fields of a pattern stand among the arguments of its template.
_PLACES = {"y": 0, "M": 1, "d": 2, "H": 3, "h": 3, "m": 4, "s": 5, "a": 6}

# From this width on a month is a name.
NAMED_MONTH = 3

# Stands for the seconds while a time is written; in no pattern.
_SECONDS_MARK = "\0"

# Days and minutes recur in the rows of a customer: 45 years of days, the minutes of a day in eleven locales;
# about 4 MB each when full.
_CACHED_DAYS = 16384
_CACHED_MINUTES = 16384

# Ends without a fraction: the seconds of a minute with the two offsets of a zone, in some locales and zones.
_CACHED_ENDS = 4096


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a pattern: its letter in Unicode TS 35, and how many of them stand there."""

    letter: str
    width: int


def read_pattern(pattern: str) -> list[Field | str]:
    """Split a pattern into its fields and the literal text between them, never two texts in a row."""
    parts: list[Field | str] = []
    for _, value in tokenize_pattern(pattern):
        if not isinstance(value, str):
            letter, width = value
            parts.append(Field(str(letter), int(width)))
        elif parts and isinstance(last := parts[-1], str):
            parts[-1] = last + value
        else:
            parts.append(value)
    return parts


def short_month_names(locale: babel.Locale) -> tuple[str, ...]:
    """Return the short names of the twelve months, January first.

    CLDR has aliases where a locale has no names of its own, and Babel keeps what it resolved for the first
    locale that asked, for all that share the alias: the names that stand alone, and the short ones of Arabic,
    which are the whole names in each region. So neither is asked for.
    """
    names = locale.months["format"]["wide" if locale.language == "ar" else "abbreviated"]
    return tuple(names[month] for month in range(1, 13))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePatterns:
    """CLDR patterns of one locale; a time stamp is a date and a time with `glue` between them."""

    date: str
    time: str
    glue: str
    month: str

    @classmethod
    def of(cls, locale: babel.Locale) -> Self:
        """Read the medium patterns: the year in full, no doubt which is the month, and seconds."""
        time_pattern = str(locale.time_formats["medium"].pattern)
        # "B" (in the morning, at noon) is used in Taiwan alone, and no spreadsheet has it: 24 hours instead.
        if "B" in time_pattern:
            time_pattern = str(locale.datetime_skeletons["Hms"].pattern)
        return cls(
            date=str(locale.date_formats["medium"].pattern),
            time=time_pattern,
            glue=str(locale.datetime_formats["medium"]).removeprefix("{1}").removesuffix("{0}"),
            # "L" is a month that stands alone: the same abbreviation in Polish, which alone has it here.
            month=str(locale.datetime_skeletons["yMMM"].pattern).replace("L", "M"),
        )

    @property
    def timestamp(self) -> str:
        """The pattern of a time stamp."""
        return f"{self.date}{self.glue}{self.time}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompiledPattern:
    """A pattern as a template of `str.format`, and the texts of its fields, indexed by the field's number.

    Compared and hashed by identity, so that it is a quick key of a cache.
    """

    template: str
    months: tuple[str, ...]
    days: tuple[str, ...]
    hours: tuple[str, ...]
    periods: tuple[str, ...]

    @classmethod
    def of(cls, pattern: str, locale: babel.Locale) -> Self:
        """Compile a pattern with the fields of `_PLACES`; raises KeyError for another field."""
        fields: dict[str, str] = {}
        template = ""
        for part in read_pattern(pattern):
            if isinstance(part, Field):
                fields[part.letter] = part.letter * part.width
                template += f"{{{_PLACES[part.letter]}}}"
            else:
                template += part.replace("{", "{{").replace("}", "}}")

        def texts(letters: str, moments: Iterable[datetime]) -> tuple[str, ...]:
            field = next((fields[letter] for letter in letters if letter in fields), None)
            return tuple(format_datetime(moment, field, locale=locale) if field else "" for moment in moments)

        named = len(fields.get("M", "")) >= NAMED_MONTH
        months = texts("M", (datetime(2024, month, 1) for month in range(1, 13)))
        # Nothing counts from 0 but hours, so that the first text of months and days is never looked up.
        return cls(
            template=template,
            months=("", *(short_month_names(locale) if named else months)),
            days=("", *texts("d", (datetime(2024, 1, day) for day in range(1, 32)))),
            hours=texts("Hh", (datetime(2024, 1, 1, hour) for hour in range(24))),
            periods=texts("a", (datetime(2024, 1, 1, hour) for hour in range(24))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeForm:
    """One locale's way to write dates, time stamps and months."""

    date: CompiledPattern
    time: CompiledPattern
    glue: str
    month: CompiledPattern
    decimal_mark: str

    @classmethod
    def of(cls, locale: babel.Locale) -> Self:
        """Compile the locale's patterns."""
        patterns = TimePatterns.of(locale)
        return cls(
            date=CompiledPattern.of(patterns.date, locale),
            time=CompiledPattern.of(patterns.time, locale),
            glue=patterns.glue,
            month=CompiledPattern.of(patterns.month, locale),
            decimal_mark=locale.number_symbols["latn"]["decimal"],
        )

    def format_date(self, text: str) -> str:
        """Write `YYYY-MM-DD`; any other text is returned as it is."""
        # The length comes first, since what is no date may be of any length and must not fill the cache.
        return _write_day(self.date, text) or text if len(text) == len("YYYY-MM-DD") else text

    def format_timestamp(self, text: str, *, with_offset: bool = False) -> str:
        """Write the wall time of `YYYY-MM-DDTHH:MM:SS[.ffffff]±HH:MM`; any other text is returned as it is.

        A fraction is kept as stored unless it is zero. `with_offset` adds the distance from UTC: `UTC+01:00`.
        """
        day = _write_day(self.date, text[:10])
        minute = _write_minute(self.time, text[10:17])
        end = text[17:]
        write_end = _write_end if len(end) <= len("SS+HH:MM") else _write_end.__wrapped__
        second = write_end(self.decimal_mark, end)
        if day is None or minute is None or second is None:
            return text
        written = f"{day}{self.glue}{minute[0]}{second[0]}{minute[1]}"
        if with_offset and second[1]:
            return f"{written} UTC{second[1].removeprefix('Z')}"
        return written

    def format_month(self, text: str) -> str:
        """Write `YYYY-MM`, e.g. as `Jan 2024`; any other text is returned as it is."""
        return _write_day(self.month, f"{text}-01") or text if len(text) == len("YYYY-MM") else text


@lru_cache(maxsize=_CACHED_DAYS)
def _write_day(pattern: CompiledPattern, text: str) -> str | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The standard library also reads 2024W01 and 2024-W01-5, which no database writes for a date.
    if text[7:8] != "-":
        return None
    return pattern.template.format(day.year, pattern.months[day.month], pattern.days[day.day])


@lru_cache(maxsize=_CACHED_MINUTES)
def _write_minute(pattern: CompiledPattern, text: str) -> tuple[str, str] | None:
    """Write `THH:MM:` as what stands before and after the seconds."""
    try:
        minute = time.fromisoformat(f"{text}00")
    except ValueError:
        return None
    # The standard library also reads a time without the T or the colons.
    if text[::3] != "T::":
        return None
    hour = minute.hour
    written = pattern.template.format("", "", "", pattern.hours[hour], text[4:6], _SECONDS_MARK, pattern.periods[hour])
    before, _, after = written.partition(_SECONDS_MARK)
    return before, after


@lru_cache(maxsize=_CACHED_ENDS)
def _write_end(decimal_mark: str, text: str) -> tuple[str, str | None] | None:
    """Write the end of a time stamp, `SS[.ffffff]±HH:MM`, as its seconds and its distance from UTC."""
    match = _END(text)
    if match is None:
        return None
    second, fraction, offset = match.groups()
    if fraction and fraction.strip("0"):
        second = f"{second}{decimal_mark}{fraction}"
    return second, offset
