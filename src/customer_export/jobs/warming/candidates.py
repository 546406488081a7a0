"""The files that are asked for most, as those who ask would get them now."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from customer_export.auth.tokens import JWT_PREFIX
from customer_export.errors import (
    ExportError,
    InsufficientScopeError,
    InvalidTokenError,
    StoreUnavailableError,
    TenantRestrictedError,
    TokenExpiredError,
)
from customer_export.export.admission import Admission, ExportCall
from customer_export.export.warming import admit_warming, recorded_parameters
from customer_export.jobs.services import Jobs
from customer_export.model.access import Credentials, TokenDigest
from customer_export.model.cached_export import CacheKey
from customer_export.model.warming import AskedFor, Standing, WarmingLimits

MERGED = 4
"""Times as many as are kept warm are looked up: one file is spelled in several ways, and asked for by several."""

_NO_RIGHTS = (InvalidTokenError, TokenExpiredError, InsufficientScopeError, TenantRestrictedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that may be kept warm. `key` is None, and `standing` says why, if nobody can have it any more."""

    asked: AskedFor
    credentials: Credentials | None = None
    key: CacheKey | None = None
    standing: Standing = Standing.DUE

    @property
    def name(self) -> str:
        """What tells it from others: the digest of its key, where it has one."""
        asked = self.asked
        return repr((asked.customer_id, asked.parameters, asked.principal)) if self.key is None else self.key.digest

    def call(self) -> ExportCall:
        """Make the call of whoever would ask for it, under an id of its own."""
        assert self.credentials is not None
        return call_for(self.asked.customer_id, self.asked.parameters, self.credentials)


def call_for(customer_id: str, parameters: str, credentials: Credentials) -> ExportCall:
    """Make a call that comes from no address; `parameters` are as the audit has them."""
    return ExportCall(
        export_id=uuid4().hex,
        customer_id=customer_id,
        parameters=recorded_parameters(parameters) or (),
        credentials=credentials,
        client=None,
    )


def find_candidates(jobs: Jobs, limits: WarmingLimits, *, now: datetime) -> Sequence[Candidate]:
    """Give the files that were asked for most, the most often first, each once. Raises StoreUnavailableError."""
    asked = jobs.demand.most_asked(since=now - limits.window, limit=MERGED * limits.most_exported)
    if not asked:
        return ()
    purged = purged_lately(jobs, limits, now=now)
    tokens = _tokens_by_name(jobs)
    merged: dict[str, Candidate] = {}
    for one in asked:
        for found in _candidates(jobs, one, tokens.get(one.principal, ()), purged):
            merged[found.name] = _together(merged.get(found.name), found)
    most_first = sorted(merged.values(), key=lambda one: (-one.asked.times, -one.asked.last_at.timestamp()))
    return most_first[: limits.most_exported]


def purged_lately(jobs: Jobs, limits: WarmingLimits, *, now: datetime) -> frozenset[str]:
    """Give the customers who were purged as lately as what they were asked for counts."""
    return frozenset(purge.customer_id for purge in jobs.erasure.begun_since(now - limits.window))


def _tokens_by_name(jobs: Jobs) -> Mapping[str, Sequence[str]]:
    """Give the digests of the tokens that each name has: more than one if it was renewed."""
    digests: dict[str, list[str]] = defaultdict(list)
    for token in jobs.services.store.tokens():
        if token.revoked_at is None:
            digests[token.name].append(token.digest)
    return digests


def _candidates(jobs: Jobs, asked: AskedFor, digests: Sequence[str], purged: frozenset[str]) -> Iterator[Candidate]:
    """Give what each token of whoever asked would get; they may differ in rights, and so in their files."""
    if asked.principal.startswith(JWT_PREFIX):
        yield Candidate(asked=asked, standing=Standing.JWT)
        return
    if recorded_parameters(asked.parameters) is None:
        yield Candidate(asked=asked, standing=Standing.FAILED)
        return
    if asked.customer_id in purged:
        yield Candidate(asked=asked, standing=Standing.PURGED)
        return
    standing = Standing.RIGHTS
    for digest in digests:
        credentials = TokenDigest(digest=digest)
        try:
            admission = _admitted(jobs, asked, credentials)
        except StoreUnavailableError:
            raise
        except _NO_RIGHTS:
            continue
        except ExportError:  # its template is gone, for one
            standing = Standing.FAILED
            continue
        yield Candidate(asked=asked, credentials=credentials, key=admission.key)
        standing = Standing.DUE
    if standing is not Standing.DUE:
        yield Candidate(asked=asked, standing=standing)


def _admitted(jobs: Jobs, asked: AskedFor, credentials: Credentials) -> Admission:
    return admit_warming(jobs.services, call_for(asked.customer_id, asked.parameters, credentials))


def _together(first: Candidate | None, second: Candidate) -> Candidate:
    """Count as one what different people asked for, or in different spellings."""
    if first is None:
        return second
    one, other = first.asked, second.asked
    together = replace(
        one,
        times=one.times + other.times,
        last_at=max(one.last_at, other.last_at),
        bytes=max(one.bytes, other.bytes),
    )
    return replace(first, asked=together)
