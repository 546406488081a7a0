"""What descriptions of answers are made of: headers and refusals, whose examples are what the server would send."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import BaseModel

from customer_export.api.headers import ALWAYS
from customer_export.api.paging import MOST, USUAL
from customer_export.api.problem import MEDIA_TYPE, STATUS, TYPE_PREFIX, problem, problem_of
from customer_export.errors import ExportError
from customer_export.export.record import INTERNAL_ERROR

Description = dict[str, Any]
"""Keyword arguments of a FastAPI route, or a part of one; OpenAPI's own objects have no type beyond Any."""

REQUEST_ID = "9877123c296d4e868a0fe49aa90dd1e4"
EXPORT_ID = "f109d4c9833d426c9926d82936297bd3"

_PROBLEM_REFERENCE = "#/components/schemas/Problem"
PROBLEM_SCHEMA: Description = {
    "type": "object",
    "description": "RFC 9457, with more members that programs may rely on",
    "required": ["type", "title", "status", "detail", "instance", "error", "code", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": f"`{TYPE_PREFIX}` and the code"},
        "title": {"type": "string", "description": "The status in words"},
        "status": {"type": "integer", "description": "The status"},
        "detail": {"type": "string", "description": "The same as `error`"},
        "instance": {"type": "string", "format": "uri", "description": "The request's id as a URN"},
        "error": {"type": "string", "description": "What happened and what to change, for people"},
        "code": {"type": "string", "description": "For programs; docs/errors.md has them all"},
        "requestId": {"type": "string", "description": "The id in the audit and in the log"},
        "retryAfter": {"type": "integer", "minimum": 1, "description": "Seconds; of 429 and 503"},
        "limitBytes": {"type": "integer", "description": "What the format may have; of 413"},
        "jobId": {"type": "string", "description": "Of 409: the job that is under way"},
        "submitJob": {
            "type": "string",
            "description": "Of 413 and 504: where it can be had without these limits",
        },
        "estimatedBytes": {
            "type": ["integer", "null"],
            "description": "Of 413: what the file would have had, null if it was made until it was too large",
        },
    },
}

_HEADERS: Mapping[str, tuple[str, str]] = {
    "X-Request-Id": ("The id of this request in the audit and in the log", REQUEST_ID),
    "Cache-Control": ("The answer is for this caller alone, and nobody keeps it", ALWAYS["Cache-Control"]),
    "Content-Security-Policy": ("A browser runs nothing of it", ALWAYS["Content-Security-Policy"]),
    "X-Content-Type-Options": ("A browser takes it for what it is", ALWAYS["X-Content-Type-Options"]),
    "Referrer-Policy": ("A browser tells nobody its address", ALWAYS["Referrer-Policy"]),
    "Vary": ("What the answer depends on", "Authorization, Accept-Encoding"),
    "X-RateLimit-Limit": ("How many exports a window allows", "5"),
    "X-RateLimit-Remaining": ("How many more are allowed right now", "4"),
    "X-RateLimit-Reset": ("When there is room for one more, UTC", "2024-01-01T10:01:00Z"),
    "RateLimit-Policy": ("The policy's name, its quota and its window in seconds", '"exports";q=5;w=60'),
    "RateLimit": ("What remains of it, and in how many seconds there is more", '"exports";r=4;t=60'),
    "Retry-After": ("In how many seconds to ask again", "60"),
    "WWW-Authenticate": ("What is missing (RFC 6750)", 'Bearer realm="customer-export"'),
    "Allow": ("What the path can be asked with", "GET"),
    "Content-Disposition": (
        "The file's name: the customer's id and the epoch milliseconds",
        'attachment; filename="customer-550e8400-e29b-41d4-a716-446655440000-1640995200000.pdf"',
    ),
    "Content-Length": ("Bytes as they are sent; not of a stream", "1048576"),
    "Content-Encoding": ("How they are compressed, if the request accepts that", "gzip"),
    "X-Export-Size": ("Bytes of the file; not of a stream", "1048576"),
    "X-Cache": ("Whether the file was kept from a request before: HIT or MISS", "MISS"),
    "X-Export-Id": ("The id of the export that made the file, and of its manifest", EXPORT_ID),
    "Repr-Digest": (
        "SHA-256 of the bytes as they are sent (RFC 9530); not of a stream",
        "sha-256=:RqgZazjlOEk54LGBdEaJdAAjknNPLwG6R3wcRGB+TQY=:",
    ),
    "ETag": ("The same digest, as a strong tag; not of a stream", '"RqgZazjlOEk54LGBdEaJdAAjknNPLwG6R3wcRGB+TQY="'),
    "Accept-Ranges": ("Parts can be asked for", "bytes"),
    "Content-Range": ("Which part this is, of how many bytes", "bytes 0-1023/1048576"),
    "Location": ("Where it is", f"/api/admin/exports/{EXPORT_ID}"),
    "Link": (
        "The manifest of the export, or the next page of the audit",
        f'</api/admin/exports/{EXPORT_ID}/manifest>; rel="describedby"; type="application/json"',
    ),
}
_NUMBERS = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After", "Content-Length", "X-Export-Size"}

