"""Root file systems: made once with debootstrap, kept, never written to again."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SUITE = "bookworm"
PACKAGES = (
    "openssh-server",
    "nftables",
    "iproute2",
    "nginx-light",
    "vsftpd",
    "python3-minimal",
    "libpython3-stdlib",
    "procps",
    "passwd",
)
BUILD_SECONDS = 540


def cache_folder() -> Path:
    """`$TOCSIN_CACHE`, else `~/.cache/tocsin`."""
    chosen = os.environ.get("TOCSIN_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "tocsin"


def cached_root(
    name: str = "victim", packages: Sequence[str] = PACKAGES, architecture: str = ""
) -> Path:
    """Where the pristine root file system of this suite and these packages is kept."""
    words = (SUITE, *packages, *([architecture] if architecture else []))
    digest = hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]
    return cache_folder() / f"{name}-{SUITE}-{digest}"


def pristine_root(
    name: str = "victim", packages: Sequence[str] = PACKAGES, architecture: str = ""
) -> Path:
    """The root file system, built first where the cache has none (about a minute).

    Two processes that ask at once build it once: the second waits for the first. `architecture`
    is Debian's word, such as `i386`; none is the machine's own.

    Raises:
        RuntimeError: debootstrap failed; the message ends with its last lines.
    """
    root = cached_root(name, packages, architecture)
    if root.is_dir():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(root.with_suffix(".lock")):
        if root.is_dir():
            return root
        building = Path(tempfile.mkdtemp(prefix=f"{root.name}.", dir=root.parent))
        try:
            _debootstrap(building, packages, architecture)
            building.chmod(0o755)
            building.rename(root)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return root


def _debootstrap(target: Path, packages: Sequence[str], architecture: str) -> None:
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        *([f"--arch={architecture}"] if architecture else []),
        SUITE,
        str(target),
        *_mirror(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        raise RuntimeError(f"debootstrap could not build the victim:\n{tail}")
    shutil.rmtree(target / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(target / "usr/share/doc", ignore_errors=True)


def _mirror() -> list[str]:
    """The mirror apt already uses for this suite; none leaves debootstrap its default."""
    done = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(SITE) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    for line in done.stdout.splitlines():
        site, _, rest = line.partition(" ")
        if rest == f"{SUITE} main" and site.startswith(("http://", "https://")):
            return [site]
    return []


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
