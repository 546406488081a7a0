"""The part of a job for one customer: their file as the synchronous export makes it, and its manifest beside it."""

from collections.abc import Iterator

import orjson

from customer_export.export.admission import ExportCall, examine
from customer_export.export.cancellation import Cancellation
from customer_export.export.delivery import StartedExport
from customer_export.export.describe import file_name
from customer_export.export.pipeline import Pending, make_export
from customer_export.jobs.bulk.interface import Artifacts, Told
from customer_export.jobs.rights import credentials_of
from customer_export.jobs.services import Jobs
from customer_export.model.bulk_result import Artifact, PartitionResult
from customer_export.model.canonical import export_digest
from customer_export.model.job import Job
from customer_export.model.manifest import CompleteManifest
from customer_export.model.request import ExportRequest


def export_one(
    jobs: Jobs,
    job: Job,
    *,
    export_id: str,
    artifacts: Artifacts,
    cancellation: Cancellation,
    told: Told,
    passphrase: str | None = None,
) -> PartitionResult:
    """Export a job's only customer. The export is on record as any other, and says which job it is part of.

    Idempotent: names are the same each time. Raises what the synchronous export raises, and what `artifacts` does.
    """
    (customer_id,) = job.order.customers.ids or ()
    call = ExportCall(
        export_id=export_id,
        customer_id=customer_id,
        parameters=[("format", job.order.format), *job.order.parameters],
        credentials=credentials_of(job.submitter),
        client=None,
        passphrase=passphrase,
    )
    admission = examine(jobs.services, call)
    admission = admission.for_job(job.job_id)
    started = make_export(jobs.exporting(), Pending(admission=admission, fill=None), cancellation=cancellation)
    try:
        name = _name_of(job, admission.request)
        written = artifacts.write(name, _telling(started, cancellation, told), media_type=started.media_type)
        started.finish()
    except BaseException as failure:
        started.give_up(failure)
        raise
    manifest = started.manifest
    told(1, manifest.rows)
    file = Artifact(
        name=name,
        media_type=started.media_type,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        rows=manifest.rows,
        encryption=manifest.file.encryption,
    )
    return _result(manifest, file, _write_manifest(manifest, name, artifacts))


def _name_of(job: Job, request: ExportRequest) -> str:
    suffix = "" if request.encryption is None else request.encryption.suffix
    return f"{job.job_id}/{file_name(request, job.created_at)}{suffix}"


def _telling(started: StartedExport, cancellation: Cancellation, told: Told) -> Iterator[bytes]:
    for piece in started.pieces():
        told(0, 0)
        cancellation.check()
        yield piece


def _write_manifest(manifest: CompleteManifest, name: str, artifacts: Artifacts) -> Artifact:
    text = orjson.dumps(manifest.members(), option=orjson.OPT_INDENT_2)
    name = f"{name}.manifest.json"
    written = artifacts.write(name, [text], media_type="application/json")
    return Artifact(
        name=name, media_type="application/json", size_bytes=written.size_bytes, sha256=written.sha256, rows=0
    )


def _result(manifest: CompleteManifest, file: Artifact, index: Artifact) -> PartitionResult:
    head = manifest.manifest
    canonical = export_digest((section.name, section.rows, section.sha256()) for section in head.sections)
    return PartitionResult(
        number=0,
        customers=1,
        rows=manifest.rows,
        failed=0,
        failures=(),
        files=(file,),
        index=index,
        alterations=tuple(head.ledger.alterations()),
        canonical_sha256=canonical,
        snapshot_at=head.snapshot_at,
        snapshot_server=head.snapshot_server,
        snapshot_identity=head.snapshot_identity,
    )
