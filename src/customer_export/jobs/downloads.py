"""Files of jobs on their way out: who may have them, by which link, from where, and on record."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from customer_export.errors import LinkInvalidError, StoredFileNotFoundError
from customer_export.export.record import Recorder
from customer_export.jobs.files import shown_name, stored_name
from customer_export.jobs.look import find_job, require_files
from customer_export.jobs.rights import makes_one_file
from customer_export.jobs.services import Cdn, Jobs
from customer_export.model.access import Principal
from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.model.bulk_result import Artifact
from customer_export.model.job import WITH_FILES, Job
from customer_export.storage.links import PURPOSE, LinkedFile, is_good_link, make_link_token

BY_LINK = "link:"
"""What the audit names whoever came by a link: nobody knows more of them than who gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file that somebody may have. `principal` is their name for the audit."""

    job: Job
    artifact: Artifact
    principal: str


def find_download(jobs: Jobs, job_id: str, name: str, principal: Principal) -> Download:
    """Find a file for somebody who is known.

    Raises ExportNotFoundError, ExportNotCompleteError and StoredFileNotFoundError.
    """
    job = find_job(jobs, job_id, principal)
    require_files(job)
    return Download(job=job, artifact=_artifact(jobs, job, name), principal=principal.name)


def find_linked(jobs: Jobs, job_id: str, name: str, token: str) -> Download:
    """Find a file for whoever has a link to it. Raises LinkInvalidError, whatever is wrong."""
    job = jobs.store.job(job_id) if job_id.isalnum() else None
    if job is None or job.state not in WITH_FILES:
        raise LinkInvalidError
    file = jobs.store.file(job_id, f"{job_id}/{name}")
    if file is None or not is_good_link(token, _linked(job, file.artifact), key=_key(jobs), now=jobs.services.now()):
        raise LinkInvalidError
    return Download(job=job, artifact=file.artifact, principal=f"{BY_LINK}{job.principal_name}")


def _artifact(jobs: Jobs, job: Job, name: str) -> Artifact:
    file = jobs.store.file(job.job_id, f"{job.job_id}/{name}")
    if file is None:
        raise StoredFileNotFoundError(name)
    return file.artifact


def make_links(jobs: Jobs, job_id: str, principal: Principal) -> Mapping[str, object]:
    """Give a link to each file of a job, by which anybody may have it for a while."""
    job = find_job(jobs, job_id, principal)
    require_files(job)
    expires_at = jobs.services.now() + jobs.limits.links
    files = [
        {
            "name": shown_name(file.artifact.name),
            "url": _link(jobs, job, file.artifact, expires_at=expires_at),
            "bytes": file.artifact.size_bytes,
            "sha256": file.artifact.sha256,
        }
        for file in jobs.store.files(job_id)
    ]
    return {"expiresAt": expires_at.isoformat(timespec="seconds"), "files": files}


def revoke_links(jobs: Jobs, job_id: str, principal: Principal) -> None:
    """End all links of ours to a job's files; the object store's own end with their time."""
    find_job(jobs, job_id, principal)
    jobs.store.revoke_links(job_id)


def _link(jobs: Jobs, job: Job, artifact: Artifact, *, expires_at: datetime) -> str:
    if jobs.cdn is not None:
        return cdn_link(jobs.cdn, stored_name(artifact.name), expires_at=expires_at)
    own = jobs.storage.make_link(stored_name(artifact.name), expires_in=jobs.limits.links)
    if own is not None:
        return own
    token = make_link_token(_linked(job, artifact), key=_key(jobs), expires_at=expires_at)
    return f"/api/admin/exports/{job.job_id}/files/{quote(shown_name(artifact.name))}?link={token}"


def cdn_link(cdn: Cdn, name: str, *, expires_at: datetime) -> str:
    """Sign a path for a content delivery network: HMAC-SHA-256 over the path, a line end and the second it expires."""
    expires = int(expires_at.timestamp())
    path = f"/{quote(name)}"
    mac = hmac.digest(cdn.key, f"{path}\n{expires}".encode(), hashlib.sha256)
    signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    return f"{cdn.url}{path}?expires={expires}&signature={signature}"


def redirect_of(jobs: Jobs, download: Download) -> str | None:
    """Give the URL at the content delivery network; None without one: the server sends the file."""
    if jobs.cdn is None:
        return None
    expires_at = jobs.services.now() + jobs.limits.links
    return cdn_link(jobs.cdn, stored_name(download.artifact.name), expires_at=expires_at)


def open_download(
    jobs: Jobs, download: Download, *, request_id: str, client: str | None, start: int, stop: int
) -> Iterator[bytes]:
    """Give the bytes from `start` to before `stop`. That they leave is on record before this returns.

    Raises StoredFileNotFoundError, StorageUnavailableError and StoreUnavailableError.
    """
    pieces: Iterator[bytes] = iter(())
    if start < stop:
        pieces = jobs.storage.open(stored_name(download.artifact.name), start=start, stop=stop).pieces
    record_download(jobs, download, request_id=request_id, client=client, start=start, stop=stop)
    return pieces


def record_download(
    jobs: Jobs, download: Download, *, request_id: str, client: str | None, start: int, stop: int
) -> None:
    """Put on record that a part of a file leaves, or that its reader was sent to where it lies."""
    services, job = jobs.services, download.job
    ids = job.order.customers.ids
    about = AuditRecord(
        at=services.now(),
        event=AuditEvent.DOWNLOADED,
        export_id=request_id,
        principal=download.principal,
        client=client,
        customer_id=ids[0] if ids is not None and makes_one_file(job.order) else None,
        format=job.order.format,
        parameters=f"file={shown_name(download.artifact.name)}&start={start}&stop={stop}",
    )
    recorder = Recorder(store=services.store, metrics=services.metrics, now=services.now, about=about)
    recorder.of_job(job.job_id).downloaded(size_bytes=stop - start, sha256=download.artifact.sha256)


def _linked(job: Job, artifact: Artifact) -> LinkedFile:
    return LinkedFile(name=artifact.name, sha256=artifact.sha256, generation=job.link_generation)


def _key(jobs: Jobs) -> bytes:
    return jobs.services.signer.derive_secret(PURPOSE)
