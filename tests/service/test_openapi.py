"""The description of the API, held against the running server and against everything that it may answer.

API_EXAMPLES=n tries each route with n requests made up by chance. `make faults` tries it with a hundred.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from customer_export.api.app import create_app
from customer_export.api.openapi import openapi_document
from customer_export.api.problem import STATUS
from customer_export.demo.customers import TYPICAL
from customer_export.errors import (
    CacheUnavailableError,
    ConfigurationError,
    CustomerPurgedError,
    CustomerTableError,
    ExportCancelledError,
    MapError,
    PolicyError,
    StorageFullError,
    WorkerDiedError,
)
from customer_export.model.access import Scope
from customer_export.settings import Settings
from server_process import ServerProcess, StartServer

ROOT = Path(__file__).parents[2]
DESCRIBED = ROOT / "docs" / "api" / "admin-customers-export.yaml"
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

CONFIGURATION = """
[checks.positive_data_acceptance]
# what parameters mean together, which sections the map has, and which keys were sent before, is beyond a schema
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "422"]
[parameters]
"path.id" = "{customer}"
"path.exportId" = "{export}"
"""
EXAMPLES = int(os.environ.get("API_EXAMPLES", "5"))  # a route, by chance; what is at the edges is tried beside them
NEVER_ANSWERED = {
    ConfigurationError.code,
    MapError.code,
    PolicyError.code,  # these end the start
    ExportCancelledError.code,  # nobody is there to read it
    CustomerTableError.code,  # `map init` alone asks for one
    CustomerPurgedError.code,
    CacheUnavailableError.code,  # what a purge did not reach stands in its message, and is no status of its own
    WorkerDiedError.code,  # it stands in a job, whose status is no failure
    StorageFullError.code,  # likewise: only jobs write files
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The published description."""
    loaded: dict[str, Any] = yaml.load(DESCRIBED.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return loaded


def responses_of(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every answer of every route, with its name."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                yield f"{method} {path} {status}", response


def examples_of(content: dict[str, Any]) -> list[Any]:
    """Give the examples of a media type."""
    return [content["example"]] if "example" in content else [one["value"] for one in content["examples"].values()]


def test_the_published_description_is_that_of_this_version(document: dict[str, Any]) -> None:
    assert document == openapi_document(create_app(Settings())), "run make openapi"


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_answer_and_header_has_a_description_and_an_example(document: dict[str, Any]) -> None:
    headers = document["components"]["headers"]
    assert all(header["description"] and "example" in header for header in headers.values())
    for name, response in responses_of(document):
        assert response["description"], name
        for header in response["headers"].values():
            assert header["$ref"].rpartition("/")[2] in headers, name
        for media_type, content in response["content"].items():
            if media_type.startswith(("text/", "application/json", "application/problem")):
                assert examples_of(content), f"{name} {media_type}"


def test_every_code_that_may_be_answered_stands_under_its_status(document: dict[str, Any]) -> None:
    told = {
        (example["code"], int(name.rpartition(" ")[2]))
        for name, response in responses_of(document)
        for example in examples_of(response["content"].get("application/problem+json", {"examples": {}}))
    }
    possible = {(kind.code, status.value) for kind, status in STATUS.items() if kind.code not in NEVER_ANSWERED}
    assert told == {*possible, ("INTERNAL_ERROR", 500), ("NOT_FOUND", 404)}


def test_the_rows_of_the_contract_are_in_it(document: dict[str, Any]) -> None:
    export = document["paths"]["/api/admin/customers/{id}/export"]["get"]
    assert {"200", "400", "401", "403", "404", "409", "413", "429", "500", "502", "503", "504", "507"} == set(
        export["responses"]
    )
    limits = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    for response in export["responses"].values():
        assert limits <= set(response["headers"])
    assert "Retry-After" in export["responses"]["429"]["headers"]
    limited = examples_of(export["responses"]["429"]["content"]["application/problem+json"])
    words = {"error": "Too many export requests", "code": "RATE_LIMIT_EXCEEDED", "retryAfter": 60}
    assert any(words.items() <= example.items() for example in limited)
    assert {"Content-Disposition", "X-Cache", "X-Export-Size", "Content-Length"} <= set(
        export["responses"]["200"]["headers"]
    )


@pytest.fixture(scope="module")
def exposed(shared_servers: StartServer) -> ServerProcess:
    """A server that lets everybody ask as often as they like."""
    return shared_servers(EXPORT_CACHE_TTL_MS="300000", WEBHOOK_MESSAGES_MAX="1000000")


def test_schemathesis_finds_no_failure_with_all_its_checks(exposed: ServerProcess, tmp_path: Path) -> None:
    made = exposed.get(TYPICAL.id, format="json").headers["x-export-id"]
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(customer=TYPICAL.id, export=made), encoding="utf-8")
    root = exposed.new_token(Scope.ADMIN, name="root")
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "--config-file", configuration, "run", DESCRIBED, "--url", exposed.url),
            *("--header", f"Authorization: Bearer {root}", "--checks", "all", "--max-examples", str(EXAMPLES)),
            *("--seed", "1", "--generation-database", "none", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "INTERNAL_ERROR" not in exposed.log
