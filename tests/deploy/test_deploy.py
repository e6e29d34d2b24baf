"""`deploy/`: every file parses, keeps its promises, and names only what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from affekt.cli.serve import app
from affekt.serving.settings import Limits

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
YAML = sorted(path for kind in ("*.yml", "*.yaml") for path in DEPLOY.rglob(kind))


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


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


def test_whoever_runs_it_waits_until_what_was_accepted_is_answered() -> None:
    most = Limits().stop_seconds
    grace = parsed(DEPLOY / "compose.yaml")["services"]["affekt"]["stop_grace_period"]
    unit = (DEPLOY / "affekt.service").read_text("utf-8")
    (patience,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(grace.removesuffix("s")) > most and int(patience) > most
    (files,) = re.findall(r"^LimitNOFILE=(\d+)$", unit, re.MULTILINE)
    assert int(files) > Limits().connections + Limits().streams


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


def test_the_container_is_built_as_linters_ask() -> None:
    found = instructions()
    named = {rest.split(" AS ")[1] for kind, rest in found if kind == "FROM" and " AS " in rest}
    copied = [re.findall(r"--from=(\S+)", rest) for kind, rest in found if kind == "COPY"]
    assert {name for names in copied for name in names} == named
    assert all(rest.startswith("/") for kind, rest in found if kind == "WORKDIR")
    assert not [
        rest for kind, rest in found if kind == "RUN" and re.search(r"\bcd\b|apt-get|curl|wget", rest)
    ]
    installs = [rest for kind, rest in found if kind == "RUN" and "pip install" in rest]
    assert installs and all("--constraint constraints.txt" in rest for rest in installs)
    kinds = [kind for kind, _ in found]
    assert kinds.count("ENTRYPOINT") == kinds.count("HEALTHCHECK") == kinds.count("USER") == 1
    assert kinds.index("USER") > max(at for at, kind in enumerate(kinds) if kind in ("COPY", "RUN"))
    once = dict(found)
    words = json.loads(once["ENTRYPOINT"])
    port, token = words[words.index("--port") + 1], words[words.index("--token-file") + 1]
    server = parsed(DEPLOY / "compose.yaml")["services"]["affekt"]
    assert once["EXPOSE"] == port and f":{port}/ready" in once["HEALTHCHECK"]
    assert server["ports"] == [f"127.0.0.1:8080:{port}"] and token == f"/run/secrets/{server['secrets'][0]}"


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
