"""Hosts over SSH: what lies in watched folders, which packages, accounts, keys, listening sockets,
schedules, units, modules and odd processes there are; and afterwards what was added, changed or
removed.

Nothing is left on a host and nothing on it is trusted: a fixed list of programs is run, and a file
with a line break in its name, which could pass for two, is counted and left out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as noop
from msgspec import Meta

from apps.acquisition.collecting import Answer, Collected, Observation, Reach, Run, Uncollected
from apps.acquisition.host_answers import (
    accounts,
    files,
    keys,
    modules,
    owners,
    packages,
    processes,
    schedules,
    sockets,
    units,
)
from apps.contracts import Refused

MOST_FILES = 50_000  # of one folder
SECONDS = 600
"""What one run may take: no question is asked after that."""

_FIND = "/usr/bin/find"
_BROKEN = "*\n*"
_FILES = "%y\\t%s\\t%m\\t%u\\t%g\\t%T@\\t%l\\t%p\\n"
_DPKG = "${Package}\\t${Version}\\t${Architecture}\\t${db:Status-Abbrev}\\n"
_RPM = "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\tii\\n"
_OWNERS = ("/usr/bin/dpkg-query", "-S")
PACKAGES = (("/usr/bin/dpkg-query", "-W", "-f", _DPKG), ("/usr/bin/rpm", "-qa", "--qf", _RPM))
ACCOUNTS = ("/usr/bin/getent", "--service=files", "passwd")
GROUPS = ("/usr/bin/getent", "--service=files", "group")
SOCKETS = tuple((ss, "-H", "-l", "-n", "-t", "-u", "-p") for ss in ("/usr/bin/ss", "/usr/sbin/ss"))
SCHEDULES = (
    *("/usr/bin/grep", "-r", "-s", "-H", "-Z", "-v", "-E", "--binary-files=text"),
    *("^[[:space:]]*(#|$)", "/etc/crontab", "/etc/cron.d", "/var/spool/cron"),
)
MOST_SETUID = 500
"""Files that run as their owner whose package is asked for."""
_HOMES = ("/root", "/home")
KEYS = (
    *(_FIND, *_HOMES, "-xdev", "-maxdepth", "3", "-type", "f", "-path", "*/.ssh/authorized_keys*"),
    *("-exec", "/usr/bin/grep", "-H", "-Z", "-v", "-E", "--binary-files=text"),
    *("^[[:space:]]*(#|$)", "{}", "+"),
)
SETUID = (
    *(_FIND, "/usr", "/opt", "/srv", "/home", "/root", "/tmp", "/var/tmp", "/dev/shm", "-xdev"),  # noqa: S108
    *("-path", _BROKEN, "-prune", "-o", "-type", "f", "-perm", "/6000", "-printf", _FILES),
)
PROCESSES = (_FIND, "/proc", "-maxdepth", "2", "-name", "exe", "-printf", "%p\\t%l\\n")
MODULES = ("/usr/bin/grep", "-s", "", "/proc/modules")
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
    keys: Annotated[bool, Meta(title=noop("Keys that may log in"))] = True
    setuid: Annotated[bool, Meta(title=noop("Files that run as their owner (SUID)"))] = True
    sockets: Annotated[bool, Meta(title=noop("Listening sockets"))] = True
    schedules: Annotated[bool, Meta(title=noop("Schedules (cron)"))] = True
    units: Annotated[bool, Meta(title=noop("Units of systemd"))] = True
    processes: Annotated[
        bool, Meta(title=noop("Processes of deleted files or out of temporary folders"))
    ] = True
    modules: Annotated[bool, Meta(title=noop("Modules of the kernel"))] = True


class Hosts:
    name = "host"
    title = _("Host over SSH")
    description = _(
        "Reads files, packages, accounts, keys, sockets, schedules, units, processes and modules of "
        "a registered host."
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
            self._folder(folder.rstrip("/") or "/", options)
        if options.packages:
            self._group("packages", packages, self._first(PACKAGES))
        if options.accounts:
            members = self._ask(GROUPS)
            self._group(
                "accounts", lambda said: accounts(said, members.stdout), self._ask(ACCOUNTS)
            )
        if options.keys:  # find's 1 is that one of the places is not there, or has no key
            self._group("keys", keys, _forgiven(self._ask(KEYS)))
        if options.setuid:
            said = _forgiven(self._ask(SETUID))
            paths = [line.rpartition("\t")[2] for line in said.stdout.split("\n")[:MOST_SETUID]]
            known = self._owners(path for path in paths if path.startswith("/"))
            self._group("setuid", lambda told: files(told, "", "setuid", known), said)
        if options.processes:
            self._group("processes", processes, _forgiven(self._ask(PROCESSES)))
        if options.modules:
            said = self._ask(MODULES)  # grep's 2: a kernel without modules has no such file
            self._group("modules", modules, Answer(0 if said.status < 3 else 9, said.stdout))
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

    def _folder(self, folder: str, options: Options) -> None:
        if self._ask(("/usr/bin/test", "-d", folder)).status:
            if self._ask(("/usr/bin/test", "-e", "/")).status == 0:  # it answers, so it is gone
                self.groups.add(folder)
                self.notes.append(f"There is no folder {folder}.")
            return
        listed = self._ask(_listing(folder))
        digests = self._ask(_digesting(folder, options.megabytes))
        odd = len(self._ask((_FIND, "-P", folder, "-xdev", "-path", _BROKEN, "-prune",
                             "-printf", "x")).stdout)  # fmt: skip
        if odd:
            self.notes.append(f"{odd} names in {folder} have a line break and were left out.")
        known = self._owners([f"{folder}/*"]) if options.packages else {}
        found = list(files(listed.stdout, digests.stdout, folder, known))
        self.told += found[:MOST_FILES]
        if len(found) > MOST_FILES:
            self.notes.append(f"{folder} has more than {MOST_FILES} files: watch a smaller one.")
        elif listed.status or digests.status:
            self.notes.append(f"{folder} was not read in full: {_why(listed, digests)}")
        else:
            self.groups.add(folder)

    def _owners(self, paths: Iterable[str]) -> dict[str, str]:
        """Path → package of Debian's. Where /bin is /usr/bin, a package may know either name."""
        asked = [name for path in paths for name in (path, path.removeprefix("/usr"))]
        return owners(self._ask((*_OWNERS, *dict.fromkeys(asked))).stdout) if asked else {}

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


def _forgiven(said: Answer) -> Answer:
    return Answer(0, said.stdout) if said.status == 1 else said


COLLECTOR = Hosts()
