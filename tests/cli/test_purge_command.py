"""`customer-export purge`: what is kept of a customer goes, is on record, and is never a silent 0."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from customer_export.compose import open_services
from customer_export.demo.customers import ABOVE_STREAMING, TYPICAL
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.pipeline import Pending, make_export, open_export
from customer_export.model.access import LocalOperator
from customer_export.services import Services
from customer_export.settings import Settings
from program import Run
from valkey_servers import ValkeyServer

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def is_kept(services: Services, customer_id: str, file_format: str) -> bool:
    """Ask for an export, and say if it was there; else it is made, and kept from then on."""
    call = ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=[("format", file_format)],
        credentials=LocalOperator(user="reader"),
        client=None,
    )
    opened = open_export(services, call, told=lambda _: None)
    kept = not isinstance(opened, Pending)
    started = make_export(services, opened, cancellation=Cancellation()) if isinstance(opened, Pending) else opened
    with closing(started):
        assert b"".join(started.pieces())
        started.finish()
    return kept


def told(output: str) -> dict[str, str]:
    """Read what a purge prints, but for the receipt's id."""
    found = dict(line.split() for line in output.splitlines())
    assert len(found.pop("receipt")) == 32
    return found


def purges_on_record(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "own.db")) as connection:
        return connection.execute("SELECT principal, customer_id FROM audit WHERE event = 'purged'").fetchall()


@pytest.mark.parametrize("keys", ["", KEY])
def test_a_purge_drops_what_servers_keep_of_the_customer_and_nobody_else(
    run: Run, tmp_path: Path, demo_shop: Path, valkey: ValkeyServer, keys: str
) -> None:
    settings = Settings(
        source_url=f"sqlite:///{demo_shop}",
        source_map=None,
        database_url=f"sqlite:///{tmp_path / 'own.db'}",
        redis_url=valkey.url,
        export_cache_keys=SecretStr(keys),
    )
    with open_services(settings, caching=True) as services:
        asked = [(TYPICAL.id, "csv"), (TYPICAL.id, "json"), (ABOVE_STREAMING.id, "csv")]
        for customer_id, file_format in asked:
            assert not is_kept(services, customer_id, file_format)
        done = run("purge", TYPICAL.id.upper(), REDIS_URL=valkey.url, EXPORT_CACHE_KEYS=keys)
        assert done.returncode == 0, done.stderr
        assert told(done.stdout) == {"cached": "2", "jobs": "0", "parts": "0", "files": "0", "schedules": "0"}
        assert [is_kept(services, *one) for one in asked] == [False, False, True]
    ((principal, customer_id),) = purges_on_record(tmp_path)
    assert principal.startswith("local:")
    assert customer_id == TYPICAL.id


def test_without_redis_it_purges_jobs_and_says_that_servers_empty_their_memory_themselves(
    run: Run, tmp_path: Path, demo_shop: Path
) -> None:
    made = run("bulk", TYPICAL.id, ABOVE_STREAMING.id, "--format", "ndjson", "--layout", "lines")
    assert made.returncode == 0, made.stderr
    assert list((tmp_path / "data" / "files").rglob("*.ndjson"))
    receipt_file = tmp_path / "receipt.json"
    done = run("purge", TYPICAL.id, "--receipt", str(receipt_file))
    assert done.returncode == 0, done.stderr
    assert told(done.stdout) == {"cached": "unknown", "jobs": "0", "parts": "1", "files": "2", "schedules": "0"}
    assert "drop it within seconds" in done.stderr
    assert not list((tmp_path / "data" / "files").rglob("*.ndjson"))
    receipt = json.loads(receipt_file.read_bytes())
    place = next(one for one in receipt["searched"] if one["place"] == "cache")
    assert place["state"] == "elsewhere"
    expires = datetime.fromisoformat(place["until"]) - datetime.fromisoformat(receipt["begunAt"])
    assert expires == timedelta(minutes=5)
    keys = tmp_path / "keys.json"
    keys.write_text(run("keys", "export").stdout)
    verified = run("verify", str(receipt_file), "--key", str(keys))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_without_a_time_to_live_it_says_so(run: Run, valkey: ValkeyServer) -> None:
    done = run("purge", TYPICAL.id, REDIS_URL=valkey.url, EXPORT_CACHE_TTL_MS="0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "EXPORT_CACHE_TTL_MS is 0" in done.stderr


def test_a_purge_that_redis_did_not_hear_of_fails_and_is_on_record_as_failed(
    run: Run, tmp_path: Path, mortal_valkey: ValkeyServer
) -> None:
    mortal_valkey.kill()
    done = run("purge", TYPICAL.id, REDIS_URL=mortal_valkey.url)
    assert done.returncode == 1
    assert told(done.stdout)["cached"] == "unknown"
    assert "[CACHE_UNAVAILABLE]" in done.stderr
    assert purges_on_record(tmp_path) == []
    with closing(sqlite3.connect(tmp_path / "own.db")) as connection:
        (record,) = connection.execute("SELECT event, code, parameters FROM audit").fetchall()
    assert record == ("failed", "PURGE_INCOMPLETE", "jobs=0&parts=0&files=0&bytes=0&schedules=0")


def test_what_is_no_customer_id_is_refused(run: Run, valkey: ValkeyServer) -> None:
    done = run("purge", "somebody", REDIS_URL=valkey.url)
    assert done.returncode == 1
    assert "id: is not a valid customer id" in done.stderr
