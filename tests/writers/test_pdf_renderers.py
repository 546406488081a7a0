"""The renderers: bounded in time and memory, replaced when they die, and never outliving their parent."""

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from pdf_checks import page_texts
from pdf_reports import document, texts

from customer_export.errors import (
    RendererBusyError,
    RendererFailedError,
    RendererOutOfMemoryError,
    RendererTimeoutError,
)
from customer_export.writers.pdf import PdfWriter, RendererPool
from customer_export.writers.pdf.pool import Compilation
from customer_export.writers.pdf.theme import DEFAULT_TEMPLATE

_PATIENCE_MS = 20_000
_FINE = "#let render(data) = data"
_ENDLESS = "#let render(data) = for a in range(100000) { for b in range(100000) { str(b) } }"
_VAST = "#let render(data) = range(400000000).len()"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template folder with a few documents that misbehave."""
    folder = tmp_path / "template"
    shutil.copytree(DEFAULT_TEMPLATE, folder)
    (folder / "fine.typ").write_text(_FINE)
    (folder / "endless.typ").write_text(_ENDLESS)
    (folder / "vast.typ").write_text(_VAST)
    (folder / "broken.typ").write_text("#let render(data) = nobody-defined-this()")
    return folder


@pytest.fixture
def pool(template: Path) -> Iterator[RendererPool]:
    """A pool of one child with a short patience."""
    with closing(RendererPool(template=template, children=1, time_limit=timedelta(seconds=20))) as made:
        yield made


def compilation(main: str, data: object = "x") -> Compilation:
    return Compilation(main=main, data=data, timestamp_seconds=0)


def assert_renders(pool: RendererPool) -> None:
    assert "still here" in page_texts(pool.submit(compilation("fine.typ", "still here")).result())[0]


def wait_for_end(process: int) -> bool:
    """Wait until a process has ended; False if it doesn't."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        return bool(ended.poll(_PATIENCE_MS))
    finally:
        os.close(handle)


def test_a_compilation_that_takes_too_long_is_stopped(template: Path) -> None:
    with closing(RendererPool(template=template, children=1, time_limit=timedelta(seconds=0.5))) as pool:
        with pytest.raises(RendererTimeoutError, match="too long"):
            pool.submit(compilation("endless.typ")).result()
        assert_renders(pool)


def test_a_compilation_that_wants_too_much_memory_is_stopped(template: Path) -> None:
    limit = 700 << 20
    with closing(RendererPool(template=template, children=1, memory_limit_bytes=limit)) as pool:
        with pytest.raises(RendererOutOfMemoryError, match="more memory"):
            pool.submit(compilation("vast.typ")).result()
        assert_renders(pool)


def test_a_template_that_does_not_compile_is_named(pool: RendererPool) -> None:
    with pytest.raises(RendererFailedError, match=r"broken\.typ.*nobody-defined-this"):
        pool.submit(compilation("broken.typ")).result()
    assert_renders(pool)


def test_a_child_killed_while_it_compiles_is_replaced(pool: RendererPool) -> None:
    assert_renders(pool)
    [child] = pool.child_processes()
    compiling = pool.submit(compilation("endless.typ"))
    while pool.child_processes():  # until the pool's thread has taken it
        threading.Event().wait(0)
    os.kill(child, signal.SIGKILL)
    with pytest.raises(RendererFailedError, match="-9"):
        compiling.result()
    assert_renders(pool)
    assert pool.child_processes() != [child]


def test_a_child_killed_while_idle_costs_one_compilation_at_most(pool: RendererPool) -> None:
    assert_renders(pool)
    [child] = pool.child_processes()
    os.kill(child, signal.SIGKILL)
    assert wait_for_end(child)
    with pytest.raises(RendererFailedError):
        pool.submit(compilation("fine.typ")).result()
    assert_renders(pool)


def test_a_child_that_has_grown_is_replaced(template: Path) -> None:
    with closing(RendererPool(template=template, children=1, recycle_above_bytes=1)) as pool:
        assert_renders(pool)
        assert_renders(pool)


def test_one_export_too_many_is_refused_before_its_first_byte(template: Path) -> None:
    with closing(RendererPool(template=template, children=1, exports_max=1)) as pool:
        writer = PdfWriter(pool)
        first = writer.write(document(), [texts("a")])
        head = next(first)
        with pytest.raises(RendererBusyError, match="1 PDF exports"):
            next(writer.write(document(), [texts("b")]))
        pdf = head + b"".join(first)
        assert len(page_texts(pdf)) == 2
        assert b"".join(writer.write(document(), [texts("c")]))


def test_an_export_that_is_given_up_makes_room_for_another(template: Path) -> None:
    with closing(RendererPool(template=template, children=1, exports_max=1)) as pool:
        writer = PdfWriter(pool)
        given_up = writer.write(document(), [texts("a")])
        next(given_up)
        given_up.close()
        assert b"".join(writer.write(document(), [texts("b")]))


def test_a_small_export_does_not_wait_for_a_large_one(template: Path) -> None:
    others = set(_children_of(os.getpid()))
    with closing(RendererPool(template=template, children=2, time_limit=timedelta(seconds=20))) as pool:
        slow = pool.submit(compilation("endless.typ"))
        assert b"".join(PdfWriter(pool).write(document(), [texts("日本", "مرحبا")]))
        assert not slow.done()
        [busy] = set(_children_of(os.getpid())) - others - set(pool.child_processes())
        os.kill(busy, signal.SIGKILL)
        with pytest.raises(RendererFailedError):
            slow.result()


def test_closing_ends_the_children_and_may_be_done_twice(template: Path) -> None:
    pool = RendererPool(template=template, children=1)
    assert_renders(pool)
    [child] = pool.child_processes()
    pool.close()
    pool.close()
    assert wait_for_end(child)
    with pytest.raises(RuntimeError):
        pool.submit(compilation("fine.typ"))


_PARENT = """
import os, signal, sys
from pathlib import Path
from customer_export.writers.pdf.pool import Compilation, RendererPool

def compilation(main):
    return Compilation(main=main, data="x", timestamp_seconds=0)

pool = RendererPool(template=Path(sys.argv[1]), children=1)
pool.submit(compilation("fine.typ")).result()
print(pool.child_processes()[0], flush=True)
if sys.argv[2] == "busy":
    pool.submit(compilation("endless.typ"))
    while pool.child_processes():
        pass
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a busy child ends after its compilation")
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_children_die_with_their_parent(template: Path, state: str) -> None:
    done = subprocess.run([sys.executable, "-c", _PARENT, str(template), state], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    assert wait_for_end(int(done.stdout))


def _children_of(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def test_a_child_that_cannot_be_started_takes_no_place_with_it(template: Path) -> None:
    """A thread of the pool starts one in the background after each failure; where that fails, the place is free."""
    with closing(RendererPool(template=template, children=1)) as pool:
        shutil.rmtree(template)
        for _ in range(3):
            with pytest.raises(RendererFailedError):
                pool.submit(compilation("fine.typ")).result(timeout=_PATIENCE_MS / 1000)
