"""The containers' description, checked where no engine can build it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker/compose.yml").read_text())
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
OURS = {
    name: service
    for name, service in COMPOSE["services"].items()
    if service["image"] == "tocsin:latest"
}


def test_web_workers_learner_and_both_engines_are_there() -> None:
    engines = {"postgres", "valkey"}
    assert {"web", "worker", "scanner", "listener", "learner", "beat", "migrate"} | engines == set(
        COMPOSE["services"]
    )


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_more_rights_than_they_need(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_the_image_runs_as_nobody_special() -> None:
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.M)[-1] == "10001:10001"


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker/compose.yml").read_text()
    for name in re.findall(r"\$\{(\w*(?:KEY|PASSWORD))([^}]*)\}", text):
        assert name[1].startswith(":?"), name


def test_only_what_takes_something_in_is_published_and_only_on_loopback_by_default() -> None:
    published = {n: s["ports"] for n, s in COMPOSE["services"].items() if "ports" in s}
    assert published.pop("web") == ["${TOCSIN_PORT:-127.0.0.1:8000}:8000"]
    (ports,) = published.values()
    assert all(port.startswith("${LISTEN_ADDRESS:-127.0.0.1}:") for port in ports)
    listener = COMPOSE["services"]["listener"]
    assert listener["ports"] == ports
    assert listener["profiles"] == ["listen"], "it runs where somebody asks for it"
    listens = {
        v.rpartition(":")[2]
        for n, v in listener["environment"].items()
        if n.startswith("TOCSIN_SYSLOG") or n == "TOCSIN_NETFLOW"
    }
    assert listens == {port.rpartition(":")[2].partition("/")[0] for port in ports}


def test_every_queue_has_a_worker() -> None:
    from django.conf import settings

    served = {
        queue
        for service in OURS.values()
        if "-Q" in service.get("command", ())
        for queue in service["command"][service["command"].index("-Q") + 1].split(",")
    }
    used = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert used | {settings.CELERY_TASK_DEFAULT_QUEUE} <= served


def test_every_variable_is_one_the_settings_or_an_engine_read() -> None:
    known = (ROOT / "platform/tocsin/settings.py").read_text()
    known += (ROOT / "platform/tocsin/home.py").read_text()
    for name in OURS["web"]["environment"]:
        if name not in {"TOCSIN_SECRET_KEY", "TOCSIN_VAULT_KEY"}:  # secret("secret_key") …
            assert f'"{name}"' in known, name


def test_what_an_operator_sets_reaches_the_containers() -> None:
    settings = (ROOT / "platform/tocsin/settings.py").read_text()
    unreached = set(re.findall(r'"(TOCSIN_[A-Z_]+)"', settings)) - set(OURS["web"]["environment"])
    theirs = r"TOCSIN_(SYSLOG|LISTEN|NETFLOW|TAIL|DROP|CAPTURE)"  # of processes of their own
    assert {name for name in unreached if not re.match(theirs, name)} == {
        "TOCSIN_MODELS",  # needs a volume too
        "TOCSIN_LANGUAGE",  # there is one
        "TOCSIN_DEBUG",  # never in a container
    }


def test_commands_of_the_wheel_exist_in_it() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert OURS["migrate"]["command"][0] in scripts


def test_the_torch_of_the_image_is_the_torch_of_the_project() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = next(item for item in declared if item.startswith("torch"))
    assert f'"{wanted}"' in DOCKERFILE
    assert wanted in (ROOT / "constraints.txt").read_text().splitlines()
