"""Spans of OpenTelemetry, for whoever traces this process; for everybody else they cost nothing.

Who traces starts the program by `opentelemetry-instrument`, which sets everything up by the standard's variables
(`OTEL_…`) before the program begins; this module only asks whether somebody did. The parameters of `span` are all that
a span can say: nothing of a customer, not even an id, and never the text of an exception.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Literal

from customer_export.errors import ExportError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SpanName = Literal["admit", "export", "snapshot", "find", "render"]

SCOPE = "customer_export"
"""The name of the instrumentation, by which its spans are told from a web framework's."""

_NOTHING = nullcontext()


def span(
    name: SpanName,
    *,
    export_id: str | None = None,
    file_format: str | None = None,
    sections: int | None = None,
) -> AbstractContextManager[None]:
    """Time what happens within. The span must end in the thread that it began in.

    Attributes are `customer_export.export_id`, `.format` and `.sections` (how many are asked for). Spans within are its
    children. If an exception leaves it, its status is an error with the exception's code or class.
    """
    tracer = _tracer()
    if tracer is None:
        return _NOTHING
    said = {"export_id": export_id, "format": file_format, "sections": sections}
    return _span(tracer, name, {f"{SCOPE}.{key}": value for key, value in said.items() if value is not None})


@contextmanager
def _span(tracer: "Tracer", name: str, attributes: dict[str, str | int]) -> Iterator[None]:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415  (optional: see _tracer)

    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as failure:
            code = failure.code if isinstance(failure, ExportError) else type(failure).__name__
            current.set_status(Status(StatusCode.ERROR, code))
            raise


@cache  # tracing is set up before the program begins, or not at all
def _tracer() -> "Tracer | None":
    """Give the tracer of this process; None if OpenTelemetry is not installed, or nobody set it up."""
    try:
        from opentelemetry import trace  # noqa: PLC0415  (an extra)
    except ImportError:
        return None
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else trace.get_tracer(SCOPE)
