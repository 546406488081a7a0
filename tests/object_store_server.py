"""A real server of the S3 protocol for tests: moto's, from a venv of its own (Makefile says why)."""

import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import httpx

from servers import PATIENCE_SECONDS, wait_until

START_SECONDS = 120  # moto imports much, on a busy machine
PYTHON = Path(__file__).parents[1] / ".venv/object-store/bin/python"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


class ObjectStoreServer:
    """An S3 on a loopback port, empty at each start. Whoever makes one starts and stops it."""

    def __init__(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port: int = taken.getsockname()[1]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to use it."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "AWS_ALLOW_HTTP": "true"}

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **CREDENTIALS})
        wait_until(self._answers, what="the S3 server to start", patience_seconds=START_SECONDS)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        httpx.put(f"{self.url}/{name}", timeout=PATIENCE_SECONDS).raise_for_status()

    def unfinished_uploads(self, bucket: str) -> list[str]:
        """Name the objects that parts were sent of, and which are not put together yet."""
        answer = httpx.get(f"{self.url}/{bucket}", params={"uploads": ""}).raise_for_status()
        return [key.text or "" for key in ElementTree.fromstring(answer.content).iterfind(".//{*}Upload/{*}Key")]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the S3 server did not start"
        try:
            return httpx.get(self.url).is_success
        except httpx.TransportError:
            return False
