"""Renew the locked requirements: every version and hash, for every platform, and no registry's address."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_REQUIREMENTS = "hatchling>=1.27\neditables>=0.5\n"
# Products whose databases the tests of tests/foreign make; pinned, because the ready maps are written for these.
FOREIGN_REQUIREMENTS = "django-oscar==4.2.1\ndjango-chinook==1.0.0\npsycopg[binary]>=3.3\n"
# The S3 server of the tests: it needs an older python-dateutil than the other tests do, and runs as a process anyway.
OBJECT_STORE_REQUIREMENTS = "moto[server]>=5.2\n"
FOREIGN_BUILD_REQUIREMENTS = "setuptools>=80\nsetuptools-scm>=8\nwheel>=0.45\n"  # what sdists among them are built by
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
    """Lock what building needs, what running needs, to the same versions what developing needs, and other programs."""
    lock("build", "-", stdin=BUILD_REQUIREMENTS)
    lock("runtime", "pyproject.toml")
    lock("dev", "pyproject.toml", "--group", "dev", "--constraints", "requirements/runtime.txt")
    lock("object-store", "-", stdin=OBJECT_STORE_REQUIREMENTS)
    lock("foreign-build", "-", stdin=FOREIGN_BUILD_REQUIREMENTS)
    lock("foreign", "-", stdin=FOREIGN_REQUIREMENTS)


if __name__ == "__main__":
    main()
