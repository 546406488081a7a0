"""What a process keeps warm, or would, and why not, as it found it in its last round."""

from collections.abc import Mapping

from customer_export.errors import TenantRestrictedError
from customer_export.jobs.warming.candidates import Candidate
from customer_export.jobs.warming.warmer import Looked
from customer_export.model.access import Principal
from customer_export.model.audit import moment_text
from customer_export.model.warming import Standing


def show_warming(looked: Looked | None, principal: Principal, *, is_on: bool) -> Mapping[str, object]:
    """Give it as JSON members, the files that are asked for most often first. Raises TenantRestrictedError."""
    if principal.tenant is not None:
        raise TenantRestrictedError(
            "What is kept warm tells of any tenant's customers; ask for a token that is not restricted to one"
        )
    return {
        "on": is_on,
        "lookedAt": None if looked is None else moment_text(looked.at),
        "pause": None if looked is None or looked.pause is None else looked.pause.value,
        "files": [] if looked is None else [_file(candidate, standing) for candidate, standing in looked.files],
    }


def _file(candidate: Candidate, standing: Standing) -> Mapping[str, object]:
    asked = candidate.asked
    return {
        "customerId": asked.customer_id,
        "parameters": asked.parameters,
        "askedBy": asked.principal,
        "times": asked.times,
        "lastAskedAt": moment_text(asked.last_at),
        "bytes": asked.bytes,
        "standing": standing.value,
    }
