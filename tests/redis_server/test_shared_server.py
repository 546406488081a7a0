"""Limits and cache of one process use one server: its connections, and what is known of its health."""

from pathlib import Path

from structlog.testing import capture_logs

from customer_export.compose import open_services
from customer_export.model.cached_export import CacheKey
from customer_export.settings import Settings
from servers import wait_until
from valkey_servers import ValkeyServer

KEY = CacheKey(customer_id="42", digest="0" * 64)


def test_limits_and_cache_share_connections_and_the_news_of_an_outage(
    tmp_path: Path, demo_shop: Path, mortal_valkey: ValkeyServer
) -> None:
    settings = Settings(
        source_url=f"sqlite:///{demo_shop}",
        source_map=None,
        database_url=f"sqlite:///{tmp_path / 'own.db'}",
        redis_url=mortal_valkey.url,
    )
    with open_services(settings, caching=True) as services:
        services.cache.make(KEY)
        assert services.rate.exports.take("ada").remaining == 4
        assert services.rate.failures.take("ada").enforced
        clients = mortal_valkey.command("CLIENT", "LIST")
        assert isinstance(clients, bytes)
        assert clients.count(b"cmd=client|list") == 1  # the one that asks
        assert len(clients.splitlines()) == 2
        with capture_logs() as logs:
            mortal_valkey.kill()
            services.cache.make(KEY)
            assert not services.rate.exports.take("ada").enforced
            mortal_valkey.start()
            wait_until(lambda: services.rate.exports.look("ada").enforced, what="the limiter to find the server")
            services.cache.check()
    assert [entry["event"] for entry in logs] == ["dependency_down", "dependency_up"]
