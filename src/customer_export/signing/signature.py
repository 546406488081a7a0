"""A JSON object's signature, as its last member: Ed25519 over the canonical JSON of all the others."""

from collections.abc import Mapping
from enum import Enum, auto

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from customer_export.signing.canonical_json import canonical_json
from customer_export.signing.keys import SigningKey, base64url, from_base64url

MEMBER = "signature"
ALGORITHM = "Ed25519"  # RFC 9864 names it so, since RFC 8037's EdDSA leaves the curve open


class SignatureState(Enum):
    """What is known of an object's signature."""

    VALID = auto()
    MISSING = auto()
    UNKNOWN_KEY = auto()
    """There is one, by a key that is not among those at hand: nothing is known of it."""
    WRONG = auto()
    """It is not of this object, or it is no signature."""


def sign_members(members: Mapping[str, object], key: SigningKey) -> dict[str, object]:
    """Give the members with their signature. Raises ValueError for what canonical JSON can't hold."""
    signed = {name: member for name, member in members.items() if name != MEMBER}
    value = base64url(key.private.sign(canonical_json(signed)))
    return {**signed, MEMBER: {"alg": ALGORITHM, "keyId": key.key_id, "value": value}}


def check_signature(members: Mapping[str, object], keys: Mapping[str, Ed25519PublicKey]) -> SignatureState:
    """Check the signature of an object from anywhere; `keys` are those that are trusted, by their id."""
    signature = members.get(MEMBER)
    if signature is None:
        return SignatureState.MISSING
    if not isinstance(signature, Mapping) or signature.get("alg") != ALGORITHM:
        return SignatureState.WRONG
    key = keys.get(str(signature.get("keyId")))
    if key is None:
        return SignatureState.UNKNOWN_KEY
    signed = {name: member for name, member in members.items() if name != MEMBER}
    try:
        value = from_base64url(str(signature.get("value")))
        if base64url(value) != signature.get("value"):  # its last letter has bits that say nothing
            return SignatureState.WRONG
        key.verify(value, canonical_json(signed))
    except (InvalidSignature, ValueError):
        return SignatureState.WRONG
    return SignatureState.VALID
