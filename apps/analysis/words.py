"""How analysis speaks of kinds, stages and labels: plain English, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import ip_address

from apps.contracts import Kind

KIND_WORDS: Mapping[Kind, str] = {
    Kind.PORT_SCAN: "port scan",
    Kind.BRUTE_FORCE: "brute force",
    Kind.WEB_INJECTION: "web injection",
    Kind.FLOOD: "flood",
    Kind.WEB_SHELL: "web shell",
    Kind.MALWARE: "malware",
    Kind.COMMAND_AND_CONTROL: "command and control",
    Kind.HIJACK: "suspected domain hijack",
    Kind.PERSISTENCE: "foothold",
    Kind.TAMPERING: "page tampering",
    Kind.WEAKNESS: "weak point",
    Kind.ANOMALY: "unfamiliar traffic",
}

SERIOUSNESS: tuple[Kind, ...] = (
    Kind.ANOMALY,
    Kind.WEAKNESS,
    Kind.PORT_SCAN,
    Kind.FLOOD,
    Kind.BRUTE_FORCE,
    Kind.WEB_INJECTION,
    Kind.HIJACK,
    Kind.TAMPERING,
    Kind.COMMAND_AND_CONTROL,
    Kind.PERSISTENCE,
    Kind.MALWARE,
    Kind.WEB_SHELL,
)
"""Kinds by how far the attacker has come: an incident is called by the last it shows."""

TACTIC: Mapping[Kind, str] = {
    Kind.PORT_SCAN: "reconnaissance",
    Kind.BRUTE_FORCE: "credential-access",
    Kind.WEB_INJECTION: "initial-access",
    Kind.WEB_SHELL: "persistence",
    Kind.MALWARE: "execution",
    Kind.COMMAND_AND_CONTROL: "command-and-control",
    Kind.FLOOD: "impact",
    Kind.HIJACK: "resource-development",
    Kind.PERSISTENCE: "persistence",
    Kind.TAMPERING: "impact",
    Kind.WEAKNESS: "",
    Kind.ANOMALY: "",
}
"""The ATT&CK tactic (its short name) that a kind serves."""

TACTIC_WORDS: Mapping[str, str] = {
    "reconnaissance": "Reconnaissance",
    "resource-development": "Resource development",
    "credential-access": "Credential access",
    "initial-access": "Initial access",
    "persistence": "Persistence",
    "execution": "Execution",
    "command-and-control": "Command and control",
    "impact": "Impact",
    "": "Not yet classified",
}
"""In the order in which a campaign usually goes through them."""

LABEL_KIND: Mapping[str, Kind] = {
    "Portscan": Kind.PORT_SCAN,
    "BruteForce": Kind.BRUTE_FORCE,
    "DoS": Kind.FLOOD,
    "DDoS": Kind.FLOOD,
    "Bot": Kind.COMMAND_AND_CONTROL,
    "WebAttack": Kind.WEB_INJECTION,
    "sqli": Kind.WEB_INJECTION,
    "xss": Kind.WEB_INJECTION,
    "path_traversal": Kind.WEB_INJECTION,
    "cmdi": Kind.WEB_INJECTION,
    "defaced": Kind.TAMPERING,
}
"""The kind that a label of the shipped networks names, where it names one."""


LABEL_WORDS: Mapping[str, str] = {
    "Normal": "Normal",
    "Portscan": "Port scan",
    "BruteForce": "Brute force",
    "DoS": "Denial of service",
    "DDoS": "Distributed denial of service",
    "Bot": "Bot traffic",
    "WebAttack": "Web attack",
    "normal": "Normal",
    "sqli": "SQL injection",
    "xss": "Cross-site scripting",
    "path_traversal": "Path traversal",
    "cmdi": "Command injection",
    "defaced": "Defaced",
}
"""What people call the classes of the shipped networks."""


def label_words(label: str) -> str:
    """A class of a network as people read it; one of a network of your own stays as it is."""
    return LABEL_WORDS.get(label, label)


def kind_words(kind: str) -> str:
    """A kind as people read it; what is no kind stays as it is."""
    return KIND_WORDS[Kind(kind)] if kind in set(Kind) else kind


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def some(values: Sequence[str], noun: str, limit: int = 2) -> str:
    """'10.0.0.5', '10.0.0.5 and 10.0.0.6', '14 addresses'."""
    if len(values) > limit:
        return f"{len(values)} {noun}"
    return joined(values)


def joined(words: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def counted(count: int, noun: str) -> str:
    """'1 record', '12,000 records'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def span(length: timedelta) -> str:
    """A duration for people: '4 s', '12 min', '3 h', '2 days'."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} days"
