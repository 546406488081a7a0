"""Jobs of callers whom an OpenID provider vouches for: what their token said counts for a day, at each step anew."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from erased_jobs import job_of, planned, steps_of

from customer_export.auth.bearers import BearerAuthenticator
from customer_export.auth.policy_file import parse_policy
from customer_export.auth.tokens import TokenAuthenticator
from customer_export.demo.customers import ONE_ORDER, TYPICAL
from customer_export.errors import ExportNotFoundError, InsufficientScopeError, TokenExpiredError
from customer_export.jobs.look import find_job, job_manifest
from customer_export.jobs.rights import JWT_LASTS
from customer_export.jobs.services import Jobs
from customer_export.jobs.submit import JobCall, submit_job
from customer_export.model.access import BearerToken, Principal
from customer_export.model.job import JobState, SubmitterKind
from identity_provider import IdentityProvider, authenticator_for, running_provider
from timed_jobs import Clock

TWO = {"customers": [TYPICAL.id, ONE_ORDER.id], "format": "json", "layout": "files", "sections": "profile"}
BOTH = "customers:export customers:bulk"
TOKEN_LASTS = timedelta(minutes=5)


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def jobs(timed_jobs: Jobs, provider: IdentityProvider) -> Jobs:
    """What jobs talk to, where bearers are known by the provider's tokens."""
    known = BearerAuthenticator(tokens=TokenAuthenticator(lambda _digest: None), jwts=authenticator_for(provider))
    return replace(timed_jobs, services=replace(timed_jobs.services, authenticator=known))


def submitted(jobs: Jobs, provider: IdentityProvider, clock: Clock, *, scope: str = BOTH, name: str = "4711") -> str:
    """Submit a job by a token that is good for five minutes from now."""
    began = int(clock().timestamp())
    ends = began + int(TOKEN_LASTS.total_seconds())
    token = provider.token(scope=scope, sub=name, iat=began, exp=ends)
    call = JobCall(
        job_id=uuid4().hex,
        wanted=TWO,
        idempotency_key=None,
        credentials=BearerToken(secret=token),
        client="192.0.2.7",
        is_counted=False,
    )
    return submit_job(jobs, call, told=lambda _: None).job.job_id


def state_of(jobs: Jobs, job_id: str) -> tuple[JobState, str | None]:
    job = job_of(jobs, job_id)
    return job.state, job.code


def manifest_of(jobs: Jobs, job_id: str) -> dict[str, Any]:
    submitter = job_of(jobs, job_id).submitter
    manifest = job_manifest(jobs, job_id, Principal(name=submitter.name, scopes=frozenset()))
    assert manifest is not None
    return dict(manifest)


def test_a_job_outlives_the_token_that_it_was_submitted_by(
    jobs: Jobs, provider: IdentityProvider, clock: Clock
) -> None:
    job_id = submitted(jobs, provider, clock)
    submitter = job_of(jobs, job_id).submitter
    assert (submitter.kind, submitter.token_digest) == (SubmitterKind.JWT, None)
    assert provider.issuer in submitter.name
    steps = steps_of(jobs)
    asked = len(provider.asked)
    clock.at += JWT_LASTS - timedelta(seconds=1)
    for number in range(planned(jobs, job_id, each=1)):
        steps.run_part(job_id, number, attempt=1)
    steps.finish(job_id, attempt=1)
    assert state_of(jobs, job_id) == (JobState.FINISHED, None)
    assert manifest_of(jobs, job_id)["requestedBy"] == submitter.name
    assert len(provider.asked) == asked, "nobody is asked about a token again"
    assert {one.principal for one in jobs.services.store.audit_of(job_id)} == {submitter.name}


@pytest.mark.parametrize("parts_done", [0, 1, 2])
def test_what_a_token_said_ends_with_its_day_at_whatever_step(
    jobs: Jobs, provider: IdentityProvider, clock: Clock, parts_done: int
) -> None:
    job_id = submitted(jobs, provider, clock)
    steps = steps_of(jobs)
    parts = planned(jobs, job_id, each=1)
    for number in range(parts):
        if number == parts_done:
            clock.at += JWT_LASTS
        steps.run_part(job_id, number, attempt=1)
    if parts_done == parts:
        clock.at += JWT_LASTS
    steps.finish(job_id, attempt=1)
    assert state_of(jobs, job_id) == (JobState.FAILED, TokenExpiredError.code)
    assert list(jobs.storage.list_files(f"jobs/{job_id}")) == []
    assert jobs.store.files(job_id) == []
    assert [one.event for one in jobs.services.store.audit_of(job_id)] == ["submitted", "failed"]


def test_a_job_that_waits_for_longer_is_not_even_planned(jobs: Jobs, provider: IdentityProvider, clock: Clock) -> None:
    job_id = submitted(jobs, provider, clock)
    clock.at += JWT_LASTS
    plan = steps_of(jobs).plan(job_id, attempt=1)
    assert plan is not None
    assert plan.parts == 0
    assert state_of(jobs, job_id) == (JobState.FAILED, TokenExpiredError.code)


def test_masks_are_those_of_the_moment_when_a_part_is_made(
    jobs: Jobs, provider: IdentityProvider, clock: Clock
) -> None:
    job_id = submitted(jobs, provider, clock)
    policy = parse_policy(b'policy = 1\n[scopes]\n"customers:export" = ["identity", "none"]', file="policy.toml")
    jobs = replace(jobs, services=replace(jobs.services, policy=policy))
    steps = steps_of(jobs)
    for number in range(planned(jobs, job_id, each=2)):
        steps.run_part(job_id, number, attempt=1)
    steps.finish(job_id, attempt=1)
    masked = {one["column"] for one in manifest_of(jobs, job_id)["alterations"] if one["kind"] == "masked"}
    assert "email" in masked


@pytest.mark.parametrize("scope", ["openid", "customers:export", "customers:bulk"])
def test_a_token_has_to_say_that_its_bearer_may(
    jobs: Jobs, provider: IdentityProvider, clock: Clock, scope: str
) -> None:
    with pytest.raises(InsufficientScopeError):
        submitted(jobs, provider, clock, scope=scope)


def test_a_job_is_of_the_subject_and_of_nobody_else_whom_the_provider_knows(
    jobs: Jobs, provider: IdentityProvider, clock: Clock
) -> None:
    job_id = submitted(jobs, provider, clock)
    name = job_of(jobs, job_id).submitter.name
    assert find_job(jobs, job_id, Principal(name=name, scopes=frozenset())).job_id == job_id
    for other in ("4711", name.replace("4711", "4712")):
        with pytest.raises(ExportNotFoundError):
            find_job(jobs, job_id, Principal(name=other, scopes=frozenset()))


def test_nothing_of_the_token_itself_is_kept(jobs: Jobs, provider: IdentityProvider, clock: Clock) -> None:
    job = job_of(jobs, submitted(jobs, provider, clock))
    kept = orjson.dumps([job.submitter.members(), job.order.members()]).decode()
    assert "eyJ" not in kept
    assert job.submitter.until == clock() + JWT_LASTS
