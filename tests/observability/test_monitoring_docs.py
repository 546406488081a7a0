"""docs/monitoring.md lists every metric, alert and span that there is, and nothing else."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from customer_export.observability.background import BackgroundFigures
from customer_export.observability.metrics import Metrics
from customer_export.observability.tracing import SpanName

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]


def table(heading: str) -> list[list[str]]:
    """Give the rows of the first table under a heading, without its head."""
    _, found, after = PAGE.partition(f"\n## {heading}\n")
    assert found, heading
    rows = re.findall(r"^\| .*$", after.partition("\n## ")[0], re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def metrics() -> dict[str, MetricWrapperBase]:
    """Give every metric by the name that Prometheus stores."""
    collectors = Metrics()._registry._collector_to_names
    named = {}
    for collector in collectors:
        assert isinstance(collector, MetricWrapperBase)
        (family,) = collector.describe()
        named[f"{family.name}_total" if isinstance(collector, Counter) else family.name] = collector
    return named


def background() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Give type and labels of what our database tells, by name."""
    none = {"none": 0}
    figures = BackgroundFigures(
        jobs=none, queued_seconds=0, parts=none, files=0, file_bytes=0, schedules=none, overdue_seconds=0,
        schedule_failures=0, webhooks=none, messages=none, pending_seconds=0,
    )  # fmt: skip
    return {family.name: (family.type, tuple(family.samples[0].labels)) for family in figures.families()}


def test_every_metric_is_on_the_page_with_its_type_and_labels() -> None:
    documented = {row[0].strip("`"): (row[1], tuple(re.findall(r"`(\w+)`", row[2]))) for row in table("Metrics")}
    assert documented == {
        **{name: (metric._type, tuple(metric._labelnames)) for name, metric in metrics().items()},
        **background(),
    }


def test_histograms_name_their_unit() -> None:
    for name, metric in metrics().items():
        if isinstance(metric, Histogram):
            assert name.endswith(("_seconds", "_bytes"))


def test_every_alert_is_on_the_page_with_its_severity() -> None:
    documented = [(row[0].strip("`"), row[1]) for row in table("Alerts")]
    assert documented == [(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_something_that_names_only_labels_it_has(rule: dict[str, object]) -> None:
    annotations = rule["annotations"]
    assert isinstance(annotations, dict)
    kept = " ".join(re.findall(r"by \(([^)]*)\)", str(rule["expr"]))) or "job instance"
    for label in re.findall(r"\$labels\.(\w+)", annotations["summary"]):
        assert label in re.findall(r"\w+", kept)


def test_every_span_is_on_the_page() -> None:
    assert [row[0].strip("`") for row in table("Traces")] == list(get_args(SpanName))
