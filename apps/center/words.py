"""The words pages use for kinds, risks, tactics, techniques and severities."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.analysis.words import KIND_WORDS
from apps.contracts import Kind, Risk

KINDS: Mapping[str, Promise] = {
    kind: gettext_lazy(word.capitalize()) for kind, word in KIND_WORDS.items()
}
"""A kind is called the same on pages and in the titles that analysis gives."""

KIND_ICONS: Mapping[str, str] = {
    Kind.PORT_SCAN: "radar-2",
    Kind.BRUTE_FORCE: "key",
    Kind.WEB_INJECTION: "world",
    Kind.FLOOD: "wave-saw-tool",
    Kind.WEB_SHELL: "terminal-2",
    Kind.MALWARE: "virus",
    Kind.COMMAND_AND_CONTROL: "building-broadcast-tower",
    Kind.HIJACK: "flag",
    Kind.PERSISTENCE: "door-enter",
    Kind.TAMPERING: "eye",
    Kind.WEAKNESS: "alert-triangle",
    Kind.ANOMALY: "activity-heartbeat",
    "incident": "target",
    "login": "door-enter",
    "account": "user",
    "port": "plug",
    "path": "link",
    "file": "file",
    "address": "world",
    "more": "plus",
}

_DEEDS: Mapping[str, Promise] = {
    Kind.PORT_SCAN: gettext_lazy("searched for open ports"),
    Kind.BRUTE_FORCE: gettext_lazy("guessed passwords"),
    Kind.WEB_INJECTION: gettext_lazy("attacked the web application"),
    Kind.FLOOD: gettext_lazy("caused a flood"),
    Kind.WEB_SHELL: gettext_lazy("left a web shell"),
    Kind.MALWARE: gettext_lazy("left malware"),
    Kind.COMMAND_AND_CONTROL: gettext_lazy("steered an infected machine"),
    Kind.HIJACK: gettext_lazy("led a name elsewhere"),
    Kind.PERSISTENCE: gettext_lazy("left a foothold"),
    Kind.TAMPERING: gettext_lazy("tampered with a page"),
    Kind.WEAKNESS: gettext_lazy("left a weak point"),
    Kind.ANOMALY: gettext_lazy("behaved abnormally"),
}

_SEEN: Mapping[str, Promise] = {
    Kind.HIJACK: gettext_lazy("%(whom)s seems to lead elsewhere"),
    Kind.TAMPERING: gettext_lazy("A page of %(whom)s seems to be tampered with"),
    Kind.PERSISTENCE: gettext_lazy("Somebody seems to have left a foothold on %(whom)s"),
    Kind.WEAKNESS: gettext_lazy("%(whom)s has a weak point"),
}
"""What a watch saw, where nobody is known to have done it."""

LABELS: Mapping[str, Promise] = {
    "Normal": gettext_lazy("Normal"),
    "DoS": gettext_lazy("Denial of service"),
    "DDoS": gettext_lazy("Distributed denial of service"),
    "Bot": gettext_lazy("Bot traffic"),
    "Portscan": gettext_lazy("Port scan"),
    "sqli": gettext_lazy("SQL injection"),
    "xss": gettext_lazy("Cross-site scripting"),
    "cmdi": gettext_lazy("Command injection"),
    "path_traversal": gettext_lazy("Path traversal"),
    "defaced": gettext_lazy("Defaced"),
}
"""What the shipped networks call their classes."""

RISKS: Mapping[str, Promise] = {
    Risk.INTRUSION: gettext_lazy("Intrusion"),
    Risk.WEB_TAMPERING: gettext_lazy("Web tampering"),
    Risk.DOMAIN_HIJACK: gettext_lazy("Domain hijacking"),
    Risk.VIRUS: gettext_lazy("Virus"),
    Risk.TROJAN: gettext_lazy("Trojan"),
    Risk.MALICIOUS_CODE: gettext_lazy("Malicious code"),
}

TECHNIQUES: Mapping[str, Promise] = {
    "T1018": gettext_lazy("Remote system discovery"),
    "T1027": gettext_lazy("Obfuscated files or information"),
    "T1046": gettext_lazy("Network service discovery"),
    "T1036": gettext_lazy("Masquerading"),
    "T1036.005": gettext_lazy("Match legitimate name or location"),
    "T1053": gettext_lazy("Scheduled task or job"),
    "T1053.003": gettext_lazy("Cron"),
    "T1056.003": gettext_lazy("Web portal capture"),
    "T1059": gettext_lazy("Command and scripting interpreter"),
    "T1059.001": gettext_lazy("PowerShell"),
    "T1059.004": gettext_lazy("Unix shell"),
    "T1059.006": gettext_lazy("Python"),
    "T1059.007": gettext_lazy("JavaScript"),
    "T1071": gettext_lazy("Application layer protocol"),
    "T1078": gettext_lazy("Valid accounts"),
    "T1083": gettext_lazy("File and directory discovery"),
    "T1098": gettext_lazy("Account manipulation"),
    "T1098.004": gettext_lazy("SSH authorized keys"),
    "T1105": gettext_lazy("Ingress tool transfer"),
    "T1110": gettext_lazy("Brute force"),
    "T1110.001": gettext_lazy("Password guessing"),
    "T1110.003": gettext_lazy("Password spraying"),
    "T1110.004": gettext_lazy("Credential stuffing"),
    "T1136": gettext_lazy("Create account"),
    "T1136.001": gettext_lazy("Local account"),
    "T1189": gettext_lazy("Drive-by compromise"),
    "T1190": gettext_lazy("Exploit public-facing application"),
    "T1203": gettext_lazy("Exploitation for client execution"),
    "T1204": gettext_lazy("User execution"),
    "T1491": gettext_lazy("Defacement"),
    "T1491.002": gettext_lazy("External defacement"),
    "T1496": gettext_lazy("Resource hijacking"),
    "T1498": gettext_lazy("Network denial of service"),
    "T1498.001": gettext_lazy("Direct network flood"),
    "T1499": gettext_lazy("Endpoint denial of service"),
    "T1499.001": gettext_lazy("OS exhaustion flood"),
    "T1499.002": gettext_lazy("Service exhaustion flood"),
    "T1499.003": gettext_lazy("Application exhaustion flood"),
    "T1505": gettext_lazy("Server software component"),
    "T1505.003": gettext_lazy("Web shell"),
    "T1543": gettext_lazy("Create or modify system process"),
    "T1543.002": gettext_lazy("Systemd service"),
    "T1546.004": gettext_lazy("Unix shell configuration modification"),
    "T1547.006": gettext_lazy("Kernel modules and extensions"),
    "T1548.001": gettext_lazy("Setuid and setgid"),
    "T1548.003": gettext_lazy("Sudo and sudo caching"),
    "T1554": gettext_lazy("Compromise host software binary"),
    "T1556.003": gettext_lazy("Pluggable authentication modules"),
    "T1557": gettext_lazy("Adversary-in-the-middle"),
    "T1565.001": gettext_lazy("Stored data manipulation"),
    "T1571": gettext_lazy("Non-standard port"),
    "T1572": gettext_lazy("Protocol tunneling"),
    "T1574": gettext_lazy("Hijack execution flow"),
    "T1574.006": gettext_lazy("Dynamic linker hijacking"),
    "T1584": gettext_lazy("Compromise infrastructure"),
    "T1584.001": gettext_lazy("Domains"),
    "T1595": gettext_lazy("Active scanning"),
    "T1595.001": gettext_lazy("Scanning IP blocks"),
    "T1595.002": gettext_lazy("Vulnerability scanning"),
    "T1595.003": gettext_lazy("Wordlist scanning"),
}

TACTICS: Mapping[str, Promise] = {
    "reconnaissance": gettext_lazy("Reconnaissance"),
    "resource-development": gettext_lazy("Resource development"),
    "initial-access": gettext_lazy("Initial access"),
    "execution": gettext_lazy("Execution"),
    "persistence": gettext_lazy("Persistence"),
    "privilege-escalation": gettext_lazy("Privilege escalation"),
    "defense-evasion": gettext_lazy("Defense evasion"),
    "credential-access": gettext_lazy("Credential access"),
    "discovery": gettext_lazy("Discovery"),
    "lateral-movement": gettext_lazy("Lateral movement"),
    "collection": gettext_lazy("Collection"),
    "command-and-control": gettext_lazy("Command and control"),
    "exfiltration": gettext_lazy("Exfiltration"),
    "impact": gettext_lazy("Impact"),
    "": gettext_lazy("Not yet classified"),
}

DEEDS: Mapping[str, Promise] = {
    "incident.opened": gettext_lazy("opened the incident"),
    "incident.widened": gettext_lazy("took another incident in"),
    "incident.absorbed": gettext_lazy("made it a part of another incident"),
    "incident.assigned": gettext_lazy("assigned the incident"),
    "incident.noted": gettext_lazy("noted"),
    "incident.closed": gettext_lazy("closed the incident"),
    "incident.reopened": gettext_lazy("opened the incident again"),
    "incident.held": gettext_lazy("put the records under a legal hold"),
    "incident.hold_lifted": gettext_lazy("lifted the legal hold"),
    "incident.handed_over": gettext_lazy("handed the incident over"),
    "remedy.proposed": gettext_lazy("proposed a plan"),
    "remedy.approved": gettext_lazy("approved the plan"),
    "remedy.refused": gettext_lazy("refused the plan"),
    "remedy.apply.begun": gettext_lazy("began to apply the plan"),
    "remedy.apply.done": gettext_lazy("applied the plan"),
    "remedy.apply.failed": gettext_lazy("could not apply the plan"),
    "remedy.verify.done": gettext_lazy("checked that the plan worked"),
    "remedy.verify.failed": gettext_lazy("could not find that the plan worked"),
    "remedy.undo.begun": gettext_lazy("began to undo the plan"),
    "remedy.undo.done": gettext_lazy("undid the plan"),
    "remedy.undo.failed": gettext_lazy("could not undo the plan"),
    "task.done": gettext_lazy("ticked off"),
    "task.reopened": gettext_lazy("took back the tick"),
    "handover.delivered": gettext_lazy("delivered the package"),
    "handover.undeliverable": gettext_lazy("could not deliver the package"),
    "handover.shared": gettext_lazy("made a link to the package"),
    "handover.opened": gettext_lazy("opened the package"),
    "handover.share_revoked": gettext_lazy("revoked a link to the package"),
    "handover.advised": gettext_lazy("gave advice"),
}
"""What the audit trail calls what people did to incidents."""

_STEPS: Mapping[str, Promise] = {
    "block_address": gettext_lazy("Block %(address)s for %(hours)s"),
    "disable_account": gettext_lazy("Lock the account %(account)s"),
    "quarantine_file": gettext_lazy("Move %(path)s into quarantine"),
}

LEVELS: tuple[tuple[int, str, Promise], ...] = (
    (80, "critical", gettext_lazy("Critical")),
    (60, "high", gettext_lazy("High")),
    (40, "medium", gettext_lazy("Medium")),
    (20, "low", gettext_lazy("Low")),
    (0, "info", gettext_lazy("Info")),
)


def _titled(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


def kind(name: str) -> str:
    return str(KINDS.get(name) or _titled(name))


def label(name: str) -> str:
    """A network's label as words: "BruteForce" → "Brute force", "SQLInjection" → "SQL injection"."""
    if name in KINDS:
        return kind(name)
    if name in LABELS:
        return str(LABELS[name])
    parts = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[A-Z]{2})(?=[A-Z][a-z])|[_-]", " ", name).split()
    text = " ".join(part if sum(map(str.isupper, part)) > 1 else part.lower() for part in parts)
    return text[:1].upper() + text[1:]


