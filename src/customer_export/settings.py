"""Every setting, from the environment or a .env file. Sizes are in bytes, times end in _MS.

Read by `compose` and the command line alone.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from customer_export.errors import ConfigurationError
from customer_export.limits.interface import WhenDown
from customer_export.limits.keys import CountBy
from customer_export.model.warming import WarmingLimits

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
        default=None, description="The customer map (TOML), or `ready:NAME`; unset means the map of the demo shop"
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

    export_queue_max: int = Field(
        default=64, ge=0, description="Exports that may wait for their turn, for each process; others get 503"
    )
    export_queue_timeout_ms: PositiveInt = Field(default=10_000, description="How long an export waits for its turn")

    redis_url: str | None = Field(
        default=None,
        description="Redis or Valkey for limits and cache, as `redis://localhost:6379`, `rediss://`, "
        "`redis+cluster://host:port,host:port` or `redis+sentinel://host:port/service`; unset keeps both in memory",
    )
    export_rate_limit_max: PositiveInt = Field(default=5, description="Exports for each client in a window")
    export_rate_limit_window_ms: PositiveInt = Field(default=60_000, description="The sliding window")
    export_rate_limit_key: CountBy = Field(
        default=CountBy.ADDRESS, description="What tells clients apart: `ip`, `principal` or `ip+principal`"
    )
    export_rate_limit_when_down: WhenDown = Field(
        default=WhenDown.OPEN,
        description="While Redis is down: `open` lets every request through uncounted, `closed` answers 503",
    )
    export_auth_failure_max: PositiveInt = Field(
        default=20, description="Wrong tokens from each address in a minute; beyond it they get 429"
    )
    export_trusted_proxies: str = Field(
        default="", description="Networks of proxies whose `X-Forwarded-For` and `X-Real-IP` are believed"
    )
    export_cache_ttl_ms: int = Field(
        default=300_000, ge=0, description="How long a file is kept; 0 turns the cache off"
    )
    export_cache_max_size: PositiveInt = Field(default=10_485_760, description="Largest file that is kept, bytes")
    export_cache_memory: PositiveInt = Field(
        default=1 << 27, description="What files kept in memory may take together, bytes, without REDIS_URL"
    )
    export_warm_per_minute: int = Field(
        default=0, ge=0, description="Files made for the cache before anybody asks, in a minute; 0 makes none"
    )
    export_warm_top: int = Field(default=20, ge=0, description="How many of the most-exported files are kept warm")
    export_warm_window_ms: PositiveInt = Field(
        default=86_400_000, description="For how long it counts that a file was asked for: a day"
    )
    export_warm_source_ms: PositiveInt = Field(
        default=6_000, description="Time of the customers' database that warming may take in a minute: a tenth"
    )
    export_warm_max_size: PositiveInt = Field(
        default=1 << 25, description="What the files kept warm may take of the cache together, bytes: 32 MiB"
    )
    export_warm_beside: int = Field(
        default=0, ge=0, description="Exports that may be under way in this process while a file is warmed"
    )
    export_warm_latency_ms: PositiveInt = Field(
        default=50, description="How quickly the customers' database has to answer for it to count as idle"
    )
    export_cache_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Keys of 32 bytes as base64, separated by commas, that protect what is kept in Redis: files, and "
        "whose they are; the first encrypts, all decrypt",
    )

    export_policy: Path | None = Field(
        default=None, description="The policy (TOML) that says who sees which personal data; unset masks nothing"
    )
    export_jwt_issuer: str | None = Field(
        default=None, description="The OpenID provider whose JWTs are taken, as it spells itself; unset takes none"
    )
    export_jwt_audience: str = Field(default="", description="Audiences, separated by commas, one of which a JWT has")
    export_jwt_algorithms: str = Field(default="RS256,ES256", description="Algorithms of signatures that are taken")
    export_jwt_jwks_url: str | None = Field(
        default=None, description="Where the provider's keys are; unset finds them by discovery"
    )
    export_jwt_leeway_ms: int = Field(default=30_000, ge=0, description="How much the clocks may differ")
    export_jwt_name_claim: str = Field(default="sub", description="The claim that names a caller in the audit")
    export_jwt_scope_claim: str | None = Field(
        default=None, description="A further claim with scopes, such as `realm_access.roles`"
    )
    export_jwt_tenant_claim: str | None = Field(
        default=None, description="The claim with the tenant whose customers a caller reaches"
    )

    export_signing_key_file: Path | None = Field(
        default=None,
        description="The Ed25519 key that signs manifests, as PEM; unset makes one and keeps it in our own database",
    )
    storage_url: str | None = Field(
        default=None,
        description="Where files of jobs are kept: `file:///FOLDER`, `s3://BUCKET/PREFIX`, `gs://` or `abfss://`; "
        "unset is the folder `data/files`",
    )
    export_worker_processes: int = Field(
        default=1, ge=0, description="Workers for jobs that `serve` starts beside itself; 0 leaves them to `worker`"
    )
    export_job_max_size: PositiveInt = Field(
        default=10_737_418_240, description="Largest file of one customer that a job makes, bytes: ten GiB"
    )
    export_job_timeout_ms: PositiveInt = Field(
        default=3_600_000, description="How long a job may take for one part: a customer, or a range of them"
    )
    export_job_files_ms: PositiveInt = Field(
        default=604_800_000, description="How long the files of a job are kept after its end: a week"
    )
    export_job_history_ms: PositiveInt = Field(
        default=7_776_000_000, description="How long a job itself is kept after its end: 90 days"
    )
    export_link_ttl_ms: PositiveInt = Field(default=900_000, description="How long a link to a file of a job is good")
    webhook_allowed_networks: str = Field(
        default="", description="Networks that are not public and yet may have webhooks; `http` is for these alone"
    )
    webhook_max: PositiveInt = Field(default=20, description="Webhooks that one owner may have")
    webhook_messages_max: PositiveInt = Field(
        default=30, description="Messages that one caller may have sent by hand in a minute: tests and replays"
    )
    webhook_timeout_ms: PositiveInt = Field(
        default=15_000, le=60_000, description="How long a webhook's receiver may take to answer"
    )
    export_cdn_url: str | None = Field(
        default=None, description="A content delivery network in front of the storage; downloads are sent there"
    )
    export_cdn_key: SecretStr = Field(
        default=SecretStr(""), description="The key of 32 bytes as base64 that signs URLs of EXPORT_CDN_URL"
    )
    export_metrics: bool = Field(default=True, description="Whether `/metrics` shows figures for Prometheus")

    @property
    def export_timeout(self) -> timedelta:
        """How long an export may take."""
        return timedelta(milliseconds=self.export_timeout_ms)

    @property
    def warming(self) -> WarmingLimits | None:
        """What may be made for the cache before anybody asks; None if nothing is."""
        if not self.export_warm_per_minute or not self.export_cache_ttl_ms:
            return None
        return WarmingLimits(
            renders=self.export_warm_per_minute,
            most_exported=self.export_warm_top,
            window=timedelta(milliseconds=self.export_warm_window_ms),
            source_time=timedelta(milliseconds=self.export_warm_source_ms),
            bytes=self.export_warm_max_size,
            exports_beside=self.export_warm_beside,
            latency=timedelta(milliseconds=self.export_warm_latency_ms),
            kept=timedelta(milliseconds=self.export_cache_ttl_ms),
        )


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
