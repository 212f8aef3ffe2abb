"""Debian packages unpacked into a folder: two that conflict can be met on one machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def unpacked(folder: Path, *packages: str) -> dict[str, str]:
    """Unpacks packages below `folder`; returns the environment in which their programs run.

    Skips where there is no Debian to fetch them from; a machine that says CI fails instead.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        pytest.skip("needs a Debian")
    fetched = subprocess.run(
        ["apt-get", "-o", "APT::Sandbox::User=root", "download", *packages],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if fetched.returncode:
        assert "CI" not in os.environ, fetched.stderr
        pytest.skip(f"no package archive can be reached: {fetched.stderr.strip()[-200:]}")
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True, timeout=60)
    libraries = sorted({str(file.parent) for file in folder.rglob("*.so*")})
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}


def one(folder: Path, name: str) -> Path:
    """The file or folder of this name."""
    return next(folder.rglob(name))
