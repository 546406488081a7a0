"""What OpenAPI says about schedules."""

from http import HTTPStatus

from starlette.responses import Response

from customer_export import errors
from customer_export.api.described import EXPORT_ID, Description, answer, json_of, page_parameters, refusals
from customer_export.api.description import NEEDS_EXPORT, SECURED, UNKNOWN
from customer_export.api.paging import MOST
from customer_export.jobs.schedules.edit import ScheduleBody
from customer_export.model.access import Scope

_SCHEDULE_ID = "5b0f2c1de8b94c7f9d2f6f1f0c9f7a11"
_EXPORT = {"customers": "all", "layout": "tables", "format": "csv", "from": "$previous", "to": "$due"}
_BODY = {
    "name": "Orders of the day",
    "cron": "30 2 * * *",
    "timeZone": "Europe/Berlin",
    "export": _EXPORT,
    "target": "files",
    "missed": "once",
    "stopAfterFailures": 5,
}
_RUN = {
    "dueAt": "2026-11-22T01:30:00+00:00",
    "begunAt": "2026-11-22T01:30:00.412+00:00",
    "byHand": False,
    "state": "finished",
    "jobId": EXPORT_ID,
    "code": None,
}
_SCHEDULE = {
    "id": _SCHEDULE_ID,
    **_BODY,
    "owner": "support desk",
    "createdAt": "2026-11-20T09:00:00+00:00",
    "updatedAt": "2026-11-20T09:00:00+00:00",
    "state": "active",
    "failuresInARow": 0,
    "code": None,
    "nextRuns": ["2026-11-23T02:30:00+01:00", "2026-11-24T02:30:00+01:00"],
    "runs": [_RUN],
}
_OR_NULL = ["string", "null"]
_TYPES: Description = {
    "id": "string",
    "name": "string",
    "cron": "string",
    "timeZone": "string",
    "export": "object",
    "target": "string",
    "missed": "string",
    "stopAfterFailures": "integer",
    "owner": "string",
    "createdAt": "string",
    "updatedAt": "string",
    "state": "string",
    "failuresInARow": "integer",
    "code": _OR_NULL,
    "nextRuns": "array",
    "runs": "array",
}
_ANSWER = json_of(_SCHEDULE, **_TYPES)
_FINDING = (*UNKNOWN, NEEDS_EXPORT, errors.ScheduleNotFoundError())
_SAVING = (
    *UNKNOWN,
    NEEDS_EXPORT,
    errors.InsufficientScopeError(Scope.BULK),
    errors.InvalidRequestError("Invalid schedule: cron: bad minute; write five fields, such as 0 6 * * MON-FRI"),
)
_SCHEMA = {key: value for key, value in ScheduleBody.model_json_schema().items() if key != "$defs"}
_SCHEMA["properties"]["missed"] = {
    "type": "string",
    "enum": ["once", "skip"],
    "default": "once",
    "description": "What becomes of runs that no worker was there for",
}
_SCHEMA["properties"]["target"] = {
    "type": "string",
    "enum": ["files", "cache"],
    "default": "files",
    "description": "Where the files go: those of a job, or the cache, for whoever asks next",
}
_REQUEST: Description = {"required": True, "content": {"application/json": {"schema": _SCHEMA, "example": _BODY}}}

CREATE_DESCRIPTION: Description = {
    "operation_id": "createSchedule",
    "summary": "Have a job submitted again and again",
    "response_class": Response,
    "status_code": HTTPStatus.CREATED,
    "responses": {201: answer("The schedule", _ANSWER, always=["Location"]), **refusals(*_SAVING)},
    "openapi_extra": {"requestBody": _REQUEST, **SECURED},
}
REPLACE_DESCRIPTION: Description = {
    "operation_id": "replaceSchedule",
    "summary": "Put a schedule in place of another; whoever does is its owner then",
    "response_class": Response,
    "responses": {
        200: answer("The schedule", _ANSWER, always=["Location"]),
        **refusals(*_SAVING, errors.ScheduleNotFoundError()),
    },
    "openapi_extra": {"requestBody": _REQUEST, **SECURED},
}
LIST_DESCRIPTION: Description = {
    "operation_id": "listSchedules",
    "summary": "Schedules: one's own, or all for administrators",
    "response_class": Response,
    "responses": {
        200: answer(
            "A page of schedules",
            json_of(
                {"schedules": [_SCHEDULE], "next": f"/api/admin/schedules?limit=50&after={_SCHEDULE_ID}"},
                schedules="array",
                next=_OR_NULL,
            ),
            sometimes=["Link"],
        ),
        **refusals(
            *UNKNOWN,
            NEEDS_EXPORT,
            errors.InvalidRequestError(f"Invalid request parameters: limit: is not a whole number from 1 to {MOST}"),
        ),
    },
    "openapi_extra": {"parameters": page_parameters("after", what="Schedules"), **SECURED},
}
SHOW_DESCRIPTION: Description = {
    "operation_id": "showSchedule",
    "summary": "A schedule, its next and its latest runs",
    "response_class": Response,
    "responses": {200: answer("The schedule", _ANSWER), **refusals(*_FINDING)},
    "openapi_extra": SECURED,
}
PAUSE_DESCRIPTION: Description = {
    **SHOW_DESCRIPTION,
    "operation_id": "pauseSchedule",
    "summary": "Let a schedule rest until it is resumed",
}
RESUME_DESCRIPTION: Description = {
    **SHOW_DESCRIPTION,
    "operation_id": "resumeSchedule",
    "summary": "Let a schedule go on that was paused or has stopped",
}
RUN_DESCRIPTION: Description = {
    "operation_id": "runSchedule",
    "summary": "Run a schedule at once, whatever its state",
    "response_class": Response,
    "status_code": HTTPStatus.ACCEPTED,
    "responses": {
        202: answer(
            "The run; `refused` says by `code` why there is no job",
            json_of(
                {**_RUN, "byHand": True, "state": "submitted"},
                dueAt="string",
                begunAt="string",
                byHand="boolean",
                state="string",
                jobId=_OR_NULL,
                code=_OR_NULL,
            ),
        ),
        **refusals(*_FINDING),
    },
    "openapi_extra": SECURED,
}
DELETE_DESCRIPTION: Description = {
    "operation_id": "deleteSchedule",
    "summary": "Forget a schedule; its jobs stay",
    "response_class": Response,
    "status_code": HTTPStatus.NO_CONTENT,
    "responses": {204: answer("It is gone", {}), **refusals(*_FINDING)},
    "openapi_extra": SECURED,
}
