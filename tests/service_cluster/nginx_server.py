"""nginx with the configuration that the project ships, on a port and with a certificate of the test's own."""

import datetime
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from servers import PATIENCE_SECONDS, free_port, start_server, wait_until

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "nginx.conf"
PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
ADDRESS = "127.0.0.1"


class NginxServer:
    """nginx before the servers of these URLs. Whoever makes one starts and stops it; all it writes is in `folder`."""

    def __init__(self, folder: Path, servers: Sequence[str]) -> None:
        self._folder = folder
        self._configuration = folder / "nginx.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        certify(folder)
        self._configuration.write_text(self._adapted(SHIPPED.read_text(encoding="utf-8"), servers), encoding="utf-8")
        self.trust = ssl.create_default_context(cafile=folder / "fullchain.pem")

    @property
    def url(self) -> str:
        return f"https://{ADDRESS}:{self._port}"

    @property
    def log(self) -> str:
        """What it has logged so far, of requests and of errors."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self._folder.glob("*.log")))

    def _adapted(self, text: str, servers: Sequence[str]) -> str:
        """Change what an operator has to change: the servers, the certificate, and where things lie."""
        shipped = re.findall(r"server (127\.0\.0\.1:\d+)", text)
        assert len(shipped) == len(servers)
        changes = dict(zip(shipped, (urlsplit(url).netloc for url in servers), strict=True)) | {
            "listen 443 ssl": f"listen {ADDRESS}:{self._port} ssl",
            "/etc/ssl/customer-export/": f"{self._folder}/",
            "/var/log/nginx/": f"{self._folder}/",
            "/run/nginx.pid": f"{self._folder}/nginx.pid",
            "http {": "http {\n" + "".join(f"    {name}_temp_path {self._folder}/{name};\n" for name in _temporary()),
        }
        return _replaced(text, changes)

    def start(self) -> None:
        """Start, and wait until it listens."""
        assert PROGRAM is not None
        files = ["-p", self._folder, "-c", self._configuration, "-e", self._folder / "start.log"]
        command = [PROGRAM, *files, "-g", "daemon off;"]
        self._process = start_server(command, folder=self._folder, log=self._folder / "stderr.log")
        wait_until(self._listens, what="nginx to listen")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"nginx ended:\n{self.log}"
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, self._port)) == 0

    def stop(self) -> None:
        """Stop it, at once."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)


def _replaced(text: str, changes: Mapping[str, str]) -> str:
    for shipped in changes:
        assert shipped in text, f"deploy/nginx/nginx.conf has no {shipped!r} any more"
    return re.sub("|".join(map(re.escape, changes)), lambda found: changes[found[0]], text)


def _temporary() -> list[str]:
    """Name the folders that this nginx makes at its start, where it may not unless it is run by root."""
    assert PROGRAM is not None
    told = subprocess.run([PROGRAM, "-V"], capture_output=True, text=True, check=True).stderr
    return [name.replace("-", "_") for name in re.findall(r"--http-([a-z-]+)-temp-path", told)]


def certify(folder: Path) -> None:
    """Make a certificate that stands for itself, and its key, as an operator would get them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "exports.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "privkey.pem").write_bytes(private)
