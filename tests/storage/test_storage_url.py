"""Which URLs make a storage, and which are told to be wrong."""

from pathlib import Path

import pytest

from customer_export.errors import ConfigurationError
from customer_export.storage.folder import FolderStorage
from customer_export.storage.object_store import ObjectStorage
from customer_export.storage.registry import open_storage


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/a/b", "gs://bucket/a", "abfss://c@a.dfs.core.windows.net/b"]
)
def test_a_bucket_is_a_store(url: str) -> None:
    assert isinstance(open_storage(url), ObjectStorage)


def test_a_folder_is_a_folder_and_is_not_made_yet(tmp_path: Path) -> None:
    assert isinstance(open_storage((tmp_path / "ä b").as_uri()), FolderStorage)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data/files",
        "file://host/files",
        "file:files",
        "s3://",
        "s3://bucket/a?region=x",
        "s3://key:secret@bucket/a",
        "memory:///",
        "https://files.example/a",
        "az://c/a",
    ],
)
def test_another_url_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ConfigurationError, match="STORAGE_URL") as refused:
        open_storage(url)
    assert "secret" not in refused.value.message
