"""What OpenAPI says about jobs and their files."""

from http import HTTPStatus

from starlette.responses import Response

from customer_export import errors
from customer_export.api.described import (
    EXPORT_ID,
    LIMITS,
    Description,
    answer,
    json_of,
    parameters_of,
    refusals,
)
from customer_export.api.description import INVALID_ID, NEEDS_EXPORT, PASSPHRASE, RESTRICTED, SECURED, UNKNOWN
from customer_export.api.job_parameters import JobsParameters
from customer_export.export.parameters import ExportParameters
from customer_export.model.access import Scope
from customer_export.model.bulk import Layout, TableFormat
from customer_export.model.request import ExportFormat

_JOB = {
    "id": EXPORT_ID,
    "state": "running",
    "createdAt": "2026-11-22T22:11:33.201+00:00",
    "startedAt": "2026-11-22T22:11:33.911+00:00",
    "endedAt": None,
    "expiresAt": None,
    "requestedBy": "support desk",
    "layout": "files",
    "format": "csv",
    "parameters": {},
    "customers": {"total": 5000, "done": 1200, "failed": 0},
    "rows": 88123,
    "bytes": 7340032,
    "parts": {"total": 50, "done": 12, "failed": 0},
    "secondsLeft": 41,
    "code": None,
    "links": {"self": f"/api/admin/exports/{EXPORT_ID}", "events": f"/api/admin/exports/{EXPORT_ID}/events"},
}
_OR_NULL = ["string", "null"]
_JOB_TYPES: Description = {
    "id": "string",
    "state": "string",
    "createdAt": "string",
    "startedAt": _OR_NULL,
    "endedAt": _OR_NULL,
    "expiresAt": _OR_NULL,
    "requestedBy": "string",
    "layout": "string",
    "format": "string",
    "parameters": "object",
    "customers": "object",
    "rows": "integer",
    "bytes": "integer",
    "parts": "object",
    "secondsLeft": ["integer", "null"],
    "code": _OR_NULL,
    "links": "object",
}
_JOB_ANSWER = json_of(_JOB, **_JOB_TYPES)
_FINDING = (*UNKNOWN, NEEDS_EXPORT, errors.ExportNotFoundError())


def _body() -> Description:
    """Describe the body: our own members, and the parameters of an export."""
    shared = {
        one["name"]: {**one["schema"], "description": one["description"]}
        for one in parameters_of(ExportParameters)
        if one["name"] not in {"format", "fresh"}
    }
    formats = list(dict.fromkeys(one.value for kind in (ExportFormat, TableFormat) for one in kind))
    own: Description = {
        "customer": {"type": "string", "description": "The id of one customer"},
        "customers": {
            "description": "Ids of customers, or `all`",
            "anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"const": "all"}],
        },
        "filter": {
            "type": "object",
            "description": "Columns of the customer's own section, each with a value, a list of values, null, or an "
            "object with `from` and `before`",
        },
        "layout": {
            "type": "string",
            "enum": [one.value for one in Layout],
            "description": "A file a customer in archives, lines of one customer after another, or a table a section",
        },
        "since": {
            "type": "string",
            "description": "A finished job with the same members: only customers who have changed since then",
        },
        "format": {"type": "string", "enum": formats, "description": "The format of the files"},
        "onDuplicate": {
            "type": "string",
            "enum": ["refuse", "join"],
            "description": "Whether an identical job under way is told by 409 or given as the answer",
        },
    }
    schema = {"type": "object", "required": ["format"], "properties": {**own, **shared}}
    example = {"customers": ["550e8400-e29b-41d4-a716-446655440000"], "format": "pdf", "locale": "de"}
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


