"""Spans: nothing without OpenTelemetry, and with it never anything of a customer."""

import subprocess
import sys
import time
from contextlib import nullcontext

import pytest

from customer_export.observability.tracing import span

RECORD = """
from opentelemetry import trace
{provide}

from customer_export.errors import InvalidRequestError
from customer_export.observability.tracing import span

try:
    with span("export", export_id="0123", file_format="csv", sections=2):
        with span("render"):
            raise InvalidRequestError("ada@" + "example.com")
except InvalidRequestError:
    pass
with span("admit"):
    pass
"""

OWN_PROVIDER = """
from contextlib import contextmanager

class Provider(trace.TracerProvider):
    def get_tracer(self, *names, **more):
        return Tracer()

class Tracer(trace.NoOpTracer):
    @contextmanager
    def start_as_current_span(self, name, *, attributes, record_exception, set_status_on_exception):
        assert not record_exception and not set_status_on_exception
        span = Span(trace.INVALID_SPAN_CONTEXT)
        span.status = ""
        yield span
        print(name, dict(attributes), span.status)

class Span(trace.NonRecordingSpan):
    def set_status(self, status, description=None):
        self.status = status.status_code.name + " " + status.description
        print("failed:", self.status)

trace.set_tracer_provider(Provider())
"""

SDK_PROVIDER = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

class Printing(SpanExporter):
    def export(self, spans):
        for one in spans:
            assert "ada@" not in one.to_json()
            print(one.name, dict(one.attributes), one.status.status_code.name, one.status.description,
                  "child" if one.parent else "root", len(one.events))
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Printing()))
trace.set_tracer_provider(provider)
"""

ATTRIBUTES = {
    "customer_export.export_id": "0123",
    "customer_export.format": "csv",
    "customer_export.sections": 2,
}


def recorded(provide: str) -> list[str]:
    """Run two exports in a process whose spans are printed: a provider is set once in a process."""
    command = [sys.executable, "-c", RECORD.format(provide=provide)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_nobody_who_traces_means_no_spans_and_no_cost() -> None:
    assert isinstance(span("export", export_id="0123"), nullcontext)
    began = time.process_time()
    for _ in range(10_000):
        with span("render"):
            pass
    assert time.process_time() - began < 0.1, "ten microseconds each: it takes a twentieth of that"


def test_a_process_without_opentelemetry_has_no_spans() -> None:
    assert recorded("import sys; sys.modules['opentelemetry'] = None") == []


def test_a_provider_gets_the_spans_without_the_text_of_a_failure() -> None:
    pytest.importorskip("opentelemetry.trace", reason="OpenTelemetry is not installed")
    assert recorded(OWN_PROVIDER) == [
        "failed: ERROR VALIDATION_ERROR",
        "failed: ERROR VALIDATION_ERROR",
        "admit {} ",
    ]


def test_the_sdk_nests_them_and_keeps_no_exception() -> None:
    pytest.importorskip("opentelemetry.sdk.trace", reason="OpenTelemetry's SDK is not installed")
    assert recorded(SDK_PROVIDER) == [
        "render {} ERROR VALIDATION_ERROR child 0",
        f"export {ATTRIBUTES} ERROR VALIDATION_ERROR root 0",
        "admit {} UNSET None root 0",
    ]
