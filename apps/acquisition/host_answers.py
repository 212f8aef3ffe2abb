"""What the programs of a host say, as observations: the pure part of watching hosts."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address

from apps.acquisition.collecting import Observation
from apps.contracts import Json

_DIGEST = re.compile(r"^(\\?)([0-9a-f]{64}) [ *](.+)$")
_PROCESS = re.compile(r'\("([^"]{1,64})",pid=')
_TEMPORARY = re.compile(r"^(?:/tmp|/var/tmp|/dev/shm|/run/user)/")
_SYSTEM = re.compile(r"^/(?:usr|bin|sbin|lib\w*|opt|snap|app)/")
_RUNC = "/memfd:runc_cloned:/proc/self/exe"  # how containers are started
_KEY = re.compile(r"(?:^|\s)((?:ssh|ecdsa|sk)-[\w.@-]+)\s+([A-Za-z0-9+/=]{16,})(?:\s+(.*))?$")
_MERGED = ("/bin/", "/sbin/", "/lib")
"""What is a link into /usr by now, and is still known by its former name."""


def owners(said: str) -> dict[str, str]:
    """Path → package, from `dpkg-query -S`: "bash, dash: /bin/sh" (the first of several)."""
    found: dict[str, str] = {}
    for line in said.split("\n"):
        names, colon, path = line.partition(": ")
        if colon and path.startswith("/") and not names.startswith("diversion by "):
            name = names.split(",")[0].partition(":")[0]
            found[path] = name
            if path.startswith(_MERGED):
                found[f"/usr{path}"] = name
    return found


def files(
    listed: str, digests: str, folder: str, packages: Mapping[str, str] | None = None
) -> Iterator[Observation]:
    """The files of a folder, from `find` and `sha256sum`; `packages` has whose they are."""
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
        yield _seen(
            "host.file", path, folder, compared, line, message, (packages or {}).get(path, "")
        )


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


def keys(said: str) -> Iterator[Observation]:
    """Keys that may log in, from `grep -Z` over authorized_keys: by their fingerprint, as
    `ssh-keygen -l` has it."""
    for line in said.split("\n"):
        path, nul, entry = line.partition("\ufffd")  # NUL, as it comes over the wire
        found = _KEY.search(entry)
        if not nul or not found:
            continue
        try:
            digest = sha256(b64decode(found[2], validate=True)).digest()
        except ValueError:
            continue
        fingerprint = "SHA256:" + b64encode(digest).decode().rstrip("=")
        home = path.split("/.ssh/")[0]
        compared: dict[str, Json] = {
            "file.path": path,
            "user.name": home.rpartition("/")[2],
            "key.type": found[1],
            "key.fingerprint": fingerprint,
            "key.comment": (found[3] or "")[:200],
            "key.options": entry[: found.start(1)].strip()[:500],
        }
        message = f"{path} lets in {found[1]} {fingerprint} {compared['key.comment']}".strip()
        yield _seen("host.key", f"{path} {fingerprint}", "keys", compared, entry[:4000], message)


def processes(said: str) -> Iterator[Observation]:
    """Programs that run out of a temporary folder, from memory, or though their file was deleted,
    from the links of /proc. One of the system that was deleted waits for a restart after an
    upgrade: that is no sign of anything."""
    found: dict[str, list[str]] = {}
    for line in said.split("\n"):
        place, tab, path = line.partition("\t")
        if tab and path:
            number = place.removeprefix("/proc/").removesuffix("/exe")
            found.setdefault(path, []).append(number)
    for path, numbers in found.items():
        name = path.removesuffix(" (deleted)")
        if name == _RUNC:
            continue
        if name.startswith("/memfd:"):
            state = "in memory alone"
        elif path != name and not _SYSTEM.match(name):
            state = "deleted"
        elif _TEMPORARY.match(name):
            state = "in a temporary folder"
        else:
            continue
        compared: dict[str, Json] = {"process.executable": name, "process.state": state}
        message = f"{name} runs, {state}, as process {', '.join(numbers[:10])}."
        yield _seen("host.process", path, "processes", compared, f"{numbers[0]} {path}", message)


def modules(said: str) -> Iterator[Observation]:
    """Modules of the kernel and how they taint it, from /proc/modules: O is not of the kernel's own
    tree, E not signed."""
    for line in said.split("\n"):
        parts = line.split()
        if len(parts) < 6:
            continue
        taints = parts[-1].strip("()") if parts[-1].startswith("(") else ""
        compared: dict[str, Json] = {"module.name": parts[0], "module.taints": taints}
        what = f"{parts[0]} is loaded" + (f", taints: {taints}." if taints else ".")
        yield _seen("host.module", parts[0], "modules", compared, line, what)


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
    dataset: str,
    key: str,
    group: str,
    compared: Mapping[str, Json],
    line: str,
    message: str,
    package: str = "",
) -> Observation:
    fields = {**compared, "package.name": package} if package else dict(compared)
    fields |= {"event.original": line, "message": message}
    return Observation(dataset, key, fields, compared, group=group)
