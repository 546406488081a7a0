"""What the logs may say: known fields, no texts of exceptions, nothing that another library filled in."""

import ast
import fnmatch
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from customer_export.errors import ConfigurationError
from customer_export.observability.logs import COMMON_FIELDS, EVENT_FIELDS, describe_failure, keep_known_fields
from servers import PostgresqlServer

SOURCE = Path(__file__).resolve().parents[2] / "src" / "customer_export"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
SEEDED = "ada@example.com"


# Every call in the code


def is_report(node: ast.expr) -> bool:
    """Whether an expression is a log's method, as `log.error` is."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr in LEVELS
        and (
            (isinstance(node.value, ast.Name) and node.value.id in {"log", "_log"})
            or (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "structlog.get_logger")
        )
    )


def reports(module: ast.Module) -> Iterator[ast.Call]:
    """Give the calls that log something, also by way of a variable that holds the method."""
    names = {
        target.id
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and any(is_report(part) for part in ast.walk(node.value) if is_expression(part))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and (
            is_report(node.func) or (isinstance(node.func, ast.Name) and node.func.id in names)
        ):
            yield node


def is_expression(node: ast.AST) -> bool:
    return isinstance(node, ast.expr)


def events_of(call: ast.Call) -> set[str]:
    """Give the known events that a call may log: more than one, if a part of the name is computed."""
    (name,) = call.args
    match name:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.JoinedStr():
            parts = [part.value if isinstance(part, ast.Constant) else "*" for part in name.values]
            found = set(fnmatch.filter(EVENT_FIELDS, "".join(map(str, parts))))
            assert found, ast.unparse(call)
            return found
        case _:
            raise AssertionError(f"the event of {ast.unparse(call)} is not to be seen")


CALLS = [
    pytest.param(call, id=f"{path.relative_to(SOURCE)}:{call.lineno}")
    for path in sorted(SOURCE.rglob("*.py"))
    if "log." in (text := path.read_text(encoding="utf-8")) or "get_logger" in text  # others take seconds to parse
    for call in reports(ast.parse(text))
]


@pytest.mark.parametrize("call", CALLS)
def test_every_event_in_the_code_is_known_with_its_fields(call: ast.Call) -> None:
    events = events_of(call)
    for event in events:
        assert event in EVENT_FIELDS, f"add {event} to EVENT_FIELDS and to docs/operations.md"
    allowed = COMMON_FIELDS.union({"exc_info"}, *(EVENT_FIELDS[event] for event in events))
    assert {keyword.arg for keyword in call.keywords} <= allowed


def test_every_known_event_is_somewhere_in_the_code() -> None:
    logged = {event for parameters in CALLS for event in events_of(parameters.values[0])}  # type: ignore[arg-type]
    assert logged == EVENT_FIELDS.keys()


def test_a_field_that_is_not_known_is_left_out_and_named() -> None:
    said = keep_known_fields(
        None, "info", {"event": "dependency_up", "name": "redis", "email": SEEDED, "level": "info"}
    )
    assert said == {"event": "dependency_up", "name": "redis", "level": "info", "dropped": ["email"]}


def test_an_event_that_is_not_known_keeps_the_common_fields_alone() -> None:
    said = keep_known_fields(None, "info", {"event": "new_thing", "export_id": "1", "name": SEEDED})
    assert said == {"event": "new_thing", "export_id": "1", "dropped": ["name"]}


# Exceptions


def described(failure: BaseException) -> str:
    return describe_failure((type(failure), failure, failure.__traceback__))


def test_a_traceback_has_classes_and_places_and_no_text() -> None:
    def read() -> None:
        secret = SEEDED
        try:
            int(secret)
        except ValueError as failure:
            raise KeyError(secret) from failure

    with pytest.raises(KeyError) as raised:
        read()
    text = describe_failure((KeyError, raised.value, raised.tb))
    assert SEEDED not in text
    assert text.index("ValueError") < text.index("which led to:") < text.rindex("KeyError")
    assert "int(secret)" in text
    assert "test_log_fields.py" in text


def test_an_error_of_postgresql_is_its_class_and_sqlstate(postgresql: PostgresqlServer) -> None:
    with psycopg.connect(postgresql.url()) as connection:
        connection.execute("CREATE TEMP TABLE people (email text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES (%s)", [SEEDED])
        with pytest.raises(psycopg.errors.UniqueViolation) as raised:
            connection.execute("INSERT INTO people VALUES (%s)", [SEEDED])
        assert SEEDED in str(raised.value), "the DETAIL that must not be logged"
        connection.rollback()
    text = describe_failure((raised.type, raised.value, raised.tb))
    assert SEEDED not in text
    assert text.endswith("psycopg.errors.UniqueViolation (23505)")


def test_codes_tell_what_the_texts_would() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE people (email TEXT UNIQUE)")
    with pytest.raises(sqlite3.IntegrityError) as raised:
        connection.executescript("INSERT INTO people VALUES ('a'); INSERT INTO people VALUES ('a')")
    connection.close()
    assert described(raised.value).endswith("sqlite3.IntegrityError (SQLITE_CONSTRAINT_UNIQUE)")
    assert described(ConfigurationError(SEEDED)).endswith(
        "customer_export.errors.ConfigurationError (CONFIGURATION_ERROR)"
    )
    assert described(ConnectionRefusedError(111, SEEDED)).endswith("ConnectionRefusedError (ECONNREFUSED)")
    assert described(OSError(SEEDED)).endswith("\nOSError")


def test_a_group_tells_of_its_members_and_a_circle_ends() -> None:
    first, second = ValueError(SEEDED), KeyError(SEEDED)
    first.__context__, second.__context__ = second, first
    text = described(ExceptionGroup(SEEDED, [first, second]))
    assert SEEDED not in text
    assert [text.count(f"\n{name}") for name in ("ValueError", "KeyError", "ExceptionGroup")] == [1, 1, 1]


# The whole way, in a process of its own: logging is set up for a process


SAY = f"""
import asyncio, logging, sys, threading
import structlog
from customer_export.observability.logs import configure_logging

