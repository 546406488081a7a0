"""A bounded pool of child processes that compile typst, each with a time and a memory limit.

A child is started by the thread that speaks to it, and these threads live as long as the pool: the kernel sends a
child its death signal when the *thread* that started it ends, not the process (prctl(2), PR_SET_PDEATHSIG).
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from customer_export.errors import (
    RendererBusyError,
    RendererFailedError,
    RendererOutOfMemoryError,
    RendererTimeoutError,
)
from customer_export.writers.pdf.fonts import font_folders
from customer_export.writers.pdf.theme import DEFAULT_TEMPLATE

_LENGTH_BYTES = 8
_READ_BYTES = 1 << 20
_OUT_OF_MEMORY_STATUS = 77  # any status that neither Python nor a signal gives

RECYCLE_ABOVE_BYTES = 150 << 20
"""A child that holds more than this is replaced. With all fonts in use one holds 70 to 100 MB; typst's cache grows."""

START_LIMIT = timedelta(seconds=60)
"""A child loads its fonts in 0.2 s; on a machine so busy that a minute isn't enough, nothing else works either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """One document for typst: `main` is a file of the template folder, `data` what its function `render` is given.

    With `pages`, that is the document itself, somebody's own, and `data` a variable in it.
    """

    main: str
    data: object
    timestamp_seconds: int
    pages: str | None = None

    def encode(self) -> bytes:
        """Write the request as the child reads it."""
        return json.dumps(
            {
                "main": self.main,
                "data": json.dumps(self.data),
                "timestamp": self.timestamp_seconds,
                **({} if self.pages is None else {"pages": self.pages}),
            }
        ).encode()


class RendererPool:
    """Compiles in `children` processes. Whoever makes one closes it.

    `exports_max` exports may be under way at once; one more is refused with RendererBusyError. `time_limit` is for one
    compilation (an export needs from one to some hundreds), `memory_limit_bytes` for the address space of one child.
    """

    def __init__(
        self,
        *,
        template: Path = DEFAULT_TEMPLATE,
        children: int = 2,
        exports_max: int = 16,
        time_limit: timedelta = timedelta(seconds=30),
        memory_limit_bytes: int = 1 << 30,
        recycle_above_bytes: int = RECYCLE_ABOVE_BYTES,
    ) -> None:
        self.template = template.resolve()
        self._time_limit = time_limit
        self._memory_limit_bytes = memory_limit_bytes
        self._recycle_above_bytes = recycle_above_bytes
        self._exports_max = exports_max
        self._exports = threading.BoundedSemaphore(exports_max)
        self._threads = ThreadPoolExecutor(max_workers=children, thread_name_prefix="renderer")
        self._children: SimpleQueue[_Child | None] = SimpleQueue()
        for _ in range(children):
            self._children.put(None)
        self._closed = False

    def warm(self) -> None:
        """Start the children now, in the background, so that the first export need not wait for them."""
        for _ in range(self._children.qsize()):
            self._threads.submit(self._start_one)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count one export while it is being made. Raises RendererBusyError if there are too many."""
        if not self._exports.acquire(blocking=False):
            message = f"{self._exports_max} PDF exports are being made already; try again in a moment"
            raise RendererBusyError(message)
        try:
            yield
        finally:
            self._exports.release()

    def submit(self, compilation: Compilation) -> Future[bytes]:
        """Compile in the next free child; the result is the PDF, or one of the errors of `errors.py`."""
        return self._threads.submit(self._compile, compilation)

    def child_processes(self) -> Sequence[int]:
        """List the process ids of the children that are idle now, for health checks and tests."""
        idle: list[_Child | None] = []
        with suppress(Empty):  # a compilation may take one at any time
            while True:
                idle.append(self._children.get_nowait())
        for child in idle:
            self._children.put(child)
        return [child.process.pid for child in idle if child is not None]

    def close(self) -> None:
        """Let the compilations under way finish, then end the children. May be called twice."""
        self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)
        for _ in range(self._children.qsize()):
            child = self._children.get()
            if child is not None:
                child.end()

    def _start_one(self) -> None:
        """Start a child in an empty place; the place stays if that fails, so that the next export tries again."""
        child = self._children.get()
        try:
            child = child or self._start()
        finally:
            self._children.put(child)

    def _start(self) -> "_Child":
        return _Child(template=self.template, memory_limit_bytes=self._memory_limit_bytes)

    def _compile(self, compilation: Compilation) -> bytes:
        child = self._children.get()
        keep: _Child | None = None
        try:
            child = child or self._start()
            pdf = child.compile(compilation, time_limit=self._time_limit)
            keep = child
        finally:
            if keep is None and child is not None:
                child.end()
            if keep is not None and keep.resident_bytes > self._recycle_above_bytes:
                keep.end()
                keep = None
            self._children.put(keep)
            if keep is None and not self._closed:
                self._restart_later()
        return pdf

    def _restart_later(self) -> None:
        """Replace a child before the next export needs it, after what is waiting already."""
        try:
            self._threads.submit(self._start_one)
        except RuntimeError:  # the pool was closed in the meantime
            return


