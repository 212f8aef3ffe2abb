"""Locks one person's account: its password, and by its expiry every other way in, keys too.

The password hash is never read into the platform's memory for longer than a comparison, never
stored, and never given to a command: locking and unlocking only put a mark before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.assistance import addresses
from apps.assistance.accounts import (
    accounts,
    administrators,
    shadow_facts,
    without_hashes,
)
from apps.assistance.action import (
    Facts,
    Judgement,
    Outputs,
    Parameters,
    Phase,
    Probe,
    answer,
    only,
    shown,
)
from apps.contracts import Command, CommandPlan, Refused

FIRST_PERSON, NOBODY = 1000, 65534
EXPIRED = "1"  # the second day of 1970; 0 is reserved by shadow(5)
USERMOD = "/usr/sbin/usermod"
_GETENT = ("/usr/bin/getent", "--service=files")

_PROBES = (
    *(probe for probe in addresses.PROBES if probe.plain),
    Probe("accounts", Command((*_GETENT, "passwd"))),
    Probe("groups", Command((*_GETENT, "group"))),
    Probe(
        "shadow",
        Command((*_GETENT, "shadow"), why="what is locked and what has expired"),
        keep=without_hashes,
        shown=True,
    ),
)


@dataclass(frozen=True, slots=True)
class DisableAccount:
    """Parameters: `account`, the name of a local account of a person."""

    name: str = "disable_account"
    title: str = "Disable an account"

    def probes(self, parameters: Parameters) -> tuple[Probe, ...]:
        _name(parameters)
        return _PROBES

    def read(self, parameters: Parameters, outputs: Outputs) -> Facts:
        """`{"uid", "account": ours, "person": {...} | None, "shadow": {...} | None,
        "administrator": bool, "other_administrators": [...]}`."""
        name, common = _name(parameters), addresses.read(outputs)
        passwd = answer(outputs, "accounts").stdout
        people, shadow = accounts(passwd), shadow_facts(answer(outputs, "shadow").stdout)
        rulers = administrators(passwd, answer(outputs, "groups").stdout)
        person = people.get(name)
        return {
            "uid": common["uid"],
            "account": common["account"],
            "person": person and {"uid": person.uid, "in_shadow": person.in_shadow},
            "shadow": shadow.get(name),
            "administrator": name in rulers,
            "other_administrators": sorted(
                other
                for other in rulers - {name, common["account"]}
                if other in people and people[other].has_login and _usable(shadow.get(other))
            ),
        }

    def plan(self, parameters: Parameters, facts: Facts) -> CommandPlan:
        only(parameters, "account")
        name, person, shadow = _name(parameters), facts["person"], facts["shadow"]
        if facts["uid"] is None or not facts["account"]:
            raise Refused("The host did not tell who the repair account is.")
        if person is None:
            raise Refused(f"There is no local account {name} on this host.")
        if name == "root" or person["uid"] == 0:
            raise Refused(f"{name} is root; it is never disabled.")
        if name == facts["account"] or person["uid"] == facts["uid"]:
            raise Refused(f"{name} is the account that repairs this host; it is never disabled.")
        if person["uid"] < FIRST_PERSON or person["uid"] == NOBODY:
            raise Refused(f"{name} is an account of the system; it is never disabled.")
        if shadow is None or not person["in_shadow"]:
            raise Refused(f"The shadow entry of {name} cannot be read.")
        if facts["administrator"] and not facts["other_administrators"]:
            raise Refused(f"{name} is the last account that can administer this host.")
        if not _usable(shadow):
            raise Refused(f"{name} is disabled already.")
        lock = () if shadow["locked"] else ("--lock",)
        locked = {**facts, "shadow": {**shadow, "locked": True, "expire": EXPIRED}}
        look = shown(_PROBES)
        return CommandPlan(
            snapshot=look,
            act=(Command((USERMOD, *lock, "--expiredate", EXPIRED, "--", name), why="no way in"),),
            verify=look,
            undo=self.undo(parameters, locked, facts),
            effect=f"{name} can no longer log in, by password or key. Open sessions stay open.",
        )

    def undo(self, parameters: Parameters, facts: Facts, before: Facts) -> tuple[Command, ...]:
        """Only what still stands as we left it: what a person changed since is theirs."""
        name, now, then = _name(parameters), facts["shadow"], before["shadow"]
        if now is None:
            raise Refused(f"The shadow entry of {name} cannot be read.")
        commands: list[Command] = []
        words: list[str] = []
        if now["expire"] == EXPIRED:
            words += ["--expiredate", then["expire"]]
        if now["locked"] and not then["locked"]:
            if then["empty"]:  # usermod will not take the lock off an empty password
                commands.append(Command(("/usr/bin/passwd", "--delete", "--quiet", name)))
            else:
                words.append("--unlock")
        if words:
            commands.append(Command((USERMOD, *words, "--", name), why="as it was before"))
        return tuple(commands)

    def judge(self, phase: Phase, parameters: Parameters, facts: Facts, before: Facts) -> Judgement:
        name, now, then = _name(parameters), facts["shadow"], before["shadow"]
        if now is None:
            return Judgement(False, f"The shadow entry of {name} cannot be read.")
        if phase == "verify":
            if now["locked"] and now["expire"] == EXPIRED:
                return Judgement(True, f"{name} is locked and expired.")
            return Judgement(False, f"{name} can still log in.")
        if now["digest"] == then["digest"]:
            return Judgement(True, f"The shadow entry of {name} is as it was, to the byte.")
        if now["locked"] == then["locked"] and now["expire"] == then["expire"]:
            return Judgement(True, f"{name} can log in as before; its password changed since.")
        return Judgement(False, f"{name} is not as it was.")


def _name(parameters: Parameters) -> str:
    name = parameters.get("account")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?", name):
        raise Refused("The name of the account is not one a Linux host would have.")
    return name


def _usable(shadow: Facts | None) -> bool:
    """Whether an account can still be logged in to, by a key at least."""
    return shadow is not None and not (shadow["expire"].isdecimal() and int(shadow["expire"]) < 2)


ACTION = DisableAccount()
