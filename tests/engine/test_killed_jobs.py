"""A job whose workers, server and database are killed again and again ends as one that was left alone."""

import hashlib
import os
import random
import signal
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyrage
import pytest

from customer_export.compose import open_jobs, open_services
from customer_export.jobs.files import shown_name, stored_name
from customer_export.jobs.look import job_manifest
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import read_order
from customer_export.model.access import Principal, Scope
from customer_export.model.bulk import BulkOrder
from customer_export.model.job import IN_FLIGHT, NewJob, Submitter, SubmitterKind
from customer_export.settings import Settings
from job_client import LONG_PATIENCE_SECONDS
from program import start_program
from server_process import ServerProcess
from servers import PostgresqlServer, wait_until

KILLS = 20 if "FAULT_RUNS" in os.environ else 3
CUSTOMERS, EACH = 4 + 6 * KILLS, 2
"""Three parts a kill: some are made before the next one."""

OPERATOR = Principal(name="local:tester", scopes=frozenset({Scope.ADMIN}))
RECIPIENT = pyrage.x25519.Identity.generate()
SUBMITTER = Submitter(kind=SubmitterKind.LOCAL, name=OPERATOR.name, user="tester")


class Site:
    """A server with a worker beside it, another worker, and what is looked at from here."""

    def __init__(self, jobs: Jobs, server: ServerProcess, folder: Path) -> None:
        self.jobs, self.server, self._folder = jobs, server, folder
        self.worker: BaseProcess | None = None

    def start_worker(self) -> None:
        log = self._folder / "worker.log"
        self.worker = start_program(
            ["worker"], environment=self.server.environment, folder=self._folder, output=log, errors=log
        )

    def end(self) -> None:
        """End the worker that was started here."""
        if self.worker is not None:
            self.worker.kill()

    def kill_worker(self) -> None:
        assert self.worker is not None
        self.worker.kill()
        self.worker.join()
        self.start_worker()

    def kill_worker_beside(self) -> None:
        """Kill what works beside the server, which starts it again."""
        for thread in Path(f"/proc/{self.server.pid}/task").iterdir():
            for pid in (thread / "children").read_text(encoding="ascii").split():
                if b"--beside" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(int(pid), signal.SIGKILL)

    def kill_server(self) -> None:
        """Kill the server; the worker beside it ends by itself."""
        assert self.server.process is not None
        self.server.process.kill()
        self.server.process.join()
        self.server.restart(patience_seconds=LONG_PATIENCE_SECONDS)

    def crash(self, postgresql: PostgresqlServer) -> None:
        """Crash the database of everybody; workers that lose their lock end, and are started again."""
        postgresql.crash()
        postgresql.start()
        if self.worker is not None:
            self.worker.join(LONG_PATIENCE_SECONDS)
            self.start_worker()

    def submit(self, order: BulkOrder) -> str:
        """Keep a job of parts that are smaller than a caller may have them."""
        job_id = uuid4().hex
        again = replace(order, job_id=job_id)
        new = NewJob(order=again, submitter=SUBMITTER, fingerprint=job_id, idempotency_key=None)
        return self.jobs.store.submit(new).job.job_id

    def parts_done(self, job_id: str) -> int:
        return self.jobs.store.progress([job_id])[job_id].parts_done

    def in_flight(self, job_id: str) -> bool:
        job = self.jobs.store.job(job_id)
        assert job is not None
        return job.state in IN_FLIGHT

    def manifest(self, job_id: str) -> Mapping[str, Any]:
        """Wait for a job's end, and give its manifest."""
        wait_until(lambda: not self.in_flight(job_id), what=f"the end of {job_id}", patience_seconds=600)
        manifest = job_manifest(self.jobs, job_id, OPERATOR)
        assert manifest is not None
        return manifest


@pytest.fixture(params=["sqlite", "postgresql"])
def postgresql_or_none(request: pytest.FixtureRequest) -> PostgresqlServer | None:
    """The server that has our database, or none where that is a file."""
    if request.param == "sqlite":
        return None
    server: PostgresqlServer = request.getfixturevalue("mortal_postgresql")
    return server


