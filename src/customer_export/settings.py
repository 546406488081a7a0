"""Every setting, from the environment or a .env file. Sizes are in bytes, times end in _MS.

Read by `compose` and the command line alone.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from customer_export.errors import ConfigurationError

PREFIX = "EXPORT_"
DOTENV = Path(".env")


class Settings(BaseSettings):
    """What the operator decides. The names of the variables are the names of the fields in capitals."""

    model_config = SettingsConfigDict(env_file=DOTENV, extra="ignore", frozen=True, case_sensitive=False)

    source_url: str = Field(
        default="sqlite:///data/demo-shop.db",
        description="The customers' database, which is only read: `postgresql://user@host/database`, "
        "`sqlite:///relative.db` or `sqlite:////absolute.db`",
    )
    source_map: Path | None = Field(
        default=None, description="The customer map (TOML); unset means the map of the demo shop"
    )
    database_url: str = Field(
        default="sqlite:///data/customer-export.db",
        description="Our own database, for tokens, the audit and manifests: `sqlite:///` or `postgresql://`",
    )
    export_max_size_pdf: PositiveInt = Field(default=52_428_800, description="Largest PDF, bytes")
    export_max_size_csv: PositiveInt = Field(default=104_857_600, description="Largest CSV, bytes")
    export_max_size_xlsx: PositiveInt = Field(default=26_214_400, description="Largest workbook, bytes")
    export_max_size_json: PositiveInt = Field(default=10_485_760, description="Largest JSON document, bytes")
    export_max_size_ndjson: PositiveInt = Field(
        default=104_857_600, description="Largest NDJSON, bytes: it streams like CSV, so as large as CSV"
    )
    export_max_size_zip: PositiveInt = Field(
        default=104_857_600, description="Largest ZIP, bytes: it holds the CSV, so as large as CSV"
    )
    export_stream_threshold: int = Field(
        default=500, ge=0, description="CSV and NDJSON with more orders than this are streamed"
    )
    export_timeout_ms: PositiveInt = Field(
        default=300_000, description="How long an export may take, until its last byte"
    )
    export_pdf_processes: PositiveInt = Field(default=2, description="Child processes that set PDFs")
    export_pdf_timeout_ms: PositiveInt = Field(default=30_000, description="How long one part of a PDF may take")
    export_pdf_memory_bytes: PositiveInt = Field(
        default=1 << 30, description="Largest address space of one child process that sets PDFs"
    )
    export_source_connections: PositiveInt = Field(
        default=8, description="Exports that may read the customers' database at a time, for each process"
    )

    export_rate_limit_max: PositiveInt = Field(
        default=5, description="Exports for each client in a window; accepted, without effect in this version"
    )
    export_rate_limit_window_ms: PositiveInt = Field(
        default=60_000, description="The window of the rate limit; accepted, without effect in this version"
    )
    export_cache_ttl_ms: int = Field(
        default=300_000, ge=0, description="How long a file is kept; accepted, without effect in this version"
    )
    export_cache_max_size: PositiveInt = Field(
        default=10_485_760, description="Largest file that is kept; accepted, without effect in this version"
    )

    @property
    def export_timeout(self) -> timedelta:
        """How long an export may take."""
        return timedelta(milliseconds=self.export_timeout_ms)


def read_settings() -> Settings:
    """Read the settings. Raises ConfigurationError that names each wrong variable and the remedy."""
    problems = list(_unknown({**dotenv_values(DOTENV), **os.environ}))
    try:
        settings = Settings()
    except ValidationError as failure:
        problems += [
            f"{str(error['loc'][0]).upper()} is {error['input']!r}: {error['msg'][:1].lower()}{error['msg'][1:]}"
            for error in failure.errors(include_url=False)
        ]
        raise ConfigurationError("\n".join(problems)) from failure
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


def _unknown(environment: Mapping[str, str | None]) -> Iterable[str]:
    known = [name.upper() for name in Settings.model_fields]
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            remedy = f"did you mean {near[0]}?" if near else "remove it (docs/settings.md lists all)"
            yield f"{name} is no setting; {remedy}"