configure_logging(readable=sys.argv[1] == "readable")
seeded = "{SEEDED.replace("@", "' + '@' + '")}"  # never in a line of source that a traceback quotes
log = structlog.get_logger()

def fail():
    raise ValueError(seeded)

def caught(say):
    try:
        fail()
    except ValueError:
        say()

caught(lambda: log.error("export_failed", export_id="1", code="INTERNAL_ERROR", customer=seeded, exc_info=True))
caught(lambda: logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=True))
caught(lambda: logging.getLogger("sqlalchemy.pool").error("Exception while %s", seeded, exc_info=True))
logging.getLogger("psycopg").warning("error ignored: %s", seeded)
logging.getLogger("asyncio").error("Task exception was never retrieved\\nfuture: " + seeded)
logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "http://127.0.0.1:8000")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def said(form: str) -> str:
    ended = subprocess.run([sys.executable, "-c", SAY, form], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    return ended.stderr


def test_nothing_of_a_row_gets_into_the_log_by_any_way() -> None:
    text = said("json")
    assert SEEDED not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"].strip() for line in lines] == [
        "export_failed",
        "Exception in ASGI application",
        "Exception while %s",
        "error ignored: %s",
        "Task exception was never retrieved",
        "Uvicorn running on http://127.0.0.1:8000",
        "thread_failed",
        "process_failed",
    ]
    assert lines[0]["dropped"] == ["customer"]
    assert all(set(line) <= COMMON_FIELDS | {"code"} for line in lines)
    for number in (0, 1, 2, 6, 7):
        assert lines[number]["exception"].endswith("\nValueError")
    assert lines[2]["logger"] == "sqlalchemy.pool"


def test_nor_into_the_readable_form() -> None:
    text = said("readable")
    assert SEEDED not in text
    assert text.count("ValueError") >= 5