EVERYWHERE = ("X-Request-Id", *ALWAYS)
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit")


def _header(name: str) -> Description:
    text, example = _HEADERS[name]
    if name in _NUMBERS:
        return {"description": text, "schema": {"type": "integer"}, "example": int(example)}
    schema = {"type": "string", **({"enum": ["HIT", "MISS"]} if name == "X-Cache" else {})}
    return {"description": text, "schema": schema, "example": example}


COMPONENTS: Description = {
    "schemas": {"Problem": PROBLEM_SCHEMA},
    "headers": {
        **{name: _header(name) for name in _HEADERS},
        **{f"Required-{name}": {**_header(name), "required": True} for name in _HEADERS},
    },
}
"""What the descriptions refer to."""


def headers_of(always: Iterable[str], sometimes: Iterable[str] = ()) -> Description:
    """Refer to headers, those that are always there and those that may be missing."""
    return {
        **{name: {"$ref": f"#/components/headers/Required-{name}"} for name in always},
        **{name: {"$ref": f"#/components/headers/{name}"} for name in sometimes},
    }


def answer(
    description: str, content: Mapping[str, Description], *, always: Sequence[str] = (), sometimes: Sequence[str] = ()
) -> Description:
    """Describe a success; `content` has a schema and an example for each media type."""
    return {
        "description": description,
        "headers": headers_of([*EVERYWHERE, *always], sometimes),
        "content": dict(content),
    }


def text_of(example: str) -> Description:
    """Describe a text by an example."""
    return {"schema": {"type": "string"}, "example": example}


def json_of(example: object, **types: str | list[str] | Description) -> Mapping[str, Description]:
    """Describe a JSON object by an example, and by the types of its members, all of which are always there."""
    shapes = {name: kind if isinstance(kind, dict) else {"type": kind} for name, kind in types.items()}
    schema = {"type": "object", "required": list(types), "properties": shapes}
    return {"application/json": {"schema": schema, "example": example}}


def refusals(*failures: ExportError, told: Sequence[str] = ()) -> dict[int | str, Description]:
    """Describe what may go wrong, by the very answers to it; `told` are headers that those of this route may have.

    That something is not foreseen may happen anywhere, and is described without being asked for.
    """
    by_status: dict[HTTPStatus, list[ExportError]] = {HTTPStatus.INTERNAL_SERVER_ERROR: []}
    for failure in failures:
        by_status.setdefault(STATUS[type(failure)], []).append(failure)
    return {status.value: _refusal(status, by_status[status], told) for status in sorted(by_status)}


