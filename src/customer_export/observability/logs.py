"""Structured logs on standard error: JSON lines, or a readable form on a terminal.

What they may say is listed here: a field that is not known is left out, and of an exception there are the classes and
the places in the code, never its text, since that quotes rows.
"""

import errno
import logging
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from types import MappingProxyType, TracebackType

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from customer_export.errors import ExportError

COMMON_FIELDS = frozenset({"event", "level", "timestamp", "logger", "request_id", "export_id", "exception", "dropped"})
"""What every event may have. `dropped` has the names of the fields that were left out."""

EVENT_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "abandoned_not_recorded": frozenset({"code"}),
        "audit_failed": frozenset({"code"}),
        "audit_read": frozenset({"principal", "records"}),
        "cache_value_tampered": frozenset({"name"}),
        "coverage_unknown": frozenset({"code"}),
        "dependency_down": frozenset({"name", "failure"}),
        "dependency_up": frozenset({"name"}),
        "export_completed": frozenset({"format", "rows", "bytes", "cache", "duration_ms"}),
        "export_warmed": frozenset({"format", "rows", "bytes", "duration_ms"}),
        "export_denied": frozenset({"code", "reason", "duration_ms"}),
        "export_failed": frozenset({"code", "reason", "duration_ms"}),
        "export_limited": frozenset({"code", "reason", "duration_ms"}),
        "bulk_customer_failed": frozenset({"job_id"}),
        "chore_failed": frozenset({"chore", "code"}),
        "figures_unavailable": frozenset({"code"}),
        "file_verified": frozenset({"principal", "outcome"}),
        "job_expired": frozenset({"job_id"}),
        "warming_delayed": frozenset({"code"}),
        "warming_failed": frozenset(),
        "webhook_tried": frozenset({"webhook_id", "delivery_id", "attempt", "state", "status"}),
        "webhook_failed": frozenset({"webhook_id", "delivery_id"}),
        "webhook_stopped": frozenset({"webhook_id"}),
        "job_purged": frozenset({"job_id"}),
        "schedule_purged": frozenset({"schedule_id"}),
        "schedule_submitted": frozenset({"schedule_id", "job_id"}),
        "schedule_delayed": frozenset({"schedule_id", "code"}),
        "schedule_failed": frozenset({"schedule_id"}),
        "schedule_refused": frozenset({"schedule_id", "code"}),
        "job_failed": frozenset({"job_id", "code"}),
        "job_finished": frozenset({"job_id", "parts", "failed"}),
        "job_lost": frozenset({"job_id"}),
        "job_part_failed": frozenset({"job_id", "part", "code"}),
        "process_failed": frozenset(),
        "purges_not_followed": frozenset({"code"}),
        "redis_full": frozenset({"remedy"}),
        "source_cancel_failed": frozenset({"reason"}),
        "source_not_transactional": frozenset({"tables"}),
        "source_unavailable_at_start": frozenset({"reason"}),
        "thread_failed": frozenset(),
        "work_taken_over": frozenset({"worker", "pieces"}),
        "worker_died": frozenset({"exit_code", "again_in_seconds"}),
        "worker_lost_its_lock": frozenset({"worker"}),
        "worker_started": frozenset({"pid"}),
    }
)
"""Our own events, and what each may have beside the common fields. Other libraries' have the common ones alone."""

_ALLOWED = {event: COMMON_FIELDS | fields for event, fields in EVENT_FIELDS.items()}

SERVER_LOGGER = "uvicorn"
"""Whose messages are kept in full: they name addresses, process ids and why a start failed."""


def configure_logging(*, level: int = logging.INFO, readable: bool | None = None) -> None:
    """Send every log of the process through structlog; `readable` None means: if standard error is a terminal.

    Our own events are written at once: the way through the standard library's logging, which others' take, is five
    times as long.
    """
    if readable is None:
        readable = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[Processor] = [
        structlog.processors.ExceptionRenderer(describe_failure),
        keep_known_fields,
        _renderer(readable=readable),
    ]
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
            foreign_pre_chain=[_reduce_foreign, *shared],
        )
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a migration says so itself, its plugins need not
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    threading.excepthook = _log_thread_failure
    sys.excepthook = _log_process_failure


def _renderer(*, readable: bool) -> Processor:
    if readable:  # its own rendering of exceptions would show the values of local variables
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()


def keep_known_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out every field that the event is not known to have, and name what was left out."""
    allowed = _ALLOWED.get(event["event"], COMMON_FIELDS)
    if event.keys() <= allowed:
        return event
    dropped = sorted(event.keys() - allowed)
    return {name: event[name] for name in event if name in allowed} | {"dropped": dropped}


def _reduce_foreign(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Reduce another library's message to its first line, without what was filled in: that may be anything."""
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    if record.name.partition(".")[0] != SERVER_LOGGER:
        event["event"] = str(record.msg).partition("\n")[0]
    return event


def describe_failure(exc_info: ExcInfo) -> str:
    """Give the traceback of an exception and of those that led to it, the first one first, without their texts."""
    return "\n".join(_paragraphs(exc_info[1], told=set()))


def _paragraphs(failure: BaseException, *, told: set[int]) -> Iterator[str]:
    told.add(id(failure))  # exceptions may lead to one another in a circle
    before = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)
    members = failure.exceptions if isinstance(failure, BaseExceptionGroup) else ()
    for other in (*members, before):
        if other is not None and id(other) not in told:
            yield from _paragraphs(other, told=told)
            yield "which led to:"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(failure.__traceback__)).rstrip("\n")
    yield _class_and_code(failure)


def _class_and_code(failure: BaseException) -> str:
    """Name an exception by its class and by the code that its kind has: a text may quote a row, a code cannot."""
    code: str | None
    match failure:
        case ExportError():
            code = failure.code
        case OSError():
            code = errno.errorcode.get(failure.errno or 0)
        case _:  # errors of psycopg have an SQLSTATE, those of sqlite3 a name
            code = getattr(failure, "sqlstate", None) or getattr(failure, "sqlite_errorname", None)
    kind = type(failure)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return name if code is None else f"{name} ({code})"


def _log_thread_failure(failed: threading.ExceptHookArgs) -> None:
    structlog.get_logger().error("thread_failed", exc_info=failed.exc_value)


def _log_process_failure(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
    if isinstance(failure, KeyboardInterrupt):
        sys.__excepthook__(kind, failure, trace)
    else:
        structlog.get_logger().critical("process_failed", exc_info=failure)


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out uvicorn's remark on a response that was aborted on purpose: the export has logged why."""
    return "returned without completing response" not in record.getMessage()
