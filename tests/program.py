"""The program as tests run it: in a process of its own, told everything by its arguments and its environment."""

import multiprocessing
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
"""What runs the program to its end: arguments, and environment variables as keywords."""

PROGRAM = Path(sysconfig.get_path("scripts")) / "customer-export"


@cache
def forked() -> ForkServerContext:
    """Start what forks the processes, with all in it that takes seconds to load: a fork takes a twentieth of one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["preloaded"])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(Path(__file__).parent))  # before 3.13 it is not told where its modules are
        forkserver.ensure_running()
    return context


def start_program(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: Path,
    errors: Path,
    afresh: bool = False,
) -> BaseProcess:
    """Start `customer-export`; what it writes is appended to two files, or to one.

    It begins with everything imported, unless it is to start `afresh`, as an operator would start it.
    """
    texts = [str(argument) for argument in arguments]
    told = {"SSL_CERT_FILE": os.environ["SSL_CERT_FILE"], "TMPDIR": tempfile.gettempdir(), **environment}
    process = forked().Process(target=_run, args=(texts, told, folder, output, errors, afresh))
    process.start()
    return process


def _run(
    arguments: list[str], environment: dict[str, str], folder: Path, output: Path, errors: Path, afresh: bool
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for path, descriptor in ((output, 1), (errors, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    if afresh:
        os.execv(PROGRAM, [PROGRAM, *arguments])
    sys.argv = ["customer-export", *arguments]
    from customer_export.cli.main import main  # noqa: PLC0415  (it is there already; the tests' process needs it not)

    main()
