"""Every failure that the product admits, grouped by who must act.

Each class has one documented `code` (docs/errors.md). A message names what to change and holds no personal data
beyond what the caller sent. HTTP statuses are none of this module's business: see `api/problem.py`.

It is long because it is the one list of them.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar


class ExportError(Exception):
    """A failure with a code that programs can rely on and a message that people can act on."""

    code: ClassVar[str]

    @property
    def message(self) -> str:
        """What happened and what to change, for people."""
        return str(self)


# The caller must act: another request can succeed.


class InvalidRequestError(ExportError):
    """The id or a parameter is not valid; the message lists each of them."""

    code = "VALIDATION_ERROR"


class AuthenticationRequiredError(ExportError):
    """No credentials came with the request."""

    code = "AUTHENTICATION_REQUIRED"


class InvalidTokenError(ExportError):
    """The token is unknown, malformed or revoked."""

    code = "INVALID_TOKEN"


class TokenExpiredError(ExportError):
    """The token was right once."""

    code = "TOKEN_EXPIRED"


class InsufficientScopeError(ExportError):
    """The token is right but does not allow this; `scope` is what it lacks."""

    code = "INSUFFICIENT_SCOPE"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}, which your token does not have")
        self.scope = scope


class TenantRestrictedError(ExportError):
    """The caller reaches one tenant's customers only, and what was asked for cannot be held to them."""

    code = "TENANT_RESTRICTED"


class CustomerNotFoundError(ExportError):
    """The snapshot has no customer of that id whom the caller reaches.

    `denied` says that they are held to a tenant: the customer may be another's, which only the audit may show.
    """

    code = "CUSTOMER_NOT_FOUND"

    def __init__(self, *, denied: bool = False) -> None:
        super().__init__("Customer not found")
        self.denied = denied


class ExportNotFoundError(ExportError):
    """There is no export of that id."""

    code = "EXPORT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Export not found")


class ScheduleNotFoundError(ExportError):
    """There is no schedule of that id, or it is somebody else's."""

    code = "SCHEDULE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Schedule not found")


class PurgeNotFoundError(ExportError):
    """There is no receipt of a purge of that id; it may not have come to its end."""

    code = "PURGE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no purge of that id that has come to its end; see the requestId of the purge")


class WebhookNotFoundError(ExportError):
    """There is no webhook of that id, or it is somebody else's."""

    code = "WEBHOOK_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Webhook not found")


class WebhookLimitError(ExportError):
    """Somebody has as many webhooks as one owner may have."""

    code = "WEBHOOK_LIMIT_REACHED"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"You have {limit} webhooks, as many as one owner may have; delete one that is not needed, or raise "
            "WEBHOOK_MAX"
        )


class DeliveryNotFoundError(ExportError):
    """The webhook has no message of that id, or it has been forgotten."""

    code = "DELIVERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Message not found")


class TemplateNotFoundError(ExportError):
    """There is no template of that name, or no such version of it."""

    code = "TEMPLATE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Template not found")


class TemplateMisfitError(ExportError):
    """A template names what the customer map does not have, or not any more; the message has one line for each."""

    code = "TEMPLATE_MISFIT"

    def __init__(self, reference: str, problems: list[str]) -> None:
        listed = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(f"The template {reference} does not fit the customer map; save it anew:\n{listed}")
        self.problems = problems


class TemplateFailedError(ExportError):
    """The pages that a template sets itself, or its logo, cannot be set; the message says where and why."""

    code = "TEMPLATE_FAILED"

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(f"The template {reference} cannot be set; mend it and save it anew: {reason}")


class ColumnForbiddenError(ExportError):
    """A template names columns that whoever saves it may not see."""

    code = "COLUMN_FORBIDDEN"

    def __init__(self, columns: list[str]) -> None:
        super().__init__(f"You may not see {', '.join(columns)}; leave them out of the template")
        self.columns = columns


class ExportNotCompleteError(ExportError):
    """The export has no manifest, because it is still running or ended without being whole."""

    code = "EXPORT_NOT_COMPLETE"


class UploadTooLargeError(ExportError):
    """What was sent is larger than any file that is made here."""

    code = "UPLOAD_TOO_LARGE"

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(
            f"What was sent is larger than any file that is made here ({limit_bytes:,} bytes); "
            "verify it on the command line: customer-export verify FILE"
        )
        self.limit_bytes = limit_bytes


