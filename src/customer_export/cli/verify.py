"""`customer-export verify`: whether files are whole, offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console
from rich.text import Text

from customer_export.cli.manifests import MANIFEST_SUFFIX, manifest_of
from customer_export.cli.terminal import harmless
from customer_export.errors import ConfigurationError
from customer_export.signing.keys import key_id as id_of
from customer_export.signing.keys import public_from_pem, read_key_set
from customer_export.verify.check import RECEIPT, verify_file
from customer_export.verify.findings import Outcome, Report

_TOLD = {
    Outcome.WHOLE: ("whole", "green"),
    Outcome.NOT_WHOLE: ("NOT WHOLE", "bold red"),
    Outcome.UNKNOWN: ("can't tell", "yellow"),
    Outcome.WHOLE_BY_UNCHECKED_MANIFEST: ("agrees with its manifest, whose signature was not checked", "yellow"),
    Outcome.ENCRYPTED: ("encrypted", "yellow"),
}
_WORST_FIRST = (
    Outcome.NOT_WHOLE,
    Outcome.UNKNOWN,
    Outcome.ENCRYPTED,
    Outcome.WHOLE_BY_UNCHECKED_MANIFEST,
    Outcome.WHOLE,
)


def verify(
    files: Annotated[list[Path], typer.Argument(help="Files of ours, or folders of them.")],
    manifest: Annotated[
        Path | None,
        typer.Option(help="The manifest of the file. [default: FILE.manifest.json beside it, else the one in it]"),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The keys that you trust: a JSON Web Key set, or one public key as PEM.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Tell it as one line of JSON a file.")] = False,
) -> None:
    """Say whether files are whole and unchanged, and if not, what is wrong. Asks no server.

    The exit code is 0 if all are whole and signed by a trusted key, 1 if one is not whole, 2 if that can't be told (no
    manifest), 3 if they agree with their manifests, but no key was given to check the signatures with, and 4 if one is
    encrypted: decrypt it first.

    Example: customer-export verify customer.csv --manifest manifest.json --key keys.json
    """
    found = _listed(files)
    if manifest is not None and len(found) != 1:
        raise typer.BadParameter("give --manifest with one file only; beside several, name them FILE.manifest.json")
    keys = None if key is None else _read_keys(key)
    outcomes = set()
    for path in found:
        report = _verify(path, manifest, keys)
        outcomes.add(report.outcome)
        if json:
            typer.echo(orjson.dumps(report.members()))
        else:
            _tell(report)
    raise typer.Exit(next(outcome.value for outcome in _WORST_FIRST if outcome in outcomes))


def _listed(given: list[Path]) -> list[Path]:
    """Give the files of ours, without the manifests that a shell's `*` names beside them."""
    files: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
            files += [file for file in inside if not file.name.endswith(MANIFEST_SUFFIX)]
        elif not _is_manifest_of_another(path, given):
            files.append(path)
    if not files:
        raise typer.BadParameter("there is no file in the folder")
    return files


def _is_manifest_of_another(path: Path, given: list[Path]) -> bool:
    return path.name.endswith(MANIFEST_SUFFIX) and path.with_name(path.name.removesuffix(MANIFEST_SUFFIX)) in given


def _verify(path: Path, manifest: Path | None, keys: Mapping[str, Ed25519PublicKey] | None) -> Report:
    members = manifest_of(path, manifest)
    try:
        with path.open("rb") as file:
            return verify_file(str(path), file, manifest=members, keys=keys)
    except OSError as failure:
        raise ConfigurationError(f"{failure.filename or path} cannot be read ({failure.strerror})") from failure


def _read_keys(path: Path) -> Mapping[str, Ed25519PublicKey]:
    try:
        data = path.read_bytes()
        if data.lstrip().startswith(b"{"):
            return read_key_set(orjson.loads(data))
        public = public_from_pem(data)
    except OSError as failure:
        raise ConfigurationError(f"{path} cannot be read ({failure.strerror})") from failure
    except ValueError as failure:
        raise ConfigurationError(
            f"{path} holds no key ({failure}); give the server's /.well-known/customer-export-keys.json, or a PEM"
        ) from failure
    return {id_of(public): public}


def _tell(report: Report) -> None:
    console = Console(soft_wrap=True)
    words, style = _TOLD[report.outcome]
    console.print(Text(f"{harmless(report.file)}: "), Text(words, style=style), sep="")
    if report.export_id is not None:
        what = "purge" if report.format == RECEIPT else "export"
        console.print(Text(harmless(f"  {what} {report.export_id} of the customer {report.customer_id}")))
    for finding in report.findings:
        console.print(Text("  ✗ ", style="red"), Text(harmless(finding.message)), sep="")
    if report.unknown is not None:
        console.print(Text(f"  {harmless(report.unknown)}"))
    for checked in report.checked:
        console.print(Text(f"  checked: {harmless(checked)}", style="dim"))
    for change in report.changes:
        console.print(Text(f"  changed when it was made: {harmless(change)}", style="dim"))
    if report.signature == "not checked":
        console.print(Text(harmless(f"  signed by {report.key_id}; key not checked: give it with --key")))
    elif report.signature == "none" and report.unknown is None:
        console.print(Text("  the manifest is not signed"))
