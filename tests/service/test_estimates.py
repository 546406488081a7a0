"""Estimates of a running server: they say what the export would be, and cost nothing of the limit."""

import pytest
from visitors import CONTRACT, new_visitor

from customer_export.demo.customers import ABOVE_STREAMING, MOST_ORDERS, TYPICAL, WellKnownCustomer
from customer_export.model.request import ExportFormat
from server_process import ServerProcess, StartServer, export_path

WRONG_BY = 2  # times too much or too little: what an estimate may be


@pytest.fixture(scope="module")
def estimating(shared_servers: StartServer) -> ServerProcess:
    """A server that lets everybody ask as often as they like."""
    return shared_servers(**{**CONTRACT, "EXPORT_RATE_LIMIT_MAX": "1000"}, EXPORT_MAX_SIZE_JSON="50000")


@pytest.mark.parametrize("file_format", ExportFormat)
@pytest.mark.parametrize("customer", [TYPICAL, ABOVE_STREAMING, MOST_ORDERS], ids=lambda customer: customer.name)
def test_an_estimate_has_the_rows_and_about_the_bytes(
    estimating: ServerProcess, customer: WellKnownCustomer, file_format: str
) -> None:
    visitor = new_visitor(estimating)
    estimated = visitor.ask(f"{export_path(customer.id)}/estimate?format={file_format}")
    assert estimated.status_code == 200, estimated.text
    estimate = estimated.json()
    answer = visitor.get(customer.id, format=file_format)
    assert estimate["exceedsLimit"] == (answer.status_code == 413)
    assert estimate["limitBytes"] == (50_000 if file_format == "json" else estimate["limitBytes"])
    assert estimate["rows"] == sum(section["rows"] for section in estimate["sections"])
    if answer.status_code == 413:
        assert answer.json()["limitBytes"] == estimate["limitBytes"] < estimate["estimatedBytes"]
        return
    size_bytes = len(answer.content)
    assert size_bytes / WRONG_BY <= estimate["estimatedBytes"] <= size_bytes * WRONG_BY
    assert estimate["streamed"] == ("content-length" not in answer.headers)
    manifest = estimating.manifest(answer.headers["x-export-id"]).json()
    assert estimate["sections"] == [{"name": one["name"], "rows": one["rows"]} for one in manifest["sections"]]


def test_an_estimate_is_of_what_is_asked_for(estimating: ServerProcess) -> None:
    visitor = new_visitor(estimating)
    path = f"{export_path(ABOVE_STREAMING.id)}/estimate?format=csv&sections=profile,orders"
    whole, none = (visitor.ask(path + more).json() for more in ("", "&from=2999-01-01"))
    assert [section["name"] for section in whole["sections"]] == ["profile", "orders"]
    assert whole["sections"][1]["rows"] == ABOVE_STREAMING.orders + ABOVE_STREAMING.guest_orders
    assert none["sections"][1]["rows"] == 0
    assert none["estimatedBytes"] < whole["estimatedBytes"]


def test_an_estimate_is_refused_as_the_export_would_be(estimating: ServerProcess) -> None:
    visitor = new_visitor(estimating)
    missing = "12345678-0000-4000-8000-000000000000"
    for customer, query, headers, status in (
        (TYPICAL.id, "format=doc", None, 400),
        (TYPICAL.id, "format=csv", {}, 401),
        (missing, "format=csv", None, 404),
    ):
        answer = visitor.ask(f"{export_path(customer)}/estimate?{query}", headers=headers)
        assert answer.status_code == status
    events = [(record.event, record.code) for record in visitor.records()]
    assert events == [
        ("failed", "VALIDATION_ERROR"),
        ("denied", "AUTHENTICATION_REQUIRED"),
        ("failed", "CUSTOMER_NOT_FOUND"),
    ]
