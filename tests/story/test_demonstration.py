"""The demonstration on a real host, as `make range` gives it: approved, verified, undone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.range.facts import RECORDING, files
from tests.range.rig import Range
from tests.story.platform import Platform, until

pytestmark = [
    pytest.mark.range,
    pytest.mark.skipif(
        bool(Range.missing()),
        reason="the range cannot run here: " + "; ".join(Range.missing()),
    ),
]

SHELL = "/srv/shop/uploads/status.php"


@contextmanager
def served(platform: Platform, log: Path) -> Iterator[int]:
    """`make range` beside a running platform; gives the victim's first process."""
    command = [sys.executable, "-m", "tests.range.serve", "--register", "victim", "--json"]
    with (
        log.open("w") as said,
        subprocess.Popen(
            command, env=platform.environment, stdout=subprocess.PIPE, stderr=said, text=True
        ) as range_,
    ):
        try:
            assert range_.stdout is not None
            way = json.loads(range_.stdout.readline())
            until(lambda: "approve its plan" in log.read_text(), "the victim registered")
            yield int(Path(way["uploads"]).parts[2])
        finally:
            range_.terminate()
            range_.wait(60)


def look(victim: int) -> dict[str, Any]:
    """All that the plan may touch, to the byte."""
    root = Path(f"/proc/{victim}/root")
    command = ["nsenter", "--target", str(victim), "--net", "nft", "list", "ruleset"]
    return {
        "rules": subprocess.run(command, check=True, capture_output=True).stdout,
        "shadow": (root / "etc/shadow").read_bytes(),
        "files": files(root, "/srv/shop/uploads"),
    }


def test_the_demonstrations_plan_is_applied_verified_and_undone_on_a_real_host(
    tmp_path: Path,
) -> None:
    facts = json.loads((RECORDING / "facts.json").read_text())
    with Platform() as platform:
        platform.play_demonstration()
        ada = platform.login("ada", platform.tocsin("user", "add", "ada", "--role", "approver"))
        (incident,) = ada.get("incidents/?state=awaiting_approval")["results"]

        def plan() -> dict[str, Any]:
            plans = ada.get(f"incidents/{incident['id']}/remedies/")
            return next(each for each in plans if each["state"] != "superseded")

        def steps(state: str) -> bool:
            return {step["state"] for step in plan()["steps"]} == {state}

        with served(platform, tmp_path / "range.log") as victim:
            before = look(victim)
            assert before["files"] == facts["files"]
            assert before["rules"].decode() == facts["nft_ruleset"]

            # Registered, the plan was previewed on the host itself: every step is possible.
            assert {step["action"] for step in plan()["steps"]} == {
                "quarantine_file",
                "block_address",
                "disable_account",
            }
            until(lambda: plan()["digest"] and steps("planned"), "a plan that can be approved")
            where = f"remedies/{plan()['id']}"
            yes = ada.post(f"{where}/approve/", digest=plan()["digest"])
            assert yes.status_code == 202, yes.text
            until(lambda: plan()["state"] in ("applied", "failed"), "the repair")
            assert plan()["state"] == "applied", plan()
            assert steps("applied")
            after = look(victim)
            assert b"10.77.0.66" in after["rules"]
            assert after["shadow"] != before["shadow"]
            assert SHELL not in {file["path"] for file in after["files"]}

            # Asked once: a verification that is at work makes it wait, and does not swallow it.
            assert ada.post(f"{where}/undo/").status_code == 202
            until(lambda: plan()["state"] == "undone", "the undoing")
            assert steps("undone")
            assert look(victim) == before
