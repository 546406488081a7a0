"""Sealed files: the tools that people have open them, byte for byte, and nothing is held in memory on the way."""

import io
import random
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest
import pyzipper
from hypothesis import given
from hypothesis import strategies as st

from customer_export.encryption.age import AgeSealer
from customer_export.encryption.choice import read_encryption, sealer_for
from customer_export.encryption.interface import Sealer
from customer_export.encryption.zip import LONGEST_PASSPHRASE, SHORTEST_PASSPHRASE, ZipSealer
from customer_export.errors import ExportTooLargeError, InvalidRequestError
from customer_export.model.request import Encryption, EncryptionMethod
from customer_export.verify.sealed import encryption_of

AT = datetime(2026, 11, 27, 21, 30, 14, tzinfo=UTC)
PASSPHRASE = "four words and a half-truth"
IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
SEALERS: list[Sealer] = [AgeSealer(RECIPIENT), ZipSealer(PASSPHRASE)]
SOMEBODY = "age1mgdeztreqq66ye3r363gvy3ncw60tch007una6lnkjhwn4emncdqarje8v"
"""Whose secret key is nowhere: tests are named by it, in every process alike."""
PIECES = [b"id,name\r\n", *(f"{number},{'ä' * (number % 70)}\r\n".encode() for number in range(20_000))]
WHOLE = b"".join(PIECES)

both = pytest.mark.parametrize("sealer", SEALERS, ids=["age", "zip"])
needs_age = pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed: apt-get install age")
needs_7z = pytest.mark.skipif(shutil.which("7z") is None, reason="7-Zip is not installed: apt-get install p7zip-full")


def sealed(sealer: Sealer, pieces: list[bytes], *, name: str = "customer.csv") -> bytes:
    into = io.BytesIO()
    sealer.seal(iter(pieces), into, name=name, at=AT)
    return into.getvalue()


def opened(sealer: Sealer, body: bytes) -> bytes:
    if isinstance(sealer, AgeSealer):
        return bytes(pyrage.decrypt(body, [IDENTITY]))
    with pyzipper.AESZipFile(io.BytesIO(body)) as archive:
        archive.setpassword(PASSPHRASE.encode())
        [name] = archive.namelist()
        return bytes(archive.read(name))


@both
@given(
    pieces=st.lists(st.binary(max_size=200_000), max_size=5).map(lambda pieces: [piece for piece in pieces if piece])
)
def test_what_is_sealed_is_what_comes_out(sealer: Sealer, pieces: list[bytes]) -> None:
    assert opened(sealer, sealed(sealer, pieces)) == b"".join(pieces)


@both
def test_no_two_files_are_the_same_and_none_shows_a_row(sealer: Sealer) -> None:
    first, second = sealed(sealer, PIECES), sealed(sealer, PIECES)
    assert first != second
    assert b"id,name" not in first
    assert encryption_of(io.BytesIO(first)) == sealer.encryption.method
    assert encryption_of(io.BytesIO(WHOLE)) is None


@needs_age
def test_age_opens_it(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f"{IDENTITY}\n")
    body = sealed(AgeSealer(RECIPIENT), PIECES)
    done = subprocess.run(
        ["age", "--decrypt", "--identity", tmp_path / "key.txt"], input=body, capture_output=True, check=True
    )
    assert done.stdout == WHOLE


@needs_age
def test_age_refuses_it_when_a_bit_was_changed_or_the_end_is_missing(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f"{IDENTITY}\n")
    body = sealed(AgeSealer(RECIPIENT), PIECES)
    flipped = bytearray(body)
    flipped[-100] ^= 1
    for broken in (bytes(flipped), body[:-1]):
        command = ["age", "--decrypt", "--identity", str(tmp_path / "key.txt")]
        assert subprocess.run(command, input=broken, capture_output=True, check=False).returncode != 0


