"""Worker processes beside this one: started, started again when they die, and ended with this process."""

import subprocess
import sys
import threading
import time

import structlog

QUIET_SECONDS = 1.0
"""How long a server has to begin by itself before its worker takes up a core."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0  # before a worker that died is started again
SOUND_SECONDS = 60.0  # a worker that lived so long did not die of its start
LOOK_SECONDS = 0.2
END_SECONDS = 15.0  # more than a worker's own patience with its parts

log = structlog.get_logger()


class Supervision:
    """Keeps workers running. They read the settings from the environment themselves; `quiet` ones log errors alone."""

    def __init__(self, processes: int, *, quiet: bool = False) -> None:
        self._processes = processes
        self._options = ["--beside", "--quiet"] if quiet else ["--beside"]
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start them soon."""
        for _ in range(self._processes):
            thread = threading.Thread(target=self._keep_running, name="supervision", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End them, and wait until they have."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _keep_running(self) -> None:
        pause_seconds = FIRST_PAUSE_SECONDS
        self._stopping.wait(QUIET_SECONDS)
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run()
            if self._stopping.is_set():
                return
            is_sound = time.monotonic() - began > SOUND_SECONDS
            pause_seconds = FIRST_PAUSE_SECONDS if is_sound else min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
            log.warning("worker_died", exit_code=code, again_in_seconds=pause_seconds)
            self._stopping.wait(pause_seconds)

    def _run(self) -> int:
        """Run a worker to its end. It ends with its standard input, which closes when this process ends."""
        command = [sys.executable, "-m", "customer_export.cli.main", "worker", *self._options]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603  (this program itself)
        try:
            while process.poll() is None and not self._stopping.wait(LOOK_SECONDS):
                pass
        finally:
            assert process.stdin is not None
            process.stdin.close()
        try:
            return process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
