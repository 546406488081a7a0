"""The one place that builds everything from the settings, and closes it again.

It is long because there is no second one.
"""

import hashlib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from customer_export.auth.bearers import make_authenticator
from customer_export.auth.jwt_rules import JwtRules, check_rules
from customer_export.auth.policy_file import load_policy
from customer_export.cache.exports import ExportCache
from customer_export.cache.registry import open_cache
from customer_export.cache.sealing import Seal, parse_keys
from customer_export.demo.shop import demo_map_path
from customer_export.errors import ConfigurationError
from customer_export.export.coverage import KeptCoverage
from customer_export.export.signing import KeptSigner
from customer_export.jobs.figures import KeptFigures
from customer_export.jobs.services import Cdn, JobLimits, Jobs
from customer_export.limits.registry import open_limiters
from customer_export.model.allowance import RateLimit
from customer_export.model.customer_map import CustomerMap
from customer_export.model.request import ExportFormat
from customer_export.observability.breaker import CircuitBreaker
from customer_export.observability.load import Load
from customer_export.observability.metrics import Metrics
from customer_export.redis_server.server import RedisServer, open_server
from customer_export.services import ExportLimits, RateLimits, Services
from customer_export.settings import Settings
from customer_export.source.interface import Source, Survey
from customer_export.source.map_file import load_map
from customer_export.source.plugins.source import with_plugins
from customer_export.source.registry import open_source, open_survey
from customer_export.storage.folder import FolderStorage
from customer_export.storage.interface import Storage
from customer_export.storage.registry import open_storage
from customer_export.store.background import count_background
from customer_export.store.database import is_sqlite, open_database, require_newest
from customer_export.store.demand import SqlDemand
from customer_export.store.erasure import SqlErasure
from customer_export.store.interface import Store
from customer_export.store.jobs import SqlJobs
from customer_export.store.schedules import SqlSchedules
from customer_export.store.sql import SqlStore
from customer_export.store.templates import SqlTemplates
from customer_export.store.webhooks import SqlWebhooks
from customer_export.webhooks.sending import Sender
from customer_export.webhooks.targets import read_networks
from customer_export.writers.pdf import PdfWriter, RendererPool
from customer_export.writers.registry import make_writers

FILES_FOLDER = Path("data") / "files"  # beside the two databases, as they are by default

