"""The words of Tocsin as frozen dataclasses: the language of the pure code.

Standard library only, so that every module, however pure, may speak it. Nothing
here touches a database, a network or a clock. Field names of records follow the
Elastic Common Schema; techniques are MITRE ATT&CK identifiers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = Any
"""What `json.dumps` accepts: None, bool, int, float, str, lists and string-keyed mappings."""


class Risk(StrEnum):
    """The six kinds of risk data of paper 2."""

    INTRUSION = "intrusion"
    WEB_TAMPERING = "web_tampering"
    DOMAIN_HIJACK = "domain_hijack"
    VIRUS = "virus"
    TROJAN = "trojan"
    MALICIOUS_CODE = "malicious_code"


class Kind(StrEnum):
    """What an attack does. Finer than a risk: expert records and clue trees speak of kinds."""

    PORT_SCAN = "port_scan"
    BRUTE_FORCE = "brute_force"
    WEB_INJECTION = "web_injection"
    FLOOD = "flood"
    WEB_SHELL = "web_shell"
    MALWARE = "malware"
    COMMAND_AND_CONTROL = "command_and_control"
    TAMPERING = "tampering"  # what a page shows, or does to its readers, is not its owner's
    PERSISTENCE = "persistence"  # what an intruder leaves on a host to come back, or to hide
    WEAKNESS = "weakness"  # nobody attacks yet: what would let one in, or keep others out
    HIJACK = "hijack"  # a name leads, or may lead, elsewhere than its owner meant
    ANOMALY = "anomaly"  # abnormal, and no tool can say of what kind


TECHNIQUE: Mapping[Kind, str] = {
    Kind.PORT_SCAN: "T1046",
    Kind.BRUTE_FORCE: "T1110",
    Kind.WEB_INJECTION: "T1190",
    Kind.FLOOD: "T1498",
    Kind.WEB_SHELL: "T1505.003",
    Kind.MALWARE: "T1204",
    Kind.COMMAND_AND_CONTROL: "T1071",
    Kind.HIJACK: "T1584.001",
    Kind.PERSISTENCE: "T1543",
    Kind.TAMPERING: "T1491.002",
}
"""The ATT&CK technique a kind stands for when a tool knows nothing more precise."""


# ── Records ──────────────────────────────────────────────────────────────────────────────


class ColumnType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"  # 64 bits
    ADDRESS = "address"  # IPv4 or IPv6, as canonical text
    TIMESTAMP = "timestamp"  # microseconds, UTC
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a record. `attribute` is its name in the database and in Python."""

    name: str
    type: ColumnType
    stored: bool = True

    @property
    def attribute(self) -> str:
        return self.name.lstrip("@").replace(".", "_")


_T, _I, _A = ColumnType.TEXT, ColumnType.INTEGER, ColumnType.ADDRESS

RECORD_COLUMNS: tuple[Column, ...] = (
    Column("@timestamp", ColumnType.TIMESTAMP),
    Column("event.sequence", _I),  # place in its batch: line number or row, from 0
    Column("event.dataset", _T),  # which parser made it: "nginx.access", "sshd.auth", …
    Column("event.category", _T),  # network, web, authentication, file, unparsed
    Column("event.action", _T),
    Column("event.outcome", _T),  # success, failure, unknown
    Column("event.code", _T),  # the sensor's own number of it: Windows event 4625
    Column("event.provider", _T),  # which part of the source wrote it
    Column("event.severity", _I),  # as the source counts, 0 emergency to 7 debug where syslog
    Column("event.duration", _I),  # nanoseconds
    Column("event.original", _T),  # the line as it came
    Column("source.ip", _A),
    Column("source.domain", _T),
    Column("source.port", _I),
    Column("source.bytes", _I),
    Column("source.packets", _I),
    Column("destination.ip", _A),
    Column("destination.domain", _T),
    Column("destination.port", _I),
    Column("destination.bytes", _I),
    Column("destination.packets", _I),
    Column("network.transport", _T),  # tcp, udp, icmp, …
    Column("network.protocol", _T),  # http, ssh, dns, …
    Column("network.bytes", _I),
    Column("network.packets", _I),
    Column("network.direction", _T),
    Column("host.name", _T),  # the host that observed it
    Column("user.name", _T),
    Column("user.domain", _T),
    Column("user.target.name", _T),  # the account that something was done to
    Column("process.name", _T),
    Column("process.pid", _I),
    Column("process.executable", _T),
    Column("process.command_line", _T),
    Column("process.parent.executable", _T),
    Column("log.level", _T),
    Column("rule.id", _T),  # of a sensor that judges by rules: its rule
    Column("rule.name", _T),
    Column("dns.question.name", _T),
    Column("dns.question.type", _T),
    Column("dns.response_code", _T),
    Column("dns.answers", _T),  # names and addresses, by spaces
    Column("tls.client.server_name", _T),
    Column("email.from.address", _T),
    Column("email.to.address", _T),  # by spaces
    Column("http.request.method", _T),
    Column("http.request.body.content", _T),
    Column("http.request.body.bytes", _I),
    Column("http.request.referrer", _T),
    Column("http.response.status_code", _I),
    Column("http.response.body.bytes", _I),
    Column("url.original", _T),  # path and query as sent
    Column("url.domain", _T),
    Column("url.path", _T),
    Column("url.query", _T),
    Column("user_agent.original", _T),
    Column("file.path", _T),
    Column("file.size", _I),
    Column("file.hash.sha256", _T),
    Column("message", _T),
    Column("error.message", _T),  # why a line could not be parsed
    Column("labels", _T),  # JSON object: what the source said and no column keeps
    Column("tocsin.features", ColumnType.BYTES),  # float32, in the order of FLOW_FEATURES
    Column("file.content", ColumnType.BYTES, stored=False),  # lives in the sealed batch
)

