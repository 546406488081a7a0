"""Whatever breaks, whenever: nobody gets a file that only looks whole, and every export on record has its end.

FAULT_RUNS=n makes n runs, FAULT_FIRST_SEED=n begins with that seed. `make faults` makes a thousand (docs/faults.md).
"""

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from customer_export.model.audit import AuditFilter
from customer_export.model.request import ExportFormat
from customer_export.signing.keys import read_key_set
from customer_export.store.database import open_database
from customer_export.store.sql import SqlStore
from faults.judge import OK, Verdict, judge
from faults.runs import Calm, Fault, Run, calm_run, carry_out, plan_run
from faults.stage import Stage, open_stage
from servers import wait_until

RUNS = int(os.environ.get("FAULT_RUNS", "30"))  # each fault twice at least
FIRST_SEED = int(os.environ.get("FAULT_FIRST_SEED", "0"))
REPORT = os.environ.get("FAULT_REPORT")
ENDS = {"completed", "failed", "denied"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Everything that may break."""
    stage = open_stage(tmp_path)
    try:
        yield stage
    finally:
        stage.close()


def test_no_fault_makes_a_file_that_only_looks_whole(stage: Stage) -> None:
    keys = read_key_set(stage.server.ask("/.well-known/customer-export-keys.json").json())
    seen: Counter[tuple[Fault, Verdict]] = Counter()
    wrong: list[str] = []
    sent: set[str] = set()

    @cache
    def calm_of(form: ExportFormat, customer: str) -> Calm:
        return calm_run(stage, form, customer)

    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        run = plan_run(seed, calm_of)
        if run.fault is Fault.DISK_FULL and stage.disk is None:
            continue
        got = carry_out(run, stage)
        stage.mend()
        for one in got:
            sent |= {one.export_id} if one.export_id is not None and one.status == OK else set()
            try:
                seen[run.fault, judge(run, one, stage, calm_of(run.form, run.customer), keys)] += 1
            except AssertionError as failure:
                wrong.append(f"{run}\n    {one.status} {one.failure} {len(one.body):,} bytes: {failure}")
        tell(run, seen, wrong)
    wrong += without_an_end(stage, sent)
    tell(None, seen, wrong)
    assert not wrong, "\n".join(wrong)


def without_an_end(stage: Stage, sent: set[str]) -> list[str]:
    """Let another server take over what was left; give the exports that have no end even then, or more than one."""
    stage.begin_heir()
    store = SqlStore(open_database(stage.server.environment["DATABASE_URL"]))
    try:
        wait_until(lambda: store.verify_chain().open_exports == 0, what="an end of every export")
        assert store.verify_chain().whole
        events: dict[str, list[str]] = {}
        for entry in store.audit(AuditFilter(), limit=1_000_000):
            events.setdefault(entry.record.export_id, []).append(entry.record.event)
    finally:
        store.close()
    started = {export_id for export_id, seen in events.items() if "started" in seen}
    return [
        *(f"{one}: bytes left, and no start is on record" for one in sent - started),
        *(
            f"{one}: {events[one]}"
            for one in started
            if len(ENDS.intersection(events[one])) != 1 or len(events[one]) != 2
        ),
    ]


def tell(run: Run | None, seen: Counter[tuple[Fault, Verdict]], wrong: list[str]) -> None:
    """Keep a report of how far it has come."""
    if REPORT is None:
        return
    verdicts = list(Verdict)
    lines = ["fault | " + " | ".join(verdicts)]
    lines += [f"{fault} | " + " | ".join(str(seen[fault, one]) for one in verdicts) for fault in Fault]
    Path(REPORT).write_text("\n".join([f"after {run}", *lines, *wrong, ""]), encoding="utf-8")