class StoredFileNotFoundError(ExportError):
    """The storage has no file of that name: it was never finished, has expired, or was deleted."""

    code = "FILE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no file {name}")


class JobInFlightError(ExportError):
    """The same is asked for by a job that is under way; `job_id` is its id."""

    code = "JOB_IN_FLIGHT"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"The job {job_id} is under way and makes exactly this; follow it, or send onDuplicate=join to get it as "
            "the answer"
        )
        self.job_id = job_id


class JobEndedError(ExportError):
    """The job has ended, so there is nothing to cancel."""

    code = "JOB_ENDED"


class IdempotencyKeyReusedError(ExportError):
    """An Idempotency-Key was sent before, with another request, which became the job `job_id`."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self, job_id: str) -> None:
        super().__init__("This Idempotency-Key came with another request before; send a new key for a new request")
        self.job_id = job_id


class LinkInvalidError(ExportError):
    """A link to a file is malformed, expired or revoked, or is one to another file."""

    code = "LINK_INVALID"

    def __init__(self) -> None:
        super().__init__("This link is not valid, or not any more; ask whoever gave it to you for a new one")


class RangeNotSatisfiableError(ExportError):
    """A Range begins behind the end of the file, which has `size_bytes`."""

    code = "RANGE_NOT_SATISFIABLE"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"The file has {size_bytes} bytes; ask for a range that begins before its end")
        self.size_bytes = size_bytes


class ExportTooLargeError(ExportError):
    """The file would be larger than its format may be. `estimated_bytes` is None if no estimate told."""

    code = "EXPORT_SIZE_EXCEEDED"

    def __init__(self, *, limit_bytes: int, estimated_bytes: int | None = None) -> None:
        super().__init__("Export data too large")
        self.limit_bytes = limit_bytes
        self.estimated_bytes = estimated_bytes


class RateLimitExceededError(ExportError):
    """The caller has used up what is allowed in a window; `retry_after_seconds` is how long to wait."""

    code = "RATE_LIMIT_EXCEEDED"

    def __init__(self, *, what: str, retry_after_seconds: int) -> None:
        super().__init__(f"Too many {what}")
        self.retry_after_seconds = retry_after_seconds


class ExportBusyError(ExportError):
    """Too many exports are being made or wait for their turn; the same request can succeed in a moment."""

    code = "EXPORT_BUSY"


class RendererBusyError(ExportError):
    """Too many PDFs are being made; the same request can succeed in a moment."""

    code = "RENDERER_BUSY"


class RendererTimeoutError(ExportError):
    """One part of a PDF took longer than the operator allows."""

    code = "RENDERER_TIMEOUT"


class RendererOutOfMemoryError(ExportError):
    """One part of a PDF needed more memory than the operator allows."""

    code = "RENDERER_OUT_OF_MEMORY"


# The operator must act: the same request can succeed once something is mended.


class ConfigurationError(ExportError):
    """A setting is wrong; the message names the variable and the remedy."""

    code = "CONFIGURATION_ERROR"


class MapError(ExportError):
    """The customer map is wrong; the message has one line for each mistake: file, key, remedy."""

    code = "MAP_INVALID"

    def __init__(self, file: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))
        self.problems = problems


class CustomerTableError(ExportError):
    """A database has no table, or no key, by which customers can be known; the message says what to type."""

    code = "CUSTOMER_TABLE_UNKNOWN"


class DsarIncompleteError(ExportError):
    """The map lacks what an answer to a data subject has to say; the message has one line for each."""

    code = "DSAR_INCOMPLETE"

    def __init__(self, profile: str, missing: tuple[str, ...]) -> None:
        listed = "\n".join(f"- {line}" for line in missing)
        super().__init__(
            f"The customer map does not say all that {profile} has to tell; ask your operator to add it:\n{listed}"
        )
        self.missing = missing


class MapMismatchError(ExportError):
    """The map is right in itself but the database has other tables, columns or keys."""

    code = "MAP_MISMATCH"

    def __init__(self, map_name: str, problems: list[str]) -> None:
        listed = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(f"The map {map_name!r} does not fit the database:\n{listed}")
        self.problems = problems


class PolicyError(ExportError):
    """The policy file is wrong; the message has one line for each mistake: file, key, remedy."""

    code = "POLICY_INVALID"

    def __init__(self, file: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))
        self.problems = problems


class IdentityProviderUnavailableError(ExportError):
    """The keys that JWTs are checked with cannot be had, and no good ones are left."""

    code = "IDENTITY_PROVIDER_UNAVAILABLE"


class SourceUnavailableError(ExportError):
    """The customers' database does not answer, or broke off."""

    code = "SOURCE_UNAVAILABLE"


