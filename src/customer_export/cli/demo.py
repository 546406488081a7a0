"""`customer-export demo`: the whole product on a shop that is made on the spot."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from customer_export.cli.serve import check_address, check_services, run_server
from customer_export.cli.token import create_token
from customer_export.demo.customers import WELL_KNOWN
from customer_export.demo.shop import demo_map_path, make_shop
from customer_export.model.access import Scope
from customer_export.model.request import ExportFormat
from customer_export.observability.logs import configure_logging
from customer_export.settings import Settings, read_settings

TOKEN_DAYS = 1
SCOPES = (Scope.EXPORT, Scope.BULK, Scope.TEMPLATES, Scope.AUDIT)  # everything there is to try but an administrator's


def demo(
    folder: Annotated[Path, typer.Option(help="Where the shop and the program's own database go.")] = Path("data"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8000,
    serve: Annotated[bool, typer.Option(help="Serve; otherwise only make the shop and a token.")] = True,
) -> None:
    """Make a shop of 2,000 customers in many scripts, print curl lines for it, and serve it. Needs no other server."""
    if serve:
        check_address(host, port)
    console = Console(stderr=True)
    folder.mkdir(parents=True, exist_ok=True)
    settings = demo_settings(folder)
    shop = folder / "demo-shop.db"
    if not shop.exists():
        with console.status("Making the demo shop: 2,000 customers, 115,000 orders …"):
            make_shop(shop)
    token = create_token(settings, "demo", scopes=SCOPES, expires_in_days=TOKEN_DAYS)
    configure_logging()
    check_services(settings)
    typer.echo(_greeting(f"http://{host}:{port}", token))
    if serve:
        run_server(settings, host=host, port=port, workers=1)


def demo_settings(folder: Path) -> Settings:
    """Give the operator's settings, but for databases, map and files of jobs, which are the demo's own.

    They stand in the environment, where the workers beside the server read them, too.
    """
    path = folder.absolute()
    os.environ.update(
        SOURCE_URL=f"sqlite:///{path / 'demo-shop.db'}",
        SOURCE_MAP=str(demo_map_path()),
        DATABASE_URL=f"sqlite:///{path / 'customer-export.db'}",
        STORAGE_URL=(path / "files").as_uri(),
    )
    return read_settings()


def _greeting(base: str, token: str) -> str:
    typical = WELL_KNOWN[0]
    url = f"{base}/api/admin/customers/{typical.id}/export"
    lines = [
        "",
        "The demo shop is ready. In another terminal:",
        "",
        f"  export TOKEN={token}",
        "",
        *(
            f"  curl -fOJ -H \"Authorization: Bearer $TOKEN\" '{url}?format={file_format}'"
            for file_format in ExportFormat
        ),
        "",
        "All of them, as a job in the background; the answer says where it can be followed (docs/jobs.md):",
        "",
        f'  curl -fsS -H "Authorization: Bearer $TOKEN" {base}/api/admin/exports \\',
        """    -d '{"customers": "all", "format": "json", "layout": "files"}'""",
        "",
        "Each client may make 5 exports a minute; EXPORT_RATE_LIMIT_MAX=100 make demo allows more.",
        "",
        "Other customers worth exporting (docs/demo.md says more):",
        *(f"  {customer.id}  {customer.shows}" for customer in WELL_KNOWN[1:]),
        "",
    ]
    return "\n".join(lines)
