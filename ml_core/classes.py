"""The classes that the shipped networks tell apart, and how data sets name them.

The first class of every tuple is the harmless one: `p_attack` is one minus its probability.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError

FLOWS, REQUESTS = "flows", "requests"
KINDS = (FLOWS, REQUESTS)

# Paper 1's seven classes (its table 5) and port scans, which CSE-CIC-IDS2018 does not name.
FLOW_CLASSES = (
    "Normal",
    "DDoS",
    "Bot",
    "Infiltration",
    "BruteForce",
    "DoS",
    "WebAttack",
    "Portscan",
)
REQUEST_CLASSES = ("normal", "sqli", "xss", "path_traversal", "cmdi")

# A scan from inside ("Infiltration - Portscan") is a scan: its flows cannot be told from others.
_FLOW_LABELS = {
    "Normal": ("benign", "normal", "0"),
    "DDoS": (
        "ddos",
        "ddos-hoic",
        "ddos-loic-http",
        "ddos-loic-udp",
        "ddos attack-hoic",
        "ddos attack-loic-udp",
        "ddos attacks-loic-http",
    ),
    "Bot": ("bot", "botnet", "botnet ares"),
    "Infiltration": ("infiltration", "infilteration"),
    "BruteForce": (
        "bruteforce",
        "brute force",
        "ftp-patator",
        "ssh-patator",
        "ssh-bruteforce",
        "ssh_brute_force",
        "ftp_brute_force",
        "ftp-bruteforce",
    ),
    "DoS": (
        "dos",
        "dos hulk",
        "dos goldeneye",
        "dos slowloris",
        "dos slowhttptest",
        "heartbleed",
        "dos attacks-goldeneye",
        "dos attacks-hulk",
        "dos attacks-slowhttptest",
        "dos attacks-slowloris",
        "flood",
        "slow_http",
    ),
    "WebAttack": (
        "webattack",
        "web attack - brute force",
        "web attack - xss",
        "web attack - sql injection",
        "brute force -web",
        "brute force -xss",
        "sql injection",
        "web_injection",
        "web_shell",
    ),
    "Portscan": (
        "portscan",
        "port_scan",
        "infiltration - portscan",
        "infiltration - nmap portscan",
    ),
}
_REQUEST_LABELS = {
    "normal": ("normal", "norm", "legal", "benign", "0"),
    "sqli": ("sqli", "sql", "sql_injection"),
    "xss": ("xss",),
    "path_traversal": ("path_traversal", "path-traversal"),
    "cmdi": ("cmdi", "shell", "command_injection"),
}
# Labels that say "an attack" and not which: useful to evaluate with, not to learn from.
UNTOLD = -1
_UNTOLD = ("1", "attack", "anom", "anomalous", "malicious", "web_injection", "web_shell")
_SIGNS = re.compile(r"[^a-z0-9_]+")


def _plain(label: str) -> str:
    """Lower case, without signs (tables disagree about dashes) and what stands in brackets."""
    return _SIGNS.sub(" ", label.partition(" (")[0].lower()).strip()


_LABELS = {
    kind: {_plain(name): cls for cls, names in table.items() for name in names}
    for kind, table in ((FLOWS, _FLOW_LABELS), (REQUESTS, _REQUEST_LABELS))
}


def classes_of(kind: str) -> tuple[str, ...]:
    """The class names of a kind, the harmless one first."""
    if kind not in KINDS:
        raise DataError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    return FLOW_CLASSES if kind == FLOWS else REQUEST_CLASSES


def class_index(kind: str, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Data-set labels [N] to class numbers [N], UNTOLD for an attack of a kind not told.

    What stands in brackets, the tool of our own recordings ("flood (hping3)"), does not count.
    DataError names the labels that are unknown.
    """
    names = np.asarray(labels, dtype=str)
    unique, inverse = np.unique(names, return_inverse=True)
    table = _LABELS[kind]
    plain = [_plain(name) for name in unique.tolist()]
    unknown = [name for name in plain if name not in table and name not in _UNTOLD]
    if unknown:
        raise DataError(f"unknown {kind} labels: {', '.join(map(repr, unknown[:5]))}")
    classes = classes_of(kind)
    numbers = [classes.index(table[name]) if name in table else UNTOLD for name in plain]
    return np.asarray(numbers, dtype=np.int64)[inverse]
