"""Who submitted a job, and whether they may still have it when it runs."""

from datetime import timedelta

from customer_export.auth.tokens import JWT_PREFIX, digest_of
from customer_export.export.admission import authorise, require_scope
from customer_export.jobs.services import Jobs
from customer_export.model.access import (
    BearerToken,
    Credentials,
    EarlierCaller,
    LocalOperator,
    Principal,
    Scope,
    TokenDigest,
)
from customer_export.model.bulk import BulkOrder, Chosen, Layout
from customer_export.model.job import Job, Submitter, SubmitterKind

JWT_LASTS = timedelta(days=1)
"""How long a job may rely on what a JWT said: nobody can be asked about it again, and the job may have to wait."""


def submitter_of(credentials: Credentials, principal: Principal, *, jobs: Jobs) -> Submitter:
    """Say by what somebody who is known can be known again."""
    match credentials:
        case LocalOperator(user=user):
            return Submitter(kind=SubmitterKind.LOCAL, name=principal.name, user=user)
        case TokenDigest(digest=digest):
            return Submitter(kind=SubmitterKind.TOKEN, name=principal.name, token_digest=digest)
        case BearerToken(secret=str(secret)) if not principal.name.startswith(JWT_PREFIX):
            return Submitter(kind=SubmitterKind.TOKEN, name=principal.name, token_digest=digest_of(secret))
        case _:
            return Submitter(
                kind=SubmitterKind.JWT,
                name=principal.name,
                scopes=tuple(sorted(principal.scopes)),
                tenant=principal.tenant,
                until=jobs.services.now() + JWT_LASTS,
            )


def credentials_of(submitter: Submitter) -> Credentials:
    """Give what somebody is known by again."""
    match submitter.kind:
        case SubmitterKind.LOCAL:
            return LocalOperator(user=submitter.user or "")
        case SubmitterKind.TOKEN:
            return TokenDigest(digest=submitter.token_digest or "")
        case SubmitterKind.JWT:
            assert submitter.until is not None
            principal = Principal(name=submitter.name, scopes=frozenset(submitter.scopes), tenant=submitter.tenant)
            return EarlierCaller(principal=principal, until=submitter.until)


def require_rights(principal: Principal, chosen: Chosen) -> None:
    """Raise InsufficientScopeError unless somebody may export these customers."""
    require_scope(principal, Scope.EXPORT)
    if not is_of_one(chosen):
        require_scope(principal, Scope.BULK)


def check_rights(jobs: Jobs, job: Job) -> Principal:
    """Know the submitter again, as of now. Raises one of the errors of 401 or 403."""
    principal = authorise(jobs.services, credentials_of(job.submitter), Scope.EXPORT, client=None)
    require_rights(principal, job.order.customers)
    return principal


def is_of_one(chosen: Chosen) -> bool:
    """Whether one customer is named."""
    return chosen.ids is not None and len(chosen.ids) == 1


def makes_one_file(order: BulkOrder) -> bool:
    """Whether a job makes the file of one customer, and no archive."""
    return is_of_one(order.customers) and order.layout is Layout.FILES