@needs_7z
@pytest.mark.parametrize("passphrase", [PASSPHRASE, "x" * LONGEST_PASSPHRASE, " \"$`\\{}~!#%&()*+,-./;<=>?@[]^_|' "])
@pytest.mark.parametrize("name", ["customer-7-1640995200000.csv", "customer-7-1640995200000.pdf"])
def test_7_zip_opens_it(tmp_path: Path, passphrase: str, name: str) -> None:
    path = tmp_path / "sealed.zip"
    path.write_bytes(sealed(ZipSealer(passphrase), PIECES, name=name))
    listed = subprocess.run(["7z", "l", "-slt", path], capture_output=True, text=True, check=True).stdout
    assert "Method = AES-256 " + ("Deflate" if name.endswith("csv") else "Store") in listed
    assert f"Path = {name}" in listed
    done = subprocess.run(["7z", "x", "-so", f"-p{passphrase}", path], capture_output=True, check=True)
    assert done.stdout == WHOLE
    wrong = subprocess.run(["7z", "t", f"-p{passphrase[:-1]}y", path], capture_output=True, check=False)
    assert wrong.returncode != 0


class Measured(io.BytesIO):
    """Knows how much more was read than written, at most."""

    def __init__(self) -> None:
        super().__init__()
        self.taken_bytes = self.most_bytes = 0

    def pieces(self) -> Iterator[bytes]:
        for number in range(64):
            piece = random.Random(number).randbytes(1 << 18)
            self.taken_bytes += len(piece)
            self.most_bytes = max(self.most_bytes, self.taken_bytes - self.tell())
            yield piece


@both
def test_no_more_than_a_piece_is_held(sealer: Sealer) -> None:
    into = Measured()
    sealer.seal(into.pieces(), into, name="customer.csv", at=AT)
    assert into.taken_bytes == 1 << 24
    assert into.most_bytes < 1 << 20


@both
def test_a_failure_of_the_export_passes_through(sealer: Sealer) -> None:
    def pieces() -> Iterator[bytes]:
        yield WHOLE
        raise ExportTooLargeError(limit_bytes=7)

    with pytest.raises(ExportTooLargeError):
        sealer.seal(pieces(), io.BytesIO(), name="customer.csv", at=AT)


def test_recipients_are_known_in_one_spelling() -> None:
    meant = Encryption(method=EncryptionMethod.AGE, recipient=SOMEBODY)
    assert read_encryption(SOMEBODY) == read_encryption(SOMEBODY.upper()) == meant
    assert read_encryption("zip") == Encryption(method=EncryptionMethod.ZIP)


@pytest.mark.parametrize(
    "text",
    [
        "", "age1", "ZIP", "age", SOMEBODY[:-1], SOMEBODY + "q", SOMEBODY.replace("1", "2", 1), f" {SOMEBODY}",
        SOMEBODY[:-1] + ("q" if SOMEBODY[-1] != "q" else "p"), f"{SOMEBODY},{SOMEBODY}",
        "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snv",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN", "age1\0", "é",
    ],
)  # fmt: skip
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is neither zip nor an age public key"):
        read_encryption(text)


def test_a_secret_key_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="is a secret key, which opens files; make a new pair") as refused:
        read_encryption(str(IDENTITY))
    assert str(IDENTITY) not in str(refused.value)


@pytest.mark.parametrize(
    ("passphrase", "problem"),
    [
        ("x" * (SHORTEST_PASSPHRASE - 1), "has 19 characters; use 20 to 99"),
        ("x" * (LONGEST_PASSPHRASE + 1), "has 100 characters; use 20 to 99"),
        ("", "has 0 characters"),
        ("ümlaut" * 5, "beyond printable ASCII"),
        ("line\nend" * 5, "beyond printable ASCII"),
        (f" {PASSPHRASE}", "begins or ends with a blank"),
        (None, "passphrase: is missing; send it as the header X-Export-Passphrase"),
    ],
)
def test_a_passphrase_that_is_not_good_is_refused_without_being_repeated(passphrase: str | None, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem) as refused:
        sealer_for(Encryption(method=EncryptionMethod.ZIP), passphrase)
    assert not passphrase or passphrase not in refused.value.message


@pytest.mark.parametrize("encryption", [None, Encryption(method=EncryptionMethod.AGE, recipient=SOMEBODY)])
def test_a_passphrase_that_has_no_use_is_refused(encryption: Encryption | None) -> None:
    with pytest.raises(InvalidRequestError, match="passphrase: only applies to encrypt=zip; leave it out"):
        sealer_for(encryption, PASSPHRASE)
    assert (sealer_for(encryption, None) is None) == (encryption is None)
