"""Hosts over SSH: what lies in watched folders, which packages, accounts, listening sockets,
schedules and units there are; and afterwards what was added, changed or removed.

Nothing is left on a host and nothing on it is trusted: a fixed list of programs is run, and a file
with a line break in its name, which could pass for two, is counted and left out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated

import msgspec
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as noop
from msgspec import Meta

from apps.acquisition.collecting import Answer, Collected, Observation, Reach, Run, Uncollected
from apps.contracts import Json, Refused

MOST_FILES = 50_000  # of one folder
SECONDS = 600
"""What one run may take: no question is asked after that."""

_FIND = "/usr/bin/find"
_BROKEN = "*\n*"
_FILES = "%y\\t%s\\t%m\\t%u\\t%g\\t%T@\\t%l\\t%p\\n"
_DPKG = "${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Abbrev}\\n"
_RPM = "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\tii\\n"
_DIGEST = re.compile(r"^(\\?)([0-9a-f]{64}) [ *](.+)$")
_PROCESS = re.compile(r'\("([^"]{1,64})",pid=')

PACKAGES = (("/usr/bin/dpkg-query", "-W", "-f", _DPKG), ("/usr/bin/rpm", "-qa", "--qf", _RPM))
ACCOUNTS = ("/usr/bin/getent", "--service=files", "passwd")
GROUPS = ("/usr/bin/getent", "--service=files", "group")
SOCKETS = tuple((ss, "-H", "-l", "-n", "-t", "-u", "-p") for ss in ("/usr/bin/ss", "/usr/sbin/ss"))
SCHEDULES = (
    *("/usr/bin/grep", "-r", "-s", "-H", "-Z", "-v", "-E", "--binary-files=text"),
    *("^[[:space:]]*(#|$)", "/etc/crontab", "/etc/cron.d", "/var/spool/cron"),
)
UNITS = (
    *("/usr/bin/systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain"),
    "--type=service,timer,socket",
)


class Options(msgspec.Struct, frozen=True):
    folders: Annotated[
        list[str],
        Meta(
            max_length=10,
            title=noop("Folders"),
            description=noop("Every file in them is watched, by its SHA-256."),
        ),
    ] = msgspec.field(default_factory=lambda: ["/etc", "/usr/local/bin", "/usr/local/sbin"])
    megabytes: Annotated[
        int, Meta(ge=1, le=4096, title=noop("Megabytes of a file that is read at most"))
    ] = 64
    packages: Annotated[bool, Meta(title=noop("Packages"))] = True
    accounts: Annotated[bool, Meta(title=noop("Accounts"))] = True
    sockets: Annotated[bool, Meta(title=noop("Listening sockets"))] = True
    schedules: Annotated[bool, Meta(title=noop("Schedules (cron)"))] = True
    units: Annotated[bool, Meta(title=noop("Units of systemd"))] = True


class Hosts:
    name = "host"
    title = _("Host over SSH")
    description = _(
        "Reads files, packages, accounts, sockets, schedules and units of a registered host."
    )
    target = _("Host")
    secret = ""
    options = Options
    continuous = False

    def check(self, target: str, options: Options) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}", target):
            raise Refused("Name a host that is registered.")
        for folder in options.folders:
            parts = folder.split("/")
            if not folder.startswith("/") or ".." in parts or not folder.isprintable():
                raise Refused(f"{folder[:80]!r} is not the whole path of a folder.")
            if len(folder) > 1000 or any(char in folder for char in "*?[\\"):
                raise Refused(f"{folder[:80]!r} has signs that a folder to watch must not have.")
        return target

    def collect(self, target: str, options: Options, reach: Reach) -> Collected:
        if reach.on_host is None:
            raise Uncollected("There is no way to hosts from here.")
        with reach.on_host(target) as run:
            return _Look(run, time.monotonic() + SECONDS).all(options)


@dataclass(slots=True)
class _Look:
    """Asks a host one thing after the other; what it does not answer is noted, and not taken for
    gone."""

    run: Run
    end: float
    told: list[Observation] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def all(self, options: Options) -> Collected:
        for folder in dict.fromkeys(options.folders):
            self._folder(folder.rstrip("/") or "/", options.megabytes)
        if options.packages:
            self._group("packages", packages, self._first(PACKAGES))
        if options.accounts:
            members = self._ask(GROUPS)
            self._group(
                "accounts", lambda said: accounts(said, members.stdout), self._ask(ACCOUNTS)
            )
        if options.sockets:
            self._group("sockets", sockets, self._first(SOCKETS))
        if options.schedules:
            said = self._ask(SCHEDULES)
            # grep's 1 is "no line", its 2 that one of the places is not there
            self._group("schedules", schedules, Answer(0 if said.status < 3 else 9, said.stdout))
        if options.units:
            self._group("units", units, self._ask(UNITS))
        whole = frozenset(self.groups)
        return Collected(self.told, whole, notes=self.notes, failed=not whole)

    def _group(self, name: str, read: Callable[[str], Iterable[Observation]], said: Answer) -> None:
        if said.status:
            self.notes.append(f"No answer about {name}: {_why(said)}")
            return
        self.told += {seen.key: seen for seen in read(said.stdout)}.values()
        self.groups.add(name)

    def _folder(self, folder: str, megabytes: int) -> None:
        if self._ask(("/usr/bin/test", "-d", folder)).status:
            if self._ask(("/usr/bin/test", "-e", "/")).status == 0:  # it answers, so it is gone
                self.groups.add(folder)
                self.notes.append(f"There is no folder {folder}.")
            return
        listed = self._ask(_listing(folder))
        digests = self._ask(_digesting(folder, megabytes))
        odd = len(self._ask((_FIND, "-P", folder, "-xdev", "-path", _BROKEN, "-prune",
                             "-printf", "x")).stdout)  # fmt: skip
        if odd:
            self.notes.append(f"{odd} names in {folder} have a line break and were left out.")
        found = list(files(listed.stdout, digests.stdout, folder))
        self.told += found[:MOST_FILES]
        if len(found) > MOST_FILES:
            self.notes.append(f"{folder} has more than {MOST_FILES} files: watch a smaller one.")
        elif listed.status or digests.status:
            self.notes.append(f"{folder} was not read in full: {_why(listed, digests)}")
        else:
            self.groups.add(folder)

    def _first(self, ways: Iterable[Sequence[str]]) -> Answer:
        """The answer of the first program that is there."""
        said = Answer(127, "", "no program for it")
        for argv in ways:
            said = self._ask(argv)
            if said.status == 0:
                break
        return said

    def _ask(self, argv: Sequence[str]) -> Answer:
        if time.monotonic() > self.end:
            return Answer(124, "", "no time was left to ask")
        return self.run(argv)


def _listing(folder: str) -> tuple[str, ...]:
    return (
        *(_FIND, "-P", folder, "-xdev", "(", "-path", _BROKEN, "-o", "-lname", "*[\t\n]*", ")"),
        *("-prune", "-o", "(", "-type", "f", "-o", "-type", "l", ")", "-printf", _FILES),
    )


def _digesting(folder: str, megabytes: int) -> tuple[str, ...]:
    return (
        *(_FIND, "-P", folder, "-xdev", "-path", _BROKEN, "-prune", "-o"),
        *("-type", "f", "-size", f"-{megabytes * 1024 * 1024 + 1}c"),
        *("-exec", "/usr/bin/sha256sum", "--", "{}", "+"),
    )


def _why(*answers: Answer) -> str:
    for said in answers:
        if said.status:
            last = said.stderr.strip().splitlines()[-1:] or [f"status {said.status}"]
            return last[0][:200]
    return ""


# ── What was said ────────────────────────────────────────────────────────────────────────


def files(listed: str, digests: str, folder: str) -> Iterator[Observation]:
    """The files of a folder, from `find` and `sha256sum`."""
    known = dict(_digests(digests))
    for line in listed.split("\n"):
        parts = line.split("\t", 7)
        if len(parts) != 8 or parts[0] not in ("f", "l") or not parts[1].isdecimal():
            continue
        kind, size, mode, owner, group, changed, target, path = parts
        compared: dict[str, Json] = {
            "file.path": path,
            "file.size": int(size),
            "file.hash.sha256": known.get(path, ""),
            "file.mode": mode,
            "file.owner": owner,
            "file.group": group,
            "file.mtime": _time(changed),
            "file.target_path": target,
        }
        what = f"a link to {target}" if kind == "l" else f"{size} bytes"
        message = f"{path}: {what}, mode {mode}, of {owner}."
        yield _seen("host.file", path, folder, compared, line, message)


def _digests(said: str) -> Iterator[tuple[str, str]]:
    for line in said.split("\n"):
        if found := _DIGEST.match(line):
            path = found[3]
            if found[1]:  # sha256sum escapes what would break its lines
                path = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), path)
            yield path, found[2]


def _time(seconds: str) -> str:
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""


def packages(said: str) -> Iterator[Observation]:
    """Installed packages, from `dpkg-query` or `rpm`."""
    for line in said.split("\n"):
        parts = line.split("\t")
        if len(parts) != 4 or not parts[0] or not parts[3].startswith("ii"):
            continue
        name, version, architecture, _state = parts
        compared: dict[str, Json] = {
            "package.name": name,
            "package.version": version,
            "package.architecture": architecture,
        }
        key = f"{name}:{architecture}"
        yield _seen("host.package", key, "packages", compared, line, f"{name} {version}")


def accounts(said: str, groups: str) -> Iterator[Observation]:
    """Accounts of passwd(5), with the groups that name them as members."""
    member: dict[str, list[str]] = {}
    for line in groups.split("\n"):
        parts = line.split(":")
        if len(parts) == 4:
            for name in filter(None, parts[3].split(",")):
                member.setdefault(name, []).append(parts[0])
    for line in said.split("\n"):
        parts = line.split(":")
        if len(parts) != 7:
            continue
        name, _password, uid, gid, _gecos, home, shell = parts
        compared: dict[str, Json] = {
            "user.name": name,
            "user.id": uid,
            "user.group_id": gid,
            "user.home": home,
            "user.shell": shell,
            "user.groups": " ".join(sorted(member.get(name, ()))),
        }
        kept = ":".join((name, "x", uid, gid, "", home, shell))
        message = f"{name} ({uid}), shell {shell or 'none'}"
        yield _seen("host.account", name, "accounts", compared, kept, message)


def sockets(said: str) -> Iterator[Observation]:
    """Listening sockets, from `ss`."""
    for line in said.split("\n"):
        parts = line.split()
        if len(parts) < 5 or parts[0] not in ("tcp", "udp"):
            continue
        address, _colon, port = parts[4].rpartition(":")
        who = " ".join(sorted(set(_PROCESS.findall(line))))
        compared: dict[str, Json] = {
            "network.transport": parts[0],
            "destination.ip": _address(address),
            "destination.port": int(port) if port.isdecimal() else None,
            "socket.address": parts[4],
            "process.name": who,
        }
        key = f"{parts[0]} {parts[4]} {who}"
        message = f"{who or 'Somebody'} listens at {parts[0]} {parts[4]}."
        yield _seen("host.socket", key, "sockets", compared, line, message)


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        return ""


def schedules(said: str) -> Iterator[Observation]:
    """Lines of crontabs that do something, from `grep -Z`: the file's name, NUL, the line."""
    for line in said.split("\n"):
        path, nul, deed = line.partition("\ufffd")  # NUL, as it comes over the wire
        if not nul:
            continue
        compared: dict[str, Json] = {"file.path": path, "process.command_line": deed.strip()}
        key = f"{path}: {deed.strip()}"
        yield _seen("host.schedule", key, "schedules", compared, deed, f"{path} has {deed.strip()}")


def units(said: str) -> Iterator[Observation]:
    """Units of systemd and whether they are enabled."""
    for line in said.split("\n"):
        parts = line.split()
        if len(parts) < 2 or "." not in parts[0]:
            continue
        compared: dict[str, Json] = {"service.name": parts[0], "service.state": parts[1]}
        yield _seen("host.unit", parts[0], "units", compared, line, f"{parts[0]} is {parts[1]}")


def _seen(
    dataset: str, key: str, group: str, compared: Mapping[str, Json], line: str, message: str
) -> Observation:
    fields = {**compared, "event.original": line, "message": message}
    return Observation(dataset, key, fields, compared, group=group)


COLLECTOR = Hosts()
