"""What REDIS_URL may say, and what is said to who got it wrong."""

from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.connection import SSLConnection
from redis.sentinel import SentinelConnectionPool

from customer_export.errors import ConfigurationError
from customer_export.redis_server.url import read_redis_url
from valkey_servers import ValkeyServer


def connected(url: str) -> Redis:
    """Make the client of a URL that is no cluster's; nothing is sent yet."""
    client = read_redis_url(url).connect(timedelta(seconds=0.08))
    assert isinstance(client, Redis)
    return client


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", {"host": "cache", "port": 6379}),
        ("redis://cache:7000/3", {"host": "cache", "port": 7000, "db": 3}),
        ("redis://cache?db=4", {"host": "cache", "db": 4}),
        ("redis://[2001:db8::7]:7000", {"host": "2001:db8::7", "port": 7000}),
        ("redis://ada:p%40ss@cache", {"username": "ada", "password": "p@ss"}),
        ("redis://:secret@cache/", {"password": "secret", "db": 0}),
        ("rediss://cache?ssl_ca_certs=/etc/ca.pem", {"ssl_ca_certs": "/etc/ca.pem"}),
        ("unix:///run/valkey.sock?db=2", {"path": "/run/valkey.sock", "db": 2}),
        ("redis+sentinel://a,b:7000/shop/2", {"db": 2}),
        ("redis+sentinel://a, b:7000/shop?db=2", {"db": 2}),
        ("rediss://ada:secret@cache:6380/3?ssl_ca_certs=ca.pem", {"port": 6380, "db": 3, "ssl_ca_certs": "ca.pem"}),
        ("redis+sentinel://:secret@a/shop?sentinel_password=other", {"password": "secret"}),
    ],
)
def test_a_url_says_where_the_server_is(url: str, expected: dict[str, object]) -> None:
    told = connected(url).connection_pool.connection_kwargs
    assert {name: told[name] for name in expected} == expected
    assert told["socket_timeout"] + told.get("socket_connect_timeout", 0.02) == 0.08


def test_a_url_may_ask_for_more_patience() -> None:
    assert connected("redis://cache?socket_timeout=1").connection_pool.connection_kwargs["socket_timeout"] == 1


def test_the_extra_s_means_tls() -> None:
    assert connected("rediss://cache").connection_pool.connection_class is SSLConnection
    behind = connected("rediss+sentinel://a/shop").connection_pool
    assert issubclass(behind.connection_class, SSLConnection)
    assert behind.sentinel_manager.sentinels[0].connection_pool.connection_class is SSLConnection


def test_sentinels_have_a_login_of_their_own() -> None:
    pool = connected("redis+sentinel://ada:secret@a:1,b/shop?sentinel_password=other").connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    asked = [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]
    assert [(one["host"], one["port"], one["username"], one["password"]) for one in asked] == [
        ("a", 1, None, "other"),
        ("b", 26379, None, "other"),
    ]
    assert pool.service_name == "shop"


def test_only_where_others_are_asked_time_adds_up() -> None:
    urls = ["redis://a", "unix:///a", "redis+cluster://a", "rediss+cluster://a:1,b", "redis+sentinel://a/shop"]
    assert [read_redis_url(url).asks_several for url in urls] == [False, False, True, True, True]


def test_a_unix_socket_works(valkey: ValkeyServer) -> None:
    socket = valkey.folder / "socket"
    server = ValkeyServer(f"unixsocket {socket}")
    try:
        server.start()
        with closing(connected(f"unix://{socket}")) as client:
            assert client.ping()
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "it has no scheme"),
        ("cache", "it has no scheme"),
        ("cache:6379", "its scheme 'cache' is none of ours"),
        ("https://cache", "its scheme 'https' is none of ours"),
        ("redis+unix:///a", "its scheme 'redis+unix' is none of ours"),
        ("redis://", "it names no host"),
        ("redis://a,b", "it names several hosts"),
        ("unix://", "it names no host and no socket"),
        ("redis://cache:port", "a host, a port or a parameter of it cannot be read"),
        ("redis://cache:99999", "a host, a port or a parameter of it cannot be read"),
        ("redis://[::1", "a host, a port or a parameter of it cannot be read"),
        ("redis://cache/shop", "what follows the host is no number of a database"),
        ("redis://cache?socket_timeout=soon", "a host, a port or a parameter of it cannot be read"),
        ("redis://cache?sockettimeout=1", "it has a parameter that nobody knows; did you mean socket_timeout?"),
        ("redis://cache?x=1", "it has a parameter that nobody knows; write"),
        ("unix+cluster:///run/redis", "its scheme 'unix+cluster' is none of ours"),
        ("redis+ring://cache", "its scheme 'redis+ring' is none of ours"),
        ("redis+cluster://:secret@cache:secret", "a host, a port or a parameter of it cannot be read"),
        ("redis://cache?db=secret", "a host, a port or a parameter of it cannot be read"),
        ("redis+cluster://a:1/2", "a cluster has the database 0 only"),
        ("redis+cluster://a:1?db=2", "a cluster has the database 0 only"),
        ("redis+cluster://a,,b", "it lacks a host"),
        ("redis+cluster://", "it lacks a host"),
        ("redis+sentinel://a,b", "it lacks the name of the service"),
        ("redis+sentinel://a/shop/two", "what follows the service is no number of a database"),
    ],
)
def test_a_wrong_url_is_told_with_the_remedy(url: str, message: str) -> None:
    complaint = complaint_about(url)
    assert complaint.startswith(f"REDIS_URL cannot be used: {message}")
    assert "redis+sentinel://host:26379,host:26379/service" in complaint


@given(
    scheme=st.sampled_from(["redis", "redis+cluster", "rediss+sentinel"]),
    before=st.text("sECRET/?#[]@:,%=&", max_size=3),
    end=st.sampled_from(["@cache", "@cache:x", "@cache/x", "@a,b:y/z", "=x@cache"]),
)
def test_a_password_is_never_repeated_even_if_it_is_what_breaks_the_url(scheme: str, before: str, end: str) -> None:
    assert "hunter2" not in complaint_about(f"{scheme}://:{before}hunter2{end}")


def complaint_about(url: str) -> str:
    try:
        read_redis_url(url)
    except ConfigurationError as failure:
        return failure.message
    return ""
