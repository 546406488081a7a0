"""Fixtures of the writers: one pool of renderers for all tests, since starting one takes a second."""

from collections.abc import Iterator

import pytest

from customer_export.writers.pdf import PdfWriter, RendererPool


@pytest.fixture(scope="session")
def renderer_pool() -> Iterator[RendererPool]:
    """A pool of two children that all tests share."""
    pool = RendererPool(children=2)
    pool.warm()
    try:
        yield pool
    finally:
        pool.close()


@pytest.fixture(scope="session")
def pdf_writer(renderer_pool: RendererPool) -> PdfWriter:
    """A writer on the shared pool."""
    return PdfWriter(renderer_pool)
