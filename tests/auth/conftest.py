"""Fixtures for the tests of access."""

from collections.abc import Iterator

import pytest

from identity_provider import IdentityProvider, running_provider


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    """An identity provider of the test's own."""
    with running_provider() as provider:
        yield provider
