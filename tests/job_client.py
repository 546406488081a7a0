"""A client of the API of jobs."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from server_process import ServerProcess
from servers import PATIENCE_SECONDS, wait_until

PATH = "/api/admin/exports"
LONG_PATIENCE_SECONDS = 180  # a worker is a process of its own, whose start takes its time on a busy machine
ENDED = {"finished", "incomplete", "failed", "cancelled", "expired"}


class JobClient:
    """Submits jobs as the holder of a token, and looks at them."""

    def __init__(self, server: ServerProcess, token: str) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=server.url,
            timeout=PATIENCE_SECONDS,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
        )

    def submit(self, *, key: str | None = None, **wanted: object) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.http.post(PATH, json=wanted, headers=headers)

    def submitted(self, **wanted: object) -> str:
        """Submit a job and give its id."""
        answer = self.submit(**wanted)
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
        return str(answer.json()["id"])

    def show(self, job_id: str) -> dict[str, Any]:
        answer = self.http.get(f"{PATH}/{job_id}")
        assert answer.status_code == 200, answer.text
        members: dict[str, Any] = answer.json()
        return members

    def ended(self, job_id: str) -> dict[str, Any]:
        """Wait for a job's end."""
        wait_until(
            lambda: self.show(job_id)["state"] in ENDED,
            what=f"the end of job {job_id}",
            patience_seconds=LONG_PATIENCE_SECONDS,
        )
        return self.show(job_id)

    def manifest(self, job_id: str) -> dict[str, Any]:
        answer = self.http.get(f"{PATH}/{job_id}/manifest")
        assert answer.status_code == 200, answer.text
        members: dict[str, Any] = answer.json()
        return members

    def download(
        self, job_id: str, name: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return self.http.request(method, f"{PATH}/{job_id}/files/{name}", headers=headers)


Known = Callable[..., JobClient]
"""What makes clients: the name of a token, and its scopes."""
