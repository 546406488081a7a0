"""The manifest of a job: which files it made, how much is in each, and who is missing (docs/jobs.md).

Its form follows the manifests of FHIR's bulk data export: `output` and `error`, each with a URL, a count and a digest.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from customer_export import __version__
from customer_export.jobs.files import shown_name
from customer_export.jobs.services import Jobs
from customer_export.model.access import Principal
from customer_export.model.bulk import Chosen
from customer_export.model.bulk_result import Artifact, PartitionResult
from customer_export.model.job import Job, PartState
from customer_export.model.ledger import AlterationKind
from customer_export.store.job_interface import StoredPart

JOB_MANIFEST_VERSION = 1
LISTED_ERRORS = 1_000  # of customers; the indexes of parts have all of them


def make_manifest(jobs: Jobs, job: Job, parts: Iterable[StoredPart], *, principal: Principal) -> Mapping[str, object]:
    """Make and sign it. The parts are those of the job, in order, each done or failed."""
    customer_map = jobs.services.source.map
    found = list(parts)
    done = [part.result for part in found if part.result is not None]
    members: dict[str, object] = {
        "manifestVersion": JOB_MANIFEST_VERSION,
        "jobId": job.job_id,
        "transactionTime": job.created_at.isoformat(timespec="milliseconds"),
        "request": "/api/admin/exports",
        "requiresAccessToken": True,
        "requestedBy": principal.name,
        "tenant": principal.tenant,
        "customers": chosen_members(job.order.customers),
        "layout": job.order.layout.value,
        "format": job.order.format,
        "parameters": dict(job.order.parameters),
        **({} if job.order.since is None else {"since": job.order.since}),
        "map": {"name": customer_map.name, "version": customer_map.version},
        "software": f"customer-export {__version__}",
        "exported": {
            "customers": sum(part.customers for part in done),
            "rows": sum(part.rows for part in done),
            "failed": sum(part.failed for part in done),
            **_changes(job, done),
        },
        "canonicalSha256": content_digest(done),
        "alterations": _added_up(done),
        "output": [_output(job, part, file) for part in done for file in (*part.files, part.index)],
        "error": [failure.members() for part in done for failure in part.failures][:LISTED_ERRORS],
        "parts": [_part(part) for part in found],
    }
    return jobs.services.signer.sign(members)


def without_part(manifest: Mapping[str, object], number: int, *, customer_id: str, code: str) -> dict[str, object]:
    """Give a manifest, not signed yet, that has no files of a part any more, since it had those of a customer.

    What was exported stays as it was counted and digested at the end: so the audit has it.
    """
    members = dict(manifest)
    output, errors, parts = (_objects(manifest[name]) for name in ("output", "error", "parts"))
    members["output"] = [one for one in output if one["part"] != number]
    members["error"] = [one for one in errors if one["customer"] != customer_id]
    purged = {"number": number, "state": PartState.PURGED.value, "code": code}
    members["parts"] = [purged if one["number"] == number else one for one in parts]
    return members


def _objects(value: object) -> list[Mapping[str, object]]:
    assert isinstance(value, list)
    return value


def content_digest(results: Sequence[PartitionResult]) -> str:
    """Digest what the parts say of the data: runs on equal data have equal ones, however often interrupted."""
    digests = "\n".join(result.canonical_sha256 for result in results)
    return hashlib.sha256(digests.encode()).hexdigest()


def chosen_members(chosen: Chosen) -> Mapping[str, object]:
    """Say whose data were asked for; a list by its length, since the indexes name everybody."""
    return {
        "ids": None if chosen.ids is None else len(chosen.ids),
        "filter": [condition.members() for condition in chosen.conditions],
    }


def _added_up(done: Sequence[PartitionResult]) -> list[Mapping[str, object]]:
    """Say how many cells were changed in all, by section, column and kind; parts name rows."""
    counts: Counter[tuple[str, str, AlterationKind]] = Counter()
    for part in done:
        counts.update({(one.section, one.column, one.kind): one.count for one in part.alterations})
    return [
        {"section": section, "column": column, "kind": kind.value, "count": count}
        for (section, column, kind), count in sorted(counts.items())
    ]


def _changes(job: Job, done: Sequence[PartitionResult]) -> Mapping[str, object]:
    """Say how many have not changed since an earlier job, and how many are gone."""
    if job.order.since is None:
        return {}
    return {"unchanged": sum(part.unchanged for part in done), "gone": sum(part.gone for part in done)}


def _output(job: Job, part: PartitionResult, file: Artifact) -> Mapping[str, object]:
    name = shown_name(file.name)
    return {
        "type": file.section or ("index" if file is part.index else "customers"),
        "url": f"/api/admin/exports/{job.job_id}/files/{name}",
        "name": name,
        "part": part.number,
        "mediaType": file.media_type,
        "count": file.rows,
        "bytes": file.size_bytes,
        "sha256": file.sha256,
        **({} if file.encryption is None else {"encryption": file.encryption.members()}),
    }


def _part(part: StoredPart) -> Mapping[str, object]:
    result = part.result
    if result is None:
        return {"number": part.number, "state": part.state.value, "code": part.code}
    return {
        "number": part.number,
        "state": PartState.DONE.value,
        "customers": result.customers,
        "failed": result.failed,
        "rows": result.rows,
        "snapshot": {
            "takenAt": result.snapshot_at,
            "server": result.snapshot_server,
            "identity": result.snapshot_identity,
        },
        "canonicalSha256": result.canonical_sha256,
        "alterations": [one.members() for one in result.alterations],
    }
