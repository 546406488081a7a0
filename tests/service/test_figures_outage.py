"""Our own database stopped: `/metrics` goes on without what only that knows."""

from server_process import ServerProcess, StartServer
from servers import PostgresqlServer, wait_until


def figures(server: ServerProcess) -> dict[str, str]:
    answer = server.ask("/metrics")
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def test_the_endpoint_answers_while_our_database_is_down(
    start_server: StartServer, mortal_postgresql: PostgresqlServer
) -> None:
    server = start_server(DATABASE_URL=mortal_postgresql.create_database("own"))
    mortal_postgresql.stop()
    assert not any("_jobs" in name for name in figures(server))
    assert "customer_export_exports_in_flight" in figures(server)
    assert "figures_unavailable" in server.log
    mortal_postgresql.start()
    wait_until(lambda: 'customer_export_jobs{state="queued"}' in figures(server), what="figures of the database")
