"""Names taken apart: `CustomerAddressID`, `tbl_kunden_nr` and `größe` as the words that guesses are made by."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

NAME_LENGTH = 63  # the longest name that a map allows
SHORTEST_PLURAL = 3  # letters, up to which an s belongs to the word: gas, bus, sms
FEWEST_TABLES = 4  # of which a prefix is one

_SPELLED = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "þ": "th", "ð": "d", "ı": "i",
        "ä": "ae", "ö": "oe", "ü": "ue", "å": "a",
    }
)  # fmt: skip
"""Letters that lose nothing but a mark, or would vanish, when accents are dropped."""

_PREFIXES = frozenset({"tbl", "tb", "t", "tab", "table", "dbo", "app", "core", "vw", "view"})
"""What some put before every table's name."""

_IRREGULAR = {
    "people": "person", "children": "child", "addresses": "address", "statuses": "status", "status": "status",
    "aliases": "alias", "news": "news", "details": "detail", "series": "series", "men": "man", "women": "woman",
    "media": "media", "data": "data", "bonus": "bonus", "analysis": "analysis", "gps": "gps", "sms": "sms",
    "address": "address", "business": "business", "access": "access", "process": "process", "class": "class",
    "kunden": "kunde", "klanten": "klant", "kunder": "kund", "klienci": "klient",
    "bestellungen": "bestellung", "adressen": "adresse", "rechnungen": "rechnung",
    "benutzer": "benutzer", "mitglieder": "mitglied", "personen": "person", "nutzer": "nutzer",
    "canvas": "canvas", "bus": "bus", "tax": "tax", "plus": "plus", "locales": "locale", "purchases": "purchase",
    "invoices": "invoice", "licenses": "license", "houses": "house", "responses": "response", "expenses": "expense",
    "courses": "course", "cases": "case", "releases": "release", "databases": "database", "warehouses": "warehouse",
    "leases": "lease", "devices": "device", "services": "service", "messages": "message", "images": "image",
}  # fmt: skip


@lru_cache(maxsize=65536)
def words_of(name: str) -> tuple[str, ...]:
    """Give the words of a name in lower case without accents: `CustomerID` is `customer`, `id`."""
    plain = ascii_of(_apart(name))
    return tuple(re.findall(r"[a-z]+|[0-9]+|[^\W\d_a-z]+", plain))


def _apart(name: str) -> str:
    """Put a blank where a word of a CamelCase name begins."""
    spaced = re.sub(r"([^\W_])([A-Z][a-z])", r"\1 \2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", spaced)


def ascii_of(text: str) -> str:
    """Write lower-case text without accents, as far as Latin letters have any."""
    folded = unicodedata.normalize("NFC", text).lower().translate(_SPELLED)
    return "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """Give the singular of an English word as its spelling suggests; good enough to compare words by."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= SHORTEST_PLURAL:
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=65536)
def stem_of(table: str) -> tuple[str, ...]:
    """Give the words of a table's name in the singular, without what is put before every name.

    A module that is called like its table, as in `party_party`, is such a thing.
    """
    words = [singular(word) for word in words_of(table)]
    while len(words) > 1 and (words[0] in _PREFIXES or words[0] == words[1]):
        words = words[1:]
    return tuple(words)


def common_prefix(tables: Iterable[str]) -> tuple[str, ...]:
    """Give the word that begins most names of tables, as `wp` or `ps`; empty if there is none."""
    names = [words_of(table) for table in tables]
    counted: dict[str, int] = {}
    for words in names:
        if len(words) > 1:
            counted[words[0]] = counted.get(words[0], 0) + 1
    first = max(counted, key=lambda word: counted[word], default=None)
    # a prefix that only three quarters have is still a prefix; one that half of them have is a topic
    common = first is not None and len(names) >= FEWEST_TABLES and counted[first] >= len(names) * 3 / 4
    return (first,) if first is not None and common else ()


def map_name(name: str, taken: Iterable[str], *, fallback: str) -> str:
    """Make a name that a map allows of any name: lower-case ASCII, not taken. `fallback` is for what has no letters."""
    joined = "_".join(re.findall(r"[a-z0-9]+", ascii_of(_apart(name)))) or fallback
    plain = joined if joined[0].isalpha() else f"{fallback}_{joined}"
    used = set(taken)
    candidate, number = plain[:NAME_LENGTH].rstrip("_"), 2
    while candidate in used:
        suffix = f"_{number}"
        candidate, number = f"{plain[: NAME_LENGTH - len(suffix)]}{suffix}", number + 1
    return candidate


def has_any(words: Sequence[str], wanted: Iterable[str]) -> bool:
    """Whether one of the words, or of their singulars, is wanted."""
    known = {*words, *map(singular, words)}
    return any(word in known for word in wanted)


def has_phrase(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether words stand there one behind the other."""
    width = len(phrase)
    return any(tuple(words[at : at + width]) == tuple(phrase) for at in range(len(words) - width + 1))
