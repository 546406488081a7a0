"""A server that is killed leaves exports without an end; the next one gives them theirs."""

import pytest

from customer_export.model.audit import AuditEvent
from own_databases import new_store
from raw_client import head_of, reading
from server_process import ServerProcess, StartServer, export_path
from servers import PostgresqlServer, wait_until
from whale_shop import SMALL, WHALE, WHALE_MAP, WHALE_SHOP


@pytest.fixture(scope="module")
def whales(postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a server on a shop with one enormous customer is told."""
    path = tmp_path_factory.mktemp("map") / "whale.toml"
    path.write_text(WHALE_MAP, encoding="utf-8")
    return {"SOURCE_URL": postgresql.create_database("abandoned", WHALE_SHOP), "SOURCE_MAP": str(path)}


def killed_in_mid_stream(start_server: StartServer, whales: dict[str, str]) -> tuple[str, str]:
    """Give the id of an export whose server was killed, and the URL of the database that it is on record in."""
    server = start_server(**whales)
    with reading(server, f"{export_path(WHALE)}?format=csv") as connection:
        _, headers = head_of(connection)
        assert server.process is not None
        server.process.kill()
        server.process.join()
    export_id = headers["x-export-id"]
    assert [record.event for record in server.audit(export_id)] == ["started"]
    return export_id, server.environment["DATABASE_URL"]


def test_an_export_whose_server_was_killed_is_ended_by_the_next_one(
    start_server: StartServer, whales: dict[str, str]
) -> None:
    export_id, own = killed_in_mid_stream(start_server, whales)
    heir = start_server(**whales, DATABASE_URL=own, EXPORT_TIMEOUT_MS="300")
    ended = heir.outcome(export_id)
    assert (ended.event, ended.code) == (AuditEvent.FAILED, "INTERRUPTED")
    assert ended.duration_ms is not None
    assert ended.duration_ms >= 2 * 300
    wait_until(lambda: heir.events(export_id), what="the log to say so")
    assert [(event["event"], event["code"]) for event in heir.events(export_id)] == [("export_failed", "INTERRUPTED")]
    manifest = heir.manifest(export_id)
    assert (manifest.status_code, manifest.json()["code"]) == (409, "EXPORT_NOT_COMPLETE")
    assert heir.store.verify_chain().open_exports == 0
    assert heir.store.verify_chain().whole


def test_what_may_still_be_sent_is_left_alone(start_server: StartServer, whales: dict[str, str]) -> None:
    export_id, own = killed_in_mid_stream(start_server, whales)
    heir = start_server(**whales, DATABASE_URL=own, EXPORT_TIMEOUT_MS="3600000")
    answer = heir.get(SMALL, format="json")
    assert heir.outcome(answer.headers["x-export-id"]).event == AuditEvent.COMPLETED
    assert [record.event for record in heir.audit(export_id)] == ["started"]


def test_a_server_whose_own_database_is_down_goes_on_looking(
    start_server: StartServer, whales: dict[str, str], mortal_postgresql: PostgresqlServer
) -> None:
    own = new_store(mortal_postgresql, "own")
    heir: ServerProcess = start_server(**whales, DATABASE_URL=own, EXPORT_TIMEOUT_MS="300")
    mortal_postgresql.stop()
    wait_until(lambda: "abandoned_not_recorded" in heir.log, what="the log to say so")
    mortal_postgresql.start()
    assert heir.get(SMALL, format="json").status_code == 200
