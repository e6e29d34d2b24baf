"""`deploy/`: every file parses, keeps its promises, and names only what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from typer.main import get_command

from affekt.cli.serve import app
from affekt.serving.metrics import results
from affekt.serving.protocol import PHASES
from affekt.serving.settings import Settings
from tests.fixtures import tiny
from tests.serving.conftest import running

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "affekt.json"
YAML = sorted(path for kind in ("*.yml", "*.yaml") for path in DEPLOY.rglob(kind))


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [rule["expr"] for group in parsed(DEPLOY / "alerts.yml")["groups"] for rule in group["rules"]]
    return [*shown, *rules]


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
    assert len(expressions()) > 20
    for expression in expressions():
        names = re.findall(r"\b(?:affekt|process)_\w+", expression)
        assert names or expression.startswith("up{"), expression
        assert set(names) <= set(exposed), expression
        for name, selector in re.findall(r"\b(affekt_\w+)\{(.*?)\}", expression):
            labels = set(re.findall(r"(\w+)=~?\"", selector)) - {"job"}
            assert labels <= exposed[name], expression


def test_label_values_are_ones_that_there_are() -> None:
    text = "\n".join(expressions())
    for label, known in (("phase", set(PHASES)), ("result", results())):
        asked = {value for found in re.findall(rf'{label}=~?"(.*?)"', text) for value in found.split("|")}
        assert asked and asked <= known
    (code,) = set(re.findall(r'code="(.*?)"', text))
    assert f'"{code}"' in (ROOT / "src" / "affekt" / "serving" / "service.py").read_text("utf-8")


def test_panels_do_not_lie_on_each_other() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    places = {(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels}
    assert len(places) == len(panels) == len({one["title"] for one in panels})


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_yaml_is_read(path: Path) -> None:
    assert isinstance(parsed(path), dict)


def test_the_compose_file_leaves_nothing_open() -> None:
    compose = parsed(DEPLOY / "compose.yaml")
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert "image" not in service or re.search(r":v?\d+\.\d+\.\d+$", service["image"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
    server = compose["services"]["affekt"]
    assert server["read_only"] is True
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).resolve().is_file()
    target = parsed(DEPLOY / "prometheus.yml")["scrape_configs"][0]["static_configs"][0]["targets"][0]
    assert target.split(":")[0] in compose["services"] and target.split(":")[0] in server["command"]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_container_runs_as_nobody_and_copies_what_there_is() -> None:
    found = instructions()
    kinds = [kind for kind, _ in found]
    assert kinds[0] == "FROM" and "ADD" not in kinds and {"HEALTHCHECK", "STOPSIGNAL"} <= set(kinds)
    for kind, rest in found:
        if kind == "FROM":
            assert re.search(r":\d+\.\d+\S+", rest) and "latest" not in rest
        if kind == "RUN":
            assert "sudo" not in rest and ("pip install" not in rest or "--no-cache-dir" in rest)
        if kind == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / name).exists() for name in rest.split()[:-1])
    last = max(at for at, kind in enumerate(kinds) if kind == "FROM")
    (user,) = [rest for kind, rest in found[last:] if kind == "USER"]
    assert int(user.split(":")[0]) >= 1000
    assert json.loads(dict(found)["ENTRYPOINT"])[:2] == ["affekt", "serve"]
    assert isinstance(json.loads(dict(found)["HEALTHCHECK"].partition("CMD ")[2]), list)


def test_every_option_that_is_given_is_one_of_serve() -> None:
    known = {option for one in get_command(app).params for option in one.opts}
    entry = json.loads(dict(instructions())["ENTRYPOINT"])
    unit = re.findall(r"^ExecStart=(.*)$", (DEPLOY / "affekt.service").read_text("utf-8"), re.MULTILINE)
    words = [*entry, *unit[0].split(), *parsed(DEPLOY / "compose.yaml")["services"]["affekt"]["command"]]
    given = {word for word in words if word.startswith("--")}
    assert given and given <= known


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_is_sound_and_hardened(tmp_path: Path) -> None:
    unit = tmp_path / "affekt.service"
    text = (DEPLOY / "affekt.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/affekt/bin/affekt", sys.executable))
    verify = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert verify.returncode == 0 and "affekt.service" not in verify.stderr, verify.stderr
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    rated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout[-300:] + rated.stderr
