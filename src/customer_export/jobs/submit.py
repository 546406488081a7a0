"""Take a job: who asks, for what, and whether it is under way already."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from customer_export.errors import IdempotencyKeyReusedError, InvalidRequestError, JobInFlightError
from customer_export.export.admission import ExportCall, Told, count_request, identify
from customer_export.export.asking import ask
from customer_export.export.parameters import Parameters, read_customer_id, resolve_request
from customer_export.jobs.bulk.plan import check_order
from customer_export.jobs.passphrases import check_passphrase, seal_passphrase
from customer_export.jobs.rights import makes_one_file, require_rights, submitter_of
from customer_export.jobs.services import Jobs
from customer_export.jobs.since import require_earlier
from customer_export.model.access import Credentials, LocalOperator, Principal, Scope
from customer_export.model.bulk import BulkOrder, Chosen, Comparison, Condition, Layout, TableFormat
from customer_export.model.job import NewJob
from customer_export.model.policy import masking_fingerprint, masks_for
from customer_export.model.request import EncryptionMethod, ExportFormat
from customer_export.store.job_interface import Submitted

MOST_IDS = 10_000
"""Of a list: half a megabyte of UUIDs in the request. More customers than that are a filter's, or everybody."""

LONGEST_KEY = 255  # characters of an Idempotency-Key; the draft's examples are UUIDs
OWN_MEMBERS = ("customer", "customers", "filter", "layout", "since", "onDuplicate")
NOT_OF_JOBS = ("fresh",)  # a job's files are always made now
EVERYBODY = "all"
ON_DUPLICATE = ("refuse", "join")
COMPARISONS = {"from": Comparison.FROM, "before": Comparison.BEFORE}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCall:
    """What a caller sends. `wanted` is the body as JSON: members of ours, and the parameters of an export.

    `is_counted`: whether it is one of the caller's requests, for the rate limit. `passphrase` is of `encrypt=zip`.
    """

    job_id: str
    wanted: object
    idempotency_key: str | None
    credentials: Credentials
    client: str | None
    is_counted: bool = True
    passphrase: str | None = field(default=None, repr=False)


def submit_job(jobs: Jobs, call: JobCall, *, told: Told) -> Submitted:
    """Admit a job, which counts as one request, and keep it.

    Raises what `admit` raises, JobInFlightError and IdempotencyKeyReusedError.
    """
    services = jobs.services
    members, parameters = read_body(call.wanted)
    export_call = ExportCall(
        export_id=call.job_id,
        customer_id=str(members.get("customer") or ""),
        parameters=[*_recorded(members), *parameters],
        credentials=call.credentials,
        client=call.client,
    )
    recorder, principal = identify(services, export_call, Scope.EXPORT)
    with recorder.recording_failures():
        order = _read_order(jobs, call.job_id, members, parameters, principal=principal, passphrase=call.passphrase)
        if call.is_counted and not isinstance(call.credentials, LocalOperator):
            count_request(services, export_call, principal, told=told)
        new = NewJob(
            order=order,
            submitter=submitter_of(call.credentials, principal, jobs=jobs),
            fingerprint=_fingerprint(jobs, order, principal, call.passphrase),
            sealed_passphrase=seal_passphrase(jobs, order.job_id, call.passphrase),
            idempotency_key=_checked_key(call.idempotency_key),
        )
        submitted = jobs.store.submit(new)
        if submitted.has_key and submitted.job.fingerprint != new.fingerprint:
            raise IdempotencyKeyReusedError(submitted.job.job_id)
        if not submitted.is_new and not submitted.has_key and members.get("onDuplicate") != "join":
            raise JobInFlightError(submitted.job.job_id)
    if submitted.is_new:
        recorder.submitted()
    return submitted


def read_order(jobs: Jobs, wanted: object, *, job_id: str, principal: Principal) -> BulkOrder:
    """Read the body of a submission that comes without a passphrase, as somebody may have it.

    Raises InvalidRequestError, InsufficientScopeError.
    """
    members, parameters = read_body(wanted)
    if dict(parameters).get("encrypt") == EncryptionMethod.ZIP:
        raise InvalidRequestError(
            "Invalid request body: encrypt: zip needs a passphrase each time, which nothing keeps for a schedule; "
            "encrypt to an age public key"
        )
    return _read_order(jobs, job_id, members, parameters, principal=principal, passphrase=None)


def read_body(wanted: object) -> tuple[Mapping[str, object], Parameters]:
    """Take our own members from the parameters of an export, which may be of any type that spells them.

    Raises InvalidRequestError.
    """
    if not isinstance(wanted, dict) or not all(isinstance(name, str) for name in wanted):
        raise InvalidRequestError(
            'Invalid request body: send a JSON object, such as {"customer": "…", "format": "csv"}'
        )
    members = {name: wanted[name] for name in OWN_MEMBERS if wanted.get(name) is not None}
    others = {name: value for name, value in wanted.items() if name not in OWN_MEMBERS and value is not None}
    return members, [(name, _spelled(name, value)) for name, value in sorted(others.items())]


def _spelled(name: str, value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(one, str) for one in value):
            return ",".join(value)
        case _:
            raise InvalidRequestError(f"Invalid request body: {name}: is neither text nor a list of texts")


