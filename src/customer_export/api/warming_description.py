"""What OpenAPI says about cache warming."""

from starlette.responses import Response

from customer_export import errors
from customer_export.api.described import Description, answer, json_of, refusals
from customer_export.api.description import RESTRICTED, SECURED, UNKNOWN
from customer_export.model.access import Scope

_FILE = {
    "customerId": "550e8400-e29b-41d4-a716-446655440000",
    "parameters": "format=pdf",
    "askedBy": "support desk",
    "times": 41,
    "lastAskedAt": "2026-11-28T09:12:04.512034+00:00",
    "bytes": 81231,
    "standing": "kept",
}

WARMING_DESCRIPTION: Description = {
    "operation_id": "showWarming",
    "summary": "The files that are asked for most, and whether this process keeps them warm (docs/warming.md)",
    "response_class": Response,
    "responses": {
        200: answer(
            "As the process that answers found it in its last round, ten seconds ago at most",
            json_of(
                {"on": True, "lookedAt": "2026-11-28T09:12:14.000000+00:00", "pause": None, "files": [_FILE]},
                on="boolean",
                lookedAt=["string", "null"],
                pause=["string", "null"],
                files="array",
            ),
        ),
        **refusals(*UNKNOWN, errors.InsufficientScopeError(Scope.ADMIN), RESTRICTED),
    },
    "openapi_extra": SECURED,
}
