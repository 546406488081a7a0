"""Moments that an export of a schedule names by a word, since they are others each time."""

from collections.abc import Mapping
from datetime import datetime

DUE, PREVIOUS = "$due", "$previous"


def written_out(export: Mapping[str, object], *, due: datetime, previous: datetime) -> dict[str, object]:
    """Put the moments in place of their words, wherever a value is one."""
    words = {DUE: due.isoformat(), PREVIOUS: previous.isoformat()}
    return {name: _written(value, words) for name, value in export.items()}


def _written(value: object, words: Mapping[str, str]) -> object:
    match value:
        case str():
            return words.get(value, value)
        case list():
            return [_written(one, words) for one in value]
        case dict():
            return {name: _written(one, words) for name, one in value.items()}
        case _:
            return value
