"""What a mysql:// or mariadb:// URL says: where the server is, who asks, and how the connection is protected."""

import difflib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from urllib.parse import parse_qsl, unquote, urlsplit

from customer_export.errors import ConfigurationError

EXAMPLE = "mysql://user@host/database"
CHARSET = "utf8mb4"  # the only one that holds every character; the server converts to it
CONNECT_SECONDS = 5  # as for PostgreSQL: what needs longer to say hello is down as far as a download is concerned
_DEFAULT_PORT = 3306
_PARAMETERS = ("charset", "connect-timeout", "socket", "ssl-ca", "ssl-cert", "ssl-key", "ssl-mode", "unix-socket")


@unique
class SslMode(StrEnum):
    """How much TLS promises, in the words of MySQL's own clients.

    =============== =======================================================================
    DISABLED        no TLS
    PREFERRED       TLS if the server offers it; nobody knows who that is
    REQUIRED        TLS or nothing; nobody knows who that is
    VERIFY_CA       as REQUIRED, and the certificate is signed by `ssl-ca` (or the system's)
    VERIFY_IDENTITY as VERIFY_CA, and the certificate is made out to the URL's host
    =============== =======================================================================
    """

    DISABLED = "DISABLED"
    PREFERRED = "PREFERRED"
    REQUIRED = "REQUIRED"
    VERIFY_CA = "VERIFY_CA"
    VERIFY_IDENTITY = "VERIFY_IDENTITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlAddress:
    """Where to connect to, as whom, and how long to wait for an answer.

    `tls` is None if the connection is not encrypted at all; `encrypted_only` if it must be.
    """

    host: str
    port: int
    socket: str | None
    user: str | None
    password: str = field(repr=False)
    database: str
    connect_seconds: int
    tls: ssl.SSLContext | None
    encrypted_only: bool


def parse_address(url: str) -> MysqlAddress:
    """Read a URL. Raises ConfigurationError, which names what is wrong and never quotes the password."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORT
    except ValueError as failure:
        raise ConfigurationError(f"SOURCE_URL is no URL ({failure}); use {EXAMPLE}") from failure
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise ConfigurationError(f"SOURCE_URL names no database; use {EXAMPLE}")
    parameters = _parameters(parts.query)
    if parameters.get("charset", CHARSET).lower() != CHARSET:
        raise ConfigurationError(
            f"SOURCE_URL has a charset that is not {CHARSET}, which holds all others; leave it out"
        )
    socket = parameters.get("socket", parameters.get("unix-socket"))
    mode = _ssl_mode(parameters, socket=socket)
    return MysqlAddress(
        host=parts.hostname or "localhost",
        port=port,
        socket=socket,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or ""),
        database=database,
        connect_seconds=_connect_seconds(parameters.get("connect-timeout")),
        tls=None if mode is SslMode.DISABLED else _tls(mode, parameters),
        encrypted_only=mode not in (SslMode.DISABLED, SslMode.PREFERRED),
    )


def _parameters(query: str) -> Mapping[str, str]:
    """Read the parameters, whose names may be written with _ as Python's drivers do."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        known = name.lower().replace("_", "-")
        if known not in _PARAMETERS:
            near = difflib.get_close_matches(known, _PARAMETERS, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(_PARAMETERS)}"
            raise ConfigurationError(f"SOURCE_URL has a parameter {name!r} that is not known; {remedy}")
        if known in parameters:
            raise ConfigurationError(f"SOURCE_URL has the parameter {name!r} twice; leave one out")
        parameters[known] = value
    return parameters


def _connect_seconds(text: str | None) -> int:
    if text is None:
        return CONNECT_SECONDS
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 3600):  # noqa: PLR2004  # an hour is for ever
        raise ConfigurationError(f"SOURCE_URL has connect-timeout={text}; use seconds, from 1 to 3600")
    return int(text)


def _ssl_mode(parameters: Mapping[str, str], *, socket: str | None) -> SslMode:
    text = parameters.get("ssl-mode")
    if text is None:
        if "ssl-ca" in parameters:  # as MySQL's own clients take it
            return SslMode.VERIFY_CA
        return SslMode.DISABLED if socket is not None else SslMode.PREFERRED
    try:
        mode = SslMode(text.upper().replace("-", "_"))
    except ValueError:
        raise ConfigurationError(f"SOURCE_URL has ssl-mode={text}; use one of {', '.join(SslMode)}") from None
    if mode is SslMode.DISABLED and (
        unused := [name for name in parameters if name in ("ssl-ca", "ssl-cert", "ssl-key")]
    ):
        raise ConfigurationError(f"SOURCE_URL has ssl-mode=DISABLED and {unused[0]}; leave one of them out")
    return mode


def _tls(mode: SslMode, parameters: Mapping[str, str]) -> ssl.SSLContext:
    verify = mode in (SslMode.VERIFY_CA, SslMode.VERIFY_IDENTITY)
    try:
        context = ssl.create_default_context(cafile=parameters.get("ssl-ca"))
        # the certificates that MySQL makes for itself lack extensions which strict checks ask for
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.check_hostname = mode is SslMode.VERIFY_IDENTITY
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        if "ssl-cert" in parameters:
            context.load_cert_chain(parameters["ssl-cert"], parameters.get("ssl-key"))
    except OSError as failure:
        given = " or ".join(
            f"{name}={parameters[name]}" for name in ("ssl-ca", "ssl-cert", "ssl-key") if name in parameters
        )
        raise ConfigurationError(
            f"SOURCE_URL has {given}, which cannot be read ({failure.strerror or type(failure).__name__}); "
            "name PEM files that this process may read"
        ) from failure
    return context
