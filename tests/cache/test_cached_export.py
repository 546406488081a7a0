"""Keys that tell exports apart, and exports as bytes."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from cached_exports import export_of
from hypothesis import given
from hypothesis import strategies as st

from customer_export.cache.packing import pack, unpack
from customer_export.model.cached_export import CachedExport, CacheKey, cache_key
from customer_export.model.disclosure import DsarProfile
from customer_export.model.request import (
    Attachment,
    CsvOptions,
    CsvProfile,
    Encryption,
    EncryptionMethod,
    ExportFormat,
    ExportRequest,
    Period,
)
from customer_export.model.template import ExportTemplate

REQUEST = ExportRequest(
    customer_id="42",
    format=ExportFormat.CSV,
    sections=("profile", "orders"),
    period=Period(),
    time_zone="UTC",
    locale="en",
    csv=CsvOptions(),
    parameters=(("format", "csv"),),
)
AROUND = {"tenant": None, "policy": "p", "source": "s", "map_version": "m", "software": "1"}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

OTHER_REQUESTS = [
    replace(REQUEST, customer_id="43"),
    replace(REQUEST, format=ExportFormat.NDJSON),
    replace(REQUEST, sections=("profile",)),
    replace(REQUEST, sections=("orders", "profile")),
    replace(REQUEST, sections=("profile,orders",)),
    replace(REQUEST, period=Period(start=NOON)),
    replace(REQUEST, period=Period(end=NOON)),
    replace(REQUEST, time_zone="Europe/Berlin"),
    replace(REQUEST, locale="de"),
    replace(REQUEST, csv=CsvOptions(delimiter=";")),
    replace(REQUEST, csv=CsvOptions(bom=True)),
    replace(REQUEST, csv=CsvOptions(profile=CsvProfile.RAW)),
    replace(REQUEST, attach=Attachment.JSON),
    replace(REQUEST, dsar=DsarProfile.GDPR_ACCESS),
    replace(REQUEST, encryption=Encryption(method=EncryptionMethod.ZIP)),
    replace(REQUEST, template=ExportTemplate(name="desk", version=1, sha256="0" * 64)),
    replace(REQUEST, template=ExportTemplate(name="desk", version=2, sha256="0" * 64)),
    replace(REQUEST, template=ExportTemplate(name="desk", version=1, sha256="1" * 64)),
]


def key(request: ExportRequest = REQUEST, **around: str | None) -> CacheKey:
    return cache_key(request, **{**AROUND, **around})  # type: ignore[arg-type]


def test_the_same_request_has_the_same_key_however_it_was_spelled() -> None:
    spelled = replace(REQUEST, parameters=(("tz", "UTC"), ("format", "csv")))
    assert key(spelled) == key(replace(REQUEST, fresh=True)) == key()
    assert re.fullmatch("[0-9a-f]{64}", key().digest)
    assert key().customer_id == "42"


def test_everything_that_may_change_the_file_changes_the_key() -> None:
    others = [key(request) for request in OTHER_REQUESTS]
    others += [key(**{name: "other"}) for name in AROUND]
    others += [key(tenant=""), key(tenant="null"), key(policy="p,s", source="")]
    digests = {key().digest, *(other.digest for other in others)}
    assert len(digests) == len(others) + 1


def test_no_field_of_a_request_is_left_untried() -> None:
    changed = {
        field.name
        for field in fields(REQUEST)
        if any(getattr(other, field.name) != getattr(REQUEST, field.name) for other in OTHER_REQUESTS)
    }
    assert {field.name for field in fields(REQUEST)} - changed == {"parameters", "fresh"}


EXPORTS = st.builds(
    export_of,
    st.binary(max_size=200),
    export_id=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)


@given(export=EXPORTS)
def test_what_is_packed_can_be_unpacked(export: CachedExport) -> None:
    assert unpack(pack(export)) == export
    assert unpack(memoryview(b"x" + pack(export))[1:]) == export


@given(foreign=st.binary(max_size=60))
def test_foreign_bytes_are_nothing(foreign: bytes) -> None:
    assert unpack(foreign) is None


@pytest.mark.parametrize("export", [export_of(), export_of(b"")])
def test_a_damaged_value_is_nothing(export: CachedExport) -> None:
    packed = pack(export)
    for length in range(len(packed) if export.body else 0):
        assert unpack(packed[:length]) is None
    assert unpack(packed + b"\0") is None
    for position in range(len(packed)):
        changed = bytearray(packed)
        changed[position] ^= 0x80
        found = unpack(bytes(changed))
        assert found is None or found.body == export.body


def test_a_value_of_another_version_is_nothing() -> None:
    packed = bytearray(pack(export_of()))
    packed[0] += 1
    assert unpack(bytes(packed)) is None
