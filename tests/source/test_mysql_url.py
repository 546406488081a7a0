"""What a mysql:// or mariadb:// URL may say, and that TLS promises what it says."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from customer_export.errors import ConfigurationError, SourceUnavailableError
from customer_export.source.mysql.url import parse_address
from customer_export.source.registry import open_source
from customer_maps import make_map, section
from databases import CUSTOMERS, MariadbDatabase, opened, read, read_once
from mariadb_server import WHY_MISSING, MariadbServer, is_installed
from servers import free_port

MAP = make_map(section("customers", {"name": "text"}, links=[[{"columns": "id"}]]))
ADA = {"customers": [("Ada",)]}


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://host", "names no database; use mysql://user@host/database"),
        ("mysql://host/", "names no database"),
        ("mysql://host:port/shop", "is no URL (Port could not be cast to integer"),
        ("mysql://[::1/shop", "is no URL"),
        ("mysql://host/shop?sslmode=require", "parameter 'sslmode' that is not known; did you mean ssl-mode?"),
        ("mysql://host/shop?timeout=5", "parameter 'timeout' that is not known; did you mean connect-timeout?"),
        (
            "mysql://host/shop?x=1",
            "not known; use charset, connect-timeout, socket, ssl-ca, ssl-cert, ssl-key, ssl-mode",
        ),
        ("mysql://host/shop?socket=/a&socket=/b", "has the parameter 'socket' twice"),
        ("mysql://host/shop?charset=latin1", "has a charset that is not utf8mb4"),
        ("mysql://host/shop?connect_timeout=0", "has connect-timeout=0; use seconds, from 1 to 3600"),
        ("mysql://host/shop?connect_timeout=5s", "has connect-timeout=5s"),
        ("mysql://host/shop?ssl-mode=verify", "has ssl-mode=verify; use one of DISABLED, PREFERRED, REQUIRED"),
        (
            "mysql://host/shop?ssl-mode=DISABLED&ssl-ca=/ca.pem",
            "has ssl-mode=DISABLED and ssl-ca; leave one",
        ),
        ("mysql://host/shop?ssl-ca=/nowhere/ca.pem", "has ssl-ca=/nowhere/ca.pem, which cannot be read (No such file"),
        (
            "mysql://host/shop?ssl-cert=/nowhere.pem&ssl-key=/no",
            "has ssl-cert=/nowhere.pem or ssl-key=/no, which",
        ),
    ],
)
@pytest.mark.parametrize("scheme", ["mysql", "mariadb+pymysql"])
def test_what_is_wrong_with_a_url_is_told_when_it_is_read(scheme: str, url: str, problem: str) -> None:
    secret = url.replace("mysql://", f"{scheme}://reader:s3cret@")
    with pytest.raises(ConfigurationError) as failure:
        open_source(secret, MAP, connections=1)
    assert failure.value.message.startswith("SOURCE_URL ")
    assert problem in failure.value.message
    assert "s3cret" not in failure.value.message


def test_a_url_may_say_everything_that_a_client_has_to_know() -> None:
    address = parse_address(
        "mysql://re%40der:p%C3%A9:%2F@[::1]:3307/my%20shop?connect_timeout=9&charset=UTF8MB4&ssl_mode=required"
    )
    assert (address.user, address.password, address.host, address.port) == ("re@der", "pé:/", "::1", 3307)
    assert (address.database, address.connect_seconds, address.encrypted_only) == ("my shop", 9, True)
    assert "pé" not in repr(address)
    plain = parse_address("mariadb:///shop?unix_socket=/run/s")
    assert (plain.host, plain.port, plain.socket, plain.user, plain.tls) == ("localhost", 3306, "/run/s", None, None)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+mysqldb"])
def test_every_usual_spelling_of_the_scheme_works(mariadb_database: MariadbDatabase, scheme: str) -> None:
    assert read_once(mariadb_database.server.url(mariadb_database.name, scheme=scheme), MAP) == ADA


def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql://reader@127.0.0.1:{silent.getsockname()[1]}/shop?connect-timeout=1"
        with opened(url, MAP) as source, pytest.raises(SourceUnavailableError):
            source.check()


@dataclass(frozen=True)
class Authority:
    """Somebody who signs certificates, and the folder where they are written."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def write_own(self) -> None:
        self.path.write_bytes(self._signed(self.name, self.key, ca=True).public_bytes(Encoding.PEM))

    def write_signed(self, name: str, **named: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, own = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(self._signed(name, key, **named).public_bytes(Encoding.PEM))
        own.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, own

    def _signed(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool = False, ip: str = ""
    ) -> x509.Certificate:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if ip:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address(ip))]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


