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


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.splitlines()[0][-1] in ".:"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_name_says_nothing(path: Path) -> None:
    assert not {"utils", "helpers", "common", "misc", "base"} & set(path.relative_to(PACKAGE).with_suffix("").parts)
    classes = [
        node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)
    ]
    assert not [name for name in classes if name.startswith("Base") or name.endswith(("Manager", "Helper", "Util"))]


def test_asynchronous_code_lives_in_the_api_alone() -> None:
    found = {
        path.relative_to(PACKAGE).parts[0]
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    }
    assert found == {"api"}
