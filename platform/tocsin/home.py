"""Where Tocsin keeps what changes: TOCSIN_HOME, its secrets, and where its engines and pages are reached."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


def home() -> Path:
    """TOCSIN_HOME; else /var/lib/tocsin for root and the XDG data folder for everyone else."""
    if named := os.environ.get("TOCSIN_HOME"):
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/tocsin")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data) / "tocsin"


def secret(name: str) -> str:
    """The secret of this name: from the environment, else kept in a file only we can read."""
    if given := os.environ.get(f"TOCSIN_{name.upper()}"):
        return given
    file = home() / "secrets" / name
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    value = secrets.token_urlsafe(48)
    # Two processes may start at once: the one that creates the file wins, the other reads it.
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(value)
    except FileExistsError:
        return file.read_text().strip()
    return value


def engines() -> dict[str, str]:
    """Addresses of what `tocsin up` runs in this home: `database`, `broker` and `web`; empty where
    it does not run."""
    try:
        found = json.loads((home() / "run" / "engines.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()}
