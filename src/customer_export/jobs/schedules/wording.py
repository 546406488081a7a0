"""Moments and jobs that an export of a schedule names by a word, since they are others each time."""

from collections.abc import Mapping
from datetime import datetime

DUE, PREVIOUS, LAST = "$due", "$previous", "$last"


def written_out(
    export: Mapping[str, object], *, due: datetime, previous: datetime, last: str | None
) -> dict[str, object]:
    """Put moments, and the job of the last run, in place of their words, wherever a value is one.

    Without a last job the members that name it are None, as if they were not there.
    """
    words = {DUE: due.isoformat(), PREVIOUS: previous.isoformat(), LAST: last}
    return {name: _written(value, words) for name, value in export.items()}


def _written(value: object, words: Mapping[str, str | None]) -> object:
    match value:
        case str():
            return words.get(value, value)
        case list():
            return [_written(one, words) for one in value]
        case dict():
            return {name: _written(one, words) for name, one in value.items()}
        case _:
            return value
