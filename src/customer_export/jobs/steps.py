"""The steps of a job: plan it, do a part of it, finish it. They know no engine, and may be done any number of times."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import structlog

from customer_export.engine.interface import MOST_ATTEMPTS, FanOut, Outcome
from customer_export.errors import (
    ExportCancelledError,
    ExportError,
    IdentityProviderUnavailableError,
    PluginFailedError,
    RendererBusyError,
    SourceUnavailableError,
    SpoolFullError,
    StorageUnavailableError,
    StoreUnavailableError,
    WorkerDiedError,
)
from customer_export.export.cancellation import Cancellation
from customer_export.export.record import INTERNAL_ERROR
from customer_export.jobs.audit import record_end
from customer_export.jobs.bulk.partition import export_partition
from customer_export.jobs.bulk.plan import plan_partitions
from customer_export.jobs.erasure.late import purge_late_part, purged_meanwhile
from customer_export.jobs.files import JobArtifacts, delete_files
from customer_export.jobs.manifest import make_manifest
from customer_export.jobs.one import export_one
from customer_export.jobs.passphrases import open_passphrase
from customer_export.jobs.rights import check_rights, makes_one_file
from customer_export.jobs.services import Jobs
from customer_export.jobs.since import earlier_index, earlier_partitions, require_earlier
from customer_export.jobs.telling import PartTelling
from customer_export.model.access import Principal
from customer_export.model.bulk import Partition
from customer_export.model.bulk_result import PartitionResult
from customer_export.model.job import IN_FLIGHT, MISSING, WITH_FILES, Job, JobState, PartState
from customer_export.store.job_interface import StoredPart

MOST_DEATHS = 5
"""Workers that may die of one part: of 20 kills at random, hardly one part of many is hit so often."""

MOST_LANES = 16  # four for each slot of four workers, so that those who are quick are never without work
SMALL_CUSTOMERS = 100  # a job of no more never waits for larger ones

PASSING = (
    SourceUnavailableError,
    StoreUnavailableError,
    StorageUnavailableError,
    SpoolFullError,
    RendererBusyError,
    IdentityProviderUnavailableError,
    PluginFailedError,
)
"""Failures that another attempt may not meet again."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps on some services; see `JobSteps`. `stopping` is set when this process is to end."""

    jobs: Jobs
    stopping: threading.Event

    def plan(self, job_id: str, *, attempt: int) -> FanOut | None:
        """Check the submitter's rights, and cut the job into parts, once."""
        try:
            return self._plan(job_id)
        except PASSING as failure:
            if attempt < MOST_ATTEMPTS:
                return None
            return self._refuse(job_id, failure)
        except Exception as failure:  # noqa: BLE001  (a job ends as failed, whatever went wrong)
            return self._refuse(job_id, failure)

    def _plan(self, job_id: str) -> FanOut:
        job = self.jobs.store.job(job_id)
        if job is None or job.state not in IN_FLIGHT or job.cancel_requested_at is not None:
            return NOTHING
        parts = self.jobs.store.count_parts(job_id)
        if not parts:
            principal = check_rights(self.jobs, job)
            self.jobs.store.plan(job_id, self._partitions(job, principal), at=self.jobs.services.now())
            parts = self.jobs.store.count_parts(job_id)
            job = self.jobs.store.job(job_id) or job
        is_small = (job.customers or 0) <= SMALL_CUSTOMERS
        return FanOut(parts=parts, lanes=min(parts, MOST_LANES), is_small=is_small)

    def _partitions(self, job: Job, principal: Principal) -> Sequence[Partition]:
        if makes_one_file(job.order):
            return [Partition(number=0, customers=1, ids=job.order.customers.ids)]
        if job.order.since is not None:
            require_earlier(self.jobs, job.order, principal)
            return earlier_partitions(self.jobs, job.order.since)
        return plan_partitions(self.jobs.services, job.order, principal=principal)

    def _refuse(self, job_id: str, failure: Exception) -> FanOut:
        """End a job that cannot be planned."""
        job = self.jobs.store.job(job_id)
        if job is not None:
            self._fail(job, failure)
        return NOTHING

    def run_part(self, job_id: str, number: int, *, attempt: int) -> Outcome:
        """Do a part, unless it is done, or has ended one worker after the other."""
        try:
            job = self.jobs.store.job(job_id)
            if job is None or job.state not in IN_FLIGHT or job.cancel_requested_at is not None:
                return Outcome.STOP
            part = self.jobs.store.begin_part(job_id, number)
            if part.state is not PartState.PENDING:
                return Outcome.DONE
            if part.begun - attempt >= MOST_DEATHS:
                died = WorkerDiedError("This part ended its worker again and again")
                return self._give_up(job_id, number, died)
            return self._do_part(job, part)
        except PASSING as failure:
            return Outcome.AGAIN if attempt < MOST_ATTEMPTS else self._give_up(job_id, number, failure)
        except Exception as failure:  # noqa: BLE001  (one part fails, and the others go on)
            return self._give_up(job_id, number, failure)

    def _do_part(self, job: Job, part: StoredPart) -> Outcome:
        cancellation = Cancellation()
        store = self.jobs.store

        def tell(customers: int, rows: int) -> bool:
            return store.tell_part(job.job_id, part.number, customers=customers, rows=rows)

        with PartTelling(tell, cancellation, stopping=self.stopping) as telling:
            try:
                result, without = self._export_without(job, part.partition, cancellation, telling)
            except ExportCancelledError:
                return Outcome.AGAIN if self.stopping.is_set() else Outcome.STOP
        store.finish_part(job.job_id, result)
        purge_late_part(self.jobs, job.job_id, part.partition, result, known=without)
        return Outcome.DONE

    def _export_without(
        self, job: Job, partition: Partition, cancellation: Cancellation, telling: PartTelling
    ) -> tuple[PartitionResult, frozenset[str]]:
        """Export a part without those who were purged since the job was submitted, again if one is purged meanwhile."""
        while True:
            without = self.jobs.erasure.excluded(job.job_id)
            result = self._export(job, partition, cancellation, telling, without)
            if not purged_meanwhile(self.jobs, job.job_id, partition, result, known=without):
                return result, without

    def _export(
        self,
        job: Job,
        partition: Partition,
        cancellation: Cancellation,
        telling: PartTelling,
        without: frozenset[str],
    ) -> PartitionResult:
        artifacts = JobArtifacts(self.jobs.storage)
        principal, since = check_rights(self.jobs, job), job.order.since
        passphrase = open_passphrase(self.jobs, job)
        if makes_one_file(job.order):
            return export_one(
                self.jobs,
                job,
                export_id=uuid4().hex,
                artifacts=artifacts,
                cancellation=cancellation,
                told=telling,
                passphrase=passphrase,
            )
        return export_partition(
            self.jobs.exporting(),
            job.order,
            partition,
            principal=principal,
            artifacts=artifacts,
            cancellation=cancellation,
            told=telling,
            earlier=None if since is None else earlier_index(self.jobs, since, partition.number),
            without=without,
            passphrase=passphrase,
        )

    def _give_up(self, job_id: str, number: int, failure: Exception) -> Outcome:
        code = _code(failure)
        is_foreseen = isinstance(failure, ExportError)
        report = log.warning if is_foreseen else log.error
        report("job_part_failed", code=code, job_id=job_id, part=number, exc_info=None if is_foreseen else failure)
        self.jobs.store.fail_part(job_id, number, code=code)
        return Outcome.DONE

    def finish(self, job_id: str, *, attempt: int) -> Outcome:
        """Bring the job to its end: its manifest, or no files."""
        try:
            job = self.jobs.store.job(job_id)
            if job is not None and job.state in IN_FLIGHT:
                self._finish_or_fail(job)
                job = self.jobs.store.job(job_id)
            if job is not None:
                self._settle_end(job)
        except PASSING as failure:
            if attempt < MOST_ATTEMPTS:
                return Outcome.AGAIN
            self._refuse(job_id, failure)
        except Exception as failure:  # noqa: BLE001
            self._refuse(job_id, failure)
        return Outcome.DONE

    def _finish_or_fail(self, job: Job) -> None:
        try:
            self._finish(job)
        except PASSING:
            raise
        except Exception as failure:  # noqa: BLE001  (its files go and the audit has its end, as of any other that failed)
            self._fail(job, failure)

    def _finish(self, job: Job) -> None:
        store = self.jobs.store
        if job.cancel_requested_at is not None:
            self._cancel(job)
            return
        parts = [self._settled(job, part) for part in store.parts(job.job_id)]
        failed = [part for part in parts if part.state in MISSING]
        if len(failed) == len(parts):
            self._end_failed(job, failed[0].code if failed and failed[0].code else INTERNAL_ERROR)
            return
        principal = check_rights(self.jobs, job)
        manifest = make_manifest(self.jobs, job, parts, principal=principal)
        now = self.jobs.services.now()
        ended = store.end(
            job.job_id,
            JobState.INCOMPLETE if failed else JobState.FINISHED,
            at=now,
            code=failed[0].code if failed else None,
            manifest=manifest,
            expires_at=now + self.jobs.limits.keep_files,
        )
        again = store.job(job.job_id)
        if again is not None and again.state in IN_FLIGHT:  # somebody cancelled it just now
            self._cancel(again)
        elif ended:
            log.info("job_finished", job_id=job.job_id, parts=len(parts), failed=len(failed))

    def _settled(self, job: Job, part: StoredPart) -> StoredPart:
        """Give up a part that no lane did: its lane was given up."""
        if part.state is not PartState.PENDING:
            return part
        self.jobs.store.fail_part(job.job_id, part.number, code=WorkerDiedError.code)
        return next(one for one in self.jobs.store.parts(job.job_id) if one.number == part.number)

    def _cancel(self, job: Job) -> None:
        self.jobs.store.end(job.job_id, JobState.CANCELLED, at=self.jobs.services.now())

    def _fail(self, job: Job, failure: Exception) -> None:
        is_foreseen = isinstance(failure, ExportError)
        report = log.warning if is_foreseen else log.error
        report("job_failed", code=_code(failure), job_id=job.job_id, exc_info=None if is_foreseen else failure)
        self._end_failed(job, _code(failure))

    def _end_failed(self, job: Job, code: str) -> None:
        self.jobs.store.end(job.job_id, JobState.FAILED, at=self.jobs.services.now(), code=code)

    def _settle_end(self, job: Job) -> None:
        """Do what belongs to an end, again if a worker died of it: no files of what has none, and the audit."""
        if job.state not in WITH_FILES:
            delete_files(self.jobs.storage, job.job_id)
            self.jobs.store.forget_files(job.job_id)
        record_end(self.jobs, job)


NOTHING = FanOut(parts=0, lanes=0, is_small=True)


def _code(failure: Exception) -> str:
    return failure.code if isinstance(failure, ExportError) else INTERNAL_ERROR
