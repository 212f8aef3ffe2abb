"""What the victim looks like: enough for the platform to preview a repair of a recorded host."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.range.rig import REPAIR_ACCOUNT, VICTIM, Range

UPLOADS = "/srv/shop/uploads"
RECORDING = Path(__file__).parents[2] / "knowledge_base" / "risk_data" / "range"


def gather(rig: Range) -> dict[str, Any]:
    """The facts of the running victim; `commands` keeps the answers word for word."""
    spoken = {
        command: rig.victim.run(command.split(), check=False).stdout
        for command in (
            "uname -a",
            "hostname",
            "cat /etc/os-release",
            "getent passwd",
            "getent group",
            "passwd --status --all",
            "nft list ruleset",
            "nft -j list ruleset",
            "ip -j addr",
            "ip -j route",
            "ss -Hlntu",
            "cat /etc/resolv.conf",
        )
    }
    return {
        "host": {"name": spoken["hostname"].strip(), "address": VICTIM, "ssh_port": 22},
        "gathered": datetime.now(UTC).isoformat(timespec="seconds"),
        "repair_account": REPAIR_ACCOUNT,
        "host_keys": [
            " ".join(path.read_text().split()[:2])
            for path in sorted((rig.rootfs / "etc/ssh").glob("ssh_host_*_key.pub"))
        ],
        "uname": spoken["uname -a"].strip(),
        "passwd": [_account(line) for line in spoken["getent passwd"].splitlines()],
        "nft_ruleset": spoken["nft list ruleset"],
        "addresses": json.loads(spoken["ip -j addr"]),
        "routes": json.loads(spoken["ip -j route"]),
        "files": files(rig.rootfs, UPLOADS),
        "commands": spoken,
    }


def files(rootfs: Path, folder: str) -> list[dict[str, Any]]:
    """Size, mode, owner, SHA-256 and time of change of every plain file in a victim's folder."""
    users = {uid: name for name, uid, _ in reversed(_accounts(rootfs))}
    found = []
    for path in sorted((rootfs / folder.lstrip("/")).iterdir()):
        state = path.lstat()
        if not stat.S_ISREG(state.st_mode):
            continue
        found.append(
            {
                "path": f"{folder}/{path.name}",
                "size": state.st_size,
                "mode": f"{stat.S_IMODE(state.st_mode):04o}",
                "owner": users.get(state.st_uid, str(state.st_uid)),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "mtime": datetime.fromtimestamp(state.st_mtime, UTC).isoformat(timespec="seconds"),
            }
        )
    return found


def restore(rootfs: Path, recording: Path = RECORDING) -> list[str]:
    """Give a victim the files that a recording's host had: content, owner, mode, time of change.

    Returns:
        Their paths as the victim names them.

    Raises:
        ValueError: a kept file is not the one that was recorded.
    """
    recorded = json.loads((recording / "facts.json").read_text())["files"]
    owners = {name: (uid, gid) for name, uid, gid in _accounts(rootfs)}
    for file in recorded:
        content = (recording / "uploads" / Path(file["path"]).name).read_bytes()
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise ValueError(f"{file['path']} of the recording has been changed")
        path = rootfs / file["path"].lstrip("/")
        path.write_bytes(content)
        os.chown(path, *owners[file["owner"]])
        path.chmod(int(file["mode"], 8))
        changed = datetime.fromisoformat(file["mtime"]).timestamp()
        os.utime(path, (changed, changed))
    return [file["path"] for file in recorded]


def _accounts(rootfs: Path) -> list[tuple[str, int, int]]:
    """Name, user and group number of every account of a victim."""
    lines = (rootfs / "etc/passwd").read_text().splitlines()
    return [(name, int(uid), int(gid)) for name, _, uid, gid, *_ in (x.split(":") for x in lines)]


def _account(line: str) -> dict[str, Any]:
    name, _, uid, gid, _, home, shell = line.split(":")
    return {"name": name, "uid": int(uid), "gid": int(gid), "home": home, "shell": shell}
