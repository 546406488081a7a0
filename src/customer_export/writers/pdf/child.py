"""The program that a renderer's child process runs: typst documents in, PDFs out, over its standard streams.

It is started by path, so that it loads typst and nothing else of the product. A frame is eight bytes of length (big
endian) and that many bytes. A request is one frame of JSON; the answer is one frame of JSON and one of PDF. The
first answer of all, `{}`, says that the fonts are loaded. It ends when its input does.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import typst

_LENGTH = struct.Struct(">Q")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux; elsewhere end of input does)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had gone before the kernel was asked
            os._exit(1)


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


def resident_bytes() -> int:
    """How much memory this process holds; 0 where the system doesn't say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def main() -> None:
    """Load the fonts, then compile what is asked for until the input ends."""
    options = json.loads(sys.argv[1])
    die_with_parent(options["parent"])
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=options["font_folders"])
    compiler = typst.Compiler(root=options["template"], font_paths=fonts, ignore_system_fonts=True)
    limit = options["memory_limit_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    write_frame(sink, b"{}")
    while (frame := read_frame(source)) is not None:
        request = json.loads(frame)
        failure, pdf = "", b""
        try:
            made = compiler.compile(
                input=source_of(request["main"], request["data"]),
                format="pdf",
                pdf_tags=False,
                timestamp=request["timestamp"],
            )
            pdf = made if isinstance(made, bytes) else b""
        except MemoryError:
            os._exit(options["out_of_memory_status"])
        except RuntimeError as error:  # typst's own: the template does not compile, or breaks a standard
            failure = str(error)
        write_frame(sink, json.dumps({"failure": failure, "resident_bytes": resident_bytes()}).encode())
        write_frame(sink, pdf)


if __name__ == "__main__":
    main()