def risk(name: str) -> str:
    return str(RISKS.get(name) or _titled(name))


def tactic(name: str) -> str:
    return str(TACTICS.get(name.lower().replace("_", "-").replace(" ", "-")) or _titled(name))


def deed(action: str) -> str:
    return str(DEEDS.get(action) or action.replace(".", " ").replace("_", " "))


def step(action: str, parameters: Mapping[str, Any], host: str) -> str:
    """A step of which no commands are known yet, as a sentence."""
    said = dict(parameters)
    if isinstance(hours := said.get("hours"), int):
        said["hours"] = pace(hours * 3600)
    try:
        deed = str(_STEPS[action]) % said
    except KeyError:
        deed = _titled(action)
    return (_("%(deed)s on %(host)s.") if host else _("%(deed)s.")) % {"deed": deed, "host": host}


def technique(identifier: str) -> str:
    """The technique's name; the identifier itself where we know none."""
    return str(TECHNIQUES.get(identifier, identifier))


def technique_url(identifier: str) -> str:
    return f"https://attack.mitre.org/techniques/{identifier.replace('.', '/')}/"


def level(severity: int) -> tuple[str, str, int]:
    """(class, word, notches from 0 to 4) of a severity from 0 to 100."""
    for place, (least, name, word) in enumerate(LEVELS):
        if severity >= least:
            return name, str(word), 4 - place
    return "info", str(LEVELS[-1][2]), 0


