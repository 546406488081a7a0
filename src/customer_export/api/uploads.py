"""Files that are sent to us: spooled, and taken out of a form (RFC 7578) where they stand in one."""

import io
import mmap
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from tempfile import TemporaryFile
from typing import IO

from starlette.requests import Request

from customer_export.errors import InvalidRequestError, UploadTooLargeError

FORM_BYTES = 1 << 24
"""What a form may have beside the file: its manifest above all, as large as `verify` takes one, 16 MiB."""
_BUFFER_BYTES = 1 << 18
_LONGEST_HEAD_BYTES = 1 << 13  # of a part: three headers
_FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Upload:
    """A part of a form, or the whole of what was sent: where it stands in the spooled body."""

    name: str
    file_name: str | None
    start: int
    end: int


def is_form(request: Request) -> bool:
    """Whether a form was sent, and not the file itself."""
    return request.headers.get("content-type", "").lower().startswith(_FORM)


async def spool_body(request: Request, *, limit_bytes: int) -> IO[bytes]:
    """Take the body to an unnamed file on the disk, which the caller closes. Raises UploadTooLargeError."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit_bytes:
        raise UploadTooLargeError(limit_bytes=limit_bytes)
    with ExitStack() as stack:
        body, size = stack.enter_context(TemporaryFile()), 0
        async for piece in request.stream():
            size += len(piece)
            if size > limit_bytes:
                raise UploadTooLargeError(limit_bytes=limit_bytes)
            body.write(piece)  # into the system's cache, as a server's log is written
        body.flush()
        stack.pop_all()  # from here on it is the caller's
        return body


def parts_of(body: IO[bytes], content_type: str) -> list[Upload]:
    """Find the parts of a form. Raises InvalidRequestError."""
    boundary = _headers(f"Content-Type: {content_type}").get_param("boundary")
    if not isinstance(boundary, str) or not re.fullmatch(r"[\x20-\x7e]{1,70}", boundary):  # RFC 2046, 5.1.1
        raise InvalidRequestError("The form's boundary is missing; send Content-Type: multipart/form-data; boundary=…")
    parts = []
    if body.seek(0, io.SEEK_END):
        with mmap.mmap(body.fileno(), 0, access=mmap.ACCESS_READ) as text:
            parts = list(_parts(text, b"--" + boundary.encode()))
    if not parts:
        raise InvalidRequestError("The form is empty; send the file in its part `file`")
    return parts


def _parts(text: mmap.mmap, mark: bytes) -> Iterator[Upload]:
    place = 0
    while True:
        start = place + len(mark)
        if text[place:start] != mark or text[start : start + 2] not in {b"\r\n", b"--"}:
            raise InvalidRequestError("The form has no end; send it whole")
        if text[start : start + 2] == b"--":
            return
        head_end = text.find(b"\r\n\r\n", start, start + _LONGEST_HEAD_BYTES)
        end = text.find(b"\r\n" + mark, max(head_end, start))
        if head_end < 0 or end < 0:
            raise InvalidRequestError("A part of the form has no end; send it whole")
        yield _upload(text[start + 2 : head_end].decode(errors="replace"), head_end + 4, end)
        place = end + 2


def _upload(head: str, start: int, end: int) -> Upload:
    headers = _headers(head)
    name = headers.get_param("name", header="content-disposition")
    file_name = headers.get_param("filename", header="content-disposition")
    return Upload(
        name=name if isinstance(name, str) else "",
        file_name=file_name if isinstance(file_name, str) and file_name else None,
        start=start,
        end=max(start, end),
    )


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)


class SpooledPart(io.RawIOBase):
    """Reads a part of a file as one of its own; `check` is called at every read, and may raise."""

    def __init__(self, file: IO[bytes], start: int, end: int, check: Callable[[], None]) -> None:
        super().__init__()
        self._file, self._start, self._end, self._check = file, start, end, check
        self._position = start

    def readable(self) -> bool:
        """Say that it is read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the part."""
        origin = {io.SEEK_SET: self._start, io.SEEK_CUR: self._position, io.SEEK_END: self._end}[whence]
        if origin + offset < self._start:
            raise ValueError("that is before the file's beginning")
        self._position = origin + offset
        return self._position - self._start

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # typeshed's buffer has no len()
        """Read on."""
        self._check()
        self._file.seek(self._position)
        data = self._file.read(max(0, min(len(buffer), self._end - self._position)))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def read_part(file: IO[bytes], start: int, end: int, check: Callable[[], None]) -> IO[bytes]:
    """Give a part of a file as a file."""
    return io.BufferedReader(SpooledPart(file, start, end, check), _BUFFER_BYTES)
