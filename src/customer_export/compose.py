"""The one place that builds everything from the settings, and closes it again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from customer_export.auth.tokens import TokenAuthenticator
from customer_export.demo.shop import demo_map_path
from customer_export.model.request import ExportFormat
from customer_export.services import ExportLimits, Services
from customer_export.settings import Settings
from customer_export.source.map_file import load_map
from customer_export.source.registry import open_source
from customer_export.store.database import open_database, require_newest
from customer_export.store.interface import Store
from customer_export.store.sql import SqlStore
from customer_export.writers.pdf import PdfWriter, RendererPool
from customer_export.writers.registry import make_writers


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Open our own database, at its newest schema. Raises ConfigurationError or StoreUnavailableError."""
    engine = open_database(settings.database_url)
    try:
        require_newest(engine)
        yield SqlStore(engine)
    finally:
        engine.dispose()


@contextmanager
def open_services(settings: Settings, *, warm: bool = False) -> Iterator[Services]:
    """Build the services; `warm` starts in the background what a server's first PDF would wait for.

    Raises ConfigurationError, MapError or StoreUnavailableError.
    """
    customer_map = load_map(settings.source_map or demo_map_path())
    source = open_source(settings.source_url, customer_map, connections=settings.export_source_connections)
    renderers = _renderers(settings)
    try:
        with open_store(settings) as store:
            pdf = PdfWriter(renderers)
            if warm:
                threading.Thread(target=pdf.warm, daemon=True).start()
            yield Services(
                source=source,
                writers=make_writers(customer_map, pdf),
                authenticator=TokenAuthenticator(store.token),
                store=store,
                limits=_limits(settings),
                now=lambda: datetime.now(UTC),
            )
    finally:
        renderers.close()
        source.close()


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
    )
