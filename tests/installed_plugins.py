"""Plug-ins as they are installed: a module, and the record of a package with its entry point."""

from itertools import count
from pathlib import Path

import pytest

_numbers = count(1)


def install_plugin(folder: Path, name: str, code: str, function: str, *, module: str | None = None) -> None:
    """Put a plug-in into a folder of packages, as pip would."""
    module = module or f"plugin_{name}"
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    record = folder / f"{module}-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (record / "entry_points.txt").write_text(
        f"[customer_export.sections]\n{name} = {module}:{function}\n", encoding="utf-8"
    )


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str, function: str = "rows") -> str:
    """Install a plug-in for this test, and give its name, which no other test has."""
    name = f"test{next(_numbers)}"
    install_plugin(folder, name, code, function)
    monkeypatch.syspath_prepend(folder)
    return name
