"""The page on which people verify a file: it holds nothing secret, and asks the endpoint with the token it is given."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from customer_export.api.headers import ALWAYS
from customer_export.api.routing import DirectRoute

router = APIRouter(route_class=DirectRoute)

PATH = "/console/verify"
_MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_HEADERS: Mapping[str, str] = {
    **ALWAYS,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Nothing from elsewhere runs on it or is asked by it, and nobody shows it within a page of theirs."""


@router.get(PATH, include_in_schema=False)
async def verify_page(request: Request) -> Response:  # noqa: ARG001
    """Give the page."""
    return _part("html")


@router.get(f"{PATH}.css", include_in_schema=False)
async def verify_page_style(request: Request) -> Response:  # noqa: ARG001
    """Give how it looks."""
    return _part("css")


@router.get(f"{PATH}.js", include_in_schema=False)
async def verify_page_script(request: Request) -> Response:  # noqa: ARG001
    """Give what it does."""
    return _part("js")


def _part(kind: str) -> Response:
    return Response(_text(kind), media_type=_MEDIA_TYPES[kind], headers=dict(_HEADERS))


@cache
def _text(kind: str) -> bytes:
    return files("customer_export.api").joinpath(f"pages/verify.{kind}").read_bytes()
