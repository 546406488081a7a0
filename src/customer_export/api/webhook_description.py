"""What OpenAPI says about webhooks."""

from http import HTTPStatus

from starlette.responses import Response

from customer_export import errors
from customer_export.api.described import EXPORT_ID, Description, answer, json_of, page_parameters, refusals
from customer_export.api.description import NEEDS_EXPORT, SECURED, UNKNOWN
from customer_export.api.paging import MOST
from customer_export.model.access import Scope
from customer_export.model.webhook import DeliveryState, WebhookEvent
from customer_export.webhooks.targets import LONGEST_URL

_WEBHOOK_ID = "8d6a4a0bb1a94f2f8c0f7d1a3e5b9c21"
_DELIVERY_ID = "msg_019ab3f2c4d05f1e6a7b8c9d0e1f"
_EVENTS = [one.value for one in WebhookEvent]
_WEBHOOK = {
    "id": _WEBHOOK_ID,
    "url": "https://shop.example/hooks/exports",
    "owner": "support desk",
    "events": ["export.job.finished", "export.job.failed"],
    "allJobs": False,
    "state": "enabled",
    "reason": None,
    "createdAt": "2026-11-20T09:00:00+00:00",
}
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105  (an example)
_OR_NULL = ["string", "null"]
_TYPES: Description = {
    "id": "string",
    "url": "string",
    "owner": "string",
    "events": "array",
    "allJobs": "boolean",
    "state": "string",
    "reason": _OR_NULL,
    "createdAt": "string",
}
_DELIVERY = {
    "id": _DELIVERY_ID,
    "event": "export.job.finished",
    "state": "pending",
    "createdAt": "2026-11-22T01:31:00+00:00",
    "attempts": 1,
    "triedAt": "2026-11-22T01:31:01+00:00",
    "nextTryAt": "2026-11-22T01:31:06+00:00",
    "status": 500,
    "error": "answered 500",
}
_DELIVERY_TYPES: Description = {
    "id": "string",
    "event": "string",
    "state": "string",
    "createdAt": "string",
    "attempts": "integer",
    "triedAt": _OR_NULL,
    "nextTryAt": _OR_NULL,
    "status": ["integer", "null"],
    "error": _OR_NULL,
}
_ANSWER = json_of(_WEBHOOK, **_TYPES)
_WITH_SECRET = json_of({**_WEBHOOK, "secret": _SECRET}, **_TYPES, secret="string")  # noqa: S106  (a type)
_FINDING = (*UNKNOWN, NEEDS_EXPORT, errors.WebhookNotFoundError())
_TOO_MANY = errors.RateLimitExceededError(what="messages of webhooks", retry_after_seconds=60)
_WRONG_LIMIT = errors.InvalidRequestError(f"Invalid request parameters: limit: is not a whole number from 1 to {MOST}")
_SCHEMA: Description = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "url": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_URL,
            "format": "uri",
            "description": "Where messages are posted",
        },
        "events": {
            "type": "array",
            "items": {"type": "string", "enum": _EVENTS},
            "description": "Which events it is told of; all if there are none",
        },
        "allJobs": {
            "type": "boolean",
            "default": False,
            "description": "Whether it is told of everybody's jobs, which only administrators may have",
        },
    },
}
_BODY = {"url": "https://shop.example/hooks/exports", "events": ["export.job.finished", "export.job.failed"]}

