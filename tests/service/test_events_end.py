"""A server that is told to stop ends the answers that follow jobs: cleanly, at once, with word when to ask again."""

import time
from collections.abc import Iterator

import pytest
from visitors import CONTRACT, redis_of

from customer_export.demo.customers import TYPICAL
from server_process import StartServer

MOST_SECONDS = 8.0  # on a busy machine; an answer lasts for 25 otherwise


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_of_events_ends_at_once_when_the_server_is_told_to_stop(
    start_server: StartServer, request: pytest.FixtureRequest, workers: int
) -> None:
    redis = {} if workers == 1 else redis_of(request.getfixturevalue("valkey"))
    server = start_server(afresh=workers > 1, workers=workers, **CONTRACT, **redis)  # nobody works on its jobs
    with server.client() as client:
        job = client.post("/api/admin/exports", json={"customer": TYPICAL.id, "format": "csv"}).json()
        with client.stream("GET", f"/api/admin/exports/{job['id']}/events") as answer:
            lines: Iterator[str] = answer.iter_lines()
            assert next(lines) == "retry: 500"
            assert any(line.startswith("event: progress") for line in lines)
            server.terminate()
            told_at = time.monotonic()
            rest = list(lines)  # raises if the answer breaks off
            assert time.monotonic() - told_at < MOST_SECONDS
    assert not any(line.startswith("event: ended") for line in rest)
    server.ended()
    assert time.monotonic() - told_at < 2 * MOST_SECONDS  # the answer, and what uvicorn does afterwards
