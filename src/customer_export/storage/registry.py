"""From STORAGE_URL to a storage."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store, from_url

from customer_export.errors import ConfigurationError
from customer_export.storage.folder import FolderStorage
from customer_export.storage.interface import Storage
from customer_export.storage.object_store import ObjectStorage

REQUEST_TIMEOUT = timedelta(minutes=2)
"""For one part of 8 MiB, either way: half a megabit a second. obstore's 30 seconds ask for two."""

RETRY_TIMEOUT = timedelta(seconds=30)
"""How long one request is tried again. obstore's three minutes hold up whoever waits for an answer."""

FORMS = (
    "file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX"
)

ALLOW_HTTP = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP", "abfss": "AZURE_ALLOW_HTTP"}
"""The variables that allow a store without TLS. obstore reads them, but not beside options of ours."""


def open_storage(url: str) -> Storage:
    """Open a storage; nobody is asked yet. Credentials come from the store's own variables or the machine's role.

    Raises ConfigurationError if the URL is wrong.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.password:
        raise ConfigurationError(
            f"STORAGE_URL has more than one of {FORMS}; give the rest in the store's own variables"
        )
    match parts.scheme:
        case "file" if parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
            return FolderStorage(Path(unquote(parts.path)))
        case "s3" | "gs" | "az" | "abfss" if parts.netloc:
            return ObjectStorage(_open_store(url, parts.scheme), where=f"The storage {parts.scheme}://{parts.netloc}")
        case _:
            raise ConfigurationError(f"STORAGE_URL is {url!r}; give one of {FORMS}")


def _open_store(url: str, scheme: str) -> S3Store | GCSStore | AzureStore:
    allows_http = os.environ.get(ALLOW_HTTP[scheme], "").lower() in {"1", "true"}
    try:
        store = from_url(
            url,
            client_options={"timeout": REQUEST_TIMEOUT, "allow_http": allows_http},
            retry_config={"retry_timeout": RETRY_TIMEOUT},
        )
    except (BaseError, ValueError) as failure:
        first_line = str(failure).partition("\n")[0]
        raise ConfigurationError(f"STORAGE_URL cannot be used: {first_line}") from failure
    assert isinstance(store, S3Store | GCSStore | AzureStore)
    return store
