"""Which locales there are: twelve languages, each with the regions and scripts that CLDR knows."""

import re
from collections.abc import Mapping
from functools import lru_cache

import babel
from babel.core import UnknownLocaleError, get_global

LOCALES: tuple[str, ...] = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ja", "zh", "ar", "he")
"""The languages of the product's own words."""

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?")

# The words are written in each language's usual script; only Chinese has words in two.
_SCRIPTS = (None, "Hans", "Hant")

# Tags come from outside, so the caches are bounded; all that are supported are fewer than 300.
CACHED_LOCALES = 512


def parse_locale(tag: str) -> str | None:
    """Return the canonical BCP 47 tag, e.g. `pt-BR` for `pt_br`, or None if it is not supported.

    Supported are the languages of LOCALES with a region of CLDR (`de-AT`, `es-419`) or none. The script is
    given only where the region does not imply it: `zh-Hant-TW` is `zh-TW`. Variants and extensions are not
    supported.
    """
    return _canonical(tag.replace("_", "-")) if _TAG.fullmatch(tag.replace("_", "-")) else None


def babel_locale(tag: str) -> babel.Locale:
    """Return Babel's locale of a canonical tag. Raises UnknownLocaleError for a tag that Babel lacks."""
    return babel.Locale.parse(tag, sep="-")


@lru_cache(maxsize=CACHED_LOCALES)
def _canonical(tag: str) -> str | None:
    try:
        locale = babel_locale(tag)
    except (UnknownLocaleError, ValueError):
        return None
    if locale.language not in LOCALES or locale.script not in _SCRIPTS or locale.variant:
        return None
    script = None if locale.script == likely_subtag(1, locale.language, locale.territory) else locale.script
    return "-".join(part for part in (locale.language, script, locale.territory) if part)


def likely_subtag(place: int, language: str, other: str | None) -> str:
    """Return the script (place 1) or region (2) that a language, and a region or script, lets one expect."""
    likely: Mapping[str, str] = get_global("likely_subtags")
    return (likely.get(f"{language}_{other}") or likely[language]).split("_")[place]
