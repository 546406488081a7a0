"""From what a caller asks for to what seals their file."""

from typing import assert_never

from customer_export.encryption.age import AgeSealer, canonical_recipient
from customer_export.encryption.interface import Sealer
from customer_export.encryption.zip import ZipSealer, passphrase_mistake
from customer_export.errors import InvalidRequestError
from customer_export.model.request import Encryption, EncryptionMethod

SECRET_KEY_START = "AGE-SECRET-KEY-"  # noqa: S105  # how every one begins


def read_encryption(text: str) -> Encryption:
    """Read the parameter `encrypt`. Raises ValueError with what is wrong and the remedy."""
    if text == EncryptionMethod.ZIP:
        return Encryption(method=EncryptionMethod.ZIP)
    if text.upper().startswith(SECRET_KEY_START):
        raise ValueError("is a secret key, which opens files; make a new pair, and give its public key, age1…")
    recipient = canonical_recipient(text)
    if recipient is None:
        raise ValueError("is neither zip nor an age public key of the kind X25519 (age1 and 58 more characters)")
    return Encryption(method=EncryptionMethod.AGE, recipient=recipient)


def sealer_for(encryption: Encryption | None, passphrase: str | None) -> Sealer | None:
    """Give what seals a file, None if it is not to be encrypted.

    Raises InvalidRequestError if a passphrase is missing, not good enough, or given where there is no use for it.
    """
    mistake = _mistake(encryption, passphrase)
    if mistake is not None:
        raise InvalidRequestError(f"Invalid request parameters: passphrase: {mistake}")
    if encryption is None:
        return None
    match encryption.method:
        case EncryptionMethod.AGE:
            return AgeSealer(encryption.recipient or "")
        case EncryptionMethod.ZIP:
            return ZipSealer(passphrase or "")
        case _:
            assert_never(encryption.method)


def _mistake(encryption: Encryption | None, passphrase: str | None) -> str | None:
    wanted = encryption is not None and encryption.method is EncryptionMethod.ZIP
    if passphrase is None:
        missing = "is missing; send it as the header X-Export-Passphrase (export --passphrase-file on the command line)"
        return missing if wanted else None
    return passphrase_mistake(passphrase) if wanted else "only applies to encrypt=zip; leave it out"
