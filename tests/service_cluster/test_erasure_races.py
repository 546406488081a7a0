"""Exports and jobs that race with a purge on another server lose, on one PostgreSQL and one Valkey."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson
import psycopg
from export_cluster import Cluster, locked

from customer_export.model.access import Scope
from program import start_program
from servers import PATIENCE_SECONDS, wait_until
from whale_shop import SMALL

JOBS = "/api/admin/exports"


def purge(cluster: Cluster, number: int) -> dict[str, object]:
    server = cluster.servers[number]
    root = {"Authorization": f"Bearer {server.new_token(Scope.ADMIN, name='root')}"}
    answer = server.ask(f"/api/admin/customers/{SMALL}/purge", method="POST", headers=root)
    assert answer.status_code == 200, answer.text
    receipt: dict[str, object] = answer.json()
    assert receipt["complete"] is True
    return receipt


def waits_for_a_lock(url: str) -> bool:
    """Whether somebody wants a table of that database which another one has locked."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url) as connection:
        return connection.execute(asked).fetchone() is not None


def test_an_export_that_is_being_made_while_another_server_purges_is_not_kept(cluster: Cluster) -> None:
    first, second = cluster.servers
    with ThreadPoolExecutor(1) as threads:
        with locked(cluster.source, "orders"):
            asked = threads.submit(first.get, SMALL, format="json", tz="Asia/Tokyo")
            wait_until(lambda: waits_for_a_lock(cluster.source), what="the export to read orders")
            purge(cluster, 1)
        made = asked.result()
    assert (made.status_code, made.headers["x-cache"]) == (200, "MISS")
    again = second.get(SMALL, format="json", tz="Asia/Tokyo")
    assert (again.status_code, again.headers["x-cache"]) == (200, "MISS")
    assert again.headers["x-export-id"] != made.headers["x-export-id"]
    assert first.get(SMALL, format="json", tz="Asia/Tokyo").headers["x-cache"] == "HIT"


def test_a_job_that_is_being_written_while_another_server_purges_leaves_the_customer_out(
    cluster: Cluster, tmp_path: Path
) -> None:
    first, _ = cluster.servers
    token = first.new_token(Scope.EXPORT, Scope.BULK, name="bulk")
    with httpx.Client(base_url=first.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        wanted = {"filter": {"id": [SMALL, "a/b", "semi;colon"]}, "format": "csv", "layout": "files"}
        worker = None
        try:
            with locked(cluster.source, "orders"):
                job = client.post(JOBS, json=wanted).json()["id"]
                worker = start_program(
                    ["worker"],
                    environment=first.environment,
                    folder=tmp_path,
                    output=tmp_path / "worker.txt",
                    errors=tmp_path / "worker.txt",
                )
                wait_until(
                    lambda: client.get(f"{JOBS}/{job}").json()["state"] == "running",
                    what="the job to run",
                    patience_seconds=120,
                )
                assert purge(cluster, 1)["leftOutOf"] == [job]
            wait_until(
                lambda: client.get(f"{JOBS}/{job}").json()["endedAt"], what="the end of the job", patience_seconds=120
            )
            assert client.get(f"{JOBS}/{job}").json()["state"] == "finished"
            index = client.get(f"{JOBS}/{job}/files/part-00000.customers.ndjson").text
            assert [orjson.loads(line)["customer"] for line in index.splitlines()] == ["a/b", "semi;colon"]
            archive = client.get(f"{JOBS}/{job}/files/part-00000.zip").content
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                assert len([name for name in files.namelist() if name.endswith(".csv")]) == 2
        finally:
            if worker is not None:
                worker.terminate()
                worker.join(PATIENCE_SECONDS)
                worker.kill()
