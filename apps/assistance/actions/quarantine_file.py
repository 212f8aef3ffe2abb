"""Moves one file into a quarantine folder on its own host that only root can open.

Only content may be moved: what sites, users and services write, never the system. The file is
named by its full path and checked by its SHA-256 between the approval and the move.
"""

from __future__ import annotations

import hashlib
import posixpath
import stat
from dataclasses import dataclass

from apps.assistance import addresses
from apps.assistance.accounts import home_of
from apps.assistance.action import (
    Facts,
    Judgement,
    Outputs,
    Parameters,
    Phase,
    Probe,
    answer,
    case,
    only,
    shown,
)
from apps.contracts import Command, CommandPlan, Json, Refused

FOLDER = "/var/lib/tocsin-quarantine"
ALLOWED = ("/srv", "/var/www", "/home", "/opt", "/tmp", "/var/tmp")  # noqa: S108 - hosts' folders
LONGEST = 1024
# Raw mode, owner, group, size, modification time to the nanosecond, names: no locale in it.
STAT = ("/usr/bin/stat", "--format=%f %u %g %s %.9Y %h", "--")


@dataclass(frozen=True, slots=True)
class QuarantineFile:
    """Parameters: `path`, absolute; `sha256`, the content that was judged, where it is known."""

    name: str = "quarantine_file"
    title: str = "Quarantine a file"

    def probes(self, parameters: Parameters) -> tuple[Probe, ...]:
        path, kept = _path(parameters), _kept(parameters)
        folder = posixpath.dirname(path)
        return (
            *(probe for probe in addresses.PROBES if probe.plain),
            Probe("accounts", Command(("/usr/bin/getent", "--service=files", "passwd"))),
            Probe(
                f"folder:{folder}",
                Command(("/usr/bin/realpath", "--canonicalize-existing", "--", folder)),
            ),
            Probe(f"package:{path}", Command(("/usr/bin/dpkg-query", "--search", "--", path))),
            Probe(f"file:{path}", Command((*STAT, path), why="owner, mode, time"), shown=True),
            Probe(
                f"sha256:{path}",
                Command(("/usr/bin/sha256sum", "--", path), why="its content"),
                shown=True,
            ),
            Probe(f"file:{kept}", Command((*STAT, kept), why="in quarantine"), shown=True),
            Probe(
                f"sha256:{kept}",
                Command(("/usr/bin/sha256sum", "--", kept), why="in quarantine"),
                shown=True,
            ),
        )

    def read(self, parameters: Parameters, outputs: Outputs) -> Facts:
        """`{"uid", "folder": real path of its folder, "package": owner or "", "home": of the
        repair account, "file": {...} | None, "kept": {...} | None}`."""
        path, kept = _path(parameters), _kept(parameters)
        folder = posixpath.dirname(path)
        package = answer(outputs, f"package:{path}")
        common = addresses.read(outputs)
        return {
            "uid": common["uid"],
            "folder": answer(outputs, f"folder:{folder}").stdout.removesuffix("\n"),
            "package": package.stdout.partition(":")[0] if package.status == 0 else "",
            "home": home_of(answer(outputs, "accounts").stdout, common["account"]),
            "file": _state(outputs, path),
            "kept": _state(outputs, kept),
        }

    def plan(self, parameters: Parameters, facts: Facts) -> CommandPlan:
        only(parameters, "path", "sha256")
        path, kept, file = _path(parameters), _kept(parameters), facts["file"]
        if facts["uid"] is None:
            raise Refused("The host did not tell who the repair account is.")
        if file is None:
            raise Refused(f"There is no file {path} on this host, or it cannot be read.")
        if file["type"] != "file":
            raise Refused(f"{path} is a {file['type']}; only regular files are moved.")
        _refuse_other_folder(path, facts)
        if facts["package"]:
            raise Refused(f"{path} belongs to the package {facts['package']}; it is not moved.")
        if not facts["home"] or _inside(path, facts["home"]):
            raise Refused(f"{path} may belong to the repair account itself; it is not moved.")
        if file["links"] != 1:
            raise Refused(f"{path} has {file['links']} names; it would stay reachable by another.")
        wanted = str(parameters.get("sha256") or file["sha256"]).lower()
        if wanted != file["sha256"]:
            raise Refused(f"{path} no longer has the content that was judged.")
        if facts["kept"] is not None:
            raise Refused(f"{kept} exists already; nothing in quarantine is overwritten.")
        make = ("--directory", "--mode=0700", "--owner=root", "--group=root", "--", FOLDER)
        look = shown(self.probes(parameters))
        return CommandPlan(
            snapshot=look,
            act=(
                Command(("/usr/bin/install", *make), why="the quarantine, for root alone"),
                Command(_move(path, kept), why=f"out of reach, SHA-256 {file['sha256']}"),
            ),
            verify=look,
            undo=self.undo(parameters, {**facts, "file": None, "kept": file}, facts),
            effect=f"{path} ({file['size']} bytes) is moved to {FOLDER}, where only root reads it.",
        )

    def undo(self, parameters: Parameters, facts: Facts, before: Facts) -> tuple[Command, ...]:
        path, kept = _path(parameters), _kept(parameters)
        if facts["kept"] is None:
            return ()
        if facts["file"] is not None:
            raise Refused(f"Another file stands at {path} now; move it away first.")
        _refuse_other_folder(path, facts)
        if facts["kept"]["sha256"] != before["file"]["sha256"]:
            raise Refused(f"{kept} has other content than what was moved there.")
        tidy = ("/usr/bin/rmdir", "--ignore-fail-on-non-empty", "--", FOLDER)
        return (
            Command(_move(kept, path), why="back to its place"),
            Command(tidy, why="the quarantine, if nothing else is in it"),
        )

    def judge(self, phase: Phase, parameters: Parameters, facts: Facts, before: Facts) -> Judgement:
        path = _path(parameters)
        if phase == "undo":
            if facts["file"] == before["file"]:
                return Judgement(
                    True, f"{path} is back with its content, owner, mode and time, to the byte."
                )
            return Judgement(False, f"{path} is not as it was.")
        if facts["kept"] != before["file"]:
            return Judgement(False, f"{path} is not in quarantine as it was judged.")
        if facts["file"] is not None:
            return Judgement(False, f"A file stands at {path} again.")
        return Judgement(True, f"{path} is in quarantine, unchanged.")


