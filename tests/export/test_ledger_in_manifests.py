"""The manifest says what was changed, in whatever file of whatever format."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pipeline_starts import Start, with_limits

from customer_export.auth.policy_file import parse_policy
from customer_export.demo.customers import HOSTILE, TYPICAL
from customer_export.model.access import BearerToken, Principal
from customer_export.model.manifest_schema import manifest_schema
from customer_export.model.request import ExportFormat
from customer_export.services import Services


def manifest_of(start: Start, customer_id: str, changes: Services | None = None, **parameters: str) -> dict[str, Any]:
    started = start(customer_id, changes=changes, **parameters)
    for _ in started.pieces():
        pass
    started.finish()
    members = dict(started.manifest.members())
    Draft202012Validator(manifest_schema()).validate(members)
    return members


class Support:
    """Takes whoever comes for somebody who may export."""

    def authenticate(self, _credentials: object, *, now: object) -> Principal:  # noqa: ARG002
        return Principal(name="support", scopes=frozenset({"customers:export"}), tenant=None)


def kinds(members: Mapping[str, Any]) -> set[str]:
    return {one["kind"] for one in members["alterations"]}


@pytest.mark.parametrize(
    ("file_format", "expected"),
    [
        (ExportFormat.XLSX, {"control_character_escaped", "cell_continued"}),
        (ExportFormat.PDF, {"characters_replaced", "cell_continued"}),
        (ExportFormat.JSON, set()),
        (ExportFormat.CSV, {"formula_neutralised"}),
    ],
)
def test_every_change_of_a_hostile_customer_is_told(
    start: Start, file_format: ExportFormat, expected: set[str]
) -> None:
    members = manifest_of(start, HOSTILE.id, format=file_format)
    assert kinds(members) >= expected
    rows = {one["name"]: one["rows"] for one in members["sections"]}
    for one in members["alterations"]:
        assert one["count"] >= len(one["rows"]) > 0
        assert one["rows"] == sorted(set(one["rows"]))
        assert 1 <= one["rows"][0] <= one["rows"][-1] <= rows[one["section"]]


def test_a_file_that_ends_in_its_manifest_has_the_same_alterations(start: Start, services: Services) -> None:
    for changes in (services, with_limits(services, stream_above_rows=0)):
        started = start(HOSTILE.id, changes=changes, format="ndjson")
        *_, last = b"".join(started.pieces()).splitlines()
        started.finish()
        assert json.loads(last)["manifest"]["alterations"] == started.manifest.members()["alterations"]


@pytest.mark.parametrize("parameters", [{"format": "csv", "profile": "raw"}, {"format": "zip"}])
def test_what_a_spreadsheet_would_run_stays_as_it_is_where_none_is_to_read_it(
    start: Start, parameters: Mapping[str, str]
) -> None:
    assert "formula_neutralised" not in kinds(manifest_of(start, HOSTILE.id, **parameters))


def test_a_masked_column_counts_with_all_its_rows(start: Start, services: Services) -> None:
    policy = parse_policy(b'policy = 1\n[scopes]\n"customers:export" = ["behaviour", "none"]', file="policy.toml")
    changes = replace(services, policy=policy, authenticator=Support())
    for file_format in ("csv", "xlsx"):
        members = manifest_of(
            start, TYPICAL.id, changes, credentials=BearerToken(secret="x"), sections="profile", format=file_format
        )
        masked = {one["column"]: one for one in members["alterations"] if one["kind"] == "masked"}
        assert {"email", "first_name"} <= set(masked)
        assert (masked["email"]["count"], masked["email"]["rows"]) == (1, [1])