COVERAGE_PATIENCE = timedelta(milliseconds=500)
"""What the command line waits for its one look: of 50 tables it takes 200 ms, and the program's start a second."""


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open our own database, at its newest schema. Raises ConfigurationError or StoreUnavailableError."""
    engine = open_database(settings.database_url)
    try:
        require_newest(engine)
        yield SqlStore(engine)
    finally:
        engine.dispose()


def open_signer(settings: Settings, store: Store) -> KeptSigner:
    """Have what signs, with a new key if there is none. Raises ConfigurationError or StoreUnavailableError."""
    keys = parse_keys(settings.export_cache_keys.get_secret_value(), variable="EXPORT_CACHE_KEYS")
    return KeptSigner(store, seal=Seal(keys), key_file=settings.export_signing_key_file, now=_now)


@contextmanager
def open_jobs(settings: Settings, services: Services) -> Iterator[Jobs]:
    """Build what jobs talk to beside the services, which outlive it. Raises ConfigurationError."""
    engine = open_database(settings.database_url)
    try:
        yield Jobs(
            services=services,
            store=SqlJobs(engine),
            schedules=SqlSchedules(engine),
            webhooks=SqlWebhooks(engine),
            erasure=SqlErasure(engine),
            storage=open_files(settings),
            limits=JobLimits(
                largest_bytes=settings.export_job_max_size,
                part_time=timedelta(milliseconds=settings.export_job_timeout_ms),
                keep_files=timedelta(milliseconds=settings.export_job_files_ms),
                keep_history=timedelta(milliseconds=settings.export_job_history_ms),
                links=timedelta(milliseconds=settings.export_link_ttl_ms),
                webhooks=settings.webhook_max,
            ),
            cdn=_cdn(settings),
            seal=Seal(parse_keys(settings.export_cache_keys.get_secret_value(), variable="EXPORT_CACHE_KEYS")),
            send=Sender(
                allowed=read_networks(settings.webhook_allowed_networks, variable="WEBHOOK_ALLOWED_NETWORKS"),
                seconds=settings.webhook_timeout_ms / 1_000,
                tls=ssl.create_default_context(),
            ),
            figures=KeptFigures(lambda: count_background(engine, now=_now()), monotonic=time.monotonic),
            demand=SqlDemand(engine),
            warming=settings.warming,
        )
    finally:
        engine.dispose()


def open_files(settings: Settings) -> Storage:
    """Open the storage of finished files. Raises ConfigurationError."""
    return FolderStorage(FILES_FOLDER) if settings.storage_url is None else open_storage(settings.storage_url)


def _cdn(settings: Settings) -> Cdn | None:
    if settings.export_cdn_url is None:
        return None
    keys = parse_keys(settings.export_cdn_key.get_secret_value(), variable="EXPORT_CDN_KEY")
    if len(keys) != 1:
        raise ConfigurationError(
            "EXPORT_CDN_URL is set, and EXPORT_CDN_KEY has no key that signs its URLs; make one with: "
            "openssl rand -base64 32"
        )
    return Cdn(url=settings.export_cdn_url.rstrip("/"), key=keys[0])


@contextmanager
def open_mapped(settings: Settings) -> Iterator[tuple[Source, Survey]]:
    """Open the customers' database alone, with the map and for a look beside it: nothing of a customer is read.

    Raises ConfigurationError, MapError or SourceUnavailableError.
    """
    customer_map = load_map(settings.source_map or demo_map_path())
    source = open_source(settings.source_url, customer_map, connections=1)
    try:
        with open_survey(settings.source_url, statement_limit=settings.export_timeout) as survey:
            yield source, survey
    finally:
        source.close()


@contextmanager
def open_services(settings: Settings, *, serving: bool = False, caching: bool = False) -> Iterator[Services]:
    """Build the services. For `serving` there are a cache and, soon, a warm renderer; a single export needs neither.

    With `caching` there is a cache without that.

    Raises ConfigurationError, MapError, PolicyError or StoreUnavailableError.
    """
    customer_map = load_map(settings.source_map or demo_map_path())
    policy = None if settings.export_policy is None else load_policy(settings.export_policy)
    metrics = Metrics()
    with ExitStack() as held:
        database = open_source(settings.source_url, customer_map, connections=settings.export_source_connections)
        held.callback(database.close)
        coverage = _coverage(settings, customer_map, serving=serving)
        held.callback(coverage.close)
        renderers = _renderers(settings)
        held.callback(renderers.close)
        pdf = PdfWriter(renderers)
        if serving:
            threading.Thread(target=pdf.warm, daemon=True).start()
        engine = open_database(settings.database_url)
        held.callback(engine.dispose)
        require_newest(engine)
        store = SqlStore(engine)
        signer = open_signer(settings, store)
        redis = held.enter_context(_redis(settings, metrics))
        cache = _cache(settings, redis, ttl_ms=settings.export_cache_ttl_ms if serving or caching else 0)
        held.callback(cache.close)
        yield Services(
            source=with_plugins(database, now=_now),
            coverage=coverage,
            writers=make_writers(customer_map, pdf),
            authenticator=make_authenticator(store.token, _jwt_rules(settings), monotonic=time.monotonic),
            store=store,
            templates=SqlTemplates(engine),
            signer=signer,
            limits=_limits(settings),
            rate=_rate_limits(settings, redis),
            cache=cache,
            metrics=metrics,
            load=Load(),
            # the manifest of a kept file is in our own database, so who has another one cannot share it
            source_id=hashlib.sha256(f"{settings.source_url}\n{settings.database_url}".encode()).hexdigest(),
            admits_at_once=_admits_at_once(settings),
            policy=policy,
            now=_now,
        )


def _admits_at_once(settings: Settings) -> bool:
    """Say so if limits and cache are in memory, tokens in a file, and no keys of a provider have to be fetched."""
    is_file = is_sqlite(settings.database_url)
    return is_file and settings.redis_url is None and settings.export_jwt_issuer is None


def _coverage(settings: Settings, customer_map: CustomerMap, *, serving: bool) -> KeptCoverage:
    survey = partial(open_survey, settings.source_url, statement_limit=settings.export_timeout)
    patience = timedelta(0) if serving else COVERAGE_PATIENCE
    coverage = KeptCoverage(customer_map, survey, patience=patience, now=_now, monotonic=time.monotonic)
    if serving:
        coverage.look()
    return coverage


def _now() -> datetime:
    return datetime.now(UTC)


def _jwt_rules(settings: Settings) -> JwtRules | None:
    if settings.export_jwt_issuer is None:
        return None
    rules = JwtRules(
        issuer=settings.export_jwt_issuer,
        audiences=_words(settings.export_jwt_audience),
        algorithms=_words(settings.export_jwt_algorithms),
        leeway=timedelta(milliseconds=settings.export_jwt_leeway_ms),
        jwks_url=settings.export_jwt_jwks_url,
        name_claim=settings.export_jwt_name_claim,
        scope_claim=settings.export_jwt_scope_claim,
        tenant_claim=settings.export_jwt_tenant_claim,
    )
    return check_rules(rules)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


@contextmanager
def _redis(settings: Settings, metrics: Metrics) -> Iterator[RedisServer | None]:
    if settings.redis_url is None:
        yield None
        return
    with open_server(settings.redis_url, breaker=_breaker("redis", metrics)) as server:
        yield server


def _rate_limits(settings: Settings, redis: RedisServer | None) -> RateLimits:
    window = timedelta(milliseconds=settings.export_rate_limit_window_ms)
    make_limiter = open_limiters(
        redis, now=_now, monotonic=time.monotonic, when_down=settings.export_rate_limit_when_down
    )
    return RateLimits(
        exports=make_limiter(RateLimit(name="exports", limit=settings.export_rate_limit_max, window=window)),
        failures=make_limiter(
            RateLimit(name="authentication", limit=settings.export_auth_failure_max, window=timedelta(minutes=1))
        ),
        messages=make_limiter(
            RateLimit(name="messages", limit=settings.webhook_messages_max, window=timedelta(minutes=1))
        ),
        count_by=settings.export_rate_limit_key,
        # of no keys it is a constant that anybody can compute (docs/rate-limit.md)
        secret=hashlib.sha256(settings.export_cache_keys.get_secret_value().encode()).digest(),
    )


def _cache(settings: Settings, redis: RedisServer | None, *, ttl_ms: int) -> ExportCache:
    return open_cache(
        redis,
        ttl=timedelta(milliseconds=ttl_ms),
        largest_bytes=settings.export_cache_max_size,
        memory_bytes=settings.export_cache_memory,
        keys=settings.export_cache_keys.get_secret_value(),
        monotonic=time.monotonic,
    )


def _breaker(name: str, metrics: Metrics) -> CircuitBreaker:
    metrics.dependency(name, up=True)
    return CircuitBreaker(name=name, monotonic=time.monotonic, on_change=lambda up: metrics.dependency(name, up=up))


def _renderers(settings: Settings) -> RendererPool:
    return RendererPool(
        children=settings.export_pdf_processes,
        time_limit=timedelta(milliseconds=settings.export_pdf_timeout_ms),
        memory_limit_bytes=settings.export_pdf_memory_bytes,
    )


def _limits(settings: Settings) -> ExportLimits:
    return ExportLimits(
        largest_bytes={
            ExportFormat.PDF: settings.export_max_size_pdf,
            ExportFormat.CSV: settings.export_max_size_csv,
            ExportFormat.XLSX: settings.export_max_size_xlsx,
            ExportFormat.JSON: settings.export_max_size_json,
            ExportFormat.NDJSON: settings.export_max_size_ndjson,
            ExportFormat.ZIP: settings.export_max_size_zip,
        },
        stream_above_rows=settings.export_stream_threshold,
        time=settings.export_timeout,
        job_time=timedelta(milliseconds=settings.export_job_timeout_ms),
    )
