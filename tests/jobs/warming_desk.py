"""Callers of exports in this process, and a warmer beside them, by a passed-in clock."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from customer_export.auth.tokens import digest_of, new_secret
from customer_export.compose import open_jobs, open_services
from customer_export.export.admission import ExportCall
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.pipeline import Pending, make_export, open_export
from customer_export.jobs.services import Jobs
from customer_export.jobs.warming.warmer import Warmer
from customer_export.model.access import BearerToken, Scope
from customer_export.settings import Settings
from customer_export.store.interface import StoredToken
from timed_jobs import Clock


@dataclass(frozen=True, kw_only=True)
class Served:
    """A file as a caller got it."""

    cache: str
    body: bytes
    export_id: str
    recorded_id: str


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a server has that keeps files warm: `warmer` does a round when it is told to."""

    jobs: Jobs
    clock: Clock
    warmer: Warmer

    def token(self, name: str = "desk", *scopes: str, tenant: str | None = None) -> str:
        secret = new_secret()
        self.jobs.services.store.add_token(
            StoredToken(
                name=name, digest=digest_of(secret), scopes=scopes or (Scope.EXPORT,), created_at=self.clock.at,
                expires_at=self.clock.at + timedelta(days=30), tenant=tenant,
            )
        )  # fmt: skip
        return secret

    def get(self, token: str, customer_id: str, **parameters: str) -> Served:
        """Export as the API does."""
        services = self.jobs.services
        call = ExportCall(
            export_id=uuid4().hex, customer_id=customer_id, parameters=tuple(parameters.items()),
            credentials=BearerToken(secret=token), client="192.0.2.1",
        )  # fmt: skip
        step = open_export(services, call, told=lambda _allowance: None)
        if isinstance(step, Pending):
            step = make_export(services, step, cancellation=Cancellation())
        assert isinstance(step, StartedExport)
        body = b"".join(step.pieces())
        step.finish()
        assert step.cache_use is not None
        return Served(cache=step.cache_use.value, body=body, export_id=step.export_id, recorded_id=call.export_id)

    def warmed(self) -> list[str]:
        """Do a round, and give how each file stands, the most asked for first."""
        self.warmer.look()
        assert self.warmer.looked is not None
        return [standing.value for _, standing in self.warmer.looked.files]

    def pass_time(self, **time: float) -> None:
        self.clock.at += timedelta(**time)


@contextmanager
def open_desk(settings: Settings, clock: Clock) -> Iterator[Desk]:
    """Open everything; the cache's own clock moves with this one."""
    with open_services(settings, caching=True) as services, open_jobs(settings, services) as opened:
        jobs = replace(opened, services=replace(services, now=clock))
        assert jobs.warming is not None
        warmer = Warmer(jobs, jobs.warming, monotonic=clock.monotonic)
        yield Desk(jobs=jobs, clock=clock, warmer=warmer)
        warmer.stop()


def with_source(desk: Desk, source: Any) -> Desk:
    """Give the desk with another source under the warmer alone."""
    jobs = replace(desk.jobs, services=replace(desk.jobs.services, source=source(desk.jobs.services.source)))
    assert jobs.warming is not None
    return replace(desk, warmer=Warmer(jobs, jobs.warming, monotonic=desk.clock.monotonic))


class Watched:
    """A source that does something before each snapshot, and before each check."""

    def __init__(self, source: Any, *, snapshot: Callable[[], object], check: Callable[[], object]) -> None:
        self._source, self._snapshot, self._check = source, snapshot, check

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def snapshot(self, **wanted: Any) -> AbstractContextManager[Any]:
        @contextmanager
        def opened() -> Iterator[Any]:
            with self._source.snapshot(**wanted) as snapshot:
                self._snapshot()
                yield snapshot

        return opened()

    def check(self) -> None:
        self._source.check()
        self._check()


def nothing() -> None:
    """Do nothing."""