def _recorded(members: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Say in the audit whose data were asked for, without a list of thousands."""
    for name, value in members.items():
        if name == "customers" and isinstance(value, list):
            yield name, str(len(value))
        elif name != "customer":
            yield name, value if isinstance(value, str) else orjson.dumps(value).decode()


def _read_order(
    jobs: Jobs,
    job_id: str,
    members: Mapping[str, object],
    parameters: Parameters,
    *,
    principal: Principal,
    passphrase: str | None,
) -> BulkOrder:
    asked = ask(jobs.services, principal, parameters)
    given = dict(parameters)
    if asked.template is not None:
        given["template"] = asked.template.reference  # a later version is another job's
    file_format = given.pop("format", dict(asked.parameters).get("format", ""))
    order = BulkOrder(
        job_id=job_id,
        created_at=jobs.services.now(),
        customers=read_chosen(jobs, members),
        layout=_read_layout(members, file_format),
        format=file_format,
        parameters=tuple(given.items()),
        since=_read_since(members),
    )
    if members.get("onDuplicate", "refuse") not in ON_DUPLICATE:
        raise InvalidRequestError(f"Invalid request body: onDuplicate: is not known; use {' or '.join(ON_DUPLICATE)}")
    for name in NOT_OF_JOBS:
        if name in given:
            raise InvalidRequestError(f"Invalid request body: {name}: a job always makes its files anew; leave it out")
    if makes_one_file(order):
        (one,) = order.customers.ids or ()
        request = resolve_request(one, asked)
    else:
        request = check_order(jobs.services, order, principal=principal)
    check_passphrase(jobs, request.encryption, passphrase)
    require_rights(principal, order.customers)
    require_earlier(jobs, order, principal)
    return order


def _read_layout(members: Mapping[str, object], file_format: str) -> Layout:
    given = members.get("layout")
    if given is None:
        only_tables = {one.value for one in TableFormat} - {one.value for one in ExportFormat}
        return Layout.TABLES if file_format in only_tables else Layout.FILES
    known = [one.value for one in Layout]
    if given not in known:
        raise InvalidRequestError(f"Invalid request body: layout: is not known; use {', '.join(known)}")
    return Layout(given)


def _read_since(members: Mapping[str, object]) -> str | None:
    given = members.get("since")
    if not (given is None or isinstance(given, str)):
        raise InvalidRequestError("Invalid request body: since: is no id of a job")
    return given


def read_chosen(jobs: Jobs, members: Mapping[str, object]) -> Chosen:
    """Read whose data are wanted. Raises InvalidRequestError."""
    kind = jobs.services.source.map.customer.key_type
    customer, customers, conditions = (members.get(name) for name in ("customer", "customers", "filter"))
    if sum(one is not None for one in (customer, customers, conditions)) != 1:
        raise InvalidRequestError(
            'Invalid request body: say whose with one of customer (an id), customers (a list of ids, or "all") and '
            "filter (columns of the customer's own section)"
        )
    if customer is not None:
        return Chosen(ids=(read_customer_id(str(customer), kind),))
    if conditions is not None:
        return Chosen(conditions=tuple(_read_conditions(conditions)))
    if customers == EVERYBODY:
        return Chosen()
    if not isinstance(customers, list) or not 0 < len(customers) <= MOST_IDS:
        raise InvalidRequestError(
            f'Invalid request body: customers: is neither a list of 1 to {MOST_IDS} ids nor "all"; more customers than '
            "that are named by a filter"
        )
    return Chosen(ids=tuple(dict.fromkeys(read_customer_id(str(one), kind) for one in customers)))


def _read_conditions(given: object) -> Iterator[Condition]:
    """Read `{"country": "DE", "status": ["a", "b"], "created_at": {"from": …, "before": …}, "deleted_at": null}`."""
    if not isinstance(given, dict) or not given:
        raise InvalidRequestError('Invalid request body: filter: is no object such as {"country": ["DE", "AT"]}')
    for column, wanted in given.items():
        match wanted:
            case None:
                yield Condition(column=column, comparison=Comparison.IS_NULL)
            case str() | int() | float():
                yield Condition(column=column, comparison=Comparison.EQUALS, values=(_spelled(column, wanted),))
            case list() if wanted and all(isinstance(one, str | int | float) for one in wanted):
                values = tuple(_spelled(column, one) for one in wanted)
                yield Condition(column=column, comparison=Comparison.EQUALS, values=values)
            case dict() if wanted and wanted.keys() <= COMPARISONS.keys():
                for name, bound in wanted.items():
                    yield Condition(column=column, comparison=COMPARISONS[name], values=(_spelled(column, bound),))
            case _:
                raise InvalidRequestError(
                    f"Invalid request body: filter: {column}: give a value, a list of values, null, or an object with "
                    '"from" and "before"'
                )


def _fingerprint(jobs: Jobs, order: BulkOrder, principal: Principal, passphrase: str | None) -> str:
    """Name what a job makes and for whom: the same for all who would get the same."""
    wanted = {**order.members(), "jobId": None, "createdAt": None}
    rights: Sequence[object] = (
        principal.name,
        principal.tenant,
        masking_fingerprint(masks_for(principal, jobs.services.policy)),
        jobs.services.source.map.version,
        jobs.services.source_id,
        *([] if passphrase is None else [jobs.seal.name(passphrase)]),  # keyed, so that nobody can try passphrases
    )
    return hashlib.sha256(orjson.dumps([wanted, rights], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _checked_key(key: str | None) -> str | None:
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise InvalidRequestError(
            f"Invalid request: Idempotency-Key: has to have 1 to {LONGEST_KEY} printable characters"
        )
    return key
