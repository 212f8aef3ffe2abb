"""What the project stands on is written down, and may be given away with it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def installed_with(names: list[str]) -> set[str]:
    """These packages and all that they bring, extras aside, as far as this machine has them."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        try:
            more = requires(name) or []
        except PackageNotFoundError:  # not for this platform
            continue
        if name not in found:
            found.add(name)
            waiting += [name_of(each) for each in more if "extra ==" not in each]
    return found


def test_every_dependency_is_written_down() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text().lower()
    told = {name for row in re.findall(r"^\| ([^|]+) \|", text, re.M) for name in row.split(", ")}
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert {name_of(each) for each in wanted} <= told


def test_nothing_that_runs_is_under_a_licence_that_spreads() -> None:
    for name in installed_with([name_of(each) for each in PROJECT["dependencies"]]):
        about = distribution(name).metadata
        said = [about.get("License-Expression") or (about.get("License") or "")[:60]]
        said += about.get_all("Classifier") or []
        licences = " ".join(each for each in said if "::" not in each or "License" in each)
        assert not re.search(r"\bA?GPL|(?<!Lesser )General Public", licences), (name, licences)