CREATE_DESCRIPTION: Description = {
    "operation_id": "createWebhook",
    "summary": "Have messages of jobs sent to a receiver",
    "response_class": Response,
    "status_code": HTTPStatus.CREATED,
    "responses": {
        201: answer("The webhook with its secret, which is not shown again", _WITH_SECRET, always=["Location"]),
        **refusals(
            *UNKNOWN,
            NEEDS_EXPORT,
            errors.InsufficientScopeError(Scope.ADMIN),
            errors.InvalidRequestError("Invalid webhook: url: is neither https://… nor http://…"),
            errors.WebhookLimitError(20),
        ),
    },
    "openapi_extra": {
        "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA, "example": _BODY}}},
        **SECURED,
    },
}
LIST_DESCRIPTION: Description = {
    "operation_id": "listWebhooks",
    "summary": "Webhooks: one's own, or all for administrators",
    "response_class": Response,
    "responses": {
        200: answer(
            "A page of webhooks",
            json_of(
                {"webhooks": [_WEBHOOK], "next": f"/api/admin/webhooks?limit=50&after={_WEBHOOK_ID}"},
                webhooks="array",
                next=_OR_NULL,
            ),
            sometimes=["Link"],
        ),
        **refusals(*UNKNOWN, NEEDS_EXPORT, _WRONG_LIMIT),
    },
    "openapi_extra": {"parameters": page_parameters("after", what="Webhooks"), **SECURED},
}
SHOW_DESCRIPTION: Description = {
    "operation_id": "showWebhook",
    "summary": "A webhook, without its secret",
    "response_class": Response,
    "responses": {200: answer("The webhook", _ANSWER), **refusals(*_FINDING)},
    "openapi_extra": SECURED,
}
DISABLE_DESCRIPTION: Description = {
    **SHOW_DESCRIPTION,
    "operation_id": "disableWebhook",
    "summary": "Let messages wait; new events make none",
}
ENABLE_DESCRIPTION: Description = {
    **SHOW_DESCRIPTION,
    "operation_id": "enableWebhook",
    "summary": "Let messages be sent, also those that have waited, and after it stopped by itself",
}
ROTATE_DESCRIPTION: Description = {
    "operation_id": "rotateWebhookSecret",
    "summary": "A new secret; for a day messages are signed with the one before, too",
    "response_class": Response,
    "responses": {
        200: answer("The webhook with its secret, which is not shown again", _WITH_SECRET),
        **refusals(*_FINDING),
    },
    "openapi_extra": SECURED,
}
DELETE_DESCRIPTION: Description = {
    "operation_id": "deleteWebhook",
    "summary": "Forget a webhook and its messages",
    "response_class": Response,
    "status_code": HTTPStatus.NO_CONTENT,
    "responses": {204: answer("It is gone", {}), **refusals(*_FINDING)},
    "openapi_extra": SECURED,
}
TEST_DESCRIPTION: Description = {
    "operation_id": "testWebhook",
    "summary": "Have a message sent that tells of nothing",
    "response_class": Response,
    "status_code": HTTPStatus.ACCEPTED,
    "responses": {
        202: answer(
            "The message",
            json_of({**_DELIVERY, "event": "export.webhook.test"}, **_DELIVERY_TYPES),
        ),
        **refusals(*_FINDING, _TOO_MANY),
    },
    "openapi_extra": SECURED,
}
DELIVERIES_DESCRIPTION: Description = {
    "operation_id": "listDeliveries",
    "summary": "Messages of a webhook, the newest first, and what came of them",
    "response_class": Response,
    "responses": {
        200: answer(
            "A page of messages",
            json_of(
                {
                    "deliveries": [_DELIVERY],
                    "next": f"/api/admin/webhooks/{_WEBHOOK_ID}/deliveries?limit=50&before={_DELIVERY_ID}",
                },
                deliveries="array",
                next=_OR_NULL,
            ),
            sometimes=["Link"],
        ),
        **refusals(*_FINDING, _WRONG_LIMIT),
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": "state",
                "in": "query",
                "required": False,
                "description": "Only messages in this state",
                "schema": {"type": "string", "enum": [one.value for one in DeliveryState]},
            },
            *page_parameters("before", what="Messages"),
        ],
        **SECURED,
    },
}
REPLAY_DESCRIPTION: Description = {
    "operation_id": "replayDelivery",
    "summary": "Have a message sent again, under its id",
    "response_class": Response,
    "status_code": HTTPStatus.ACCEPTED,
    "responses": {
        202: answer("The message", json_of({**_DELIVERY, "attempts": 0}, **_DELIVERY_TYPES)),
        **refusals(*_FINDING, errors.DeliveryNotFoundError(), _TOO_MANY),
    },
    "openapi_extra": SECURED,
}

_EVENT_BODY = {
    "type": "export.job.finished",
    "timestamp": "2026-11-22T01:31:00+00:00",
    "data": {
        "jobId": EXPORT_ID,
        "state": "finished",
        "code": None,
        "links": {
            "job": f"/api/admin/exports/{EXPORT_ID}",
            "manifest": f"/api/admin/exports/{EXPORT_ID}/manifest",
        },
    },
}
_EVENT_SCHEMA: Description = {
    "type": "object",
    "required": ["type", "timestamp", "data"],
    "properties": {
        "type": {"type": "string", "enum": _EVENTS},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
}
EVENT_DESCRIPTION: Description = {
    "operationId": "jobEvent",
    "summary": "What a receiver is sent, signed by the Standard Webhooks specification",
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _EVENT_SCHEMA, "example": _EVENT_BODY}},
    },
    "responses": {
        "2XX": {"description": "It is taken"},
        "410": {"description": "Nothing more is to be sent"},
        "default": {"description": "It is sent again later"},
    },
}
