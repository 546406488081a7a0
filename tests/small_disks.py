"""Disks of a few megabytes, which can be full; to mount one takes root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def mount_small_disk(place: Path, *, size_bytes: int) -> tuple[Path | None, str]:
    """Mount a disk, or say why that cannot be."""
    place.mkdir()
    if os.geteuid() != 0:
        return None, "only root may mount a small disk"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", place],
        capture_output=True,
        text=True,
        check=False,
    )
    return (place, "") if mounted.returncode == 0 else (None, mounted.stderr.strip())


def unmount(disk: Path) -> None:
    """Take it away again, even if somebody has not closed a file on it yet."""
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill_disk(disk: Path) -> None:
    """Leave no room for another byte."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * (1 << 20)):
            pass


def empty_disk(disk: Path) -> None:
    """Make room again."""
    (disk / "filler").unlink(missing_ok=True)


@contextmanager
def small_disk(place: Path, *, size_bytes: int) -> Iterator[Path]:
    """Have a disk for as long as this lasts, or skip the test."""
    disk, why_not = mount_small_disk(place, size_bytes=size_bytes)
    if disk is None:
        pytest.skip(why_not)
    try:
        yield disk
    finally:
        unmount(disk)
