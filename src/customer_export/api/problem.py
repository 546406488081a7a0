"""Errors as answers: application/problem+json (RFC 9457) with the members `error`, `code` and `requestId`."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from customer_export import errors
from customer_export.api.headers import ALWAYS

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:customer-export:problem:"
RETRY_SECONDS = 5  # for a database that is down: long enough for a restart, short enough for a person to wait

STATUS: Mapping[type[errors.ExportError], HTTPStatus] = {
    errors.InvalidRequestError: HTTPStatus.BAD_REQUEST,
    errors.AuthenticationRequiredError: HTTPStatus.UNAUTHORIZED,
    errors.InvalidTokenError: HTTPStatus.UNAUTHORIZED,
    errors.TokenExpiredError: HTTPStatus.UNAUTHORIZED,
    errors.InsufficientScopeError: HTTPStatus.FORBIDDEN,
    errors.TenantRestrictedError: HTTPStatus.FORBIDDEN,
    errors.CustomerNotFoundError: HTTPStatus.NOT_FOUND,
    errors.ExportNotFoundError: HTTPStatus.NOT_FOUND,
    errors.ScheduleNotFoundError: HTTPStatus.NOT_FOUND,
    errors.PurgeNotFoundError: HTTPStatus.NOT_FOUND,
    errors.WebhookNotFoundError: HTTPStatus.NOT_FOUND,
    errors.WebhookLimitError: HTTPStatus.CONFLICT,
    errors.DeliveryNotFoundError: HTTPStatus.NOT_FOUND,
    errors.TemplateNotFoundError: HTTPStatus.NOT_FOUND,
    errors.TemplateMisfitError: HTTPStatus.CONFLICT,
    errors.TemplateFailedError: HTTPStatus.CONFLICT,
    errors.ColumnForbiddenError: HTTPStatus.FORBIDDEN,
    errors.ExportNotCompleteError: HTTPStatus.CONFLICT,
    errors.StoredFileNotFoundError: HTTPStatus.NOT_FOUND,
    errors.JobInFlightError: HTTPStatus.CONFLICT,
    errors.JobEndedError: HTTPStatus.CONFLICT,
    errors.IdempotencyKeyReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.LinkInvalidError: HTTPStatus.NOT_FOUND,
    errors.RangeNotSatisfiableError: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    errors.ExportTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UploadTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.RateLimitExceededError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.ExportBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RendererBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RendererTimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.RendererOutOfMemoryError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RendererFailedError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.MapError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CustomerTableError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DsarIncompleteError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.MapMismatchError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PolicyError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.IdentityProviderUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SourceUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SourceFailedError: HTTPStatus.BAD_GATEWAY,
    errors.PluginFailedError: HTTPStatus.BAD_GATEWAY,
    errors.LimiterUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.StorageUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.SpoolFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.WorkerDiedError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PurgeIncompleteError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CustomerPurgedError: HTTPStatus.CONFLICT,
    errors.CacheUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ExportTimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.VerificationTimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.ExportInterruptedError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ExportCancelledError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The one place that knows which status a failure has (docs/errors.md)."""


OFFERING_A_JOB = (errors.ExportTooLargeError, errors.ExportTimeoutError, errors.RendererTimeoutError)
"""What a job may do all the same: its limits are its own."""
JOBS_PATH = "/api/admin/exports"


def problem_of(failure: errors.ExportError, *, request_id: str) -> Response:
    """Answer a failure that is foreseen."""
    members, headers = _more_of(failure)
    status = STATUS[type(failure)]
    if isinstance(failure, OFFERING_A_JOB):
        members["submitJob"] = JOBS_PATH
        headers["Link"] = f'<{JOBS_PATH}>; rel="alternate"'
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        members["retryAfter"] = RETRY_SECONDS
        headers["Retry-After"] = str(RETRY_SECONDS)
    return problem(
        status,
        code=failure.code,
        message=failure.message,
        request_id=request_id,
        members=members,
        headers=headers,
    )


def _more_of(failure: errors.ExportError) -> tuple[dict[str, object], dict[str, str]]:
    """Give the members and headers that this failure has beyond those of all."""
    members: dict[str, object] = {}
    headers: dict[str, str] = {}
    match failure:
        case errors.ExportTooLargeError(limit_bytes=limit_bytes, estimated_bytes=estimated_bytes):
            members |= {"limitBytes": limit_bytes, "estimatedBytes": estimated_bytes}
        case errors.UploadTooLargeError(limit_bytes=limit_bytes):
            members["limitBytes"] = limit_bytes
        case errors.RateLimitExceededError(retry_after_seconds=seconds):
            members["retryAfter"] = seconds
            headers["Retry-After"] = str(seconds)
        case errors.AuthenticationRequiredError():
            headers["WWW-Authenticate"] = 'Bearer realm="customer-export"'
        case errors.InvalidTokenError() | errors.TokenExpiredError():
            headers["WWW-Authenticate"] = 'Bearer realm="customer-export", error="invalid_token"'
        case errors.InsufficientScopeError(scope=scope):
            headers["WWW-Authenticate"] = f'Bearer realm="customer-export", error="insufficient_scope", scope="{scope}"'
        case errors.JobInFlightError(job_id=job_id):
            members["jobId"] = job_id
            headers["Location"] = f"/api/admin/exports/{job_id}"
        case errors.RangeNotSatisfiableError(size_bytes=size_bytes):
            headers["Content-Range"] = f"bytes */{size_bytes}"
        case errors.TenantRestrictedError() | errors.ColumnForbiddenError():
            headers["WWW-Authenticate"] = 'Bearer realm="customer-export", error="insufficient_scope"'
    return members, headers


def problem(
    status: HTTPStatus,
    *,
    code: str,
    message: str,
    request_id: str,
    members: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make the answer; `error` and `code` are the contract's, the others RFC 9457's."""
    body = {
        "type": TYPE_PREFIX + code,
        "title": status.phrase,
        "status": status.value,
        "detail": message,
        "instance": f"urn:uuid:{request_id}",
        "error": message,
        "code": code,
        "requestId": request_id,
        **(members or {}),
    }
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**ALWAYS, **(headers or {})},
    )
