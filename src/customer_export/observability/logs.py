"""Structured logs on standard error: JSON lines, or a readable form on a terminal."""

import logging
import sys

import structlog


def configure_logging(*, level: int = logging.INFO, readable: bool | None = None) -> None:
    """Send every log of the process through structlog; `readable` None means: if standard error is a terminal."""
    if readable is None:
        readable = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    final: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not readable:
        final.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[*final, renderer], foreign_pre_chain=shared))
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a migration says so itself, its plugins need not
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out uvicorn's remark on a response that was aborted on purpose: the export has logged why."""
    return "returned without completing response" not in record.getMessage()
