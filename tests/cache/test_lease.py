"""A lease is one process's, as long as it asks for it and the server is there."""

from contextlib import closing
from datetime import timedelta

from cached_exports import PATIENT, server_at

from customer_export.cache.lease import OwnLease, RedisLease
from servers import wait_until
from valkey_servers import ValkeyServer

SHORT = timedelta(milliseconds=300)


def test_who_shares_with_nobody_has_it() -> None:
    lease = OwnLease()
    assert lease.holds()
    lease.release()
    assert lease.holds()


def test_one_has_it_until_it_is_given_back_or_runs_out(valkey: ValkeyServer) -> None:
    with closing(server_at(valkey.url, call_time=PATIENT)) as server:
        mine, theirs, other = (RedisLease(server, name, life=SHORT) for name in ("work", "work", "other work"))
        assert [mine.holds(), theirs.holds(), other.holds(), mine.holds()] == [True, False, True, True]
        theirs.release()
        assert not theirs.holds()
        mine.release()
        assert [theirs.holds(), mine.holds()] == [True, False]
        wait_until(mine.holds, what="a lease that nobody asks for to run out")


def test_nobody_has_it_while_the_server_is_down(mortal_valkey: ValkeyServer) -> None:
    with closing(server_at(mortal_valkey.url, call_time=PATIENT)) as server:
        lease = RedisLease(server, "work")
        assert lease.holds()
        mortal_valkey.kill()
        assert not lease.holds()
        lease.release()
