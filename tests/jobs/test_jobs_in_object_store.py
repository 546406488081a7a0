"""Jobs whose files lie in an object store: real parts, ranges, links of the store itself, and their end."""

import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from customer_export.demo.customers import MOST_ORDERS, ONE_ORDER, TYPICAL
from customer_export.model.access import Scope
from job_client import LONG_PATIENCE_SECONDS, PATH, JobClient
from object_store_server import ObjectStoreServer
from server_process import ServerProcess
from servers import wait_until

PART_BYTES = 8 * 1024 * 1024
THREE = [TYPICAL.id, MOST_ORDERS.id, ONE_ORDER.id]


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStoreServer]:
    server = ObjectStoreServer()
    try:
        server.start()
        server.make_bucket("exports")
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def client(store: ObjectStoreServer, tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Iterator[JobClient]:
    """Somebody who may export many, on a server whose shop has one customer with much to say."""
    folder = tmp_path_factory.mktemp("object-store")
    shop = folder / "shop.db"
    shutil.copy(demo_shop, shop)
    with closing(sqlite3.connect(shop)) as connection, connection:
        note = "INSERT INTO notes (customer_id, author, body, written_at) VALUES (?, 'clerk', hex(randomblob(?)), ?)"
        connection.executemany(note, [(MOST_ORDERS.id, 5_000_000, "2026-01-01 12:00:00")] * 2)
    environment = {
        "SOURCE_URL": f"sqlite:///{shop}",
        "EXPORT_WORKER_PROCESSES": "1",
        "STORAGE_URL": "s3://exports/all",
        **store.environment,
    }
    server = ServerProcess(folder, environment)
    try:
        server.start(patience_seconds=LONG_PATIENCE_SECONDS)
        made = JobClient(server, server.new_token(Scope.EXPORT, Scope.BULK, name="exporter"))
        yield made
        made.http.close()
    finally:
        server.terminate()
        server.ended()
        server.close()


def finished(client: JobClient, **wanted: object) -> tuple[str, dict[str, dict[str, Any]]]:
    """Have a job done; give its id, and its files by their names."""
    job_id = client.submitted(**wanted)
    assert client.ended(job_id)["state"] == "finished"
    return job_id, {one["name"]: one for one in client.manifest(job_id)["output"]}


@pytest.fixture(scope="module")
def large(client: JobClient) -> tuple[str, str, bytes]:
    """A job with a file of more than two parts: its id, the file's name and its content."""
    job_id, files = finished(client, customers=THREE, format="ndjson", layout="lines")
    name = "part-00000.ndjson"
    content = client.download(job_id, name).content
    assert (len(content), hashlib.sha256(content).hexdigest()) == (files[name]["bytes"], files[name]["sha256"])
    assert len(content) > 2 * PART_BYTES
    return job_id, name, content


def links(client: JobClient, job_id: str) -> dict[str, str]:
    return {one["name"]: one["url"] for one in client.http.post(f"{PATH}/{job_id}/links").json()["files"]}


def curl(url: str, target: Path, *options: str) -> None:
    done = subprocess.run(["curl", "-fsS", "-o", target, *options, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("layout", "file_format"),
    [("files", "csv"), ("files", "xlsx"), ("lines", "ndjson"), ("tables", "csv"), ("tables", "parquet")],
)
def test_each_layout_comes_back_whole(client: JobClient, layout: str, file_format: str, tmp_path: Path) -> None:
    sections = "profile,orders,order_items"
    job_id, files = finished(client, customers=THREE, format=file_format, layout=layout, sections=sections)
    content = {name: client.download(job_id, name).content for name in files}
    for name, one in files.items():
        assert (len(content[name]), hashlib.sha256(content[name]).hexdigest()) == (one["bytes"], one["sha256"])
    match layout:
        case "files":
            with zipfile.ZipFile(io.BytesIO(content["part-00000.zip"])) as archive:
                assert archive.testzip() is None
                assert len(archive.namelist()) == 2 * len(THREE)
        case "lines":
            heads = [json.loads(line) for line in content["part-00000.ndjson"].splitlines() if b'{"header"' in line]
            assert sorted(head["header"]["customer"]["id"] for head in heads) == sorted(THREE)
        case _:
            table = tmp_path / f"table.{file_format}"
            table.write_bytes(content[f"profile/part-00000.{file_format}"])
            keys = duckdb.sql(f"SELECT customer_key FROM '{table}'").fetchall()
            assert sorted(str(key) for (key,) in keys) == sorted(THREE)


def test_a_large_file_is_put_together_of_parts(client: JobClient, large: tuple[str, str, bytes]) -> None:
    job_id, name, content = large
    etag = httpx.get(links(client, job_id)[name]).headers["etag"]
    assert etag.endswith(f'-{-(-len(content) // PART_BYTES)}"')  # S3's form of a digest of so many parts


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (PART_BYTES - 3, PART_BYTES + 3), (PART_BYTES, None), (2 * PART_BYTES - 1, None)]
)
def test_any_range_of_it_is_that_of_the_whole(
    client: JobClient, large: tuple[str, str, bytes], start: int, stop: int | None
) -> None:
    job_id, name, content = large
    asked = {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}
    whole = client.download(job_id, name, method="HEAD").headers
    for answer in (client.download(job_id, name, headers=asked), httpx.get(links(client, job_id)[name], headers=asked)):
        assert (answer.status_code, answer.content) == (206, content[start:stop])
    again = client.download(job_id, name, headers={**asked, "If-Range": whole["etag"]})
    assert again.status_code == 206
    assert int(whole["content-length"]) == len(content)


