"""The classes that the shipped networks tell apart, and how data sets name them.

The first class of every tuple is the harmless one: `p_attack` is one minus its probability.
"""

from __future__ import annotations

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
    "Normal": ("benign", "normal"),
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
    ),
    "WebAttack": (
        "webattack",
        "web attack - brute force",
        "web attack - xss",
        "web attack - sql injection",
        "brute force -web",
        "brute force -xss",
        "sql injection",
    ),
    "Portscan": ("portscan", "infiltration - portscan", "infiltration - nmap portscan"),
}
_REQUEST_LABELS = {
    "normal": ("normal", "norm", "legal", "benign"),
    "sqli": ("sqli", "sql", "sql_injection"),
    "xss": ("xss",),
    "path_traversal": ("path_traversal", "path-traversal"),
    "cmdi": ("cmdi", "shell", "command_injection"),
}
_LABELS = {
    kind: {name: cls for cls, names in table.items() for name in names}
    for kind, table in ((FLOWS, _FLOW_LABELS), (REQUESTS, _REQUEST_LABELS))
}


def classes_of(kind: str) -> tuple[str, ...]:
    """The class names of a kind, the harmless one first."""
    if kind not in KINDS:
        raise DataError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    return FLOW_CLASSES if kind == FLOWS else REQUEST_CLASSES


def class_index(kind: str, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Data-set labels [N] to class numbers [N]; DataError names those that are unknown."""
    names = np.asarray(labels, dtype=str)
    unique, inverse = np.unique(names, return_inverse=True)
    table = _LABELS[kind]
    unknown = [name for name in unique if name.strip().lower() not in table]
    if unknown:
        raise DataError(f"unknown {kind} labels: {', '.join(map(repr, unknown[:5]))}")
    numbers = [classes_of(kind).index(table[name.strip().lower()]) for name in unique]
    return np.asarray(numbers, dtype=np.int64)[inverse]
