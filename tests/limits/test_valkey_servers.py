"""The tests' own Valkey servers do what their names say; tests of outages rest on that."""

from contextlib import closing

import pytest
from redis import Redis
from redis.cluster import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import Sentinel

from valkey_servers import ValkeyCluster, ValkeySentinel, ValkeyServer


def test_a_restarted_server_is_empty(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.command("SET", "kept", "1")
    mortal_valkey.restart()
    assert mortal_valkey.command("GET", "kept") is None


def test_a_stopped_server_refuses_connections(mortal_valkey: ValkeyServer) -> None:
    mortal_valkey.stop()
    with pytest.raises(RedisConnectionError):
        mortal_valkey.command("PING")


def test_a_frozen_server_hangs_until_thawed(mortal_valkey: ValkeyServer) -> None:
    with closing(Redis(port=mortal_valkey.port, socket_timeout=0.1, retry=None)) as client:
        client.ping()
        mortal_valkey.freeze()
        with pytest.raises(RedisTimeoutError):
            client.ping()
        mortal_valkey.thaw()
        assert client.ping()


def test_a_cluster_spreads_keys_over_its_nodes(valkey_cluster: ValkeyCluster) -> None:
    with closing(RedisCluster(host="127.0.0.1", port=valkey_cluster.nodes[0].port)) as client:
        for number in range(60):
            client.set(f"key {number}", number)
    assert all(node.command("DBSIZE") != 0 for node in valkey_cluster.nodes)


def test_a_sentinel_knows_the_primary(valkey: ValkeyServer) -> None:
    sentinel = ValkeySentinel(valkey)
    try:
        sentinel.start()
        finder = Sentinel([("127.0.0.1", sentinel.port)])
        assert finder.discover_master("shop") == ("127.0.0.1", valkey.port)
    finally:
        sentinel.remove()