class _Child:
    """One child process and the pipes to it, used by one thread at a time."""

    def __init__(self, *, template: Path, memory_limit_bytes: int) -> None:
        options = {
            "parent": os.getpid(),
            "template": str(template),
            "font_folders": [str(folder) for folder in font_folders()],
            "memory_limit_bytes": memory_limit_bytes,
            "out_of_memory_status": _OUT_OF_MEMORY_STATUS,
        }
        program = str(Path(__file__).with_name("child.py"))
        self.resident_bytes = 0
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        # One thread a child: the pool is what runs in parallel. One arena a child: threads of malloc would each
        # keep what they freed.
        environment = {**os.environ, "RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        # where typst would look for packages on this machine: the template's folder has none
        environment |= {"XDG_DATA_HOME": str(template), "XDG_CACHE_HOME": str(template)}
        self.process = subprocess.Popen(  # noqa: S603 - our own program, by path
            [sys.executable, "-I", program, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
        )
        try:
            self._read_frame(time.monotonic() + START_LIMIT.total_seconds())
        except BaseException:
            self.end()
            raise

    def compile(self, compilation: Compilation, *, time_limit: timedelta) -> bytes:
        """Compile one document. After any error but the document's own RendererFailedError, the child is of no use."""
        deadline = time.monotonic() + time_limit.total_seconds()
        request = compilation.encode()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(len(request).to_bytes(_LENGTH_BYTES, "big"))
            self.process.stdin.write(request)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._death() from None
        answer = json.loads(self._read_frame(deadline))
        pdf = self._read_frame(deadline)
        self.resident_bytes = answer["resident_bytes"]
        if answer["failure"]:
            message = f"The template {compilation.main} does not compile: {answer['failure']}"
            raise RendererFailedError(message)
        return pdf

    def end(self) -> None:
        """Kill the process and take its status, so that no zombie stays."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue

    def _read_frame(self, deadline: float) -> bytes:
        length = int.from_bytes(self._read_exactly(_LENGTH_BYTES, deadline), "big")
        return self._read_exactly(length, deadline)

    def _read_exactly(self, length: int, deadline: float) -> bytes:
        """Read from the pipe itself: a buffered reader would hide from poll what it has read ahead."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        readable = select.poll()
        readable.register(descriptor, select.POLLIN)
        parts: list[bytes] = []
        while length:
            left = deadline - time.monotonic()
            if left <= 0 or not readable.poll(left * 1000):
                message = "A part of the PDF took too long; ask for fewer sections or a shorter period"
                raise RendererTimeoutError(message)
            part = os.read(descriptor, min(length, _READ_BYTES))
            if not part:
                raise self._death()
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _death(self) -> Exception:
        """Say why the process ended."""
        status = self.process.wait()
        self._errors.seek(0)
        words = self._errors.read(2000).decode(errors="replace").strip()
        aborted = status == -signal.SIGABRT and "memory allocation" in words
        if status == _OUT_OF_MEMORY_STATUS or aborted or "MemoryError" in words:
            message = "A part of the PDF needs more memory than allowed; ask for fewer sections or a shorter period"
            return RendererOutOfMemoryError(message)
        return RendererFailedError(f"A renderer ended with status {status}: {words or 'no message'}")
