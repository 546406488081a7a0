"""The pipeline without a server: real services on the demo shop, and a clock that the test moves."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from pipeline_starts import Start

from customer_export.compose import open_services
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.pipeline import start_export
from customer_export.model.access import Credentials, LocalOperator
from customer_export.services import Services
from customer_export.settings import Settings
from own_databases import new_sqlite_store

OPERATOR = LocalOperator(user="tester")


@pytest.fixture
def settings(demo_shop: Path, tmp_path: Path) -> Settings:
    """Settings for the demo shop and a database of our own, whatever the environment says."""
    return Settings().model_copy(
        update={
            "source_url": f"sqlite:///{demo_shop}",
            "source_map": None,
            "database_url": new_sqlite_store(tmp_path / "own.db"),
        }
    )


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """The services of those settings."""
    with open_services(settings) as services:
        yield services


@pytest.fixture
def start(services: Services) -> Iterator[Start]:
    """Start exports, which are closed with the test; `changes` replace services."""
    with ExitStack() as stack:

        def start(
            customer_id: str,
            *,
            credentials: Credentials = OPERATOR,
            changes: Services | None = None,
            cancellation: Cancellation | None = None,
            export_id: str = "",
            passphrase: str | None = None,
            **parameters: str,
        ) -> StartedExport:
            call = ExportCall(
                export_id=export_id or uuid4().hex,
                customer_id=customer_id,
                parameters=[(name.rstrip("_"), value) for name, value in parameters.items()],
                credentials=credentials,
                client=None,
                passphrase=passphrase,
            )
            started = start_export(changes or services, call, cancellation=cancellation or Cancellation())
            stack.callback(started.close)
            return started

        yield start
