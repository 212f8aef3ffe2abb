"""What a host says of its accounts: `getent` over its own files, read without their secrets."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from apps.contracts import Json

NO_LOGIN = re.compile(r"/(nologin|false|sync|halt|shutdown)$")
ADMINISTRATORS = ("sudo", "wheel", "admin")


@dataclass(frozen=True, slots=True)
class Account:
    """A line of `passwd(5)`."""

    name: str
    password: str
    uid: int
    gid: int
    home: str
    shell: str

    @property
    def in_shadow(self) -> bool:
        return self.password == "x"  # noqa: S105 - the mark of passwd(5)

    @property
    def has_login(self) -> bool:
        return bool(self.shell) and not NO_LOGIN.search(self.shell)


def accounts(passwd: str) -> dict[str, Account]:
    found = {}
    for line in passwd.splitlines():
        words = line.split(":")
        if len(words) == 7 and words[2].isdecimal() and words[3].isdecimal():
            found[words[0]] = Account(
                words[0], words[1], int(words[2]), int(words[3]), words[5], words[6] or "/bin/sh"
            )
    return found


def home_of(passwd: str, name: str) -> str:
    """The home of an account; empty where it is not known."""
    account = accounts(passwd).get(name)
    return account.home if account else ""


def administrators(passwd: str, group: str) -> set[str]:
    """Accounts that may become root: members of sudo, wheel or admin, by either file."""
    members: set[str] = set()
    for line in group.splitlines():
        words = line.split(":")
        if len(words) == 4 and words[0] in ADMINISTRATORS and words[2].isdecimal():
            members |= {name for name in words[3].split(",") if name}
            members |= {a.name for a in accounts(passwd).values() if a.gid == int(words[2])}
    return members


def shadow_facts(shadow: str) -> dict[str, dict[str, Json]]:
    """Per account: whether its password is locked or empty, its expiry (days, or ""), and the
    digest of its line. The digest covers the hash and its salt, so it gives neither away."""
    found: dict[str, dict[str, Json]] = {}
    for line in shadow.splitlines():
        words = line.split(":")
        if len(words) == 9:
            found[words[0]] = {
                "locked": words[1].startswith("!"),
                "empty": words[1] == "",
                "expire": words[7],
                "digest": hashlib.sha256(line.encode()).hexdigest(),
            }
    return found


def without_hashes(shadow: str) -> str:
    """`shadow(5)` with every password hash replaced by "x": what may be stored of it."""
    return re.sub(r"^([^:\n]*:!*)([^:\n!*][^:\n]*)(?=:)", r"\1x", shadow, flags=re.M)
