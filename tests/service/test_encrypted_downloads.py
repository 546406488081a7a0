"""Encrypted exports over HTTP: their headers, what is refused, and that no secret and no copy stays behind."""

import base64
import hashlib
import io

import httpx
import pyrage
import pytest
import pyzipper
from visitors import Visitor, new_visitor

from customer_export.demo.customers import TYPICAL
from server_process import ServerProcess

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())
PASSPHRASE = "four words and a half-truth"


@pytest.fixture
def memory_visitor(memory_service: ServerProcess) -> Visitor:
    return new_visitor(memory_service)


def digest_of(answer: httpx.Response) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(answer.content).digest()).decode()}:"


def test_a_file_for_a_recipient_is_new_each_time_and_kept_nowhere(memory_visitor: Visitor) -> None:
    first, second = (memory_visitor.get(TYPICAL.id, format="csv", tz="Asia/Tokyo", encrypt=RECIPIENT) for _ in range(2))
    for answer in (first, second):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-age-encryption"
        assert answer.headers["content-disposition"].endswith('.csv.age"')
        assert answer.headers["x-cache"] == "MISS"
        assert int(answer.headers["content-length"]) == int(answer.headers["x-export-size"]) == len(answer.content)
        assert answer.headers["repr-digest"] == digest_of(answer)
        assert "content-encoding" not in answer.headers
    assert first.content != second.content
    plain = memory_visitor.get(TYPICAL.id, format="csv", tz="Asia/Tokyo")
    assert plain.headers["x-cache"] == "MISS"
    assert pyrage.decrypt(first.content, [IDENTITY]) == pyrage.decrypt(second.content, [IDENTITY]) == plain.content
    path = first.headers["link"].partition(">")[0].lstrip("<")
    manifest = memory_visitor.ask(path).json()
    assert manifest["file"]["sha256"] == hashlib.sha256(first.content).hexdigest()
    assert manifest["file"]["encryption"]["recipient"] == RECIPIENT
    assert manifest["file"]["encryption"]["plain"]["sha256"] == hashlib.sha256(plain.content).hexdigest()


def test_a_passphrase_comes_by_a_header_and_stays_nowhere(memory_visitor: Visitor) -> None:
    headers = {**memory_visitor.headers, "X-Export-Passphrase": PASSPHRASE}
    answer = memory_visitor.get(TYPICAL.id, headers=headers, format="json", encrypt="zip")
    assert answer.headers["content-type"] == "application/zip"
    with pyzipper.AESZipFile(io.BytesIO(answer.content)) as archive:
        archive.setpassword(PASSPHRASE.encode())
        assert archive.read(archive.namelist()[0]).startswith(b'{"$schema"')
    assert PASSPHRASE not in str(answer.headers)
    wrong_place = memory_visitor.get(TYPICAL.id, format="json", encrypt="zip", passphrase=PASSPHRASE)
    assert wrong_place.status_code == 400
    assert PASSPHRASE not in wrong_place.text
    assert PASSPHRASE not in memory_visitor.server.log
    assert not any(PASSPHRASE in repr(record) for record in memory_visitor.records())


@pytest.mark.parametrize(
    ("given", "passphrase", "problem"),
    [
        ("age1nonsense", None, "encrypt: is neither zip nor an age public key"),
        (str(IDENTITY), None, "encrypt: is a secret key"),
        ("zip", None, "passphrase: is missing; send it as the header X-Export-Passphrase"),
        ("zip", "too short", "passphrase: has 9 characters; use 20 to 99"),
        (RECIPIENT, PASSPHRASE, "passphrase: only applies to encrypt=zip"),
    ],
    ids=["no key", "secret key", "no passphrase", "short passphrase", "passphrase of no use"],
)
def test_what_can_not_be_encrypted_is_refused(
    memory_visitor: Visitor, given: str, passphrase: str | None, problem: str
) -> None:
    more = {} if passphrase is None else {"X-Export-Passphrase": passphrase}
    answer = memory_visitor.get(TYPICAL.id, headers={**memory_visitor.headers, **more}, format="csv", encrypt=given)
    assert answer.status_code == 400
    assert answer.json()["code"] == "VALIDATION_ERROR"
    assert problem in answer.json()["error"]
    assert str(IDENTITY) not in answer.text
    assert str(IDENTITY) not in memory_visitor.server.log
    assert answer.headers["x-ratelimit-remaining"] == "5"
