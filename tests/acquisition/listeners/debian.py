"""Programs of Debian that cannot be installed beside each other: downloaded and unpacked only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zlib
from functools import cache
from pathlib import Path

import pytest

_PACKAGES = (
    *("rsyslog", "libestr0", "libfastjson4", "liblognorm5"),
    *("syslog-ng-core", "libivykis0", "libnet1", "softflowd"),
)


@cache
def unpacked() -> Path:
    """The root they are unpacked in; the test is skipped where they cannot be had."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip("needs Debian's apt-get and dpkg")
    mark = zlib.crc32(" ".join(_PACKAGES).encode())
    folder = Path(tempfile.gettempdir(), f"tocsin-debian-{os.geteuid()}-{mark:08x}")
    folder.mkdir(mode=0o700, exist_ok=True)
    assert folder.stat().st_uid == os.geteuid(), "another account made it"
    root = folder / "root"
    if not (root / "complete").exists():
        root.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["apt-get", "download", *_PACKAGES],
            cwd=folder,
            capture_output=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"Debian's packages cannot be downloaded: {done.stderr[-200:]!r}")
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(root)], check=True, timeout=60)
        (root / "complete").touch()
    return root


def environment() -> dict[str, str]:
    """Where they find their libraries."""
    libraries = unpacked() / "usr/lib"
    where = [*libraries.glob("*-linux-gnu"), libraries / "syslog-ng", libraries / "syslog-ng/3.38"]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, where))}
