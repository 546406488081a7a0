"""Files of jobs through a content delivery network, whose edge checks signatures as docs/jobs.md says."""

import base64
import hashlib
import hmac
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from customer_export.demo.customers import ONE_ORDER, TYPICAL
from identity_provider import AUDIENCE, IdentityProvider, running_provider
from job_client import PATH, JobClient
from server_process import ServerProcess

KEY = bytes(range(32))
LINK_SECONDS = 900


@dataclass
class Edge:
    """An edge before a folder. It knows nobody: whoever has a good signature gets the file, or a part of it."""

    folder: Path
    url: str = ""
    ahead_seconds: int = 0
    authorizations: list[str | None] = field(default_factory=list)

    def is_signed(self, target: str) -> bool:
        """Check what docs/jobs.md says: HMAC-SHA-256 over the path, a line feed and the second, and its time."""
        path, given = urlsplit(target).path, parse_qs(urlsplit(target).query)
        expires, signature = given.get("expires", ["0"])[0], given.get("signature", [""])[0]
        mac = hmac.digest(KEY, f"{path}\n{expires}".encode(), "sha256")
        expected = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
        return hmac.compare_digest(expected, signature) and int(expires) > time.time() + self.ahead_seconds

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send the file, from where the caller wants to go on."""
        self.authorizations.append(request.headers.get("Authorization"))
        if not self.is_signed(request.path):
            request.send_error(403)
            return
        content = (self.folder / unquote(urlsplit(request.path).path).removeprefix("/")).read_bytes()
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        request.wfile.write(content[start:])


@contextmanager
def running_edge(folder: Path) -> Iterator[Edge]:
    edge = Edge(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            edge.answer(self)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    edge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield edge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cdn")


@pytest.fixture(scope="module")
def edge(folder: Path) -> Iterator[Edge]:
    with running_edge(folder / "files") as running:
        yield running


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def server(folder: Path, edge: Edge, provider: IdentityProvider, demo_shop: Path) -> Iterator[ServerProcess]:
    """A server with a worker beside it, which takes the provider's tokens and sends readers to the edge."""
    environment = {
        "SOURCE_URL": f"sqlite:///{demo_shop}",
        "EXPORT_WORKER_PROCESSES": "1",
        "STORAGE_URL": f"file://{folder / 'files'}",
        "EXPORT_CDN_URL": f"{edge.url}/",
        "EXPORT_CDN_KEY": base64.b64encode(KEY).decode(),
        "EXPORT_LINK_TTL_MS": str(LINK_SECONDS * 1000),
        "EXPORT_JWT_ISSUER": provider.issuer,
        "EXPORT_JWT_AUDIENCE": AUDIENCE,
    }
    made = ServerProcess(folder, environment)
    try:
        yield made.start()
    finally:
        made.terminate()
        made.ended()
        made.close()


def bearer(provider: IdentityProvider, name: str) -> str:
    now = int(time.time())
    return provider.token(sub=name, scope="customers:export customers:bulk", iat=now, exp=now + 3600)


@pytest.fixture(scope="module")
def client(server: ServerProcess, provider: IdentityProvider) -> Iterator[JobClient]:
    """Somebody whom the provider vouches for."""
    made = JobClient(server, bearer(provider, "jane"))
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def job_id(client: JobClient) -> str:
    """A finished job of a table a section."""
    ids = [TYPICAL.id, ONE_ORDER.id]
    made = client.submitted(customers=ids, format="csv", layout="tables", sections="profile,orders")
    assert client.ended(made)["state"] == "finished"
    return made


NAME = "orders/part-00000.csv"


def expected(client: JobClient, job_id: str) -> str:
    """Give the digest of the file, as the manifest has it."""
    (file,) = [one for one in client.manifest(job_id)["output"] if one["name"] == NAME]
    return str(file["sha256"])


def test_a_job_by_a_token_of_a_provider_is_its_subjects(
    client: JobClient, job_id: str, server: ServerProcess, provider: IdentityProvider
) -> None:
    assert client.manifest(job_id)["requestedBy"].endswith("jane")
    assert provider.issuer in client.manifest(job_id)["requestedBy"]
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {bearer(provider, 'joe')}"}) as joe:
        for path in (f"{PATH}/{job_id}", f"{PATH}/{job_id}/manifest", f"{PATH}/{job_id}/files/{NAME}"):
            assert joe.get(path).status_code == 404


def test_a_download_goes_to_the_edge_and_comes_whole_without_the_token(
    client: JobClient, job_id: str, edge: Edge
) -> None:
    sent = client.download(job_id, NAME)
    assert (sent.status_code, sent.content) == (307, b"")
    assert "no-store" in sent.headers["cache-control"]
    assert sent.headers["location"].startswith(f"{edge.url}/jobs/{job_id}/{NAME}?expires=")
    followed = client.http.get(f"{PATH}/{job_id}/files/{NAME}", follow_redirects=True)
    assert hashlib.sha256(followed.content).hexdigest() == expected(client, job_id)
    assert edge.authorizations[-1] is None
    said = client.download(job_id, NAME, method="HEAD")
    assert (said.status_code, int(said.headers["content-length"])) == (200, len(followed.content))
    assert base64.b64decode(said.headers["repr-digest"].split(":")[1]).hex() == expected(client, job_id)


def test_who_was_sent_to_the_edge_is_on_record_by_then(client: JobClient, job_id: str, server: ServerProcess) -> None:
    sent = client.download(job_id, NAME, headers={"Range": "bytes=10-19"})
    (record,) = server.audit(sent.headers["x-request-id"])
    assert (record.event, record.source_export_id, record.bytes) == ("downloaded", job_id, 10)
    assert (record.sha256, record.principal) == (expected(client, job_id), client.manifest(job_id)["requestedBy"])


def test_curl_goes_on_where_a_download_broke_off(client: JobClient, job_id: str, edge: Edge, tmp_path: Path) -> None:
    whole = (edge.folder / "jobs" / job_id / NAME).read_bytes()
    target = tmp_path / "orders.csv"
    target.write_bytes(whole[: len(whole) // 3])
    curl = shutil.which("curl")
    assert curl is not None
    command = [curl, "-fsSL", "-C", "-", "-H", f"Authorization: {client.http.headers['authorization']}"]
    subprocess.run([*command, "-o", target, f"{client.server.url}{PATH}/{job_id}/files/{NAME}"], check=True)
    assert target.read_bytes() == whole
    assert edge.authorizations[-1] is None


def links(client: JobClient, job_id: str) -> dict[str, str]:
    made = client.http.post(f"{PATH}/{job_id}/links")
    assert made.status_code == 200, made.text
    return {one["name"]: one["url"] for one in made.json()["files"]}


def test_links_lead_to_the_edge_each_to_its_file_and_until_its_time(client: JobClient, job_id: str, edge: Edge) -> None:
    made = links(client, job_id)
    for name, url in made.items():
        assert httpx.get(url).content == (edge.folder / "jobs" / job_id / name).read_bytes()
    url = made[NAME]
    others = (
        url.replace("orders/", "profile/"),
        url.replace("expires=", "expires=9"),
        url.partition("&signature=")[0],
        url[:-2] + ("AA" if not url.endswith("AA") else "BB"),
    )
    assert [httpx.get(other).status_code for other in others] == [403] * 4
    edge.ahead_seconds = LINK_SECONDS - 60
    assert httpx.get(url).status_code == 200
    edge.ahead_seconds = LINK_SECONDS + 1
    assert httpx.get(url).status_code == 403
    edge.ahead_seconds = 0
