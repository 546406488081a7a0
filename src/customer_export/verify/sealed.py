"""Files that are encrypted: what can be said of them without the key."""

import struct
from typing import IO

_AGE = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")
_ZIP = b"PK\x03\x04"
_IS_ENCRYPTED, _WINZIP_AES = 0x1, 99  # APPNOTE 4.4.4, bit 0; the method that stands for AES (4.4.5)
_START_BYTES = 34
_HOW = {"age": "age --decrypt -i KEY -o PLAIN FILE", "zip": "7z x FILE"}


def encryption_of(file: IO[bytes]) -> str | None:
    """Tell how a file is encrypted, by how it begins: `age`, `zip`, or None if it is not."""
    file.seek(0)
    start = file.read(_START_BYTES)
    file.seek(0)
    if start.startswith(_AGE):
        return "age"
    if start.startswith(_ZIP) and len(start) == _START_BYTES:
        flags, method = struct.unpack_from("<HH", start, 6)
        return "zip" if flags & _IS_ENCRYPTED and method == _WINZIP_AES else None
    return None


def decrypt_first(method: str) -> str:
    """Say what to do with an encrypted file."""
    return f"it is encrypted: decrypt it first ({_HOW[method]}), and take the same manifest"
