"""`customer-export purge`: what Redis keeps of a customer goes, is on record, and is never a silent 0."""

import sqlite3
from contextlib import closing
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
        assert (done.returncode, done.stdout) == (0, "purged 2\njobs 0\n"), done.stderr
        assert [is_kept(services, *one) for one in asked] == [False, False, True]
    ((principal, customer_id),) = purges_on_record(tmp_path)
    assert principal.startswith("local:")
    assert customer_id == TYPICAL.id


def test_without_redis_it_names_the_endpoint(run: Run, tmp_path: Path) -> None:
    done = run("purge", TYPICAL.id)
    assert (done.returncode, done.stdout) == (1, "")
    assert "REDIS_URL is not set" in done.stderr
    assert "POST /api/admin/customers/{id}/purge" in done.stderr
    assert not (tmp_path / "own.db").exists()


def test_without_a_time_to_live_it_says_so(run: Run, valkey: ValkeyServer) -> None:
    done = run("purge", TYPICAL.id, REDIS_URL=valkey.url, EXPORT_CACHE_TTL_MS="0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "EXPORT_CACHE_TTL_MS is 0" in done.stderr


def test_a_purge_that_redis_did_not_hear_of_fails_and_is_on_record_as_failed(
    run: Run, tmp_path: Path, mortal_valkey: ValkeyServer
) -> None:
    mortal_valkey.kill()
    done = run("purge", TYPICAL.id, REDIS_URL=mortal_valkey.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "[CACHE_UNAVAILABLE]" in done.stderr
    assert purges_on_record(tmp_path) == []
    with closing(sqlite3.connect(tmp_path / "own.db")) as connection:
        assert connection.execute("SELECT event, code FROM audit").fetchall() == [("failed", "CACHE_UNAVAILABLE")]


def test_what_is_no_customer_id_is_refused(run: Run, valkey: ValkeyServer) -> None:
    done = run("purge", "somebody", REDIS_URL=valkey.url)
    assert done.returncode == 1
    assert "id: is not a valid customer id" in done.stderr
