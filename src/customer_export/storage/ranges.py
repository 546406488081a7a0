"""Which part of a file was asked for."""

from customer_export.storage.interface import StoredFile


def part_of(file: StoredFile, *, start: int, stop: int | None) -> tuple[int, int]:
    """Give the first byte and the one behind the last; an empty part of an empty file. Raises ValueError."""
    if start == 0 and file.size_bytes == 0 and (stop is None or stop > 0):
        return 0, 0
    if not 0 <= start < (file.size_bytes if stop is None else min(stop, file.size_bytes)):
        raise ValueError(f"{file.name} has no bytes from {start} to before {stop}: it has {file.size_bytes}")
    return start, file.size_bytes if stop is None else min(stop, file.size_bytes)
