"""The receipt of a purge: what was searched, what was destroyed, and what nobody here can reach (docs/erasure.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique

from customer_export import __version__
from customer_export.cache.interface import Reach
from customer_export.errors import ExportError
from customer_export.jobs.erasure.found import Destroyed
from customer_export.jobs.services import Jobs
from customer_export.model.audit import moment_text

RECEIPT_VERSION = 1


@unique
class Searched(StrEnum):
    """What became of looking into a place. `off`: nothing is kept there. `elsewhere`: others empty it, or its time."""

    SEARCHED = "searched"
    OFF = "off"
    ELSEWHERE = "elsewhere"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """A purge that has come to its end. `cache_files` is None where that is not known."""

    purge_id: str
    customer_id: str
    principal: str
    begun_at: datetime
    cache_files: int | None
    cache_state: Searched
    cache_until: datetime | None
    destroyed: Destroyed

    @property
    def problems(self) -> Mapping[str, ExportError]:
        """What could not be reached, by place."""
        return self.destroyed.problems

    def counts(self) -> dict[str, int | None]:
        """Give the counts as JSON members."""
        found = self.destroyed
        return {
            "cacheFiles": self.cache_files,
            "jobs": len(found.jobs),
            "parts": len(found.parts),
            "files": len(found.files),
            "bytes": found.bytes,
            "schedules": len(found.schedules),
        }


def make_receipt(jobs: Jobs, purge: Purge) -> Mapping[str, object]:
    """Make and sign it. Raises StoreUnavailableError."""
    services, found = jobs.services, purge.destroyed
    records, manifests = jobs.erasure.count_kept(purge.customer_id)
    customer_map = services.source.map
    members: dict[str, object] = {
        "receiptVersion": RECEIPT_VERSION,
        "purgeId": purge.purge_id,
        "begunAt": moment_text(purge.begun_at),
        "endedAt": moment_text(services.now()),
        "customer": {"id": purge.customer_id},
        "requestedBy": purge.principal,
        "complete": not purge.problems,
        "destroyed": purge.counts(),
        "changed": {"jobs": len(found.left_out), "schedules": len(found.schedules_changed)},
        "jobs": found.jobs,
        "parts": [{"job": job_id, "part": number} for job_id, number in found.parts],
        "leftOutOf": found.left_out,
        "schedules": {"deleted": found.schedules, "changed": found.schedules_changed},
        "files": [file.members() for file in found.files],
        "searched": list(_searched(purge)),
        "notReached": list(_not_reached(jobs, purge)),
        "kept": {"auditRecords": records, "manifests": manifests},
        "map": {"name": customer_map.name, "version": customer_map.version},
        "software": f"customer-export {__version__}",
    }
    return services.signer.sign(members)


def _searched(purge: Purge) -> Iterator[Mapping[str, object]]:
    until = None if purge.cache_until is None else moment_text(purge.cache_until)
    yield _place("cache", purge.cache_state, purge, until=until)
    for place in ("schedules", "jobs", "storage"):
        failed = place in purge.problems
        yield _place(place, Searched.FAILED if failed else Searched.SEARCHED, purge)


def _place(name: str, state: Searched, purge: Purge, *, until: str | None = None) -> Mapping[str, object]:
    problem = purge.problems.get(name)
    return {"place": name, "state": state.value, "until": until, "code": None if problem is None else problem.code}


def _not_reached(jobs: Jobs, purge: Purge) -> Iterator[Mapping[str, object]]:
    """Name what is out of reach whatever is done here; `until` is when it ends by itself, null if it does not."""
    yield {"what": "copies that were downloaded, or whose download had begun", "until": None}
    if jobs.cdn is not None and purge.destroyed.files:
        yield {"what": "copies at the edge of the CDN, under the paths of `files`", "until": None}
    yield {"what": "backups and older versions that the storage or the databases keep", "until": None}
    yield {"what": "the customer's rows in the customers' database, which is only read", "until": None}


def cache_state(reach: Reach, *, elsewhere: timedelta | None, now: datetime) -> tuple[Searched, datetime | None]:
    """Say what looking into the cache came to, and until when others may still have something of it.

    `elsewhere` is for how long servers keep files in memory of their own that cannot be reached from here.
    """
    if elsewhere is not None:
        return Searched.ELSEWHERE, now + elsewhere
    return (Searched.OFF if reach is Reach.NOWHERE else Searched.SEARCHED), None
