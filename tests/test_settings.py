"""Settings: the contract's names and defaults, and mistakes told all at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from customer_export.errors import ConfigurationError
from customer_export.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what the machine has set out of the tests."""
    monkeypatch.chdir(tmp_path)
    for name in (*(field.upper() for field in Settings.model_fields), "EXPORT_TYPO"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read_settings()
    assert settings.export_max_size_pdf == 50 * 2**20
    assert settings.export_max_size_csv == 100 * 2**20
    assert settings.export_max_size_xlsx == 25 * 2**20
    assert settings.export_max_size_json == 10 * 2**20
    assert settings.export_stream_threshold == 500
    assert settings.source_map is None
    assert settings.export_timeout == timedelta(minutes=5)


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_says_what_it_is_for(field: str) -> None:
    description = Settings.model_fields[field].description
    assert description is not None
    assert len(description) > 10


@pytest.mark.parametrize("field", [name for name, field in Settings.model_fields.items() if field.annotation is int])
@pytest.mark.parametrize("value", ["", "many", "1.5", "-1", "1e6"])
def test_every_number_is_checked_under_its_own_name(monkeypatch: pytest.MonkeyPatch, field: str, value: str) -> None:
    monkeypatch.setenv(field.upper(), value)
    with pytest.raises(ConfigurationError, match=f"^{field.upper()} is {value!r}: "):
        read_settings()


def test_every_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPORT_TIMEOUT_MS", "soon")
    monkeypatch.setenv("EXPORT_MAX_SIZE_PDF", "big")
    monkeypatch.setenv("EXPORT_TYPO", "1")
    with pytest.raises(ConfigurationError) as told:
        read_settings()
    assert sorted(line.split()[0] for line in told.value.message.splitlines()) == [
        "EXPORT_MAX_SIZE_PDF",
        "EXPORT_TIMEOUT_MS",
        "EXPORT_TYPO",
    ]


@pytest.mark.parametrize("field", [name for name in Settings.model_fields if name.startswith("export_")])
def test_a_slip_of_the_pen_is_told_with_the_right_name(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    name = field.upper()
    slip = name[:-2] + name[-1] + name[-2] if name[-1] != name[-2] else name[:-1]
    monkeypatch.setenv(slip, "1")
    with pytest.raises(ConfigurationError, match=f"^{slip} is no setting; did you mean {name}\\?$"):
        read_settings()


def test_the_file_is_read_and_the_environment_has_the_last_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SOURCE_URL=sqlite:///file.db\nEXPORT_TIMEOUT_MS=1000\n", encoding="utf-8")
    monkeypatch.setenv("SOURCE_URL", "sqlite:///environment.db")
    settings = read_settings()
    assert settings.source_url == "sqlite:///environment.db"
    assert settings.export_timeout_ms == 1000


def test_settings_do_not_change_while_the_program_runs() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().source_url = "sqlite:///other.db"
