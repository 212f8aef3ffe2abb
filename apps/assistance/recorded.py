"""Answers of a host that nobody can reach: a recording of it, or what it said last.

Kept answers are JSON, `{probe: {"status": int, "stdout": str}}`, in `Host.facts`; a plan made
from them is the plan the host itself would get, as far as they tell.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from apps.assistance.accounts import accounts
from apps.assistance.action import Output, Outputs, Probe, answer
from apps.contracts import Json

Kept = dict[str, Json]
_LETTERS = {"P": "x", "L": "!x", "NP": ""}  # passwd --status → the password field of shadow(5)


def kept(probes: Iterable[Probe], outputs: Outputs) -> Kept:
    """What may be stored of a host's answers."""
    return {
        probe.name: {
            "status": answer(outputs, probe.name).status,
            "stdout": probe.keep(answer(outputs, probe.name).stdout),
        }
        for probe in probes
        if probe.name in outputs
    }


def answers(facts: Mapping[str, Json]) -> dict[str, Output]:
    """Kept answers as a host's own."""
    return {
        name: Output(int(said["status"]), str(said["stdout"]))
        for name, said in facts.items()
        if isinstance(said, dict) and {"status", "stdout"} <= set(said)
    }


def recording(facts: Mapping[str, Any]) -> Kept:
    """The answers of a recorded host (`facts.json` of a recording of the range).

    Raises `ValueError` with a sentence where the file is not one.
    """
    try:
        said = facts["commands"]
        people = accounts(said["getent passwd"])
        routes = json.loads(said["ip -j route"])
        found = {
            "uid": str(people[facts["repair_account"]].uid),
            "peer": "",
            "addresses": said["ip -j addr"],
            "routes": json.dumps([route for route in routes if route.get("dst") == "default"]),
            "routes6": "[]",
            "resolvers": said["cat /etc/resolv.conf"],
            "ruleset": facts["nft_ruleset"],
            "accounts": said["getent passwd"],
            "groups": said["getent group"],
            "shadow": "".join(
                f"{words[0]}:{_LETTERS.get(words[1], 'x')}:::::::\n"
                for words in map(str.split, said["passwd --status --all"].splitlines())
                if len(words) > 1
            ),
        }
        for file in facts["files"]:
            path, owner = PurePosixPath(file["path"]), people.get(file["owner"])
            mode = stat.S_IFREG | int(file["mode"], 8)
            changed = datetime.fromisoformat(file["mtime"]).astimezone(UTC).timestamp()
            ids = f"{owner.uid} {owner.gid}" if owner else "0 0"
            found[f"file:{path}"] = f"{mode:x} {ids} {file['size']} {changed:.9f} 1"
            found[f"sha256:{path}"] = f"{file['sha256']}  {path}"
            found[f"folder:{path.parent}"] = str(path.parent)
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise ValueError(f"These are not the facts of a recorded host: {wrong!r}.") from wrong
    return {name: {"status": 0, "stdout": text} for name, text in found.items()}
