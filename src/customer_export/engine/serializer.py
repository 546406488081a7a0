"""How the engine's rows are written: JSON of ids and numbers, never pickles, which would run what they hold."""

import json
from typing import Any

from dbos import Serializer

FAILURE = "failure"


class JsonSerializer(Serializer):
    """Writes what steps take and give. Of a failure, only its kind is kept: its words may hold what is personal."""

    def serialize(self, data: Any) -> str:
        """Write a value."""
        return json.dumps(data, default=_failure)

    def deserialize(self, serialized_data: str) -> Any:
        """Read it back; a failure becomes one of no kind."""
        return json.loads(serialized_data, object_hook=_read)

    def name(self) -> str:
        """Name the form, which stands beside each value."""
        return "customer-export-json"


class StepFailedError(Exception):
    """What a failure of an earlier run is read back as."""


def _failure(value: object) -> dict[str, str]:
    if isinstance(value, BaseException):
        return {FAILURE: type(value).__name__}
    raise TypeError(f"{type(value).__name__} does not go into the engine: only ids and numbers do")


def _read(members: dict[str, Any]) -> object:
    return StepFailedError(members[FAILURE]) if members.keys() == {FAILURE} else members