@dataclass(frozen=True)
class Guarded:
    """A MariaDB that speaks TCP on a port of its own, with TLS, and the folder of the certificates."""

    port: int
    folder: Path

    def url(self, user: str, query: str = "", host: str = "127.0.0.1") -> str:
        named = query.replace("FOLDER", str(self.folder))
        return f"mariadb://{user}:s3cr%C3%A9t@{host}:{self.port}/shop{'?' if named else ''}{named}"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    if not is_installed():
        pytest.skip(WHY_MISSING)
    with TemporaryDirectory(prefix="tls-") as folder:
        Path(folder).chmod(0o755)  # the server is another user
        yield from _guarded(Path(folder))


def _guarded(folder: Path) -> Iterator[Guarded]:
    port = free_port()
    authority, stranger = (
        Authority(folder, name, ec.generate_private_key(ec.SECP256R1())) for name in ("ca", "stranger")
    )
    authority.write_own()
    stranger.write_own()
    certificate, key = authority.write_signed("server", ip="127.0.0.1")
    authority.write_signed("client")
    for path in folder.iterdir():
        path.chmod(0o644)
    places = ("bind-address=127.0.0.1", f"port={port}")
    tls = (f"ssl-ca={authority.path}", f"ssl-cert={certificate}", f"ssl-key={key}")
    server = MariadbServer(options=(*places, *tls))
    try:
        server.start()
        server.create_database("shop", CUSTOMERS)
        for user, requirement in (("anyhow", "NONE"), ("encrypted", "SSL"), ("certified", "X509")):
            server.execute("mysql", f"CREATE USER {user} IDENTIFIED BY 's3crét' REQUIRE {requirement}")
            server.execute("mysql", f"GRANT SELECT ON shop.* TO {user}")
        yield Guarded(port, folder)
    finally:
        server.remove()


CLIENT = "ssl-cert=FOLDER/client.pem&ssl-key=FOLDER/client.key"


@pytest.mark.parametrize(
    ("user", "query", "host", "let_in"),
    [
        ("anyhow", "", "127.0.0.1", True),
        ("anyhow", "ssl-mode=DISABLED", "127.0.0.1", True),
        ("encrypted", "", "127.0.0.1", True),
        ("encrypted", "ssl-mode=DISABLED", "127.0.0.1", False),
        ("encrypted", "ssl-mode=REQUIRED", "127.0.0.1", True),
        ("encrypted", "ssl-ca=FOLDER/ca.pem", "127.0.0.1", True),
        ("encrypted", "ssl-ca=FOLDER/ca.pem", "localhost", True),
        ("encrypted", "ssl-ca=FOLDER/stranger.pem", "127.0.0.1", False),
        ("encrypted", "ssl-mode=VERIFY_CA", "127.0.0.1", False),
        ("encrypted", "ssl-mode=VERIFY_IDENTITY&ssl-ca=FOLDER/ca.pem", "127.0.0.1", True),
        ("encrypted", "ssl_mode=verify_identity&ssl_ca=FOLDER/ca.pem", "localhost", False),
        ("certified", f"ssl-ca=FOLDER/ca.pem&{CLIENT}", "127.0.0.1", True),
        ("certified", CLIENT, "127.0.0.1", True),
        ("certified", "ssl-ca=FOLDER/ca.pem", "127.0.0.1", False),
    ],
)
def test_tls_is_as_strict_as_it_is_asked_to_be(
    guarded: Guarded, *, user: str, query: str, host: str, let_in: bool
) -> None:
    with opened(guarded.url(user, query, host), MAP) as source:
        if let_in:
            assert read(source) == ADA
        else:
            with pytest.raises(SourceUnavailableError, match="check SOURCE_URL") as failure:
                source.check()
            assert "s3cr" not in failure.value.message


def test_a_server_without_tls_is_refused_where_tls_is_required(mariadb_database: MariadbDatabase) -> None:
    url = f"{mariadb_database.url}&ssl-mode=REQUIRED"
    with opened(url, MAP) as source, pytest.raises(SourceUnavailableError):
        source.check()
