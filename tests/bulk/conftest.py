"""Services over any source, for bulk exports without a server."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from bulk_jobs import NOW, Over, at_one_time

from customer_export.compose import open_services
from customer_export.demo.shop import demo_map_path
from customer_export.model.customer_map import CustomerMap
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.source.map_file import load_map
from customer_export.source.plugins.source import with_plugins
from customer_export.writers.pdf import PdfWriter
from customer_export.writers.registry import make_writers
from databases import opened


@pytest.fixture(scope="session")
def _services(tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Iterator[Services]:
    own = tmp_path_factory.mktemp("bulk") / "own.db"
    settings = Settings().model_copy(
        update={
            "source_url": f"sqlite:///{demo_shop}",
            "source_map": None,
            "database_url": f"sqlite:///{own}",
        }
    )
    with open_services(settings) as services:
        yield services


@pytest.fixture
def over(_services: Services) -> Iterator[Over]:
    """Put services over a database and a map."""
    with ExitStack() as stack:

        def over(url: str, customer_map: CustomerMap | None = None, **changes: object) -> Services:
            customer_map = customer_map or load_map(demo_map_path())
            source = stack.enter_context(opened(url, customer_map))
            pdf = _services.writers["pdf"]  # type: ignore[index]  # whose renderers run already
            assert isinstance(pdf, PdfWriter)
            services = replace(
                _services,
                source=with_plugins(source, now=lambda: NOW),
                writers=make_writers(customer_map, pdf),
                **changes,  # type: ignore[arg-type]
            )
            return at_one_time(services)

        yield over
