"""The cache on each kind of server, with the rights that the documentation names."""

import re
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from cached_exports import (
    STORED_AT,
    TTL,
    export_of,
    key_of,
    manifest_of,
    redis_cache,
    server_at,
    shared_exports,
)
from structlog.testing import capture_logs

from customer_export.cache.exports import CacheFill
from customer_export.cache.interface import Kept
from customer_export.cache.redis import RedisCache
from customer_export.cache.sealing import Seal
from customer_export.limits.interface import WhenDown
from customer_export.limits.registry import open_limiters
from customer_export.model.allowance import RateLimit
from servers import wait_until
from valkey_servers import ValkeyCluster, ValkeySentinel, ValkeyServer

ONE_A_MINUTE = RateLimit(name="exports", limit=1, window=timedelta(minutes=1))
ROOT = Path(__file__).resolve().parents[2]


def test_a_password_and_a_database_are_used(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.command("CONFIG", "SET", "requirepass", "s/e:c@t")
    url = mortal_valkey.url.replace("redis://", "redis://:s%2Fe%3Ac%40t@") + "/3"
    with redis_cache(url) as cache:
        assert cache.begin(key_of())(export_of()) is Kept.KEPT
        keyspaces = server_at(url)
        with closing(keyspaces) as server:
            assert "db3" in server.call(lambda client: client.execute_command("INFO", "keyspace"))


def test_the_rights_that_the_documentation_names_are_enough(mortal_valkey: ValkeyServer) -> None:
    (rights,) = re.findall(
        r"^~customer-export:.*", (ROOT / "docs" / "cache.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    mortal_valkey.command("ACL", "SETUSER", "exports", "on", ">secret", *rights.split())
    server = server_at(mortal_valkey.url.replace("redis://", "redis://exports:secret@"))
    limiter = open_limiters(server, now=lambda: STORED_AT, monotonic=time.monotonic, when_down=WhenDown.CLOSED)(
        ONE_A_MINUTE
    )
    with capture_logs() as logs, shared_exports(server) as exports:
        server.meet()
        assert [limiter.take("ada").allowed for _ in range(2)] == [True, False]
        fill = exports.look(key_of())
        assert isinstance(fill, CacheFill)
        fill.commit(manifest_of(b""), stored_at=STORED_AT)
        assert exports.look(key_of()) == export_of(b"")
        assert exports.purge("42") == 1
        exports.check()
        limiter.check()
    assert logs == []


def test_a_wrong_password_is_a_server_that_is_down(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.command("CONFIG", "SET", "requirepass", "secret")
    with redis_cache(mortal_valkey.url) as cache:
        assert cache.get(key_of()) is None


def test_the_primary_is_found_through_sentinel(mortal_valkey: ValkeyServer) -> None:
    sentinel = ValkeySentinel(mortal_valkey)
    try:
        sentinel.start()
        with redis_cache(sentinel.url) as cache:
            assert cache.begin(key_of())(export_of()) is Kept.KEPT
            assert cache.get(key_of()) == export_of()
        assert mortal_valkey.command("DBSIZE") == 3
    finally:
        sentinel.remove()


def test_exports_are_spread_over_a_cluster_and_one_node_knows_the_others(valkey_cluster: ValkeyCluster) -> None:
    first = valkey_cluster.nodes[0]
    with redis_cache(f"redis+cluster://127.0.0.1:{first.port}") as cache:
        for number in range(30):
            assert cache.begin(key_of(customer=str(number)))(export_of()) is Kept.KEPT
        assert all(node.command("DBSIZE") for node in valkey_cluster.nodes)
        assert [cache.purge(str(number)) for number in range(30)] == [1] * 30
        assert sum(int(str(node.command("DBSIZE"))) for node in valkey_cluster.nodes) == 30  # generations


def test_what_nobody_is_there_to_answer_is_refused_at_once_and_starts_to_work_when_they_come() -> None:
    late = ValkeyServer()
    server = server_at(late.url, cooling=timedelta(milliseconds=50))
    try:
        with closing(server):
            cache = RedisCache(server, seal=Seal(), ttl=TTL)
            assert cache.get(key_of()) is None
            late.start()
            wait_until(lambda: cache.begin(key_of())(export_of()) is Kept.KEPT, what="the cache to be there")
    finally:
        late.remove()
