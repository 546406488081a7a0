"""What REDIS_URL may say: one server, a cluster, or a primary that Sentinels know."""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel

from customer_export.errors import ConfigurationError
from customer_export.redis_server.client import Client

Options: TypeAlias = dict[str, Any]
Hosts: TypeAlias = list[tuple[str, int | None]]
"""Names or addresses, empty if missing, and ports."""

CONNECT_SHARE = 1 / 4  # of a call's time: the kernel of a server that is up accepts at once, however busy the server is

REDIS_PORT = 6379
SENTINEL_PORT = 26379
SENTINEL_LOGIN = {"sentinel_username": "username", "sentinel_password": "password"}  # the URL's own are the server's
FORMS = (
    "redis://host:6379/0, rediss:// for TLS, unix:///path/to/socket, redis+cluster://host:6379,host:6379 "
    "or redis+sentinel://host:26379,host:26379/service"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisUrl:
    """A URL that was understood. `asks_several` is whether a call may ask several servers, so that time adds up.

    `connect` makes a client, given how long a call may take to connect and be answered by one of them. For a cluster
    it asks the nodes which slots they have.
    """

    asks_several: bool
    connect: Callable[[timedelta], Client]


def read_redis_url(url: str) -> RedisUrl:
    """Understand a URL. Raises ConfigurationError that names REDIS_URL and never repeats a password."""
    try:
        parts = urlsplit(url)
        hosts = _hosts(parts)
        options = _options(parts)
    except ValueError:  # its text may hold a piece of a password that was not percent-encoded
        raise _wrong("a host, a port or a parameter of it cannot be read") from None
    match parts.scheme:
        case "redis" | "rediss" | "unix":
            return _single(parts, hosts, options)
        case "redis+cluster" | "rediss+cluster":
            return _cluster(parts, hosts, options)
        case "redis+sentinel" | "rediss+sentinel":
            return _sentinel(parts, hosts, options)
        case "":
            raise _wrong("it has no scheme")
        case scheme:
            raise _wrong(f"its scheme {scheme!r} is none of ours")


def _hosts(parts: SplitResult) -> Hosts:
    """List the hosts, of which redis-py would read only one. Raises ValueError."""
    places = [urlsplit(f"redis://{place.strip()}") for place in parts.netloc.rpartition("@")[2].split(",")]
    return [(place.hostname or "", place.port) for place in places]


def _options(parts: SplitResult) -> Options:
    """Give what redis-py reads from a URL: database, credentials and parameters. Raises ValueError."""
    credentials, at, _ = parts.netloc.rpartition("@")
    path = "" if "+" in parts.scheme else parts.path
    plain = urlunsplit(("redis", f"{credentials}{at}host", path, parts.query, ""))
    options: Options = parse_url(plain)  # type: ignore[no-untyped-call]  # redis-py's own gap
    del options["host"]
    if parts.scheme.startswith("rediss"):
        options["ssl"] = True
    known = inspect.signature(Redis.__init__).parameters.keys() | SENTINEL_LOGIN.keys()
    for unknown in options.keys() - known:  # not repeated, as it is a piece of a password that has a ? and a =
        near = "".join(f"; did you mean {name}?" for name in difflib.get_close_matches(unknown, known, n=1))
        raise _wrong(f"it has a parameter that nobody knows{near}")
    return options


def _single(parts: SplitResult, hosts: Hosts, options: Options) -> RedisUrl:
    if parts.scheme == "unix":
        options["unix_socket_path"] = unquote(parts.path)
    else:
        options |= {"host": parts.hostname, "port": parts.port or REDIS_PORT}
        if parts.path.strip("/") and "db" not in options:
            raise _wrong("what follows the host is no number of a database")
    if len(hosts) > 1:
        raise _wrong("it names several hosts, which only a cluster or Sentinels have")
    if not (parts.hostname or parts.path):
        raise _wrong("it names no host and no socket")
    return RedisUrl(
        asks_several=False,
        connect=lambda call_time: Redis(**{**_client_options(call_time), **options}),
    )


def _cluster(parts: SplitResult, hosts: Hosts, options: Options) -> RedisUrl:
    if parts.path.strip("/") or options.pop("db", 0):
        raise _wrong("a cluster has the database 0 only; leave the number out")
    nodes = _places(hosts, REDIS_PORT)

    def connect(call_time: timedelta) -> Client:
        shared = _client_options(call_time)
        shared["retry"] = Retry(NoBackoff(), 1)  # once, by the topology that the failure made it read anew
        return RedisCluster(
            startup_nodes=[ClusterNode(*node) for node in nodes],  # type: ignore[no-untyped-call]  # redis-py's own gap
            dynamic_startup_nodes=False,  # the nodes of the URL are asked, as the operator knows where they are
            **{**shared, **options},
        )

    return RedisUrl(asks_several=True, connect=connect)


def _sentinel(parts: SplitResult, hosts: Hosts, options: Options) -> RedisUrl:
    service, _, database = unquote(parts.path).strip("/").partition("/")
    if not service:
        raise _wrong("it lacks the name of the service that the Sentinels watch, as in …:26379/service")
    if database:
        if not database.isdecimal():
            raise _wrong("what follows the service is no number of a database")
        options["db"] = int(database)
    sentinels = _places(hosts, SENTINEL_PORT)
    login = {name: options.pop(given) for given, name in SENTINEL_LOGIN.items() if given in options}
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}

    def connect(call_time: timedelta) -> Client:
        shared = _client_options(call_time)
        asked, sought = {**shared, **login, **tls}, {**shared, **options}
        finder = Sentinel(sentinels, sentinel_kwargs=asked, **sought)  # type: ignore[no-untyped-call]  # redis-py's own gap
        client: Redis = finder.master_for(service)  # type: ignore[no-untyped-call]  # redis-py's own gap
        return client

    return RedisUrl(asks_several=True, connect=connect)


def _places(hosts: Hosts, default_port: int) -> list[tuple[str, int]]:
    if not all(host for host, _ in hosts):
        raise _wrong("it lacks a host")
    return [(host, port or default_port) for host, port in hosts]


def _client_options(call_time: timedelta) -> Options:
    """Give what redis-py is told, so that a call takes two steps at most: to connect, and to be answered.

    RESP2 needs no greeting. A connection that the server has closed is made anew, once; who was late is not asked
    again. What a URL's own parameters say wins.
    """
    seconds = call_time.total_seconds()
    return {
        "socket_connect_timeout": seconds * CONNECT_SHARE,
        "socket_timeout": seconds * (1 - CONNECT_SHARE),
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        "protocol": 2,
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError(f"REDIS_URL cannot be used: {what}; write {FORMS}")
