"""What a server that keeps exports can see and do."""

import base64
import hashlib
import itertools

import pytest
from structlog.testing import capture_logs

from customer_export.cache.sealing import KEY_BYTES, Seal, parse_keys
from customer_export.errors import ConfigurationError

OLD, NEW = bytes(range(KEY_BYTES)), bytes(range(KEY_BYTES, 2 * KEY_BYTES))
CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
VALUE = b"Ada Lovelace, 12 St James's Square"


def opened(seal: Seal, sealed: bytes, *, name: str = "name") -> bytes | None:
    value = seal.open(memoryview(sealed), name=name)
    return None if value is None else bytes(value)


@pytest.mark.parametrize("keys", [(), (OLD,), (NEW, OLD)])
@pytest.mark.parametrize("value", [b"", VALUE, bytes(100_000)])
def test_what_is_sealed_can_be_opened(keys: tuple[bytes, ...], value: bytes) -> None:
    seal = Seal(keys)
    assert opened(seal, seal.seal(value, name="name")) == value


def test_a_sealed_value_shows_nothing_and_never_looks_the_same_twice() -> None:
    seal = Seal((OLD,))
    first, second = (seal.seal(VALUE, name="name") for _ in range(2))
    assert first != second
    assert not any(part in first for part in (VALUE, VALUE[:6], VALUE[-6:]))


def test_every_changed_bit_is_noticed() -> None:
    seal = Seal((OLD,))
    sealed = seal.seal(b"value", name="name")
    for position, bit in itertools.product(range(len(sealed)), range(8)):
        changed = bytearray(sealed)
        changed[position] ^= 1 << bit
        assert opened(seal, bytes(changed)) is None
    for length in range(len(sealed)):
        assert opened(seal, sealed[:length]) is None
    assert opened(seal, sealed + b"\0") is None


def test_a_value_cannot_be_put_in_the_place_of_another() -> None:
    seal = Seal((OLD,))
    with capture_logs() as logs:
        assert opened(seal, seal.seal(VALUE, name="one"), name="another") is None
    assert [(entry["event"], entry["name"]) for entry in logs] == [("cache_value_tampered", "another")]


def test_with_keys_no_value_counts_that_is_not_sealed() -> None:
    assert opened(Seal((OLD,)), Seal().seal(VALUE, name="name")) is None
    assert opened(Seal(), Seal((OLD,)).seal(VALUE, name="name")) is None


def test_a_new_key_is_put_before_the_old_one_and_then_replaces_it() -> None:
    before, between, after = Seal((OLD,)), Seal((NEW, OLD)), Seal((NEW,))
    of_before, of_between = (seal.seal(VALUE, name="name") for seal in (before, between))
    assert opened(between, of_before) == VALUE
    assert opened(after, of_between) == VALUE
    with capture_logs() as logs:  # another key is no tampering
        assert opened(before, of_between) is None
        assert opened(after, of_before) is None
    assert logs == []


def test_names_stay_the_same_while_a_key_is_added_and_all_are_known_while_one_is_dropped() -> None:
    before, between, after = Seal((OLD,)), Seal((NEW, OLD)), Seal((NEW,))
    assert between.name(CUSTOMER) == before.name(CUSTOMER) != after.name(CUSTOMER)
    assert set(between.names(CUSTOMER)) == {before.name(CUSTOMER), after.name(CUSTOMER)}


@pytest.mark.parametrize("keys", [(), (OLD,)])
def test_a_name_tells_nothing_of_what_it_names(keys: tuple[bytes, ...]) -> None:
    name = Seal(keys).name(CUSTOMER)
    assert len(name) == 32
    assert name != Seal(keys).name(CUSTOMER[:-1])
    known = hashlib.sha256(CUSTOMER.encode()).hexdigest()[:32]
    assert (name == known) is (keys == ())


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ()),
        (" , ", ()),
        (encoded(OLD), (OLD,)),
        (f" {encoded(NEW)} , {encoded(OLD)} ", (NEW, OLD)),
        (base64.urlsafe_b64encode(b"\xff" * 32).decode(), (b"\xff" * 32,)),
        (base64.b64encode(b"\xff" * 32).decode(), (b"\xff" * 32,)),
    ],
)
def test_keys_are_read_from_a_setting(text: str, keys: tuple[bytes, ...]) -> None:
    assert parse_keys(text, variable="KEYS") == keys


@pytest.mark.parametrize("wrong", [encoded(OLD)[:-4], encoded(OLD + b"\0"), "secret", "ü" * 44, encoded(OLD) + "!"])
def test_wrong_keys_are_refused_by_number_and_never_shown(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KEYS: key 2 is not 32 bytes in base64; make one with") as failure:
        parse_keys(f"{encoded(NEW)},{wrong}", variable="KEYS")
    assert wrong not in str(failure.value)
