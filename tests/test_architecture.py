"""The house rules that no type checker sees."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import customer_export

PACKAGE = Path(customer_export.__file__).parent
PROJECT = PACKAGE.parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_imports_run_one_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    code = lint_imports(config_filename=str(PROJECT / ".importlinter"), cache_dir=str(tmp_path))
    assert code == 0, capfd.readouterr().out


def test_every_module_says_what_it_is() -> None:
    silent = []
    for path in MODULES:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if not docstring or docstring.splitlines()[0][-1] not in ".:":
            silent.append(named(path))
    assert not silent


def test_no_name_says_nothing() -> None:
    empty = []
    for path in MODULES:
        empty += {"utils", "helpers", "common", "misc", "base"} & set(path.relative_to(PACKAGE).with_suffix("").parts)
        classes = [
            node.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ClassDef)
        ]
        empty += [name for name in classes if name.startswith("Base") or name.endswith(("Manager", "Helper", "Util"))]
    assert not empty


def test_asynchronous_code_lives_in_the_api_alone() -> None:
    found = {
        path.relative_to(PACKAGE).parts[0]
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    }
    assert found == {"api"}
