"""What lies under deploy/ fits the program: its figures, its settings and its command."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_export.demo.customers import TYPICAL
from server_process import ServerProcess

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
UNIT = (DEPLOY / "systemd" / "customer-export.service").read_text(encoding="utf-8")
PROMTOOL = shutil.which("promtool")
VARIABLES = {"$__rate_interval": "5m", "$job": "customer-export", "$instance": ".*"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, demo_shop: Path) -> Iterator[ServerProcess]:
    """A server that has made an export and refused one."""
    running = ServerProcess(tmp_path_factory.mktemp("server"), {"SOURCE_URL": f"sqlite:///{demo_shop}"})
    try:
        running.start()
        assert running.get(TYPICAL.id, format="csv").status_code == 200
        assert running.get("nobody", format="csv").status_code == 400
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def sample_names(server: ServerProcess) -> set[str]:
    """The names that Prometheus stores what the server tells under."""
    names = set()
    endings = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", server.ask("/metrics").text, re.MULTILINE):
        names.update(name + ending for ending in endings[kind])
    return names


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    """Give what the dashboard asks, as Grafana would send it."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    for name, value in VARIABLES.items():
        found = [query.replace(name, value) for query in found]
    assert not [query for query in found if "$" in query]
    return found


def figures_in(text: str) -> set[str]:
    return set(re.findall(r"\bcustomer_export_\w+", text))


def test_the_alerts_ask_for_figures_that_a_server_gives(sample_names: set[str]) -> None:
    assert figures_in(ALERTS.read_text(encoding="utf-8")) <= sample_names


def test_the_dashboard_asks_for_figures_that_a_server_gives(sample_names: set[str]) -> None:
    asked = figures_in(" ".join(queries()) + json.dumps(DASHBOARD["templating"]))
    assert asked <= sample_names


def test_the_dashboard_shows_every_metric(sample_names: set[str]) -> None:
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in sample_names if not name.endswith("_created")}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in figures_in(" ".join(queries()))}
    assert {name for name in families if name.startswith("customer_export_")} == shown


def test_every_recorded_figure_is_recorded_before_it_is_asked_for() -> None:
    recorded: set[str] = set()
    for rule in rules():
        assert set(re.findall(r"customer_export:\w+:\w+", rule["expr"])) <= recorded
        if "record" in rule:
            recorded.add(rule["record"])
    assert recorded


def test_codes_and_outcomes_in_the_alerts_exist() -> None:
    documented = (DEPLOY.parent / "docs" / "errors.md").read_text(encoding="utf-8")
    codes = re.findall(r'code=~?"([^"]+)"', ALERTS.read_text(encoding="utf-8"))
    assert codes
    for code in "|".join(codes).split("|"):
        assert f"`{code}`" in documented


def test_panels_of_the_dashboard_have_their_own_ids_and_places() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, "Grafana's width"
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels())


def test_prometheus_takes_alerts_and_dashboard(tmp_path: Path) -> None:
    if PROMTOOL is None:
        pytest.skip("there is no promtool: it comes with Debian's package prometheus")
    asked = tmp_path / "dashboard.yml"
    asked_rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries())]
    asked.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": asked_rules}]}), encoding="utf-8")
    configuration = DEPLOY / "prometheus" / "prometheus.yml"
    for command in (["check", "rules", ALERTS, asked], ["check", "config", configuration]):
        checked = subprocess.run([PROMTOOL, *command], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
    tests = Path(__file__).with_name("alerts_firing.yml")
    checked = subprocess.run([PROMTOOL, "test", "rules", tests], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_alerts_and_the_sample_configuration_speak_of_the_same_job() -> None:
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = configuration["scrape_configs"]
    assert set(re.findall(r'job="([^"]+)"', ALERTS.read_text(encoding="utf-8"))) == {job["job_name"]}
    assert configuration["rule_files"] == [ALERTS.name]


def test_the_unit_starts_the_command_with_options_that_it_has(server: ServerProcess) -> None:
    (command,) = re.findall(r"^ExecStart=\S+/customer-export (.+)$", UNIT, re.MULTILINE)
    assert command == "serve --host 127.0.0.1 --port 8001"
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze to read the unit")
    said = subprocess.run(
        [analyze, "verify", DEPLOY / "systemd" / "customer-export.service"], capture_output=True, text=True, check=False
    )
    complaints = [line for line in said.stderr.splitlines() if "is not executable" not in line]
    assert [line for line in complaints if "customer-export.service" in line] == []