SUBMIT_DESCRIPTION: Description = {
    "operation_id": "submitJob",
    "summary": "Have exports made in the background: of one customer, some, or all",
    "response_class": Response,
    "status_code": HTTPStatus.ACCEPTED,
    "responses": {
        202: answer(
            "The job (docs/jobs.md); `joined` says that it was there already",
            json_of({**_JOB, "state": "queued", "joined": False}, **_JOB_TYPES, joined="boolean"),
            always=[*LIMITS, "Location"],
        ),
        **refusals(
            *UNKNOWN,
            INVALID_ID,
            NEEDS_EXPORT,
            errors.InsufficientScopeError(Scope.BULK),
            RESTRICTED,
            errors.ExportNotFoundError(),
            errors.ExportNotCompleteError("The job that since names is expired; leave since out to get everything"),
            errors.JobInFlightError(EXPORT_ID),
            errors.IdempotencyKeyReusedError(EXPORT_ID),
            errors.RateLimitExceededError(what="export requests", retry_after_seconds=60),
            told=LIMITS,
        ),
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A key of the caller's own: the same request with the same key gives the same job",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            },
            {**PASSPHRASE, "description": "Of encrypt=zip: the passphrase of the archives, sealed until the job ends"},
        ],
        "requestBody": _body(),
        **SECURED,
    },
}
JOBS_DESCRIPTION: Description = {
    "operation_id": "listJobs",
    "summary": "Jobs, the newest first: one's own, or all for administrators",
    "response_class": Response,
    "responses": {
        200: answer(
            "A page of jobs",
            json_of(
                {"jobs": [_JOB], "next": "/api/admin/exports?cursor=MjAyNi0xMS0yMlQyMjox"},
                jobs="array",
                next=["string", "null"],
            ),
            sometimes=["Link"],
        ),
        **refusals(
            *UNKNOWN,
            NEEDS_EXPORT,
            errors.InvalidRequestError("Invalid request parameters: limit: is not a whole number from 1 to 500"),
        ),
    },
    "openapi_extra": {"parameters": parameters_of(JobsParameters, cursor={"type": "string"}), **SECURED},
}
JOB_DESCRIPTION: Description = {
    "operation_id": "showJob",
    "summary": "How far a job is",
    "response_class": Response,
    "responses": {200: answer("The job", _JOB_ANSWER), **refusals(*_FINDING)},
    "openapi_extra": SECURED,
}
CANCEL_DESCRIPTION: Description = {
    "operation_id": "cancelJob",
    "summary": "Cancel a job: its files are deleted",
    "response_class": Response,
    "status_code": HTTPStatus.ACCEPTED,
    "responses": {
        202: answer("The job, which ends within seconds", _JOB_ANSWER),
        **refusals(*_FINDING, errors.JobEndedError("The job is finished; there is nothing to cancel any more")),
    },
    "openapi_extra": SECURED,
}
_AN_EVENT = {"event": "progress", "data": '{"state":"running","rows":88123}'}
_EVENT_SCHEMA = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["progress", "ended"]},
        "data": {"type": "string", "description": "The job, as JSON"},
    },
}
EVENTS_DESCRIPTION: Description = {
    "operation_id": "followJob",
    "summary": "Follow a job by server-sent events",
    "response_class": Response,
    "responses": {
        200: answer(
            "Events `progress` and, last of all, `ended`, each with the job; it ends after 25 seconds at the "
            "latest, and a client asks again",
            {"text/event-stream": {"schema": _EVENT_SCHEMA, "example": _AN_EVENT}},
        ),
        **refusals(*_FINDING),
    },
    "openapi_extra": SECURED,
}
_LINK = {
    "name": "link",
    "in": "query",
    "required": False,
    "description": "The token of a link, in place of the Authorization header",
    "schema": {"type": "string"},
}
_NO_FILES = errors.ExportNotCompleteError("The job is running; it has files when it is finished, until they expire")
_DOWN = errors.StorageUnavailableError("The storage s3://exports does not answer as it should")
_BYTES: Description = {"application/octet-stream": {}}
_OF_FILES = ("Content-Disposition", "Content-Length", "Accept-Ranges", "ETag", "Repr-Digest", "X-Export-Id")
DOWNLOAD_DESCRIPTION: Description = {
    "operation_id": "downloadFile",
    "summary": "A file of a job, whole or in part",
    "response_class": Response,
    "responses": {
        200: answer("The file", _BYTES, always=_OF_FILES),
        206: answer(
            "The part that Range asks for", {"application/octet-stream": {}}, always=[*_OF_FILES, "Content-Range"]
        ),
        304: answer("The file that If-None-Match names", {}, always=["ETag"]),
        307: answer("Where the file lies: EXPORT_CDN_URL", {}, always=["Location"]),
        **refusals(
            *_FINDING,
            errors.LinkInvalidError(),
            errors.StoredFileNotFoundError("part-00000.zip"),
            _NO_FILES,
            errors.RangeNotSatisfiableError(1048576),
            errors.StorageUnavailableError("The storage s3://exports does not answer as it should"),
        ),
    },
    "openapi_extra": {"parameters": [_LINK], "security": [{"bearer": []}, {}]},
}
LINKS_DESCRIPTION: Description = {
    "operation_id": "makeLinks",
    "summary": "Links by which anybody may have a job's files for a while",
    "response_class": Response,
    "responses": {
        200: answer(
            "A link to each file",
            json_of(
                {
                    "expiresAt": "2026-11-22T22:26:33+00:00",
                    "files": [
                        {
                            "name": "part-00000.zip",
                            "url": f"/api/admin/exports/{EXPORT_ID}/files/part-00000.zip?link=1795386393.0.47DEQpj8",
                            "bytes": 1048576,
                            "sha256": "3fc204fcdb2d5ab9373831ba319200e3ce1b498559fa203e5a02f5a1765500d2",
                        }
                    ],
                },
                expiresAt="string",
                files="array",
            ),
        ),
        **refusals(
            *_FINDING,
            _NO_FILES,
            errors.StorageUnavailableError("The storage s3://exports does not answer as it should"),
        ),
    },
    "openapi_extra": SECURED,
}
REVOKE_DESCRIPTION: Description = {
    "operation_id": "revokeLinks",
    "summary": "End all links to a job's files, but those of the object store itself",
    "response_class": Response,
    "responses": {
        200: answer("They are revoked", json_of({"revoked": True}, revoked="boolean")),
        **refusals(*_FINDING),
    },
    "openapi_extra": SECURED,
}
