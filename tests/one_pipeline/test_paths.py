"""By whatever way an export leaves, it is the same: over HTTP, kept, shared, compressed, streamed, or to a file."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_export.model.request import ExportFormat
from customer_export.signing.keys import read_key_set
from customer_export.verify.check import verify_file
from customer_export.verify.findings import Outcome
from customer_export.verify.reading import ROW_FORMATS
from one_pipeline.comparing import common_content, common_manifest
from one_pipeline.conftest import MakeShop, Shop
from program import start_program
from server_process import ServerProcess, export_path
from servers import PATIENCE_SECONDS
from valkey_servers import ValkeyServer

SEEDS = range(100, 100 + int(os.environ.get("ONE_PIPELINE_SEEDS", "1")))
AT_ONCE = 4
STREAMING = {"EXPORT_STREAM_THRESHOLD": "0", "EXPORT_CACHE_TTL_MS": "300000"}
WHOLE = {"EXPORT_STREAM_THRESHOLD": "1000000000"}
CODINGS = ("identity", "gzip", "zstd")
COMPRESSED = (ExportFormat.CSV, ExportFormat.JSON, ExportFormat.NDJSON)

_numbers = count(1)


@dataclass(frozen=True)
class Arrived:
    """A file as it came out somewhere, its manifest, and the way it took."""

    way: str
    content: bytes
    manifest: Mapping[str, Any]
    keys: Mapping[str, Any]


class Ways:
    """A shop behind a server that streams and keeps, one that does neither, and the command line."""

    def __init__(self, shop: Shop, folder: Path, stack: ExitStack, **streaming: str) -> None:
        told = {"SOURCE_URL": shop.url, "SOURCE_MAP": str(shop.map_file)}
        self._folder = folder
        self._zone = shop.time_zone
        self.streaming = self._start(told | STREAMING | streaming, stack)
        self.whole = self._start(told | WHOLE, stack)

    def _start(self, environment: Mapping[str, str], stack: ExitStack) -> ServerProcess:
        folder = self._folder / f"server-{next(_numbers)}"
        folder.mkdir()
        server = ServerProcess(folder, environment)
        stack.callback(server.close)
        return server.start()

    def get(self, server: ServerProcess, way: str, form: str, coding: str = "identity", **parameters: str) -> Arrived:
        """Export over HTTP."""
        with server.client() as client:
            answer = client.get(
                export_path("1"),
                params={"format": form, "tz": self._zone, **parameters},
                headers={"Accept-Encoding": coding},
            )
        assert answer.status_code == 200, answer.text[:500]
        length = answer.headers.get("content-length")
        assert (length is None) == ("chunked" in answer.headers.get("transfer-encoding", ""))
        way = f"{way}, {answer.headers.get('content-encoding', 'plain')}, {answer.headers.get('x-cache')}"
        return Arrived(way, answer.content, *self._told(server, answer))

    @staticmethod
    def _told(server: ServerProcess, answer: httpx.Response) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        manifest = server.manifest(answer.headers["x-export-id"])
        assert manifest.status_code == 200, manifest.text
        return manifest.json(), server.ask("/.well-known/customer-export-keys.json").json()

    def at_once(self, form: str) -> list[Arrived]:
        """Ask for the same several times at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = [pool.submit(self.get, self.streaming, "shared", form) for _ in range(AT_ONCE)]
            return [one.result() for one in asked]

    def command_line(self, form: str) -> Arrived:
        """Export into a file."""
        errors, file, manifest = (self._folder / f"{form}.{name}" for name in ("errors", "file", "manifest"))
        process = start_program(
            ["export", "1", "--format", form, "--tz", self._zone, "-o", file, "--manifest", manifest],
            environment=self.whole.environment,
            folder=self._folder,
            output=errors,
            errors=errors,
        )
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0, errors.read_text()
        keys = self.whole.ask("/.well-known/customer-export-keys.json").json()
        return Arrived("command line", file.read_bytes(), json.loads(manifest.read_bytes()), keys)

    def all(self, form: str) -> Iterator[Arrived]:
        """Take every way."""
        yield from self.at_once(form)
        for coding in CODINGS if form in COMPRESSED else CODINGS[:1]:
            yield self.get(self.streaming, "kept", form, coding)
            yield self.get(self.streaming, "streamed", form, coding, fresh="true")
            yield self.get(self.whole, "whole", form, coding)
        yield self.command_line(form)


MakeWays = Callable[[int], Ways]


@pytest.fixture
def ways_of(make_shop: MakeShop, tmp_path: Path, valkey: ValkeyServer) -> Iterator[MakeWays]:
    """Give the ways out of the shop of a seed; a shop in PostgreSQL has its cache in Valkey."""
    with ExitStack() as stack:

        def ways(seed: int) -> Ways:
            shop = make_shop(seed)
            cache = {"REDIS_URL": valkey.url} if shop.url.startswith("postgresql") else {}
            return Ways(shop, tmp_path, stack, **cache)

        yield ways


@pytest.mark.parametrize("seed", SEEDS)
def test_every_way_gives_the_same(ways_of: MakeWays, seed: int) -> None:
    ways = ways_of(seed)
    digests, taken = set(), set()
    for form in ExportFormat:
        first, *others = ways.all(form)
        common = common_content(form, first.content, first.manifest), common_manifest(first.manifest)
        for arrived in (first, *others):
            taken.add(arrived.way)
            told = f"{form}: {first.way} and {arrived.way}"
            if arrived.manifest["exportId"] == first.manifest["exportId"]:
                assert arrived.content == first.content, told
            content = common_content(form, arrived.content, arrived.manifest)
            assert (content, common_manifest(arrived.manifest)) == common, told
            report = verify_file(
                form, BytesIO(arrived.content), manifest=arrived.manifest, keys=read_key_set(arrived.keys)
            )
            assert (report.outcome, report.findings) == (Outcome.WHOLE, []), told
            digests.add(arrived.manifest["canonical"]["sha256"])
            if form in ROW_FORMATS:
                digests.add(report.canonical_sha256)
    assert len(digests) == 1
    assert {"shared, plain, MISS", "shared, plain, HIT", "kept, gzip, HIT", "streamed, zstd, MISS"} <= taken