def _path(parameters: Parameters) -> str:
    """The path, checked by its form alone. Raises `Refused`."""
    path = parameters.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise Refused("The path of the file is not absolute.")
    if len(path.encode(errors="replace")) > LONGEST or not path.isprintable():
        raise Refused("The path of the file is too long or has control characters.")
    if posixpath.normpath(path) != path or path.startswith("//"):
        raise Refused(f"{path!r} is not in its plain form (no '..', '.', or doubled '/').")
    if not any(_inside(path, folder) for folder in ALLOWED):
        raise Refused(f"{path} is not content ({', '.join(ALLOWED)}); the system is not touched.")
    return path


def _kept(parameters: Parameters) -> str:
    mark = hashlib.sha256(_path(parameters).encode()).hexdigest()[:16]
    return f"{FOLDER}/{case(parameters)}-{mark}"


def _inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _refuse_other_folder(path: str, facts: Facts) -> None:
    if facts["folder"] != posixpath.dirname(path):
        raise Refused(f"{path} is reached through a symbolic link, or its folder is gone.")


def _move(source: str, destination: str) -> tuple[str, ...]:
    return ("/usr/bin/mv", "--no-clobber", "--no-target-directory", "--", source, destination)


def _state(outputs: Outputs, path: str) -> dict[str, Json] | None:
    """What `stat` and `sha256sum` say of a path; None where there is nothing, or no answer."""
    words = answer(outputs, f"file:{path}").stdout.split()
    if answer(outputs, f"file:{path}").status or len(words) != 6:
        return None
    mode = int(words[0], 16)
    digest = answer(outputs, f"sha256:{path}")
    return {
        "type": _TYPES.get(stat.S_IFMT(mode), "special file"),
        "mode": f"{stat.S_IMODE(mode):04o}",
        "uid": int(words[1]),
        "gid": int(words[2]),
        "size": int(words[3]),
        "mtime": words[4],
        "links": int(words[5]),
        "sha256": digest.stdout.lstrip("\\")[:64] if digest.status == 0 else "",
    }


_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symbolic link"}

ACTION = QuarantineFile()
