"""How rows are read changes no byte of a file, and no format changes what is proved of them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest

from customer_export.compose import open_services
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import start_export
from customer_export.model.access import LocalOperator
from customer_export.model.request import ExportFormat
from customer_export.services import Services
from customer_export.settings import Settings
from customer_export.signing.keys import read_key_set
from customer_export.store.database import open_database
from customer_export.store.sql import SqlStore
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome
from customer_export.verify.reading import ROW_FORMATS
from one_pipeline.conftest import MakeShop, Shop
from one_pipeline.rebatched import Reading, RebatchedSource
from own_databases import new_sqlite_store

SEEDS = range(int(os.environ.get("ONE_PIPELINE_SEEDS", "2")))
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
EXPORT_ID = "0f8fad5bd9cb469fa16570867728950e"


@dataclass(frozen=True)
class Made:
    """A file and its manifest."""

    content: bytes
    manifest: dict[str, Any]

    @property
    def digests(self) -> tuple[object, ...]:
        """What does not depend on the format."""
        sections = [(one["name"], one["rows"], one["sha256"], one["keySha256"]) for one in self.manifest["sections"]]
        return self.manifest["canonical"]["sha256"], *sections


class NothingKnown:
    """A coverage of the map that nobody has looked up, which a look in the background would change in between."""

    def known(self) -> None:
        return None


class Pipeline:
    """The pipeline on a shop, at a pinned moment, with an audit of its own for each export."""

    def __init__(self, services: Services, own: Path) -> None:
        self.services = services
        self._own = own
        self._copies = 0

    def make(self, form: ExportFormat, reading: Reading, *, stream: bool, **parameters: str) -> Made:
        """Make a file. Whatever else is asked, the id of the export is the same."""
        limits = replace(self.services.limits, stream_above_rows=0 if stream else 1 << 60)
        with self._store() as store:
            services = replace(
                self.services,
                source=RebatchedSource(self.services.source, reading),
                coverage=NothingKnown(),
                store=store,
                limits=limits,
                now=lambda: NOW,
            )
            call = ExportCall(
                export_id=EXPORT_ID,
                customer_id="1",
                parameters=[("format", form), *parameters.items()],
                credentials=LocalOperator(user="tester"),
                client=None,
            )
            started = start_export(services, call, cancellation=Cancellation())
            try:
                content = b"".join(started.pieces())
                started.finish()
                return Made(content, dict(started.manifest.members()))
            finally:
                started.close()

    @contextmanager
    def _store(self) -> Iterator[SqlStore]:
        self._copies += 1
        copy = self._own.with_name(f"own-{self._copies}.db")
        shutil.copy(self._own, copy)
        store = SqlStore(open_database(f"sqlite:///{copy}"))
        try:
            yield store
        finally:
            store.close()
            copy.unlink()


@contextmanager
def pipeline_on(shop: Shop, folder: Path) -> Iterator[Pipeline]:
    own = folder / "own.db"
    new_sqlite_store(own)
    template = folder / "template.db"
    shutil.copy(own, template)
    settings = Settings().model_copy(
        update={"source_url": shop.url, "source_map": shop.map_file, "database_url": f"sqlite:///{own}"}
    )
    with open_services(settings) as services:
        yield Pipeline(services, template)


def readings(dice: Random) -> list[tuple[Reading, bool]]:
    """Give ways of reading, each with whether the file is to be streamed."""
    return [
        (Reading(None, plain=False), False),
        (Reading(None, plain=False), True),
        (Reading(dice.randint(1, 9), plain=False), True),
        (Reading(dice.randint(10, 2_000), plain=True), False),
        (Reading(1, plain=True), True),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_bytes_however_rows_are_read(make_shop: MakeShop, tmp_path: Path, seed: int) -> None:
    shop, dice = make_shop(seed), Random(seed)
    digests = set()
    with pipeline_on(shop, tmp_path) as pipeline:
        keys = read_key_set(pipeline.services.signer.key_set())
        for form in ExportFormat:
            first, *others = [
                pipeline.make(form, reading, stream=stream, tz=shop.time_zone) for reading, stream in readings(dice)
            ]
            for other in others:
                assert other.content == first.content, form
                assert other.manifest == first.manifest, form
            digests.add(first.digests)
            report = verify_file(form, BytesIO(first.content), manifest=first.manifest, keys=keys)
            assert (report.outcome, report.findings) == (Outcome.WHOLE, []), form
            if form in ROW_FORMATS:
                assert report.canonical_sha256 == first.manifest["canonical"]["sha256"], form
    assert len(digests) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spelling_of_csv_changes_no_digest(make_shop: MakeShop, tmp_path: Path, seed: int) -> None:
    shop, dice = make_shop(seed), Random(seed)
    spellings: list[dict[str, str]] = [
        {},
        {"profile": "raw"},
        {"delimiter": "tab"},
        {"bom": "true", "delimiter": "pipe"},
    ]
    with pipeline_on(shop, tmp_path) as pipeline:
        for spelling in spellings:
            first, *others = [
                pipeline.make(ExportFormat.CSV, reading, stream=stream, **spelling)
                for reading, stream in readings(dice)
            ]
            assert {other.content for other in others} == {first.content}
            report = verify_file("csv", BytesIO(first.content), manifest=first.manifest, keys=None)
            assert report.findings == []
            spelling["digest"] = str(first.digests)
    assert len({spelling["digest"] for spelling in spellings}) == 1
