"""The words of covering documents: a TOML file a language; where a language has none, all of them are English."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def letter_words(tag: str) -> Mapping[str, str]:
    """Return the words for a locale's tag, e.g. `de-AT`."""
    folder = files(__package__) / "letters"
    path = folder / f"{tag.partition('-')[0]}.toml"
    chosen = path if path.is_file() else folder / "en.toml"
    return tomllib.loads(chosen.read_text(encoding="utf-8"))
