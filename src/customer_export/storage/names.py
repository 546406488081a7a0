"""The names of stored files: `jobs/0f3a/part-0007.ndjson`."""

import re

SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
"""What every store and file system takes as it is. No dot stands first: such names are the folder's own, or go upwards.
200 characters and the 38 that a folder adds while it writes are within the 255 of file systems."""

LONGEST_NAME = 600
"""Object stores take 1,024 bytes: the rest is for the prefix in STORAGE_URL."""


def check_name(name: str) -> str:
    """Give the name back. Raises ValueError if it is none."""
    if len(name) > LONGEST_NAME or not all(SEGMENT.fullmatch(segment) for segment in name.split("/")):
        raise ValueError(f"{name!r} is no name of a stored file")
    return name


def file_name(name: str) -> str:
    """Give the last segment: what a download is called."""
    return name.rpartition("/")[2]
