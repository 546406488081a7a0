"""Passphrases on the command line: no option's value, since everybody on the machine sees those."""

from pathlib import Path

import typer

from customer_export.errors import ConfigurationError
from customer_export.model.request import EncryptionMethod


def read_passphrase(file: Path | None, *, encrypt: str | None) -> str | None:
    """Read a passphrase from a file's first line, or ask for it where `encrypt` needs one."""
    if file is None:
        asked = encrypt == EncryptionMethod.ZIP
        return typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True) if asked else None
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigurationError(f"{file} cannot be read as text; give another --passphrase-file") from failure
