"""What one run does, decided by its seed: who asks for what, what breaks, and when."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum, unique
from random import Random
from time import monotonic

from customer_export.model.request import ExportFormat
from faults.download import Download, download
from faults.stage import Stage

_NDJSON, _CSV, _JSON = ExportFormat.NDJSON, ExportFormat.CSV, ExportFormat.JSON
_XLSX, _ZIP, _PDF = ExportFormat.XLSX, ExportFormat.ZIP, ExportFormat.PDF
ASKED: Mapping[ExportFormat, Sequence[str]] = {
    _CSV: ("small", "middle", "large", "whale", "whale"),
    _NDJSON: ("small", "middle", "large", "whale", "whale"),
    _JSON: ("small", "middle", "large", "whale"),
    _ZIP: ("small", "middle", "large", "whale"),
    _XLSX: ("small", "middle", "large"),
    _PDF: ("small", "middle"),
}
"""Whose files of a format are asked for; a report of more would take seconds, and break no otherwise."""
LATEST = 1.1  # times what it takes or has when nothing breaks: some faults come after the end


@unique
class Fault(StrEnum):
    """What breaks."""

    NOTHING = "nothing"
    SHOP_BACKENDS = "the shop's connections end"
    OWN_BACKENDS = "our database's connections end"
    POSTGRESQL = "PostgreSQL stops"
    VALKEY_KILLED = "Valkey is killed"
    VALKEY_FROZEN = "Valkey hangs"
    DISK_FULL = "the disk is full"
    CLIENT = "the client leaves"
    RENDERER = "the renderer is killed"
    SERVER = "the server is killed"


WHERE_IT_HURTS: Mapping[Fault, Sequence[ExportFormat]] = {
    Fault.DISK_FULL: (_JSON, _ZIP, _XLSX),
    Fault.RENDERER: (_PDF,),
}


@dataclass(frozen=True)
class Calm:
    """What a file is when nothing breaks: how long it takes, its bytes on the way, and its manifest."""

    seconds: float
    sent_bytes: int
    manifest: Mapping[str, object]


@dataclass(frozen=True)
class Run:
    """A run. The fault comes after so many seconds, or bytes at the first client; all `clients` ask for the same."""

    seed: int
    form: ExportFormat
    customer: str
    parameters: Mapping[str, str]
    coding: str
    clients: int
    pause_seconds: float
    fault: Fault
    after_seconds: float | None
    after_bytes: int | None

    def __str__(self) -> str:
        when = (
            f"after {self.after_bytes:,} bytes" if self.after_seconds is None else f"after {self.after_seconds:.3f} s"
        )
        asked = f"{self.form} of {self.customer}, {self.coding}, {self.clients} at once"
        return f"seed {self.seed}: {self.fault} {when}; {asked}"


def plan_run(seed: int, calm_of: Callable[[ExportFormat, str], Calm]) -> Run:
    """Throw the dice of a seed."""
    dice = Random(seed)
    fault = dice.choice(list(Fault))
    hurt = WHERE_IT_HURTS.get(fault, ())
    form = dice.choice(hurt) if hurt and dice.random() < 0.8 else dice.choice(list(ASKED))
    customer = dice.choice(ASKED[form])
    if fault is Fault.DISK_FULL and dice.random() < 0.8:
        customer = ASKED[form][-1]
    calm = calm_of(form, customer)
    by_time = dice.random() < 0.5
    at_once = fault is Fault.DISK_FULL and dice.random() < 0.5  # a disk that is full stays so, while others recover
    return Run(
        seed=seed,
        form=form,
        customer=customer,
        parameters={"format": form, **({"fresh": "true"} if dice.random() < 0.7 else {})},
        coding=dice.choice(("identity", "identity", "gzip", "zstd")),
        clients=dice.choice((1, 1, 1, 2, 3)),
        pause_seconds=dice.choice((0, 0, 0.0005, 0.002)),
        fault=fault,
        after_seconds=0 if at_once else dice.uniform(0, LATEST * calm.seconds) if by_time else None,
        after_bytes=None if by_time or at_once else dice.randint(0, int(LATEST * calm.sent_bytes)),
    )


def carry_out(run: Run, stage: Stage) -> list[Download]:
    """Let the clients ask, and the fault come."""
    struck = threading.Event()

    def strike() -> None:
        if not struck.is_set():
            struck.set()
            STRIKES[run.fault](stage)

    def seen(size_bytes: int) -> None:
        if run.after_bytes is not None and size_bytes >= run.after_bytes:
            strike()

    def ask(number: int) -> Download:
        leaves = run.fault is Fault.CLIENT and number == 0
        return download(
            stage.server,
            run.customer,
            run.parameters,
            coding=run.coding,
            pause_seconds=run.pause_seconds,
            leaves_after_bytes=(run.after_bytes or 1) if leaves else None,
            seen=seen if number == 0 else lambda _bytes: None,
        )

    timer = None if run.after_seconds is None else threading.Timer(run.after_seconds, strike)
    with ThreadPoolExecutor(run.clients) as pool:
        if timer is not None:
            timer.start()
        asked = [pool.submit(ask, number) for number in range(run.clients)]
        got = [one.result() for one in asked]
    if timer is not None:
        timer.cancel()
        timer.join()
    return got


def calm_run(stage: Stage, form: ExportFormat, customer: str) -> Calm:
    """See what a file is when nothing breaks."""
    began = monotonic()
    got = download(
        stage.server,
        customer,
        {"format": form, "fresh": "true"},
        coding="identity",
        pause_seconds=0,
        leaves_after_bytes=None,
        seen=lambda _bytes: None,
    )
    seconds = monotonic() - began
    assert got.complete, (form, customer, got.failure)
    assert got.status == 200, (form, customer, got.body[:300])
    return Calm(seconds, len(got.body), stage.server.manifest(got.headers["x-export-id"]).json())


def _kill_server(stage: Stage) -> None:
    assert stage.server.process is not None
    stage.server.process.kill()
    stage.server.process.join()


STRIKES: Mapping[Fault, Callable[[Stage], None]] = {
    Fault.NOTHING: lambda _stage: None,
    Fault.SHOP_BACKENDS: lambda stage: stage.end_backends("shop"),
    Fault.OWN_BACKENDS: lambda stage: stage.end_backends("own"),
    Fault.POSTGRESQL: lambda stage: stage.postgresql.stop(),
    Fault.VALKEY_KILLED: lambda stage: stage.valkey.kill(),
    Fault.VALKEY_FROZEN: lambda stage: stage.valkey.freeze(),
    Fault.DISK_FULL: Stage.fill_disk,
    Fault.CLIENT: lambda _stage: None,
    Fault.RENDERER: Stage.kill_renderers,
    Fault.SERVER: _kill_server,
}
