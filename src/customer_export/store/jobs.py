"""Jobs on SQLite or PostgreSQL.

It is long because `JobStore` is: each method is one transaction of one or two statements.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from customer_export.model.audit import moment_text
from customer_export.model.bulk import Partition
from customer_export.model.bulk_result import Artifact, PartitionResult
from customer_export.model.job import (
    IN_FLIGHT,
    WITH_FILES,
    Job,
    JobFile,
    JobFilter,
    JobProgress,
    JobState,
    NewJob,
    PartState,
)
from customer_export.store.database import unavailable
from customer_export.store.job_interface import StoredPart, Submitted
from customer_export.store.job_rows import SELECT_JOBS, file_row, json_text, new_row, part_row, read_job, read_part
from customer_export.store.rolls import roll_row, rolls_digest
from customer_export.store.tables import JOB_FILES, JOB_PARTS, JOB_ROLLS, JOBS
from customer_export.store.webhooks import queue_job_events

PARTS_AT_ONCE = 100  # of some kilobytes each: a manifest of thousands of parts is put together in flat memory

_IN_FLIGHT = JOBS.c.state.in_(IN_FLIGHT)
_NOT_DONE = JOB_PARTS.c.state.not_in((PartState.DONE, PartState.PURGED))


class SqlJobs:
    """Jobs, their parts and their files in one database; see `JobStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.IntegrityError:
            raise
        except sa.exc.DBAPIError as failure:
            raise unavailable(failure) from failure

    def submit(self, new: NewJob) -> Submitted:
        """Keep a new job, or find the one that has the key, or else the one in flight that is identical."""
        while True:
            found = self._found(new)
            if found is not None:
                return found
            try:
                with self._transaction() as connection:
                    connection.execute(JOBS.insert().values(new_row(new)))
            except sa.exc.IntegrityError:  # somebody was quicker: look again
                continue
            job = self.job(new.job_id)
            assert job is not None
            return Submitted(job=job, is_new=True)

    def _found(self, new: NewJob) -> Submitted | None:
        by_key = sa.and_(JOBS.c.principal == new.submitter.name, JOBS.c.idempotency_key == new.idempotency_key)
        job = None if new.idempotency_key is None else self._one(by_key)
        if job is not None:
            return Submitted(job=job, has_key=True)
        job = self._one(JOBS.c.fingerprint_in_flight == new.fingerprint)
        return None if job is None else Submitted(job=job)

    def job(self, job_id: str) -> Job | None:
        """Find a job."""
        return self._one(JOBS.c.job_id == job_id)

    def sealed_passphrase(self, job_id: str) -> bytes | None:
        """Give the passphrase of a job in flight, as it was sealed."""
        with self._transaction() as connection:
            return connection.execute(sa.select(JOBS.c.sealed_passphrase).where(JOBS.c.job_id == job_id)).scalar()

    def _one(self, condition: sa.ColumnElement[bool]) -> Job | None:
        with self._transaction() as connection:
            row = connection.execute(SELECT_JOBS.where(condition)).mappings().one_or_none()
        return None if row is None else read_job(row)

    def jobs(self, wanted: JobFilter, *, before: tuple[datetime, str] | None = None, limit: int) -> Sequence[Job]:
        """Give at most `limit` jobs, the newest first."""
        asked = SELECT_JOBS.order_by(JOBS.c.created_at.desc(), JOBS.c.job_id.desc()).limit(limit)
        for column in (JOBS.c.principal, JOBS.c.state, JOBS.c.format, JOBS.c.layout):
            value = getattr(wanted, column.name)
            asked = asked if value is None else asked.where(column == value)
        if before is not None:
            at, job_id = moment_text(before[0]), before[1]
            asked = asked.where(sa.tuple_(JOBS.c.created_at, JOBS.c.job_id) < sa.tuple_(at, job_id))
        with self._transaction() as connection:
            return [read_job(row) for row in connection.execute(asked).mappings()]

    def progress(self, job_ids: Sequence[str]) -> Mapping[str, JobProgress]:
        """Say how far jobs are: by one query for all of them."""
        parts = JOB_PARTS.c
        asked = (
            sa.select(
                parts.job_id,
                sa.func.count().label("parts"),
                _in_state(PartState.DONE),
                _in_state(PartState.FAILED),
                _in_state(PartState.PURGED),
                sa.func.sum(parts.customers_done).label("customers_done"),
                sa.func.sum(parts.customers_failed).label("customers_failed"),
                sa.func.sum(parts.rows).label("rows"),
                sa.func.sum(parts.bytes).label("bytes"),
            )
            .where(parts.job_id.in_(job_ids))
            .group_by(parts.job_id)
        )
        with self._transaction() as connection:
            rows = [dict(row) for row in connection.execute(asked).mappings()]
        told = {row.pop("job_id"): JobProgress(**{name: int(value) for name, value in row.items()}) for row in rows}
        return {job_id: told.get(job_id, JobProgress()) for job_id in job_ids}

    def undispatched(self, *, limit: int) -> Sequence[str]:
        """Give jobs that no engine knows of yet, the oldest first."""
        return self._ids(sa.and_(_IN_FLIGHT, JOBS.c.dispatched_at.is_(None)), JOBS.c.created_at, limit)

    def dispatched(self, job_id: str, *, at: datetime) -> None:
        """Note that the engine has a job."""
        self._change(JOBS.update().where(JOBS.c.job_id == job_id).values(dispatched_at=moment_text(at)))

    def running(self, *, dispatched_before: datetime, limit: int) -> Sequence[str]:
        """Give jobs in flight that the engine has had since before a moment, the oldest first."""
        since = JOBS.c.dispatched_at < moment_text(dispatched_before)
        return self._ids(sa.and_(_IN_FLIGHT, since), JOBS.c.created_at, limit)

    def _ids(self, condition: sa.ColumnElement[bool], order: sa.ColumnElement[Any], limit: int) -> Sequence[str]:
        with self._transaction() as connection:
            asked = sa.select(JOBS.c.job_id).where(condition).order_by(order).limit(limit)
            return list(connection.execute(asked).scalars())

    def _change(self, statement: sa.Update | sa.Delete) -> bool:
        with self._transaction() as connection:
            return connection.execute(statement).rowcount > 0

    def plan(self, job_id: str, partitions: Sequence[Partition], *, at: datetime) -> None:
        """Keep a job's parts, all of them or none, and let it run; if it has parts already, those stay."""
        started = JOBS.update().where(JOBS.c.job_id == job_id, JOBS.c.state == JobState.QUEUED)
        customers = sum(partition.customers for partition in partitions)
        values = {"state": JobState.RUNNING.value, "started_at": moment_text(at), "customers": customers}
        with self._transaction() as connection:
            if connection.execute(started.values(values)).rowcount:
                connection.execute(JOB_PARTS.insert(), [part_row(job_id, partition) for partition in partitions])

    def count_parts(self, job_id: str) -> int:
        """Count a job's parts: none before its plan."""
        asked = sa.select(sa.func.count()).select_from(JOB_PARTS).where(JOB_PARTS.c.job_id == job_id)
        with self._transaction() as connection:
            return connection.execute(asked).scalar_one()

    def begin_part(self, job_id: str, number: int) -> StoredPart:
        """Count one more beginning of a part, unless it is done, with its figures set back, and give it."""
        this = sa.and_(JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.number == number)
        begun = JOB_PARTS.update().where(this, JOB_PARTS.c.state == PartState.PENDING)
        with self._transaction() as connection:
            connection.execute(begun.values(begun=JOB_PARTS.c.begun + 1, customers_done=0, rows=0))
            return read_part(connection.execute(sa.select(JOB_PARTS).where(this)).mappings().one())

    def tell_part(self, job_id: str, number: int, *, customers: int, rows: int) -> bool:
        """Set the figures of a part under way; False if the job is to be cancelled or has ended."""
        told = JOB_PARTS.update().where(JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.number == number, _NOT_DONE)
        wanted = sa.select(JOBS.c.job_id).where(
            JOBS.c.job_id == job_id, _IN_FLIGHT, JOBS.c.cancel_requested_at.is_(None)
        )
        with self._transaction() as connection:
            connection.execute(told.values(customers_done=customers, rows=rows))
            return connection.execute(wanted).scalar() is not None

    def finish_part(self, job_id: str, result: PartitionResult) -> None:
        """Keep what came of a part, with its files; if it is done already, that stays."""
        done = JOB_PARTS.update().where(JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.number == result.number, _NOT_DONE)
        files = (*result.files, result.index)
        values = {
            "state": PartState.DONE.value,
            "customers_done": result.customers + result.unchanged,
            "customers_failed": result.failed,
            "rows": result.rows,
            "bytes": sum(file.size_bytes for file in files),
            "code": None,
            "result": json_text(result.members()),
        }
        with self._transaction() as connection:
            if connection.execute(done.values(values)).rowcount:
                connection.execute(JOB_FILES.insert(), [file_row(job_id, result.number, file) for file in files])
                if result.given:
                    connection.execute(JOB_ROLLS.insert(), roll_row(job_id, result.number, result.given))

    def fail_part(self, job_id: str, number: int, *, code: str) -> None:
        """Give a part up, unless it is done."""
        this = JOB_PARTS.update().where(JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.number == number, _NOT_DONE)
        self._change(this.values(state=PartState.FAILED.value, customers_done=0, rows=0, code=code))

    def parts(self, job_id: str) -> Iterable[StoredPart]:
        """Give a job's parts in order, some at a time."""
        last = -1
        while True:
            asked = (
                sa.select(JOB_PARTS)
                .where(JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.number > last)
                .order_by(JOB_PARTS.c.number)
                .limit(PARTS_AT_ONCE)
            )
            with self._transaction() as connection:
                some = [read_part(row) for row in connection.execute(asked).mappings()]
            if not some:
                return
            yield from some
            last = some[-1].number

    def request_cancel(self, job_id: str, *, at: datetime) -> bool:
        """Have a job cancelled; False if it has ended. One that nobody has begun ends at once."""
        this = JOBS.update().where(JOBS.c.job_id == job_id, _IN_FLIGHT)
        queued = this.where(JOBS.c.state == JobState.QUEUED)
        text = moment_text(at)
        ended = {"state": JobState.CANCELLED.value, "ended_at": text, **_OVER}
        with self._transaction() as connection:
            asked = connection.execute(this.values(cancel_requested_at=text)).rowcount > 0
            if connection.execute(queued.values(ended)).rowcount:
                queue_job_events(connection, job_id, at=at)
        return asked

    def end(
        self,
        job_id: str,
        state: JobState,
        *,
        at: datetime,
        code: str | None = None,
        manifest: Mapping[str, object] | None = None,
        expires_at: datetime | None = None,
    ) -> bool:
        """Bring a job in flight to its end; False if it has ended. One that is to be cancelled takes no other end."""
        this = JOBS.update().where(JOBS.c.job_id == job_id, _IN_FLIGHT)
        if state is not JobState.CANCELLED:
            this = this.where(JOBS.c.cancel_requested_at.is_(None))
        ended = this.values(
            state=state.value,
            ended_at=moment_text(at),
            code=code,
            manifest=None if manifest is None else json_text(manifest),
            expires_at=None if expires_at is None else moment_text(expires_at),
            **_OVER,
        )
        with self._transaction() as connection:
            has_ended = connection.execute(ended).rowcount > 0
            if has_ended:
                queue_job_events(connection, job_id, at=at)
        return has_ended

    def manifest(self, job_id: str) -> Mapping[str, object] | None:
        """Give a job's manifest as JSON members."""
        with self._transaction() as connection:
            text = connection.execute(sa.select(JOBS.c.manifest).where(JOBS.c.job_id == job_id)).scalar()
        return None if text is None else orjson.loads(text)

    def file(self, job_id: str, name: str) -> JobFile | None:
        """Find a file of a job by its whole name."""
        found = self._files(sa.and_(JOB_FILES.c.job_id == job_id, JOB_FILES.c.name == name))
        return found[0] if found else None

    def files(self, job_id: str) -> Sequence[JobFile]:
        """List a job's files by part and name."""
        return self._files(JOB_FILES.c.job_id == job_id)

    def _files(self, condition: sa.ColumnElement[bool]) -> Sequence[JobFile]:
        asked = sa.select(JOB_FILES).where(condition).order_by(JOB_FILES.c.part, JOB_FILES.c.name)
        with self._transaction() as connection:
            return [
                JobFile(job_id=row["job_id"], artifact=Artifact.of_members(orjson.loads(row["artifact"])))
                for row in connection.execute(asked).mappings()
            ]

    def revoke_links(self, job_id: str) -> None:
        """Raise the generation of a job's links."""
        raised = JOBS.c.link_generation + 1
        self._change(JOBS.update().where(JOBS.c.job_id == job_id).values(link_generation=raised))

    def expiring(self, *, at: datetime, limit: int) -> Sequence[str]:
        """Give jobs whose files' time is over by then."""
        over = sa.and_(JOBS.c.state.in_(WITH_FILES), JOBS.c.expires_at <= moment_text(at))
        return self._ids(over, JOBS.c.expires_at, limit)

    def expire(self, job_id: str, *, at: datetime) -> bool:
        """Let a job expire: it has no files any more. False if it has none anyway."""
        this = JOBS.update().where(JOBS.c.job_id == job_id, JOBS.c.state.in_(WITH_FILES))
        with self._transaction() as connection:
            expired = connection.execute(this.values(state=JobState.EXPIRED.value)).rowcount > 0
            connection.execute(JOB_FILES.delete().where(JOB_FILES.c.job_id == job_id))
            if expired:
                queue_job_events(connection, job_id, at=at)
        return expired

    def forget_files(self, job_id: str) -> None:
        """Forget the files of a job that ended without any, and who would have been in them."""
        with self._transaction() as connection:
            for table in (JOB_FILES, JOB_ROLLS):
                connection.execute(table.delete().where(table.c.job_id == job_id))

    def customers_digest(self, job_id: str) -> str | None:
        """Give the digest of who is in a job's files; None if nobody is, or it is one customer's."""
        with self._transaction() as connection:
            return rolls_digest(connection, job_id)

    def ended_without_files(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Give jobs that ended before a moment and have no files."""
        over = sa.and_(JOBS.c.state.not_in((*IN_FLIGHT, *WITH_FILES)), JOBS.c.ended_at < moment_text(before))
        return self._ids(over, JOBS.c.ended_at, limit)

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended."""
        with self._transaction() as connection:
            for table in (JOB_FILES, JOB_PARTS):
                connection.execute(table.delete().where(table.c.job_id == job_id))
            connection.execute(JOBS.delete().where(JOBS.c.job_id == job_id, JOBS.c.state.not_in(IN_FLIGHT)))


_OVER = {"fingerprint_in_flight": None, "sealed_passphrase": None}
"""What a job has as long as it is in flight."""


def _in_state(state: PartState) -> sa.Label[int]:
    return sa.func.sum(sa.case((JOB_PARTS.c.state == state, 1), else_=0)).label(f"parts_{state.value}")
