"""Where the packages of other products are installed, and what to do where they are not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What npm and Debian have lies outside the tree: fetch_packages.sh puts it there.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "customer-export" / "foreign"
BUILD_SECONDS = 120  # a shop takes some 15; what takes longer on a busy machine has failed


def foreign_python() -> Path:
    """Give the interpreter that has the products of requirements/foreign.txt, or skip the test."""
    python = Path(sys.prefix) / "foreign" / "bin" / "python"
    if not python.exists():
        pytest.skip("the products of requirements/foreign.txt are not installed: run make setup-dev")
    return python


def node_modules() -> Path:
    """Give the folder of the npm packages, or skip the test."""
    folder = CACHE / "node_modules"
    if not (folder / "@vendure" / "core").exists():
        pytest.skip("Vendure is not installed: run tests/foreign/fetch_packages.sh, which needs Node.js and npm")
    return folder


def wordpress_folder() -> Path:
    """Give the folder of WordPress' PHP files, or skip the test."""
    for folder in (Path("/usr/share/wordpress"), CACHE / "wordpress" / "usr" / "share" / "wordpress"):
        if folder.exists():
            return folder
    return pytest.skip("WordPress is not installed: run tests/foreign/fetch_packages.sh, which needs Debian's apt")


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run a program that makes a database. Raises AssertionError with what it said if it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{Path(command[1]).name} failed: {done.stdout}{done.stderr}"
