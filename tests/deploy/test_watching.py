"""Prometheus, its alerts and the dashboard: as their own tools would check them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from affekt.serving.metrics import results
from affekt.serving.protocol import PHASES
from affekt.serving.settings import Settings
from tests.fixtures import tiny
from tests.serving.conftest import running

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "affekt.json"
RULE = {"alert", "expr", "for", "labels", "annotations"}
OF_PROMETHEUS = {"up": {"job", "instance"}}
"""Metrics that Prometheus makes itself -> their labels."""


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in parsed(DEPLOY / "alerts.yml")["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return found


def expressions() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*shown, *(rule["expr"] for rule in rules())]


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """What an expression asks for; one that Prometheus could not read raises."""
    found: list[promql_parser.VectorSelector] = []

    def visit(one: promql_parser.Expr) -> None:
        if isinstance(one, promql_parser.VectorSelector):
            found.append(one)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@pytest.fixture(scope="module")
def exposed(tiny_model_folder: Path) -> Iterator[dict[str, set[str]]]:
    """Every sample's name that /metrics has after some traffic, and the labels that go with it."""
    clip = min(tiny.EXAMPLES.glob("*.flac")).read_bytes()
    with running(f"tiny={tiny_model_folder}", Settings(port=0)) as base:
        httpx.post(f"{base}/v1/predict", content=clip)
        httpx.post(f"{base}/v1/predict", content=b"")
        text = httpx.get(f"{base}/metrics").text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found.setdefault(one.name, set()).update(one.labels)
    yield found


def test_dashboard_and_alerts_ask_for_metrics_that_there_are(exposed: dict[str, set[str]]) -> None:
    known = exposed | OF_PROMETHEUS
    assert len(expressions()) > 20
    for expression in expressions():
        asked = selectors(expression)
        assert asked, expression
        for one in asked:
            assert one.name in known, expression
            labels = {matcher.name for matcher in one.matchers.matchers}
            assert labels <= known[one.name] | {"job"}, expression


def test_an_expression_that_prometheus_could_not_read_is_noticed() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        selectors("sum(rate(affekt_requests_total[5m])")


def test_label_values_are_ones_that_there_are() -> None:
    matchers = [
        one for text in expressions() for selector in selectors(text) for one in selector.matchers.matchers
    ]
    for label, known in (("phase", set(PHASES)), ("result", results())):
        asked = {value for one in matchers if one.name == label for value in one.value.split("|")}
        assert asked and asked <= known
    (code,) = {one.value for one in matchers if one.name == "code"}
    assert f'"{code}"' in (ROOT / "src" / "affekt" / "serving" / "service.py").read_text("utf-8")


def test_alerts_have_the_form_that_prometheus_wants() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 5
    for rule in rules():
        assert set(rule) <= RULE and rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in {"page", "ticket"}
        if "for" in rule:
            assert promql_parser.parse_duration(rule["for"]).total_seconds() >= 60
        # An alert compares: without that it would always be there.
        assert isinstance(promql_parser.parse(rule["expr"]), promql_parser.BinaryExpr)


def test_panels_do_not_lie_on_each_other_and_ask_the_source_that_there_is() -> None:
    places = {(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels()}
    assert len(places) == len(panels()) == len({one["title"] for one in panels()})
    source = parsed(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml")["datasources"][0]
    assert {one["datasource"]["uid"] for one in panels()} == {source["uid"]}
    (provider,) = parsed(DEPLOY / "grafana" / "provisioning" / "dashboards" / "affekt.yml")["providers"]
    volumes = parsed(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in volumes


def test_prometheus_finds_the_server_its_token_and_its_rules() -> None:
    compose = parsed(DEPLOY / "compose.yaml")
    settings = parsed(DEPLOY / "prometheus.yml")
    assert set(settings) <= {"global", "rule_files", "scrape_configs"}
    (scrape,) = settings["scrape_configs"]
    assert set(scrape) <= {"job_name", "authorization", "static_configs"}
    host, port = scrape["static_configs"][0]["targets"][0].split(":")
    server, prometheus = compose["services"][host], compose["services"]["prometheus"]
    assert host in server["command"] and server["ports"][0].endswith(f":{port}")
    (secret,) = prometheus["secrets"]
    assert scrape["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    assert server["secrets"] == [secret] and secret in compose["secrets"]
    for name in settings["rule_files"]:
        assert f"./{name}:/etc/prometheus/{name}:ro" in prometheus["volumes"]
    assert "--config.file=/etc/prometheus/prometheus.yml" in prometheus["command"]
