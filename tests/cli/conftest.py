"""Run the program as its users do."""

import os
import subprocess
from pathlib import Path

import pytest

from program import Run, start_program

LONGEST_SECONDS = 60


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Run:
    """Run `customer-export` in a process of its own, in an empty folder, on the demo shop.

    Keywords are environment variables, of which it has no others. `output` may name where its standard output goes.
    What is written there may be bytes of any kind, so it comes as Latin-1, a character a byte.
    """
    streams = tmp_path_factory.mktemp("streams")

    def run_program(
        *arguments: str | Path, output: Path = streams / "output", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        errors = streams / "errors"
        for path in (streams / "output", errors):
            path.unlink(missing_ok=True)
        told = {
            "PATH": os.environ["PATH"],
            "SOURCE_URL": f"sqlite:///{demo_shop}",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'own.db'}",
            "COLUMNS": "200",
            **environment,
        }
        process = start_program(arguments, environment=told, folder=tmp_path, output=output, errors=errors)
        process.join(LONGEST_SECONDS)
        if process.exitcode is None:
            process.kill()
            pytest.fail(f"customer-export {' '.join(map(str, arguments))} did not end: {errors.read_text()}")
        written = output.read_text(encoding="latin-1") if output.is_file() else ""
        told_errors = errors.read_text(encoding="utf-8", errors="replace")
        return subprocess.CompletedProcess(arguments, process.exitcode, written, told_errors)

    return run_program
