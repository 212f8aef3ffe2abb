"""Process 1 of the stage: plays scenes under strace, one after the other.

Reads `/opt/range/play.json`, furnishes the root file system, and leaves one trace for each take
in `/opt/range/traces`. Runs inside the stage only, a root file system and namespaces of its own
with the loopback for a network: there, ending every process means every process of the stage.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HOME = Path("/opt/range")
LONGEST = 25.0
"""Seconds that a take may last before all its processes are killed."""

USERS = {"alice": "tulip-harbour-9", "bob": "sunshine"}
STRACE = ("strace", "-f", "-qq", "-s", "0", "-e", "signal=none")


def furnish() -> None:
    """Accounts, and whatever `furnish.sh` makes."""
    for name in USERS:
        subprocess.run(["useradd", "-m", "-s", "/bin/bash", name], check=True)
    words = "".join(f"{name}:{word}\n" for name, word in USERS.items())
    subprocess.run(["chpasswd"], input=words, text=True, check=True)
    done = subprocess.run(["bash", "-e", str(HOME / "furnish.sh")], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the stage could not be furnished: {done.stderr[-800:]}")


def play(scene: dict, take: int, trace: Path) -> str:
    """Play one take; what it wrote to its standard error, for whoever writes scenes."""
    user = scene["user"] if scene["user"] != "any" else ("root", "alice")[take % 2]
    entry = pwd.getpwnam(user)
    folder = Path(f"/tmp/w{take}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in {**scene["files"], "scene.sh": scene["script"]}.items():
        (folder / name).write_text(text)
    for path in (folder, *folder.iterdir()):
        os.chown(path, entry.pw_uid, entry.pw_gid)
        path.chmod(0o755)
    told = {
        "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": entry.pw_dir,
        "USER": user,
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "n": str(take),
    }
    options = {"cwd": folder, "env": told, "stdin": subprocess.DEVNULL}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["bash", "-c", scene["before"]], timeout=LONGEST, **options, **quiet)
    becomes = ["setpriv", f"--reuid={user}", f"--regid={entry.pw_gid}", "--init-groups"]
    with (folder / ".errors").open("w+") as errors:
        traced = subprocess.Popen(
            [*STRACE, "-o", str(trace), *becomes, "bash", "scene.sh"],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            **options,
        )
        if scene["beside"]:
            subprocess.Popen(["bash", "-c", scene["beside"]], **options, **quiet)
        late = False
        try:
            traced.wait(LONGEST)
        except subprocess.TimeoutExpired:
            late = True
        end_all()
        errors.seek(0)
        return ("(ended after its time) " if late else "") + errors.read()[-300:]


def end_all() -> None:
    """Kill every other process of the stage, and wait until they are gone."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return


def main() -> None:
    orders = json.loads((HOME / "play.json").read_text())
    furnish()
    traces = HOME / "traces"
    traces.mkdir()
    with (HOME / "log").open("w", 1) as log:
        for number, scene in enumerate(orders["scenes"]):
            for take in orders["takes"]:
                began = time.monotonic()
                errors = play(scene, take, traces / f"{number}-{take}")
                spent = time.monotonic() - began
                log.write(f"{scene['name']} {take} {spent:.1f} s {errors!r}\n")
    (HOME / "played").touch()


if __name__ == "__main__":
    main()
