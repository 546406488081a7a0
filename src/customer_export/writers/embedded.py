"""The manifest as text within a file of another format."""

import json
from collections.abc import Mapping


def ascii_json(members: Mapping[str, object]) -> str:
    """Write JSON in ASCII on one line, for places that hold no other texts; the signature is of what it says."""
    return json.dumps(members, ensure_ascii=True, separators=(",", ":"))
