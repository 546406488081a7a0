"""`customer-export openapi`: the API's description."""

import orjson
import typer

from customer_export.api.app import create_app
from customer_export.api.openapi import openapi_document
from customer_export.settings import Settings


def openapi() -> None:
    """Print the OpenAPI 3.1 document of this version as JSON, on standard output."""
    document = openapi_document(create_app(Settings()))
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
