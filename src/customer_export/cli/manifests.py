"""Manifests that lie beside their files."""

from pathlib import Path

import orjson

from customer_export.errors import ConfigurationError

MANIFEST_SUFFIX = ".manifest.json"


def manifest_of(file: Path, given: Path | None) -> object | None:
    """Read the given manifest of a file, else the one beside it; None if there is none. Raises ConfigurationError."""
    path = given or file.with_name(file.name + MANIFEST_SUFFIX)
    if given is None and not path.is_file():
        return None
    try:
        members: object = orjson.loads(path.read_bytes())
    except OSError as failure:
        raise ConfigurationError(f"{path} cannot be read ({failure.strerror})") from failure
    except orjson.JSONDecodeError as failure:
        raise ConfigurationError(f"{path} is no JSON ({failure}); give the manifest as it was served") from failure
    return members
