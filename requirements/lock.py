"""Renew the locked requirements: every version and hash, for every platform, and no registry's address."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_REQUIREMENTS = "hatchling>=1.27\neditables>=0.5\n"
COMMON = (
    "pip", "compile", "--universal", "--generate-hashes", "--python-version", "3.11", "--upgrade", "--quiet",
    "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header",
)  # fmt: skip


def lock(name: str, *sources: str, stdin: str | None = None) -> None:
    """Write requirements/`name`.txt from what `sources` ask for."""
    target = f"requirements/{name}.txt"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, *COMMON, "--output-file", target, *sources], cwd=ROOT, input=stdin, text=True, check=True)


def main() -> None:
    """Lock what building needs, what running needs, and, to the same versions, what developing needs."""
    lock("build", "-", stdin=BUILD_REQUIREMENTS)
    lock("runtime", "pyproject.toml")
    lock("dev", "pyproject.toml", "--group", "dev", "--constraints", "requirements/runtime.txt")


if __name__ == "__main__":
    main()
