"""What our own database does for erasing a customer, on SQLite or PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from customer_export.model.audit import moment_text
from customer_export.model.bulk import BulkOrder, Partition
from customer_export.model.job import IN_FLIGHT, WITH_FILES, Job, PartState
from customer_export.store.database import transaction
from customer_export.store.erasure_interface import BegunPurge, EditManifest, Excluded
from customer_export.store.job_rows import SELECT_JOBS, read_job
from customer_export.store.tables import AUDIT, JOB_EXCLUSIONS, JOB_FILES, JOB_PARTS, JOBS, MANIFESTS, PURGES

JOBS_AT_ONCE = 500  # an order takes a few hundred bytes, or half a megabyte with a long list


class SqlErasure:
    """Purges, and jobs as purges see them, in one database; see `ErasureStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, purge_id: str, customer_id: str, *, at: datetime) -> None:
        """Put on record that a purge begins."""
        row = {"purge_id": purge_id, "customer_id": customer_id, "begun_at": moment_text(at)}
        self._change(PURGES.insert().values(row))

    def keep_receipt(self, purge_id: str, receipt: Mapping[str, object]) -> None:
        """Keep the receipt of a purge that has begun."""
        self._change(PURGES.update().where(PURGES.c.purge_id == purge_id).values(receipt=_json(receipt)))

    def receipt(self, purge_id: str) -> Mapping[str, object] | None:
        """Give a receipt as JSON members, None while there is none."""
        with transaction(self._engine) as connection:
            text = connection.execute(sa.select(PURGES.c.receipt).where(PURGES.c.purge_id == purge_id)).scalar()
        return None if text is None else orjson.loads(text)

    def begun_since(self, moment: datetime) -> Sequence[BegunPurge]:
        """Give the purges that began at a moment or later."""
        asked = sa.select(PURGES.c.purge_id, PURGES.c.customer_id).where(PURGES.c.begun_at >= moment_text(moment))
        with transaction(self._engine) as connection:
            return [BegunPurge(**row) for row in connection.execute(asked).mappings()]

    def jobs_naming(self, text: str) -> Sequence[Job]:
        """Give jobs in whatever state whose order has a value that is this text, the oldest first."""
        asked = SELECT_JOBS.where(_holds(JOBS.c.job_order, text)).order_by(JOBS.c.created_at, JOBS.c.job_id)
        with transaction(self._engine) as connection:
            return [read_job(row) for row in connection.execute(asked).mappings()]

    def jobs_with_files(self) -> Iterator[Job]:
        """Give jobs that are in flight or have files, some at a time."""
        last = ""
        while True:
            asked = (
                SELECT_JOBS.where(JOBS.c.state.in_((*IN_FLIGHT, *WITH_FILES)), JOBS.c.job_id > last)
                .order_by(JOBS.c.job_id)
                .limit(JOBS_AT_ONCE)
            )
            with transaction(self._engine) as connection:
                some = [read_job(row) for row in connection.execute(asked).mappings()]
            if not some:
                return
            yield from some
            last = some[-1].job_id

    def exclude(self, job_id: str, customer_id: str) -> bool:
        """Have a job in flight leave a customer out; False if it has ended."""
        alone = JOBS.update().where(JOBS.c.job_id == job_id, JOBS.c.state.in_(IN_FLIGHT))
        with transaction(self._engine) as connection:
            # locks the job's row: of two purges at a time the second finds the first one's exclusion
            if not connection.execute(alone.values(fingerprint_in_flight=None)).rowcount:
                return False
            _remember(connection, job_id, customer_id)
        return True

    def remember(self, job_id: str, customer_id: str) -> None:
        """Note a customer who is still to be taken out of a job that has ended, when it has no files any more."""
        with transaction(self._engine) as connection:
            _lock_job(connection, job_id)
            _remember(connection, job_id, customer_id)

    def excluded(self, job_id: str) -> frozenset[str]:
        """Give the customers whom a job leaves out."""
        asked = sa.select(JOB_EXCLUSIONS.c.customer_id).where(JOB_EXCLUSIONS.c.job_id == job_id)
        with transaction(self._engine) as connection:
            return frozenset(connection.execute(asked).scalars())

    def settled_exclusions(self, *, ended_before: datetime, limit: int) -> Sequence[Excluded]:
        """Give exclusions of jobs that ended before a moment."""
        asked = (
            sa.select(JOB_EXCLUSIONS)
            .join(JOBS, JOBS.c.job_id == JOB_EXCLUSIONS.c.job_id)
            .where(JOBS.c.state.not_in(IN_FLIGHT), JOBS.c.ended_at < moment_text(ended_before))
            .limit(limit)
        )
        with transaction(self._engine) as connection:
            return [Excluded(**row) for row in connection.execute(asked).mappings()]

    def drop_exclusion(self, excluded: Excluded) -> None:
        """Forget an exclusion."""
        columns = JOB_EXCLUSIONS.c
        self._change(
            JOB_EXCLUSIONS.delete().where(
                columns.job_id == excluded.job_id, columns.customer_id == excluded.customer_id
            )
        )

    def purge_part(self, job_id: str, number: int, *, code: str, edit_manifest: EditManifest) -> bool:
        """Let a part that is done lose its files and its result, and edit the job's manifest, if there is one."""
        done = JOB_PARTS.update().where(
            JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.number == number, JOB_PARTS.c.state == PartState.DONE
        )
        with transaction(self._engine) as connection:
            _lock_job(connection, job_id)  # so that no other purge edits the same manifest meanwhile
            purged = {"state": PartState.PURGED.value, "bytes": 0, "result": None, "code": code}
            if not connection.execute(done.values(purged)).rowcount:
                return False
            connection.execute(JOB_FILES.delete().where(JOB_FILES.c.job_id == job_id, JOB_FILES.c.part == number))
            _edit_manifest(connection, job_id, edit_manifest)
        return True

    def edit_manifest(self, job_id: str, edit: EditManifest) -> None:
        """Edit a job's manifest, if there is one."""
        with transaction(self._engine) as connection:
            _lock_job(connection, job_id)
            _edit_manifest(connection, job_id, edit)

    def parts_failing(self, customer_id: str) -> Sequence[tuple[str, int]]:
        """Give job and number of the parts that are done and say that a customer's export failed."""
        failure = f'"customer":{orjson.dumps(customer_id).decode()},'
        asked = sa.select(JOB_PARTS.c.job_id, JOB_PARTS.c.number, JOB_PARTS.c.result).where(
            JOB_PARTS.c.state == PartState.DONE, JOB_PARTS.c.result.contains(failure, autoescape=True)
        )
        with transaction(self._engine) as connection:  # SQLite's LIKE ignores case
            return [(job_id, number) for job_id, number, text in connection.execute(asked) if failure in text]

    def rewrite_order(self, job_id: str, order: BulkOrder) -> None:
        """Keep a job's order as it is to be from now on, and forget by which key it was submitted."""
        values = {"job_order": _json(order.members()), "fingerprint": "", "idempotency_key": None}
        self._change(JOBS.update().where(JOBS.c.job_id == job_id).values(values))

    def partitions_naming(self, job_id: str, text: str) -> Sequence[Partition]:
        """Give the partitions of a job that have a value that is this text."""
        asked = sa.select(JOB_PARTS.c.partition).where(
            JOB_PARTS.c.job_id == job_id, _holds(JOB_PARTS.c.partition, text)
        )
        with transaction(self._engine) as connection:
            return [Partition.of_members(orjson.loads(one)) for one in connection.execute(asked).scalars()]

    def rewrite_partition(self, job_id: str, partition: Partition) -> None:
        """Keep a partition as it is to be from now on."""
        this = sa.and_(JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.number == partition.number)
        self._change(JOB_PARTS.update().where(this).values(partition=_json(partition.members())))

    def forget_results(self, job_id: str) -> None:
        """Forget a job's manifest, and what came of its parts."""
        parts = JOB_PARTS.update().where(JOB_PARTS.c.job_id == job_id, JOB_PARTS.c.state == PartState.DONE)
        with transaction(self._engine) as connection:
            connection.execute(JOBS.update().where(JOBS.c.job_id == job_id).values(manifest=None))
            connection.execute(parts.values(state=PartState.PURGED.value, result=None, bytes=0))

    def count_kept(self, customer_id: str) -> tuple[int, int]:
        """Count the audit's records of a customer, and manifests of their exports."""
        with transaction(self._engine) as connection:
            records, manifests = (
                connection.execute(
                    sa.select(sa.func.count()).select_from(table).where(table.c.customer_id == customer_id)
                ).scalar_one()
                for table in (AUDIT, MANIFESTS)
            )
        return records, manifests

    def _change(self, statement: sa.Insert | sa.Update | sa.Delete) -> None:
        with transaction(self._engine) as connection:
            connection.execute(statement)


def _lock_job(connection: Connection, job_id: str) -> None:
    """Let others wait who are about to write what is of a job: a write that changes nothing does so everywhere."""
    connection.execute(JOBS.update().where(JOBS.c.job_id == job_id).values(link_generation=JOBS.c.link_generation))


def _edit_manifest(connection: Connection, job_id: str, edit: EditManifest) -> None:
    """Edit a manifest, if there is one. The job has to be locked."""
    this_job = JOBS.c.job_id == job_id
    text = connection.execute(sa.select(JOBS.c.manifest).where(this_job)).scalar()
    if text is not None:
        edited = _json(edit(orjson.loads(text)))
        connection.execute(JOBS.update().where(this_job).values(manifest=edited))


def _remember(connection: Connection, job_id: str, customer_id: str) -> None:
    """Note a customer, once. The job has to be locked."""
    known = sa.exists().where(JOB_EXCLUSIONS.c.job_id == job_id, JOB_EXCLUSIONS.c.customer_id == customer_id)
    if not connection.execute(sa.select(known)).scalar():
        connection.execute(JOB_EXCLUSIONS.insert().values(job_id=job_id, customer_id=customer_id))


def _holds(column: sa.Column[str], text: str) -> sa.ColumnElement[bool]:
    """Ask whether JSON that we wrote has a string that is this text, or a number that is; SQLite's ignores case."""
    quoted = orjson.dumps(text).decode()  # a quote within a value is escaped, so nothing else looks like it
    found = column.contains(quoted, autoescape=True)
    number = text.removeprefix("-")
    return found if not number.isdigit() else sa.or_(found, column.contains(f":{text},"))


def _json(members: Mapping[str, object]) -> str:
    return orjson.dumps(members).decode()
