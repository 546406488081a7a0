"""Who asks for what, and whether they may now: all that is decided before anything of a customer is read."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from customer_export import __version__
from customer_export.encryption.choice import sealer_for
from customer_export.errors import (
    ExportError,
    InsufficientScopeError,
    InvalidTokenError,
    LimiterUnavailableError,
    RateLimitExceededError,
    TokenExpiredError,
)
from customer_export.export.asking import ask
from customer_export.export.parameters import Parameters, resolve_request
from customer_export.export.record import Later, Recorder
from customer_export.limits.keys import CountBy, client_key
from customer_export.model.access import Credentials, LocalOperator, Principal, Scope
from customer_export.model.allowance import Allowance
from customer_export.model.audit import AuditEvent, AuditRecord
from customer_export.model.cached_export import CacheKey, cache_key
from customer_export.model.customer_map import CustomerMap
from customer_export.model.policy import Masks, masking_fingerprint, masks_for
from customer_export.model.request import ExportRequest
from customer_export.model.template import ExportTemplate
from customer_export.services import Services

LONGEST_RECORDED = 2_000  # characters of what a caller sent that the audit keeps of each field

_MAY_BE_SECRET = frozenset({"passphrase", "password"})
_NO_SECRETS = ("age1", "zip")

Told = Callable[[Allowance], None]
"""What is told how much of the rate limit is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCall:
    """What a caller sends. `client` is the address it comes from, None on the command line.

    `export_id` is new; by it the caller, the audit, the log and the manifest speak of the same export. `passphrase` is
    of `encrypt=zip`, as in Admission. `draft` is a template that is being written, in place of one that they name.
    """

    export_id: str
    customer_id: str
    parameters: Parameters
    credentials: Credentials
    client: str | None
    passphrase: str | None = field(default=None, repr=False)
    draft: ExportTemplate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A valid request of somebody who may make it now. `customer_map` is the map as they may see it, `masks` why.

    `passphrase` is of a request with `encrypt=zip`; it stands in no repr, and nothing keeps it.
    """

    recorder: Recorder
    principal: Principal
    masks: Masks
    customer_map: CustomerMap
    request: ExportRequest
    key: CacheKey
    passphrase: str | None = field(repr=False)

    def for_job(self, job_id: str) -> "Admission":
        """Go on as a part of a job."""
        return replace(self, recorder=self.recorder.of_job(job_id))


def admit(services: Services, call: ExportCall, *, told: Told, later: Later | None = None) -> Admission:
    """Authenticate, validate against the map and the caller's policy, and count the request.

    What was refused before it was counted uses up nothing, and hears what is left. Raises an ExportError, which is on
    record by then, or with `later` on its way there.
    """
    principal = None
    try:
        recorder, principal = identify(services, call, Scope.EXPORT, later=later)
        admission = _validate(services, call, recorder, principal)
        with admission.recorder.recording_failures():
            sealer_for(admission.request.encryption, call.passphrase)  # raises, before anything is counted
    except ExportError:
        _tell(services, call, principal, told)
        raise
    if not isinstance(call.credentials, LocalOperator):
        with admission.recorder.recording_failures():
            count_request(services, call, admission.principal, told=told)
    return admission


def examine(services: Services, call: ExportCall) -> Admission:
    """Authenticate and validate, and count nothing. Raises an ExportError, which is on record by then."""
    return _validate(services, call, *identify(services, call, Scope.EXPORT))


def identify(
    services: Services, call: ExportCall, scope: Scope, *, later: Later | None = None
) -> tuple[Recorder, Principal]:
    """Know who is calling, and that they may; raises as `authorise`, and what it raises is on record by then."""
    recorder = recorder_of(services, call, later=later)
    with recorder.recording_failures():
        principal = _known(services, call.credentials, client=call.client)
    recorder = recorder.of(principal=principal.name)
    with recorder.recording_failures():
        require_scope(principal, scope)
    return recorder, principal


def _validate(services: Services, call: ExportCall, recorder: Recorder, principal: Principal) -> Admission:
    with recorder.recording_failures():
        return admission_of(services, call, recorder, principal)


def admission_of(services: Services, call: ExportCall, recorder: Recorder, principal: Principal) -> Admission:
    """Validate a call of somebody who is known, and put nothing on record. Raises what `ask` and the request raise."""
    asked = ask(services, principal, call.parameters, draft=call.draft)
    request = resolve_request(call.customer_id, asked)
    masks = masks_for(principal, services.policy)
    return Admission(
        recorder=recorder.about_request(request),
        principal=principal,
        masks=masks,
        customer_map=asked.customer_map,
        request=request,
        key=cache_key(
            request,
            tenant=principal.tenant,
            policy=masking_fingerprint(masks),
            source=services.source_id,
            map_version=asked.customer_map.version,
            software=__version__,
        ),
        passphrase=call.passphrase,
    )


def recorder_of(services: Services, call: ExportCall, *, later: Later | None = None) -> Recorder:
    """Make what puts a call on record."""
    return Recorder(
        store=services.store, metrics=services.metrics, now=services.now, about=_about(services, call), later=later
    )


def authorise(services: Services, credentials: Credentials, scope: Scope, *, client: str | None) -> Principal:
    """Know who is calling and that they may. Whoever tries one wrong token after another is told to wait.

    Raises one of the errors of 401 or 403, RateLimitExceededError, and what the authenticator and the limiter raise.
    """
    principal = _known(services, credentials, client=client)
    require_scope(principal, scope)
    return principal


def _known(services: Services, credentials: Credentials, *, client: str | None) -> Principal:
    try:
        return services.authenticator.authenticate(credentials, now=services.now())
    except (InvalidTokenError, TokenExpiredError) as failure:
        key = client_key(CountBy.ADDRESS, address=client, principal=None, secret=services.rate.secret)
        require_allowed(services, services.rate.failures.take(key), what="failed authentications", cause=failure)
        raise


def require_scope(principal: Principal, scope: Scope) -> None:
    """Raise InsufficientScopeError unless somebody may do this."""
    if not principal.may(scope):
        raise InsufficientScopeError(scope)


def _tell(services: Services, call: ExportCall, principal: Principal | None, told: Told) -> None:
    """Tell whoever is refused, uncounted, what is left to them; nothing can be told of somebody unknown."""
    known = principal is not None or services.rate.count_by is CountBy.ADDRESS
    if known and not isinstance(call.credentials, LocalOperator):
        name = None if principal is None else principal.name
        with suppress(LimiterUnavailableError):
            told(services.rate.exports.look(_client_key(services, call, principal=name)))


def count_request(services: Services, call: ExportCall, principal: Principal, *, told: Told) -> None:
    """Count a request against the rate limit. Raises RateLimitExceededError, or LimiterUnavailableError."""
    allowance = services.rate.exports.take(_client_key(services, call, principal=principal.name))
    told(allowance)
    require_allowed(services, allowance, what="export requests")


def require_allowed(services: Services, allowance: Allowance, *, what: str, cause: BaseException | None = None) -> None:
    """Raise RateLimitExceededError if a limit does not allow any more of `what`."""
    if not allowance.allowed:
        services.metrics.limited(allowance.rate.name)
        raise RateLimitExceededError(what=what, retry_after_seconds=allowance.retry_after_seconds or 1) from cause


def _client_key(services: Services, call: ExportCall, *, principal: str | None) -> str:
    rate = services.rate
    return client_key(rate.count_by, address=call.client, principal=principal, secret=rate.secret)


def _about(services: Services, call: ExportCall) -> AuditRecord:
    parameters = dict(call.parameters)
    return AuditRecord(
        at=services.now(),
        event=AuditEvent.STARTED,
        export_id=call.export_id,
        principal=None,
        client=call.client,
        customer_id=_recordable(call.customer_id),
        format=_recordable(parameters.get("format", ""))[:16] or None,
        parameters=_recordable("&".join(f"{name}={_kept_value(name, value)}" for name, value in call.parameters)),
    )


def _kept_value(name: str, value: str) -> str:
    """Leave out what may be a secret that was put into the wrong place: everybody who reads the audit could use it."""
    is_secret = name in _MAY_BE_SECRET or (name == "encrypt" and not value.startswith(_NO_SECRETS))
    return "(left out)" if is_secret else value


def _recordable(text: str) -> str:
    """Shorten what a caller sent, and replace what a database may not keep: NUL, and halves of surrogate pairs."""
    kept = text[:LONGEST_RECORDED].encode(errors="replace").decode()
    return kept.replace("\0", "\N{REPLACEMENT CHARACTER}")