class SourceFailedError(ExportError):
    """The customers' database refused a statement (rights, for example) or gave a wrong number of rows."""

    code = "SOURCE_FAILED"


class PluginFailedError(ExportError):
    """A plug-in raised, gave rows that are not of the map, or was not done in time; nothing of it was exported."""

    code = "PLUGIN_FAILED"

    def __init__(self, *, plugin: str, section: str, reason: str) -> None:
        super().__init__(f"The plug-in {plugin!r} failed to give the section {section!r}: {reason}")
        self.plugin = plugin


class LimiterUnavailableError(ExportError):
    """Requests cannot be counted, and the operator lets none through that is not."""

    code = "LIMITER_UNAVAILABLE"


class StoreUnavailableError(ExportError):
    """Our own database does not answer; without it nothing may leave, since nothing would be on record."""

    code = "STORE_UNAVAILABLE"


class StoreFullError(StoreUnavailableError):
    """The disk of our own database has no room left."""

    code = "STORE_FULL"


class StorageUnavailableError(ExportError):
    """The storage of finished files does not answer, or refuses."""

    code = "STORAGE_UNAVAILABLE"


class StorageFullError(StorageUnavailableError):
    """The folder of finished files has no room left."""

    code = "STORAGE_FULL"


class SpoolFullError(ExportError):
    """The disk for files in the making has no room left; `folder` is where they are."""

    code = "SPOOL_FULL"

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"There is no room left for files in the making in {folder}; free some, or name a larger folder in TMPDIR"
        )


class WorkerDiedError(ExportError):
    """A part of a job ended its worker again and again, and is not begun any more."""

    code = "WORKER_DIED"


class PurgeIncompleteError(ExportError):
    """Something that a purge has to destroy could not be reached; `purge_id` names the receipt of what was done."""

    code = "PURGE_INCOMPLETE"

    def __init__(self, purge_id: str, problems: Mapping[str, ExportError]) -> None:
        told = "; ".join(f"{place}: {failure.message} [{failure.code}]" for place, failure in problems.items())
        super().__init__(
            f"Not all that is kept of the customer could be destroyed. {told}. The rest is gone; purge again until it "
            f"succeeds. What was done: GET /api/admin/purges/{purge_id}"
        )
        self.purge_id = purge_id


class CustomerPurgedError(ExportError):
    """A part of a job had a customer who was purged: its files are destroyed. Others in it are to be ordered again."""

    code = "PURGED"


class CacheUnavailableError(ExportError):
    """The cache does not answer. Exports go on without it; what is asked of the cache itself cannot be done."""

    code = "CACHE_UNAVAILABLE"


class RendererFailedError(ExportError):
    """A renderer died, or refused what it was given: a fault of the template or of this program."""

    code = "RENDERER_FAILED"


class VerificationTimeoutError(ExportError):
    """Taking a file and reading it took longer than an export may."""

    code = "VERIFICATION_TIMEOUT"

    def __init__(self, limit: timedelta) -> None:
        super().__init__(
            f"Sending and reading the file took longer than {limit.total_seconds():g} seconds; "
            "verify it on the command line: customer-export verify FILE"
        )


class ExportTimeoutError(ExportError):
    """The export took longer than it may."""

    code = "EXPORT_TIMEOUT"

    def __init__(self, limit: timedelta) -> None:
        super().__init__(
            f"The export took longer than {limit.total_seconds():g} seconds; "
            "ask for fewer sections or a shorter period, or raise EXPORT_TIMEOUT_MS"
        )


# Nobody must act.


class ExportInterruptedError(ExportError):
    """The export has an end on record already: its process was taken for dead. Another end cannot be recorded."""

    code = "INTERRUPTED"


class ExportCancelledError(ExportError):
    """Whoever asked for the export went away before it was finished."""

    code = "EXPORT_CANCELLED"

    def __init__(self) -> None:
        super().__init__("The client went away before the export was finished")
