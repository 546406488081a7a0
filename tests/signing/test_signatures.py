"""Canonical JSON, keys and signatures against the RFCs' own vectors."""

import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from customer_export.signing.canonical_json import LARGEST_INTEGER, canonical_json
from customer_export.signing.keys import (
    SigningKey,
    from_base64url,
    key_id,
    public_from_pem,
    public_jwk,
    public_pem,
    read_key_set,
)
from customer_export.signing.signature import SignatureState, check_signature, sign_members

RFC_8037_SEED = from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")  # RFC 8037, A.1
RFC_8037_KEY = SigningKey.from_seed(RFC_8037_SEED)
KEYS = {RFC_8037_KEY.key_id: RFC_8037_KEY.public}

integers = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)
objects = st.dictionaries(texts.filter(lambda name: name != "signature"), values, max_size=5)


def test_names_are_sorted_by_utf_16_as_in_rfc_8785() -> None:
    given_members = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }  # RFC 8785, 3.2.3
    assert list(json.loads(canonical_json(given_members)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_texts_are_written_as_in_rfc_8785() -> None:
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"  # RFC 8785, 3.2.2 and its output in 3.2.4
    expected = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical_json({"string": text, "literals": [None, True, False]}) == expected.encode()


def test_only_five_control_characters_have_short_names() -> None:
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    for code in range(0x20):
        expected = short.get(chr(code), f"\\u{code:04x}")
        assert canonical_json(chr(code)) == f'"{expected}"'.encode()
    assert canonical_json("\x7f\u2028") == '"\x7f\u2028"'.encode()


@given(values)
def test_what_is_written_reads_back_and_is_written_alike(value: object) -> None:
    written = canonical_json(value)
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


@pytest.mark.parametrize("value", [0.5, 1 << 53, -(1 << 53), {1: 2}, b"x", {1}, "\ud800", {"\ud800": 1}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_json({"value": value})


def test_a_key_has_the_thumbprint_of_rfc_8037() -> None:
    assert public_jwk(RFC_8037_KEY.public) == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",  # RFC 8037, A.3
        "alg": "EdDSA",
        "use": "sig",
    }


def test_a_set_is_read_by_thumbprints_and_without_other_kinds() -> None:
    key = public_jwk(RFC_8037_KEY.public)
    assert list(read_key_set({"keys": [{**key, "kid": "another"}, {"kty": "RSA", "n": "AQAB"}]})) == [key["kid"]]
    for wrong in ({}, [], {"keys": {}}, {"keys": [{**key, "x": "short"}]}):
        with pytest.raises(ValueError, match=r"."):
            read_key_set(wrong)


def test_keys_survive_pem_and_openssl_reads_them(tmp_path: Path) -> None:
    assert SigningKey.from_pem(RFC_8037_KEY.pem()).seed == RFC_8037_SEED
    assert key_id(public_from_pem(public_pem(RFC_8037_KEY.public))) == RFC_8037_KEY.key_id
    (tmp_path / "key.pem").write_bytes(RFC_8037_KEY.pem())
    public = subprocess.run(["openssl", "pkey", "-in", tmp_path / "key.pem", "-pubout"], check=True, stdout=-1).stdout
    assert public == public_pem(RFC_8037_KEY.public)


@pytest.mark.parametrize("command", [["genpkey", "-algorithm", "x25519"], ["genrsa", "2048"]])
def test_another_algorithm_is_refused(command: list[str]) -> None:
    pem = subprocess.run(["openssl", *command], check=True, capture_output=True).stdout
    with pytest.raises(ValueError, match="another algorithm"):
        SigningKey.from_pem(pem)


@given(objects)
def test_a_signature_holds_in_any_order_of_members(members: dict[str, object]) -> None:
    signed = sign_members(members, RFC_8037_KEY)
    assert list(signed)[-1] == "signature"
    again = json.loads(json.dumps(dict(reversed(signed.items())), indent=3))
    assert check_signature(again, KEYS) is SignatureState.VALID


@given(objects, texts, values)
def test_a_member_that_changes_breaks_it(members: dict[str, object], name: str, value: object) -> None:
    signed = sign_members(members, RFC_8037_KEY)
    changed = {**signed, name: value}
    if canonical_json(changed) != canonical_json(signed):
        assert check_signature(changed, KEYS) is not SignatureState.VALID


def test_what_is_wrong_with_a_signature_is_told() -> None:
    signed = sign_members({"a": 1}, RFC_8037_KEY)
    signature = signed["signature"]
    assert isinstance(signature, dict)
    other = SigningKey.generate()
    impostor: dict[str, Ed25519PublicKey] = {RFC_8037_KEY.key_id: other.public}
    assert check_signature({"a": 1}, KEYS) is SignatureState.MISSING
    assert check_signature(signed, {other.key_id: other.public}) is SignatureState.UNKNOWN_KEY
    assert check_signature(signed, impostor) is SignatureState.WRONG
    for change in ({"alg": "none"}, {"value": "!"}, {"value": signature["value"] + "="}, {"value": None}):
        assert check_signature({**signed, "signature": {**signature, **change}}, KEYS) is SignatureState.WRONG
    assert check_signature({**signed, "signature": "none"}, KEYS) is SignatureState.WRONG
    assert check_signature({**signed, "a": 1.5}, KEYS) is SignatureState.WRONG
