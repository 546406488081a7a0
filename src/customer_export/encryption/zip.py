"""A ZIP with AES-256 (WinZip's AE-2, which 7-Zip opens) and a passphrase, by pyzipper."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath
from typing import IO

import pyzipper

from customer_export.model.request import Encryption, EncryptionMethod

MEDIA_TYPE = "application/zip"

SHORTEST_PASSPHRASE = 20
"""Characters. The key comes of 1,000 rounds of PBKDF2-HMAC-SHA1, a thousandth of what is asked for today, so
the passphrase has to do the work: 20 characters of base64 are 120 bits, five words of a list of 7,776 still 64."""
LONGEST_PASSPHRASE = 99  # 7-Zip takes no longer one
_PRINTABLE = range(0x20, 0x7F)
"""ASCII: the format doesn't say how other characters become bytes, and programs do it in different ways."""

_PACKED_ALREADY = frozenset({".pdf", ".xlsx", ".zip"})
_BITS = 256


def passphrase_mistake(passphrase: str) -> str | None:
    """Say what is wrong with a passphrase and the remedy, without repeating any of it; None if it is good."""
    if not SHORTEST_PASSPHRASE <= len(passphrase) <= LONGEST_PASSPHRASE:
        return (
            f"has {len(passphrase)} characters; use {SHORTEST_PASSPHRASE} to {LONGEST_PASSPHRASE}, "
            "as `openssl rand -base64 24` makes them"
        )
    if passphrase != passphrase.strip():
        return "begins or ends with a blank, which a header loses; leave it out"
    if not all(ord(character) in _PRINTABLE for character in passphrase):
        return "has characters beyond printable ASCII, which not every program reads alike; leave them out"
    return None


class ZipSealer:
    """Seals with a passphrase, which is in no repr."""

    media_type = MEDIA_TYPE

    def __init__(self, passphrase: str) -> None:
        self.encryption = Encryption(method=EncryptionMethod.ZIP)
        self._passphrase = passphrase.encode("ascii")

    def seal(self, pieces: Iterator[bytes], into: IO[bytes], *, name: str, at: datetime) -> None:
        """Write an archive whose only member is the file. Its name stands there unencrypted."""
        member = pyzipper.zipfile_aes.AESZipInfo(name, at.timetuple()[:6])
        packed = PurePath(name).suffix in _PACKED_ALREADY
        member.compress_type = pyzipper.ZIP_STORED if packed else pyzipper.ZIP_DEFLATED
        with pyzipper.AESZipFile(into, "w", encryption=pyzipper.WZ_AES) as archive:
            archive.setpassword(self._passphrase)
            archive.setencryption(pyzipper.WZ_AES, nbits=_BITS)
            with archive.open(member, "w", force_zip64=True) as file:  # how large it gets is known at its end only
                for piece in pieces:
                    file.write(piece)
