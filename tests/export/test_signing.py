"""Every manifest is signed by a key that all processes share, and that outlives none of its signatures."""

import base64
import hashlib
import io
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import jsonschema
import pytest
from pipeline_starts import Start
from pydantic import SecretStr

from customer_export.cache.sealing import Seal
from customer_export.compose import open_signer, open_store
from customer_export.demo.customers import TYPICAL
from customer_export.errors import ConfigurationError
from customer_export.export.signing import rotate_key
from customer_export.model.manifest_schema import manifest_schema
from customer_export.services import Services, Signer
from customer_export.settings import Settings
from customer_export.signing.keys import SigningKey, read_key_set
from customer_export.signing.signature import SignatureState, check_signature
from customer_export.store.sql import SqlStore
from own_databases import new_store
from servers import PostgresqlServer

FORMATS = jsonschema.Draft202012Validator.FORMAT_CHECKER
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def state(signer: Signer, members: Mapping[str, Any]) -> SignatureState:
    """Check a manifest's signature; a manifest that is not of its own schema has none that counts."""
    if "manifestVersion" in members:
        jsonschema.validate(members, manifest_schema(), jsonschema.Draft202012Validator, format_checker=FORMATS)
    return check_signature(json.loads(json.dumps(members)), read_key_set(signer.key_set()))


@pytest.mark.parametrize("file_format", ["csv", "json", "ndjson", "zip", "xlsx"])
def test_the_manifests_on_record_and_in_the_file_are_signed(start: Start, services: Services, file_format: str) -> None:
    started = start(TYPICAL.id, format=file_format)
    file = b"".join(started.pieces())
    started.finish()
    kept = services.store.manifest(started.export_id)
    assert kept is not None
    assert kept["file"]["sha256"] == hashlib.sha256(file).hexdigest()  # type: ignore[index]  # members are JSON
    assert state(services.signer, kept) is SignatureState.VALID
    match file_format:
        case "json":
            assert state(services.signer, json.loads(file)["manifest"]) is SignatureState.VALID
        case "ndjson":
            assert state(services.signer, json.loads(file.splitlines()[-1])["manifest"]) is SignatureState.VALID
        case "zip":
            members = json.loads(ZipFile(io.BytesIO(file)).read("manifest.json"))
            assert state(services.signer, members) is SignatureState.VALID


def test_the_schema_of_manifests_is_one_and_refuses_what_is_none(services: Services) -> None:
    jsonschema.Draft202012Validator.check_schema(manifest_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(services.signer.sign({"manifestVersion": 1}), manifest_schema())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """An empty database of our own, of each kind."""
    if request.param == "postgresql":
        postgresql: PostgresqlServer = request.getfixturevalue("postgresql")
        settings = settings.model_copy(update={"database_url": new_store(postgresql, "signing")})
    return settings


def test_processes_that_start_at_once_share_one_key(database: Settings) -> None:
    def sign(_: int) -> Mapping[str, Any]:
        with open_store(database) as store:
            return open_signer(database, store).sign({})["signature"]  # type: ignore[return-value]  # is an object

    sign_first = ThreadPoolExecutor(8)
    with open_store(database) as store, sign_first:
        assert store.signing_keys() == []
        assert len({signature["value"] for signature in sign_first.map(sign, range(8))}) == 1
        assert len(store.signing_keys()) == 1


def test_a_new_key_is_taken_up_and_what_the_old_one_signed_still_holds(database: Settings) -> None:
    with open_store(database) as store:
        running = open_signer(database, store)
        before = running.sign({"a": 1})
        assert rotate_key(store, seal=Seal(), now=NOW)
        running.refresh()
        after = running.sign({"a": 1})
        assert before != after
        assert [state(running, members) for members in (before, after)] == [SignatureState.VALID] * 2
        first, second = running.key_set()["keys"]  # type: ignore[misc]  # is a list
        assert first["retiredAt"] == second["createdAt"]
        assert second["retiredAt"] is None
        assert [key.sealed is None for key in store.signing_keys()] == [True, False]


def test_a_sealed_key_is_opened_by_its_secret_alone(settings: Settings) -> None:
    secret, other = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    sealing, wrong, changed = (
        settings.model_copy(update={"export_cache_keys": SecretStr(keys)})
        for keys in (secret, other, f"{other},{secret}")
    )
    with open_store(settings) as store:
        signer = open_signer(sealing, store)
        signed = signer.sign({})
        assert store.signing_keys()[0].sealed is not None
        assert open_signer(changed, store).sign({}) == signed
        for without in (wrong, settings):
            with pytest.raises(ConfigurationError, match="customer-export keys rotate"):
                open_signer(without, store)
        rotate_key(store, seal=Seal(), now=NOW)
        assert open_signer(settings, store).sign({}) == open_signer(wrong, store).sign({}) != signed


def test_a_key_of_a_file_never_enters_the_database(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = SigningKey.generate()
    path.write_bytes(key.pem())
    filed = settings.model_copy(update={"export_signing_key_file": path})
    with open_store(settings) as store:
        assert isinstance(store, SqlStore)
        for _ in range(2):
            assert state(open_signer(filed, store), open_signer(filed, store).sign({})) is SignatureState.VALID
        assert [(kept.key_id, kept.sealed) for kept in store.signing_keys()] == [(key.key_id, None)]
        own = open_signer(settings, store)  # without the file there is another key, and the first stays published
        assert own.key_id != key.key_id
        assert key.key_id in read_key_set(own.key_set())


@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_a_file_without_a_key_ends_the_start(settings: Settings, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    filed = settings.model_copy(update={"export_signing_key_file": path})
    with open_store(settings) as store, pytest.raises(ConfigurationError, match="EXPORT_SIGNING_KEY_FILE"):
        open_signer(filed, store)
