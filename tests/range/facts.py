"""What the victim looks like: enough for the platform to preview a repair of a recorded host."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.range.rig import REPAIR_ACCOUNT, VICTIM, Range

UPLOADS = "/srv/shop/uploads"


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
    users = {
        int(uid): name
        for name, _, uid, *_ in (
            line.split(":") for line in reversed((rootfs / "etc/passwd").read_text().splitlines())
        )
    }
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


def _account(line: str) -> dict[str, Any]:
    name, _, uid, gid, _, home, shell = line.split(":")
    return {"name": name, "uid": int(uid), "gid": int(gid), "home": home, "shell": shell}