@pytest.mark.parametrize("by_link", [False, True], ids=["from the server", "from the store"])
def test_a_download_that_broke_off_goes_on_to_the_same_bytes(
    client: JobClient, large: tuple[str, str, bytes], tmp_path: Path, by_link: bool
) -> None:
    job_id, name, content = large
    target = tmp_path / name
    authorization = client.http.headers["authorization"]
    if by_link:
        url, options = links(client, job_id)[name], []
    else:
        url, options = f"{client.server.url}{PATH}/{job_id}/files/{name}", ["-H", f"Authorization: {authorization}"]
    target.write_bytes(content[: PART_BYTES + 12_345])  # as far as it came
    curl(url, target, "-C", "-", *options)
    assert target.read_bytes() == content


def test_a_link_of_the_store_needs_no_token_and_keeps_no_copy(client: JobClient, large: tuple[str, str, bytes]) -> None:
    job_id, name, content = large
    url = links(client, job_id)[name]
    assert client.server.url not in url
    answer = httpx.get(url)
    assert answer.content == content
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"].startswith("attachment")


def restarted(client: JobClient, **environment: str) -> None:
    """Restart the server, and the worker beside it."""
    client.server.terminate()
    client.server.ended()
    client.server.environment.update(environment)
    client.server.restart(patience_seconds=LONG_PATIENCE_SECONDS)
    client.http.base_url = httpx.URL(client.server.url)


def test_files_and_links_end_with_the_time_of_a_job(client: JobClient, store: ObjectStoreServer) -> None:
    restarted(client, EXPORT_JOB_FILES_MS="1")
    job_id = client.submitted(customers=THREE, format="csv", sections="profile")
    client.ended(job_id)
    restarted(client)  # a worker sweeps at its beginning, and then every minute
    wait_until(
        lambda: client.show(job_id)["state"] == "expired", what="the sweep", patience_seconds=LONG_PATIENCE_SECONDS
    )
    assert client.download(job_id, "part-00000.zip").status_code == 409
    listed = httpx.get(f"{store.url}/exports", params={"list-type": "2", "prefix": f"all/jobs/{job_id}/"})
    assert listed.status_code == 200
    assert "<Key>" not in listed.text
    assert store.unfinished_uploads("exports") == []
