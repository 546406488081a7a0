"""Every failure has a code of its own, a status, and an answer that can be made."""

import re
from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest

from customer_export import errors
from customer_export.api.problem import STATUS, problem_of
from customer_export.store.tables import AUDIT


def subclasses(parent: type[errors.ExportError]) -> Iterator[type[errors.ExportError]]:
    for child in parent.__subclasses__():
        yield child
        yield from subclasses(child)


ALL = sorted(subclasses(errors.ExportError), key=lambda kind: kind.__name__)

EXAMPLES: dict[type[errors.ExportError], errors.ExportError] = {
    errors.InsufficientScopeError: errors.InsufficientScopeError("customers:export"),
    errors.CustomerNotFoundError: errors.CustomerNotFoundError(),
    errors.ExportNotFoundError: errors.ExportNotFoundError(),
    errors.ScheduleNotFoundError: errors.ScheduleNotFoundError(),
    errors.WebhookNotFoundError: errors.WebhookNotFoundError(),
    errors.WebhookLimitError: errors.WebhookLimitError(20),
    errors.DeliveryNotFoundError: errors.DeliveryNotFoundError(),
    errors.PurgeNotFoundError: errors.PurgeNotFoundError(),
    errors.PurgeIncompleteError: errors.PurgeIncompleteError("a" * 32, {"cache": errors.CacheUnavailableError("down")}),
    errors.TemplateNotFoundError: errors.TemplateNotFoundError(),
    errors.TemplateMisfitError: errors.TemplateMisfitError("desk@3", ["sections: there is no section 'order'"]),
    errors.TemplateFailedError: errors.TemplateFailedError("desk@3", "unknown variable: dta"),
    errors.ColumnForbiddenError: errors.ColumnForbiddenError(["profile.email"]),
    errors.JobInFlightError: errors.JobInFlightError("f109d4c9833d426c9926d82936297bd3"),
    errors.IdempotencyKeyReusedError: errors.IdempotencyKeyReusedError("a" * 32),
    errors.LinkInvalidError: errors.LinkInvalidError(),
    errors.RangeNotSatisfiableError: errors.RangeNotSatisfiableError(10),
    errors.StoredFileNotFoundError: errors.StoredFileNotFoundError("jobs/1/all.csv"),
    errors.ExportTooLargeError: errors.ExportTooLargeError(limit_bytes=10, estimated_bytes=20),
    errors.RateLimitExceededError: errors.RateLimitExceededError(what="export requests", retry_after_seconds=60),
    errors.MapError: errors.MapError("map.toml", ["name is missing; add it"]),
    errors.PolicyError: errors.PolicyError("policy.toml", ["scopes is missing; add it"]),
    errors.DsarIncompleteError: errors.DsarIncompleteError("gdpr-access", ("dsar.authority is missing; add it",)),
    errors.MapMismatchError: errors.MapMismatchError("Shop", ["there is no table"]),
    errors.PluginFailedError: errors.PluginFailedError(plugin="helpdesk", section="tickets", reason="it is closed"),
    errors.UploadTooLargeError: errors.UploadTooLargeError(limit_bytes=10),
    errors.SpoolFullError: errors.SpoolFullError("/var/tmp"),
    errors.VerificationTimeoutError: errors.VerificationTimeoutError(timedelta(minutes=5)),
    errors.ExportTimeoutError: errors.ExportTimeoutError(timedelta(seconds=1.5)),
    errors.ExportCancelledError: errors.ExportCancelledError(),
}
"""Those that say more than a message; the others are made of one."""


def test_no_two_failures_have_the_same_code() -> None:
    assert len({kind.code for kind in ALL}) == len(ALL) > 15


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_code_is_a_word_that_the_audit_can_keep(kind: type[errors.ExportError]) -> None:
    assert "code" in vars(kind)
    assert re.fullmatch("[A-Z][A-Z_]+[A-Z]", kind.code)
    assert len(kind.code) <= AUDIT.c.code.type.length


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_failure_can_be_answered(kind: type[errors.ExportError]) -> None:
    failure = EXAMPLES[kind] if kind in EXAMPLES else kind("What happened; what to change")
    answer = problem_of(failure, request_id="0" * 32)
    members = orjson.loads(answer.body)
    assert answer.status_code == members["status"] == STATUS[kind]
    assert 400 <= answer.status_code < 600
    assert members["error"] == failure.message != ""
    assert members["code"] == kind.code


def test_only_failures_have_a_status() -> None:
    assert set(STATUS) == set(ALL)


def test_who_must_log_in_is_told_how() -> None:
    for kind, status in STATUS.items():
        failure = EXAMPLES[kind] if kind in EXAMPLES else kind("x")
        headers = problem_of(failure, request_id="0" * 32).headers
        assert ("www-authenticate" in headers) == (status in {401, 403})
        assert ("retry-after" in headers) == (status in {429, 503})


def test_a_time_out_names_the_limit_and_the_setting() -> None:
    assert "1.5 seconds" in EXAMPLES[errors.ExportTimeoutError].message
    assert "EXPORT_TIMEOUT_MS" in EXAMPLES[errors.ExportTimeoutError].message