def parameters_of(model: type[BaseModel], **opaque: Description) -> list[Description]:
    """Describe the query parameters as a model checks them; `opaque` are schemas of what only we take apart."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": shape["description"],
            "explode": False,  # lists are separated by commas
            "schema": opaque.get(name) or _shape_of(shape, definitions),
        }
        for name, shape in schema["properties"].items()
    ]


def _shape_of(shape: Description, definitions: Description) -> Description:
    """Give a parameter's schema by itself: nobody sends null, and references lead out of this document."""
    choices = [
        definitions[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
        for choice in shape.get("anyOf", [shape])
        if choice.get("type") != "null"
    ]
    left_out = {"title", "description"}
    kept = [{key: value for key, value in choice.items() if key not in left_out} for choice in choices]
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


_MEANINGS: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "The id or a parameter is not valid; the message names each that is wrong",
    HTTPStatus.UNAUTHORIZED: "Who is calling is not known",
    HTTPStatus.FORBIDDEN: "The token does not allow this",
    HTTPStatus.NOT_FOUND: "There is none, or none that the token reaches",
    HTTPStatus.CONFLICT: "The export or job is not in the state that this needs",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The file is larger than it may be",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "The range begins behind the file's end",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The Idempotency-Key came with another request before",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests from this client; `Retry-After` says how long to wait",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something has to be mended by the operator",
    HTTPStatus.BAD_GATEWAY: "The customers' database refuses a statement, or a plug-in failed",
    HTTPStatus.SERVICE_UNAVAILABLE: "Something that this needs does not answer or is busy; try again",
    HTTPStatus.GATEWAY_TIMEOUT: "It took longer than it may",
    HTTPStatus.INSUFFICIENT_STORAGE: "A disk of the server has no room left; the message names it",
}


_OF_REFUSALS = ("Retry-After", "WWW-Authenticate", "Content-Range")


def _refusal(status: HTTPStatus, failures: Iterable[ExportError], told: Sequence[str]) -> Description:
    examples: Description = {}
    own: dict[str, None] = {}
    for failure in failures:
        sent = problem_of(failure, request_id=REQUEST_ID)
        own |= {name: None for name in _OF_REFUSALS if name in sent.headers}
        name = failure.code if failure.code not in examples else f"{failure.code}_{len(examples)}"
        examples[name] = {"summary": failure.message, "value": orjson.loads(bytes(sent.body))}
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        message = "Something went wrong that nobody foresaw; the log says more under the request id"
        examples[INTERNAL_ERROR] = _example(status, code=INTERNAL_ERROR, message=message)
    return _described(_MEANINGS[status], examples, own, told)


def refusal_of(status: HTTPStatus, description: str, message: str) -> dict[int | str, Description]:
    """Describe what HTTP itself refuses: the code is the status' name."""
    examples = {status.name: _example(status, code=status.name, message=message)}
    return {status.value: _described(description, examples, (), ())}


def _described(description: str, examples: Description, own: Iterable[str], told: Iterable[str]) -> Description:
    codes = sorted({example["value"]["code"] for example in examples.values()})
    schema = {"allOf": [{"$ref": _PROBLEM_REFERENCE}, {"properties": {"code": {"enum": codes}}}]}
    return {
        "description": description,
        "headers": headers_of([*EVERYWHERE, *own], told),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _example(status: HTTPStatus, *, code: str, message: str) -> Description:
    sent = problem(status, code=code, message=message, request_id=REQUEST_ID)
    return {"summary": message, "value": orjson.loads(bytes(sent.body))}


def page_parameters(place: str, *, what: str) -> list[Description]:
    """Describe the parameters of a list in pages (`api.paging`)."""
    return [
        {
            "name": "limit",
            "in": "query",
            "required": False,
            "description": f"{what} on a page",
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        },
        {
            "name": place,
            "in": "query",
            "required": False,
            "description": "Where the page begins, as the page before says in `next`",
            "schema": {"type": "string"},
        },
    ]