@pytest.fixture
def site(postgresql_or_none: PostgresqlServer | None, tmp_path: Path, demo_shop: Path) -> Iterator[Site]:
    own = f"sqlite:///{tmp_path / 'own.db'}"
    if postgresql_or_none is not None:
        own = postgresql_or_none.create_database("own")
    source, storage = f"sqlite:///{demo_shop}", f"file://{tmp_path / 'files'}"
    environment = {"SOURCE_URL": source, "STORAGE_URL": storage, "DATABASE_URL": own, "EXPORT_WORKER_PROCESSES": "1"}
    with ExitStack() as held:
        server = ServerProcess(tmp_path, environment)
        held.callback(server.close)
        server.start(patience_seconds=LONG_PATIENCE_SECONDS)
        settings = Settings(source_url=source, database_url=own, storage_url=storage)
        services = held.enter_context(open_services(settings))
        made = Site(held.enter_context(open_jobs(settings, services)), server, tmp_path)
        held.callback(made.end)
        made.start_worker()
        yield made


def customers_of(shop: Path) -> list[str]:
    with closing(sqlite3.connect(shop)) as connection:
        return [key for (key,) in connection.execute("SELECT id FROM customers ORDER BY id")][:CUSTOMERS]


def check_files(site: Site, job_id: str, manifest: Mapping[str, Any]) -> None:
    """Make sure that the storage has the files of the manifest, whole, and no others; what is sealed opens."""
    listed = {stored_name(f"{job_id}/{one['name']}"): one for one in manifest["output"]}
    stored = {file.name for file in site.jobs.storage.list_files(stored_name(job_id))}
    assert stored == listed.keys()
    for name, one in listed.items():
        content = b"".join(site.jobs.storage.open(name).pieces)
        assert hashlib.sha256(content).hexdigest() == one["sha256"], shown_name(name)
        if "encryption" in one:
            plain = pyrage.decrypt(content, [RECIPIENT])
            assert hashlib.sha256(plain).hexdigest() == one["encryption"]["plain"]["sha256"], shown_name(name)


def test_a_job_that_is_killed_again_and_again_ends_as_one_that_was_left_alone(
    site: Site, postgresql_or_none: PostgresqlServer | None, demo_shop: Path
) -> None:
    wanted = {"customers": customers_of(demo_shop), "format": "pdf"}
    is_encrypted = postgresql_or_none is None
    if is_encrypted:
        wanted["encrypt"] = str(RECIPIENT.to_public())
    order = replace(read_order(site.jobs, wanted, job_id="0" * 32, principal=OPERATOR), part_customers=EACH)
    alone = site.manifest(site.submit(order))
    assert (alone["exported"]["customers"], alone["exported"]["failed"]) == (CUSTOMERS, 0)

    harms: list[Callable[[], None]] = [site.kill_worker, site.kill_worker_beside, site.kill_server]
    if postgresql_or_none is not None:
        harms.append(lambda: site.crash(postgresql_or_none))
    dice = random.Random(20)
    planned = [*harms, *dice.choices(harms, k=max(0, KILLS - len(harms)))]
    dice.shuffle(planned)
    job_id = site.submit(order)
    for harm in planned:
        made = site.parts_done(job_id) + dice.randrange(2)
        wait_until(lambda: site.parts_done(job_id) > made, what="some parts", patience_seconds=300)  # noqa: B023
        assert site.in_flight(job_id), "the job has ended before it was killed often enough"
        harm()
    killed = site.manifest(job_id)

    assert killed["exported"] == alone["exported"]
    parts = [[(part["state"], part.get("canonicalSha256")) for part in one["parts"]] for one in (killed, alone)]
    assert parts[0] == parts[1]
    assert killed["canonicalSha256"] == alone["canonicalSha256"]
    assert {"encryption" in one for one in killed["output"] if one["type"] == "customers"} == {is_encrypted}
    check_files(site, job_id, killed)
    store = site.jobs.services.store
    wait_until(lambda: [one.event for one in store.audit_of(job_id)] == ["completed"], what="the end on record")
    assert site.jobs.services.store.verify_chain().whole