def span(name: str) -> tuple[int, int]:
    """The severities a level covers: [from, below)."""
    upper = 101
    for least, known, _word in LEVELS:
        if known == name:
            return least, upper
        upper = least
    return 0, 101


def joined(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(several)s and %(last)s") % {"several": ", ".join(words[:-1]), "last": words[-1]}


def sentence(
    kinds: Sequence[str],
    subjects: Sequence[str],
    targets: Sequence[str],
    accounts_taken: Sequence[str] = (),
) -> str:
    """What happened, in one plain sentence: who did what, against whom, and what they got.

    `kinds` begins with the one the incident is named after.
    """
    first, *others = dict.fromkeys(kinds)
    said = {
        "who": some(subjects) or _("An unknown attacker"),
        "deed": _DEEDS.get(first, _DEEDS[Kind.ANOMALY]),
        "whom": some(targets),
        "others": joined([kind(name).lower() for name in others]),
        "accounts": some(accounts_taken),
    }
    told = _("%(who)s %(deed)s on %(whom)s") if targets else _("%(who)s %(deed)s")
    if first in _SEEN and targets and not subjects:
        told = str(_SEEN[first])
    if others:
        told += _(", along with %(others)s")
    if accounts_taken:
        told += _(", and got in as %(accounts)s")
    return told % said + "."


def some(names: Sequence[str], most: int = 2) -> str:
    """The first names, and how many more there are."""
    if len(names) <= most:
        return joined(list(names))
    more = len(names) - most
    rest = ngettext("%(n)d more", "%(n)d more", more) % {"n": more}
    return joined([*names[:most], rest])


def exact(when: datetime | None) -> str:
    """The whole time to the second, with its zone: "2026-11-22 03:14:07 UTC"."""
    if when is None:
        return ""
    local = timezone.localtime(when)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def duration(length: timedelta) -> str:
    """ "under a second", "48 s", "3 min 20 s", "2 h 5 min", "4 d 3 h"."""
    seconds = int(length.total_seconds())
    if seconds < 1:
        return _("under a second")
    units = ((86400, _("d")), (3600, _("h")), (60, _("min")), (1, _("s")))
    parts: list[str] = []
    for size, unit in units:
        amount, seconds = divmod(seconds, size)
        if amount or parts:
            parts.append(f"{amount} {unit}" if amount else "")
    return " ".join(part for part in parts[:2] if part)


def pace(seconds: int) -> str:
    """A length of time in the largest unit that tells it whole: "90 minutes", "1 day"."""
    if seconds % 86400 == 0:
        n = seconds // 86400
        return ngettext("%(n)d day", "%(n)d days", n) % {"n": n}
    if seconds % 3600 == 0:
        n = seconds // 3600
        return ngettext("%(n)d hour", "%(n)d hours", n) % {"n": n}
    if seconds % 60 == 0:
        n = seconds // 60
        return ngettext("%(n)d minute", "%(n)d minutes", n) % {"n": n}
    return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
