"""A host made of three dictionaries: what our commands do to rules, accounts and files.

It answers exactly the commands the actions use, by what their manuals say, and nothing else: an
unknown command fails as it would on a host without that program.
"""

from __future__ import annotations

import copy
import hashlib
import json
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.assistance.action import Output
from apps.contracts import Command

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
tocsin:x:998:998::/var/lib/tocsin-repair:/bin/sh
alice:x:1000:1000:Alice:/home/alice:/bin/bash
bob:x:1001:1001:Bob:/home/bob:/bin/bash
carol:x:1002:1002:Carol:/home/carol:/bin/bash
"""
GROUP = "sudo:x:27:alice\nusers:x:100:\nadm:x:4:bob\n"
SHADOW = {
    "root": "*:19000:0:99999:7:::",
    "tocsin": "*:19000:0:99999:7:::",
    "alice": "$y$j9T$saltsalt$hash:19000:0:99999:7:::",
    "bob": "$y$j9T$other$hash:19100:0:99999:7::20000:",
    "carol": ":19200:0:99999:7:::",
}
OTHER_RULES = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n"


@dataclass
class File:
    content: bytes
    mode: int = 0o100644
    uid: int = 33
    gid: int = 33
    mtime: str = "1763800000.123456789"
    links: int = 1


@dataclass
class ModelHost:
    """`rules` maps a table to its text pieces; `blocked` to its timeout; `files` path to file."""

    table: bool = False
    blocked: dict[str, str] = field(default_factory=dict)
    shadow: dict[str, str] = field(default_factory=lambda: dict(SHADOW))
    files: dict[str, File] = field(default_factory=dict)
    real: dict[str, str] = field(default_factory=dict)  # folder → where it really leads
    packaged: dict[str, str] = field(default_factory=dict)
    uid: int = 0
    peer: str = "192.0.2.7 50000 192.0.2.10 22"
    ran: list[tuple[str, ...]] = field(default_factory=list)
    before_each: Callable[[Command], None] = lambda command: None
    after_each: Callable[[Command], None] = lambda command: None

    def run(self, command: Command, *, timeout: float = 30) -> Output:
        self.before_each(command)
        argv = command.argv
        self.ran.append(argv)
        if argv[:3] == ("sudo", "-n", "--"):
            argv = argv[3:]
        known = getattr(self, "do_" + posixpath.basename(argv[0]).replace("-", "_"), None)
        said = known(argv[1:], command.stdin) if known else Output(127, "", "not found")
        self.after_each(command)
        return said

    def state(self) -> tuple[object, ...]:
        return copy.deepcopy((self.ruleset(), self.shadow, self.files))

    def __enter__(self) -> ModelHost:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    # ── who and where ────────────────────────────────────────────────────────────────────

    def do_id(self, words: tuple[str, ...], stdin: str) -> Output:
        return Output(0, f"{self.uid}\n")

    def do_printenv(self, words: tuple[str, ...], stdin: str) -> Output:
        return Output(0, self.peer + "\n")

    def do_uname(self, words: tuple[str, ...], stdin: str) -> Output:
        return Output(0, "Linux model\n")

    def do_ip(self, words: tuple[str, ...], stdin: str) -> Output:
        if "address" in words:
            own = {"ifname": "eth0", "addr_info": [
                {"local": "192.0.2.10", "prefixlen": 24}, {"local": "2001:db8::10", "prefixlen": 64},
            ]}  # fmt: skip
            return Output(0, json.dumps([own]))
        gateway = "2001:db8::1" if "-6" in words else "192.0.2.1"
        return Output(0, json.dumps([{"dst": "default", "gateway": gateway, "dev": "eth0"}]))

    def do_cat(self, words: tuple[str, ...], stdin: str) -> Output:
        return Output(1, "search example.org\nnameserver 192.0.2.53\n", "no such file")

    # ── nftables ─────────────────────────────────────────────────────────────────────────

    def ruleset(self) -> str:
        if not self.table:
            return OTHER_RULES
        text = "table inet tocsin {\n"
        for version, kind in ((4, "ipv4_addr"), (6, "ipv6_addr")):
            members = [a for a in sorted(self.blocked) if (":" in a) == (version == 6)]
            text += f"\tset blocked{version} {{\n\t\ttype {kind}\n\t\tflags timeout\n"
            if members:
                listed = ",\n\t\t\t     ".join(f"{a} timeout {self.blocked[a]}" for a in members)
                text += f"\t\telements = {{ {listed} }}\n"
            text += "\t}\n\n"
        for chain, side in (("input", "saddr"), ("forward", "saddr"), ("output", "daddr")):
            text += f"\tchain {chain} {{\n\t\ttype filter hook {chain} priority filter - 10;\n"
            text += f"\t\tip {side} @blocked4 drop\n\t\tip6 {side} @blocked6 drop\n\t}}\n"
        return OTHER_RULES + text + "}\n"

    def do_nft(self, words: tuple[str, ...], stdin: str) -> Output:
        if words == ("--stateless", "list", "ruleset"):
            return Output(0, self.ruleset())
        if words == ("--file", "-"):
            added = re.findall(
                r"^add element inet tocsin blocked[46] \{ (\S+) timeout (\S+) \}$", stdin, re.M
            )
            self.table = True
            self.blocked |= dict(added)
            return Output(0)
        if words == ("delete", "table", "inet", "tocsin") and self.table:
            self.table, self.blocked = False, {}
            return Output(0)
        if words[:4] == ("delete", "element", "inet", "tocsin"):
            gone = self.blocked.pop(words[5].strip("{} "), None)
            return Output(0 if gone else 1)
        return Output(1, "", "Error: No such file or directory")

    # ── accounts ─────────────────────────────────────────────────────────────────────────

    def do_getent(self, words: tuple[str, ...], stdin: str) -> Output:
        shadow = "".join(f"{name}:{rest}\n" for name, rest in self.shadow.items())
        return Output(0, {"passwd": PASSWD, "group": GROUP, "shadow": shadow}[words[-1]])

    def do_usermod(self, words: tuple[str, ...], stdin: str) -> Output:
        *options, dashes, name = words
        assert dashes == "--"
        password, *rest = self.shadow[name].split(":")
        if "--lock" in options and not password.startswith("!"):
            password = "!" + password
        if "--unlock" in options:
            if password == "!":
                return Output(1, "", "usermod: unlocking would result in a passwordless account")
            password = password.removeprefix("!")
        if "--expiredate" in options:
            rest[5] = options[options.index("--expiredate") + 1]
        self.shadow[name] = ":".join([password, *rest])
        return Output(0)

    def do_passwd(self, words: tuple[str, ...], stdin: str) -> Output:
        name = words[-1]
        self.shadow[name] = ":".join(["", *self.shadow[name].split(":")[1:]])
        return Output(0)

    # ── files ────────────────────────────────────────────────────────────────────────────

    def do_stat(self, words: tuple[str, ...], stdin: str) -> Output:
        file = self.files.get(words[-1])
        if file is None:
            return Output(1, "", "stat: cannot statx: No such file or directory")
        size = len(file.content)
        return Output(0, f"{file.mode:x} {file.uid} {file.gid} {size} {file.mtime} {file.links}\n")

    def do_sha256sum(self, words: tuple[str, ...], stdin: str) -> Output:
        file = self.files.get(words[-1])
        if file is None:
            return Output(1, "", "No such file or directory")
        return Output(0, f"{hashlib.sha256(file.content).hexdigest()}  {words[-1]}\n")

    def do_realpath(self, words: tuple[str, ...], stdin: str) -> Output:
        return Output(0, self.real.get(words[-1], words[-1]) + "\n")

    def do_dpkg_query(self, words: tuple[str, ...], stdin: str) -> Output:
        owner = self.packaged.get(words[-1])
        return Output(0, f"{owner}: {words[-1]}\n") if owner else Output(1, "", "no path found")

    def do_install(self, words: tuple[str, ...], stdin: str) -> Output:
        return Output(0)

    def do_rmdir(self, words: tuple[str, ...], stdin: str) -> Output:
        return Output(0)

    def do_mv(self, words: tuple[str, ...], stdin: str) -> Output:
        source, destination = words[-2:]
        if source not in self.files:
            return Output(1, "", f"mv: cannot stat '{source}'")
        if destination not in self.files:  # --no-clobber
            self.files[destination] = self.files.pop(source)
        return Output(0)