UNPARSED = "unparsed"
"""`event.dataset` and `event.category` of a line that no parser understands."""


# ── Findings and verdicts ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detection tool says looks wrong in one or more records.

    `records` are row numbers of the frame the tool was given; once stored, record ids.
    `network` names the kind of recurrent network that can weigh it (a key of the shipped
    models: "flows", "requests", "pages"), or is empty where none reads this kind of data.
    `parameters` is what the tool extracted: counts, rates, accounts, ports, patterns.
    """

    tool: str
    kind: Kind
    risk: Risk
    title: str
    subject: str  # who acts: an address, or a file's path where nobody is known
    target: str  # who is acted upon: an address, a host name; may be empty
    severity: int  # 0 to 100
    first: datetime
    last: datetime
    records: tuple[int, ...]
    host: str = ""  # host.name to repair, where the records name one
    network: str = ""
    techniques: tuple[str, ...] = ()
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """A field that made a verdict, with the value seen and its signed share in the score."""

    field: str
    value: str
    weight: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """The recurrent network's verdict on a finding.

    `probability` is the calibrated probability of `label`; `p_attack` of anything but
    normal; `unsure` says that the input is unlike the training data. `steps` are the signed
    shares in the score of the most telling record's time steps (flows of its window, pieces of
    its text), oldest first: in log-odds like a reason's, positive for the label.
    """

    network: str
    model: str  # name and digest of the model file
    label: str
    probability: float
    p_attack: float
    unsure: bool
    probabilities: Mapping[str, float]
    reasons: tuple[Reason, ...]
    steps: tuple[float, ...] = ()
    scored: int = 0  # how many records were weighed


# ── Incidents ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Clue:
    """A node of the clue tree. Every node leads to the records behind it.

    `records` are its own and those of all below it; `own` are those that stand for it alone.
    """

    title: str
    detail: str
    kind: str
    tactic: str
    techniques: tuple[str, ...]
    first: datetime
    last: datetime
    severity: int
    findings: tuple[int, ...]
    records: tuple[int, ...]
    children: tuple[Clue, ...] = ()
    own: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing observed of an attacker: a value, how often, from when to when."""

    value: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Attacker:
    """Who is behind an incident, as far as the evidence says."""

    addresses: tuple[Seen, ...]
    tools: tuple[Seen, ...]
    accounts: tuple[Seen, ...]
    accounts_taken: tuple[str, ...]
    targets: tuple[Seen, ...]
    techniques: tuple[str, ...]
    first: datetime
    last: datetime


# ── Knowledge and remedies ───────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AutomaticStep:
    """One automatic step of an expert record. `foreach` names what it is done for:
    "attacker.addresses", "files" or "accounts_taken"; parameters are filled from it."""

    action: str
    foreach: str
    reason: str
    parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ManualTask:
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator value` over an incident's facts, e.g. `severity >= 50`."""

    field: str
    operator: str  # ==, !=, >=, <=, in, contains
    value: Json
    because: str  # the sentence shown to people when it holds


@dataclass(frozen=True, slots=True)
class ExpertRecord:
    """Knowledge: which risk it answers, when it applies, what to do, how to check."""

    slug: str
    version: str
    title: str
    summary: str
    risk: Risk
    kinds: tuple[Kind, ...]
    when: tuple[Condition, ...]
    automatic: tuple[AutomaticStep, ...]
    manual: tuple[ManualTask, ...]
    verify: tuple[str, ...]
    techniques: tuple[str, ...]
    references: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Match:
    """An expert record that fits an incident, and why. `score` is from 0 to 1."""

    record: ExpertRecord
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One reversible action on one host, not yet turned into commands."""

    action: str
    host: str
    parameters: Mapping[str, Json]
    reason: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """The plan made from a match: ordered automatic steps and manual tasks."""

    steps: tuple[PlannedStep, ...]
    tasks: tuple[ManualTask, ...]


# ── Commands ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Command:
    """One program run on one host: words, never a shell string."""

    argv: tuple[str, ...]
    stdin: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """Everything one step will run, in order. What a person approves is exactly this."""

    snapshot: Sequence[Command]
    act: Sequence[Command]
    verify: Sequence[Command]
    undo: Sequence[Command]
    effect: str  # one sentence for people


class Refused(Exception):
    """An action will not be planned or run, and why: one clear sentence."""
