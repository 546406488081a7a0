"""The maps that ship with the program: one for each product whose database it knows (docs/ready-maps.md)."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from customer_export.errors import MapError

PREFIX = "ready:"
_FOLDER = Path(__file__).parent.parent / "maps"


def ready_map_names() -> Sequence[str]:
    """Give the names that may follow `ready:`, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def find_map(path: Path) -> Path:
    """Give the file of the map at `path`, which may be `ready:NAME`. Raises MapError that lists the ready maps."""
    if not str(path).startswith(PREFIX):
        return path
    name, names = str(path).removeprefix(PREFIX), ready_map_names()
    if name not in names:
        nearest = "".join(f"did you mean '{PREFIX}{one}'? " for one in difflib.get_close_matches(name, names, n=1))
        raise MapError(str(path), [f"is no ready map; {nearest}There are {', '.join(names)}"])
    return _FOLDER / f"{name}.toml"
