"""`customer-export schedule`: jobs that are submitted again and again."""

import getpass
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from customer_export.compose import open_jobs, open_services
from customer_export.errors import InvalidRequestError
from customer_export.jobs.schedules.edit import (
    USUAL_STOPPING,
    delete_schedule,
    list_schedules,
    pause_schedule,
    resume_schedule,
    save_schedule,
    show_schedule,
)
from customer_export.jobs.schedules.firing import run_now
from customer_export.jobs.services import Jobs
from customer_export.model.access import LocalOperator, Principal, Scope
from customer_export.model.schedule import MissedRuns, Target
from customer_export.observability.logs import configure_logging
from customer_export.settings import read_settings

AT_ONCE = 200
WIDEST = 500  # characters of a line, whatever the terminal's width: ids have to be whole; a name has up to 200

app = typer.Typer(no_args_is_help=True)

ScheduleId = Annotated[str, typer.Argument(help="The id of a schedule.")]


@contextmanager
def _jobs() -> Iterator[tuple[Jobs, LocalOperator, Principal]]:
    configure_logging(level=logging.ERROR)
    settings = read_settings()
    user = getpass.getuser()
    principal = Principal(name=f"local:{user}", scopes=frozenset({Scope.ADMIN}))
    with open_services(settings) as services, open_jobs(settings, services) as jobs:
        yield jobs, LocalOperator(user=user), principal


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    cron: Annotated[str, typer.Argument(help="Minute, hour, day, month and weekday: '30 2 * * MON-FRI'.")],
    export: Annotated[str, typer.Argument(help="What to export: the JSON of POST /api/admin/exports.")],
    tz: Annotated[str, typer.Option(help="The IANA time zone of these moments.")] = "UTC",
    target: Annotated[
        Target, typer.Option(help="Where the files go: those of a job, or the server's cache (docs/warming.md).")
    ] = Target.FILES,
    missed: Annotated[
        MissedRuns, typer.Option(help="What becomes of runs that no worker was there for.")
    ] = MissedRuns.ONCE,
    stop_after: Annotated[int, typer.Option(help="How many failed runs in a row stop it.")] = USUAL_STOPPING,
) -> None:
    """Have a job submitted again and again, and print the schedule's id.

    Example: customer-export schedule add nightly '30 2 * * *' '{"customers": "all", "format": "ndjson"}'
    """
    try:
        wanted = orjson.loads(export)
    except orjson.JSONDecodeError:
        raise InvalidRequestError('EXPORT is no JSON; write it as \'{"customers": "all", "format": "csv"}\'') from None
    body = {
        "name": name,
        "cron": cron,
        "timeZone": tz,
        "export": wanted,
        "target": target.value,
        "missed": missed.value,
        "stopAfterFailures": stop_after,
    }
    with _jobs() as (jobs, operator, _principal):
        typer.echo(save_schedule(jobs, body, operator, client=None)["id"])


@app.command("list")
def list_all() -> None:
    """List all schedules."""
    table = Table("id", "name", "cron", "time zone", "owner", "state", "next run", box=None)
    with _jobs() as (jobs, _operator, principal):
        after: str | None = None
        while True:
            page, after = list_schedules(jobs, principal, after=after, limit=AT_ONCE)
            for one in page:
                table.add_row(*_row(one))
            if after is None:
                break
    Console(soft_wrap=True, width=WIDEST).print(table)


def _row(members: Mapping[str, Any]) -> Iterator[str]:
    for name in ("id", "name", "cron", "timeZone", "owner", "state"):
        yield str(members[name])
    yield next(iter(members["nextRuns"]), "")


@app.command("show")
def show(schedule_id: ScheduleId) -> None:
    """Show a schedule, its next and its latest runs, as JSON."""
    with _jobs() as (jobs, _operator, principal):
        _print(show_schedule(jobs, schedule_id, principal))


@app.command("pause")
def pause(schedule_id: ScheduleId) -> None:
    """Let a schedule rest until it is resumed."""
    with _jobs() as (jobs, _operator, principal):
        _print(pause_schedule(jobs, schedule_id, principal))


@app.command("resume")
def resume(schedule_id: ScheduleId) -> None:
    """Let a schedule go on that was paused or has stopped."""
    with _jobs() as (jobs, _operator, principal):
        _print(resume_schedule(jobs, schedule_id, principal))


@app.command("run")
def run(schedule_id: ScheduleId) -> None:
    """Run a schedule at once, whatever its state: a worker makes the files."""
    with _jobs() as (jobs, _operator, principal):
        _print(run_now(jobs, schedule_id, principal).members())


@app.command("remove")
def remove(schedule_id: ScheduleId) -> None:
    """Forget a schedule; its jobs stay."""
    with _jobs() as (jobs, _operator, principal):
        delete_schedule(jobs, schedule_id, principal)


def _print(members: Mapping[str, object]) -> None:
    typer.echo(json.dumps(members, indent=2, ensure_ascii=False))
