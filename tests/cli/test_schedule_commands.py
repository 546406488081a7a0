"""`customer-export schedule`: the same schedules as over the API, on this machine's rights."""

import json

from customer_export.demo.customers import TYPICAL
from program import Run


def test_a_schedule_from_its_beginning_to_its_end(run: Run) -> None:
    export = json.dumps({"customer": TYPICAL.id, "format": "csv"})
    added = run("schedule", "add", "nightly", "30 2 * * *", export, "--tz", "Europe/Berlin")
    schedule_id = added.stdout.strip()
    assert schedule_id.isalnum(), added.stderr
    listed = run("schedule", "list", COLUMNS="60").stdout
    assert all(word in listed for word in (schedule_id, "nightly", "30 2 * * *", "Europe/Berlin", "active"))
    assert json.loads(run("schedule", "pause", schedule_id).stdout)["state"] == "paused"
    assert json.loads(run("schedule", "resume", schedule_id).stdout)["state"] == "active"
    begun = json.loads(run("schedule", "run", schedule_id).stdout)
    assert (begun["state"], begun["byHand"]) == ("submitted", True)
    assert json.loads(run("schedule", "show", schedule_id).stdout)["runs"] == [begun]
    assert run("schedule", "remove", schedule_id).returncode == 0
    gone = run("schedule", "show", schedule_id)
    assert (gone.returncode, "SCHEDULE_NOT_FOUND" in gone.stderr) == (1, True)


def test_what_is_no_json_is_said(run: Run) -> None:
    refused = run("schedule", "add", "nightly", "30 2 * * *", "{customers: all}")
    assert refused.returncode == 1
    assert "EXPORT is no JSON" in refused.stderr
