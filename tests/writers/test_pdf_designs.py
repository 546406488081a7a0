"""What a template makes of a report: its theme, its logo, and pages of its own, which run confined."""

import io
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from customer_export.errors import (
    ExportError,
    InvalidRequestError,
    RendererFailedError,
    RendererOutOfMemoryError,
    RendererTimeoutError,
)
from customer_export.writers.pdf.design import LEAST, MOST, check_theme, designed_theme
from customer_export.writers.pdf.own_pages import MOST_ROWS, check_rows
from customer_export.writers.pdf.pool import Compilation, RendererPool
from customer_export.writers.pdf.theme import DEFAULT_TEMPLATE, read_values


@pytest.fixture(scope="module")
def confined() -> Iterator[RendererPool]:
    """A renderer with little time and little memory."""
    pool = RendererPool(children=1, time_limit=timedelta(seconds=10), memory_limit_bytes=1 << 29)
    yield pool
    pool.close()


def pages_of(pool: RendererPool, source: str, data: object = None) -> bytes:
    compilation = Compilation(main="(a test)", data=data, timestamp_seconds=0, pages=source)
    return pool.submit(compilation).result()


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return text


def test_pages_get_the_data_and_they_are_never_markup(confined: RendererPool) -> None:
    data = {"title": '#let x = "\\"; *not bold* $1$'}
    source = '#set text(font: "Noto Sans")\n= #data.title'
    assert '#let x = "\\"; *not bold* $1$' in text_of(pages_of(confined, source, data))


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ('#read("/etc/passwd")', "file not found"),
        ('#read("../pool.py")', "escape the project root"),
        ('#image("https://127.0.0.1/x.png")', "file not found"),
        ('#import "@local/x:0.1.0"', "package not found"),
        ("#let f(n) = f(n + 1)\n#f(0)", "call depth"),
        ("#nonsense", "unknown variable"),
    ],
)
def test_pages_reach_no_file_but_those_of_the_theme(confined: RendererPool, source: str, refusal: str) -> None:
    with pytest.raises(RendererFailedError, match=refusal) as failure:
        pages_of(confined, source)
    assert str(Path.cwd()) not in str(failure.value)


def test_pages_reach_nothing_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package is fetched from a server, here by way of a proxy, which hears of it from whoever is not confined."""
    heard = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with suppress(OSError):  # of the end, when the server is closed
                server.accept()[0].close()
                heard.set()

        threading.Thread(target=listen, daemon=True).start()
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        pool = RendererPool(children=1)
        try:
            for name in ('"@preview/cetz:0.3.0"', '("@prev" + "iew/cetz:0.3.0")'):
                with pytest.raises(RendererFailedError, match="failed to download package"):
                    pages_of(pool, f"#import {name}")
            assert pages_of(pool, "a page").startswith(b"%PDF")
            (child,) = pool.child_processes()
            assert re.search(r"^Seccomp:\s+2$", Path(f"/proc/{child}/status").read_text(encoding="ascii"), re.MULTILINE)
        finally:
            pool.close()
        server.shutdown(socket.SHUT_RDWR)
        assert not heard.is_set()


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        ("#let s = range(99).map(str).join()\n#for i in range(40) { s = s + s }\n#s.len()", None),
        ("#range(30000000).map(x => str(x)).len()", RendererOutOfMemoryError),
        ("#for i in range(1000000) [x #pagebreak()]", None),
    ],
)
def test_pages_that_take_too_much_are_ended_and_others_go_on(
    confined: RendererPool, source: str, failure: type[ExportError] | None
) -> None:
    with pytest.raises(failure or (RendererTimeoutError, RendererOutOfMemoryError)):
        pages_of(confined, source)
    assert pages_of(confined, "still here").startswith(b"%PDF")


def test_a_theme_may_go_to_its_bounds_and_no_further() -> None:
    own = read_values(DEFAULT_TEMPLATE)
    for table in ("page", "cover", "chart", "heading", "table", "card"):
        for name, value in own[table].items():
            if not isinstance(value, float):
                continue
            for factor in (LEAST, MOST):
                check_theme({table: {name: value * factor}})
            for wrong in (value * LEAST * 0.99, value * MOST * 1.01, float("nan"), float("inf"), "1", None, [1.0]):
                with pytest.raises(ValueError, match=f"{table}.{name} is no number of points"):
                    check_theme({table: {name: wrong}})
    assert designed_theme(DEFAULT_TEMPLATE, '{"table": {"size": 8}}').table.size == 8
    assert designed_theme(DEFAULT_TEMPLATE, None).table.size == own["table"]["size"]


def test_own_pages_have_a_limit_of_rows() -> None:
    class Rows:
        rows = MOST_ROWS // 2 + 1

    check_rows([Rows()])  # type: ignore[list-item]  # of which only the rows are asked
    with pytest.raises(InvalidRequestError, match=f"at most {MOST_ROWS:,} rows"):
        check_rows([Rows(), Rows()])  # type: ignore[list-item]  # likewise


def test_a_pdf_of_own_pages_keeps_to_its_standard(confined: RendererPool) -> None:
    with pikepdf.open(io.BytesIO(pages_of(confined, '#set text(font: "Noto Sans")\nA page'))) as pdf:
        metadata = pdf.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("2", "U")
