"""The program that a renderer's child process runs: typst documents in, PDFs out, over its standard streams.

It is started by path, so that it loads typst and nothing else of the product. A frame is eight bytes of length (big
endian) and that many bytes. A request is one frame of JSON; the answer is one frame of JSON and one of PDF. The
first answer of all, `{}`, says that the fonts are loaded. It ends when its input does.
"""

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

import typst

_LENGTH = struct.Struct(">Q")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38

# linux/seccomp.h, linux/bpf_common.h and linux/audit.h
_MODE_FILTER = 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
_KILL, _REFUSE, _ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000
_OTHER_ABI = 0x4000_0000  # numbers of x32 on x86-64

_SYSTEM_CALLS = {
    # socket, socketpair, execve, execveat, io_uring_setup
    "x86_64": (0xC000_003E, (41, 53, 59, 322, 425)),
    "aarch64": (0xC000_00B7, (198, 199, 221, 281, 425)),
}
"""Of each machine the name by which the kernel knows it, and the numbers of what is refused."""


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux; elsewhere end of input does)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had gone before the kernel was asked
            os._exit(1)


_STANDARD: Final = "a-2u"
"""What the pages of somebody's own are held to, so that the report may say that it is; our own pages are made so."""


def confine() -> bool:
    """Let this process open no socket and start no program from now on, whatever it runs; say whether that is so.

    A filter of system calls (seccomp(2)), which takes no rights. typst itself reads nothing outside of its root.
    """
    known = _SYSTEM_CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if known is None:
        return False
    architecture, refused = known
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_IF_AT_LEAST, len(refused) + 1, 0, _OTHER_ABI),
        *((_IF_EQUAL, len(refused) - place, 0, number) for place, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | errno.EACCES),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(library.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.c_char_p(program), 0, 0) == 0)


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one frame; None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    return stream.read(length)


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Write one frame."""
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def source_of(main: str, data: str) -> bytes:
    """Write the document that calls a template with its data, which is JSON in ASCII.

    The data are a string literal, in which only a quote and a backslash mean anything; nothing in them can become
    markup. Handed over through `sys.inputs` they would make typst forget all that it keeps of the last document,
    which doubles the time.
    """
    literal = data.replace("\\", "\\\\").replace('"', '\\"')
    return f'#import "{main}": render\n#render(json(bytes("{literal}")))'.encode("ascii")


def source_of_pages(pages: str, data: str) -> bytes:
    """Write a document of somebody's own, for whom `data` is what they set."""
    literal = data.replace("\\", "\\\\").replace('"', '\\"')
    return f'#let data = json(bytes("{literal}"))\n{pages}'.encode()


def resident_bytes() -> int:
    """How much memory this process holds; 0 where the system doesn't say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _source(request: Mapping[str, str], *, confined: bool) -> bytes:
    if "pages" not in request:
        return source_of(request["main"], request["data"])
    if not confined:
        raise RuntimeError("pages of one's own are set on Linux alone, where they can be kept from the network")
    return source_of_pages(request["pages"], request["data"])


def main() -> None:
    """Load the fonts, then compile what is asked for until the input ends."""
    options = json.loads(sys.argv[1])
    die_with_parent(options["parent"])
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=options["font_folders"])
    compiler = typst.Compiler(root=options["template"], font_paths=fonts, ignore_system_fonts=True)
    limit = options["memory_limit_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    confined = confine()
    write_frame(sink, b"{}")
    while (frame := read_frame(source)) is not None:
        request = json.loads(frame)
        failure, pdf = "", b""
        try:
            made = compiler.compile(
                input=_source(request, confined=confined),
                format="pdf",
                pdf_tags=False,
                pdf_standards=_STANDARD if "pages" in request else None,
                timestamp=request["timestamp"],
            )
            pdf = made if isinstance(made, bytes) else b""
        except MemoryError:
            os._exit(options["out_of_memory_status"])
        except RuntimeError as error:  # typst's own: the template does not compile, or breaks a standard
            failure = str(error).replace(options["template"], "")
        write_frame(sink, json.dumps({"failure": failure, "resident_bytes": resident_bytes()}).encode())
        write_frame(sink, pdf)


if __name__ == "__main__":
    main()
