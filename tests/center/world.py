"""A small world to look at: people, sources, and one intrusion as the pipeline would leave it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import zstandard
from django.contrib.auth.models import Group, User
from django.utils import timezone

from apps.acquisition.models import Batch, BatchContent, Record, Source, Watch
from apps.analysis.models import (
    Assessment,
    Incident,
    IncidentBatch,
    IncidentFinding,
    Remedy,
)
from apps.assistance.models import Host
from apps.detection.models import Finding
from apps.protection.services import audit, seal
from tests.center import repair
from tests.center.repair import ATTACKER, SCRIPT, handover

__all__ = ["ATTACKER", "PASSWORD", "SCRIPT", "World", "handover", "person", "world"]

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class World:
    analyst: User
    approver: User
    administrator: User
    responder: User
    source: Source
    batch: Batch
    incident: Incident
    remedy: Remedy
    host: Host


def person(name: str, role: str = "") -> User:
    user = User.objects.create_user(name, password=PASSWORD)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def world(*, with_host: bool = True) -> World:
    """An attacker who scanned, guessed a password, attacked the shop and left a web shell.

    Without a host, its plan can be read and never carried out.
    """
    began = timezone.now().replace(microsecond=0) - timedelta(hours=2)
    source = Source.objects.create(
        name="web-01 logs",
        kind=Source.Kind.SHIPPER,
        host_name="web-01",
        last_seen_at=timezone.now() - timedelta(minutes=2),
        received=48_213,
        stored=48_209,
        rejected=4,
        unparsed=3,
    )
    Source.objects.create(
        name="demonstration range",
        kind=Source.Kind.SENSOR,
        is_demonstration=True,
        last_seen_at=began,
        received=12_890,
        stored=12_890,
    )
    batch = _batch(source, began)
    records = _records(batch, began)
    incident = _incident(batch, records, began)
    host = repair.host(with_host)
    remedy = repair.remedy(incident)
    _others(began)
    return World(
        analyst=person("ana", "analyst"),
        approver=person("otto", "approver"),
        administrator=person("ada", "administrator"),
        responder=person("rhea", "responder"),
        source=source,
        batch=batch,
        incident=incident,
        remedy=remedy,
        host=host,
    )


def watches(world: World) -> Watch:
    """Four watches, each in another state; the first one has most to show."""
    from apps.acquisition.watches import create_watch

    now = timezone.now()
    shop = create_watch(
        name="shop front page",
        kind="page",
        target="https://shop.example.org/en/summer/collection?campaign=2026",
        every=900,
        actor="ada",
        networks=["10.20.0.0/16"],
        secret="Bearer s3cret",
        options={"seconds": 45},
        source=world.source,
    )
    others = [
        ("registrar", "dns", "shop.example.org www.shop.example.org mail.shop.example.org", 3600),
        ("certificate", "certificate", "shop.example.org:443", 86400),
        ("web-01 files", "host", "web-01", 21600),
    ]
    for name, kind, target, every in others:
        create_watch(name=name, kind=kind, target=target, every=every, actor="ada")
    Watch.objects.filter(pk=shop.pk).update(
        last_at=now - timedelta(minutes=3), changed_at=now - timedelta(minutes=3), last_changes=2,
        last_records=4, last_batch=world.batch.pk, next_at=now + timedelta(minutes=12),
        last_notes=["It is longer than 5242880 bytes; the rest was not fetched."],
    )  # fmt: skip
    Watch.objects.filter(name="registrar").update(
        last_at=now - timedelta(minutes=40), last_records=42, next_at=now + timedelta(minutes=20)
    )
    Watch.objects.filter(name="certificate").update(
        last_at=now - timedelta(hours=5), failures=2, last_error="It did not answer in time."
    )
    return Watch.objects.get(pk=shop.pk)


def _batch(source: Source, at: datetime) -> Batch:
    content = b"".join(b"line %d as it came\n" % number for number in range(40))
    batch = Batch.objects.create(
        source=source,
        protocol="lines",
        file_name="auth.log",
        host_name="web-01",
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        received_at=at + timedelta(minutes=40),
        state=Batch.State.DONE,
        items=1207,
        stored=1204,
        rejected=3,
        unparsed=1,
        summary={
            "datasets": {"sshd.auth": 1203, "unparsed": 1},
            "rejections": [],
            "parsers": [{"name": "sshd", "sniff": 0.985, "lines": 1203}],
        },
    )
    BatchContent.objects.create(batch=batch, content=zstandard.compress(content))
    seal(kind="batch", subject=str(batch.pk), digest=batch.digest)
    return batch


def _records(batch: Batch, began: datetime) -> dict[str, list[int]]:
    """Record ids by what they show."""
    made: dict[str, list[int]] = {}

    def add(group: str, minute: float, **fields: Any) -> None:
        at = began + timedelta(minutes=minute)
        place = sum(len(ids) for ids in made.values())
        known = {"source_ip": ATTACKER, "host_name": "web-01", **fields}
        record = Record.objects.create(batch=batch, timestamp=at, event_sequence=place, **known)
        made.setdefault(group, []).append(record.pk)

    for place, port in enumerate((21, 22, 23, 25, 80, 443, 3306, 8080)):
        add(
            "scan",
            place / 60,
            event_dataset="network.flow",
            event_category="network",
            destination_ip="192.0.2.10",
            destination_port=port,
            network_transport="tcp",
            network_packets=2,
            network_bytes=120,
        )
    for place, name in enumerate(("root", "admin", "deploy", "www", "backup", "deploy")):
        line = f"sshd[81{place}]: Failed password for {name} from {ATTACKER} port 5{place}122 ssh2"
        add(
            "guess",
            4 + place / 12,
            event_dataset="sshd.auth",
            event_category="authentication",
            event_action="ssh_login",
            event_outcome="failure",
            user_name=name,
            event_original=f"Nov 22 03:0{place}:11 web-01 {line}",
        )
    add(
        "taken",
        9,
        event_dataset="sshd.auth",
        event_category="authentication",
        event_action="ssh_login",
        event_outcome="success",
        user_name="deploy",
        event_original=f"Nov 22 03:09:02 web-01 sshd[822]: Accepted password for deploy "
        f"from {ATTACKER} port 51822 ssh2",
    )
    for query in ("id=1%27%20UNION%20SELECT%20user,pass%20FROM%20users--", f"q={SCRIPT}"):
        add(
            "inject",
            17,
            event_dataset="nginx.access",
            event_category="web",
            http_request_method="GET",
            http_response_status_code=200,
            url_original=f"/shop/item?{query}",
            url_path="/shop/item",
            user_agent_original="sqlmap/1.8.4#stable",
            event_original=f'{ATTACKER} - - [22/Nov/2026:03:17:40 +0000] "GET /shop/item?{query} '
            f'HTTP/1.1" 200 5123 "-" "sqlmap/1.8.4#stable (https://sqlmap.org)"',
        )
    add(
        "shell",
        26,
        event_dataset="file",
        event_category="file",
        file_path="/var/www/shop/uploads/img.php",
        file_size=1342,
        message="found by yara: php_web_shell",
    )
    add(
        "unparsed",
        27,
        event_dataset="unparsed",
        event_category="unparsed",
        event_original="\x1b[31mgarbled line\x1b[0m that nobody understands",
        error_message="no parser understands this line",
        source_ip=None,
    )
    return made


def _incident(batch: Batch, records: dict[str, list[int]], began: datetime) -> Incident:
    stages = [
        ("port_scan", "reconnaissance", "T1046", "1,024 ports of 192.0.2.10 probed in 48 s", 0, 1, 45, "scan"),
        ("brute_force", "credential-access", "T1110.001", "412 passwords tried on web-01 over SSH", 4, 5, 78, "guess"),
        ("web_injection", "initial-access", "T1190", "SQL injection into /shop/item", 17, 3, 81, "inject"),
        ("web_shell", "persistence", "T1505.003", "Web shell /var/www/shop/uploads/img.php", 26, 0, 92, "shell"),
    ]  # fmt: skip
    incident = Incident.objects.create(
        kind="web_shell",
        risk="trojan",
        title=f"Web shell after password guessing and web injection on web-01 by {ATTACKER}",
        severity=94,
        confidence=0.97,
        state=Incident.State.AWAITING_APPROVAL,
        subjects=[ATTACKER],
        targets=["192.0.2.10"],
        hosts=["web-01"],
        first=began,
        last=began + timedelta(minutes=26),
    )
    IncidentBatch.objects.create(incident=incident, batch=batch)
    nodes = []
    for kind, tactic, technique, title, minute, length, severity, group in stages:
        first = began + timedelta(minutes=minute)
        last = first + timedelta(minutes=length)
        ids = records[group] + (records["taken"] if group == "guess" else [])
        finding = Finding.objects.create(
            batch=batch,
            fingerprint=hashlib.sha256(title.encode()).hexdigest(),
            tool=kind,
            kind=kind,
            risk="intrusion",
            title=title,
            subject=ATTACKER,
            target="192.0.2.10",
            host="web-01",
            severity=severity,
            first=first,
            last=last,
            records=ids,
            network="requests" if kind == "web_injection" else "flows" if kind == "brute_force" else "",
            techniques=[technique],
            parameters={"attempts": 412, "samples": ["UNION SELECT"]},
        )  # fmt: skip
        IncidentFinding.objects.create(
            finding=finding, incident=incident, because="The same address, within the hour."
        )
        nodes.append(_clue(finding, tactic, ids, _leaves(finding, records)))
        if finding.network:
            _assessment(finding)
    stages_ = [
        {**_clue_like(node, kind="stage", title=node["tactic"], techniques=node["techniques"]), "children": [node]}
        for node in nodes
    ]  # fmt: skip
    everything = [each for ids in records.values() for each in ids]
    incident.clue_tree = {
        "title": f"{ATTACKER} → 192.0.2.10",
        "detail": "4 findings within 26 min",
        "kind": "incident",
        "tactic": "",
        "techniques": ["T1046", "T1110.001", "T1190", "T1505.003"],
        "first": began.isoformat(),
        "last": (began + timedelta(minutes=26)).isoformat(),
        "severity": 94,
        "findings": [],
        "records": everything,
        "record_count": len(everything),
        "children": stages_,
    }
    incident.attacker = _attacker(began)
    incident.save()
    audit(actor="platform", action="incident.opened", object=f"incident:{incident.pk}")
    return incident


def _clue(
    finding: Finding, tactic: str, records: list[int], children: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "title": finding.title,
        "detail": "network: Brute force, 98%" if finding.network else "",
        "kind": finding.kind,
        "tactic": tactic,
        "techniques": finding.techniques,
        "first": finding.first.isoformat(),
        "last": finding.last.isoformat(),
        "severity": finding.severity,
        "findings": [finding.pk],
        "records": records,
        "record_count": len(records),
        "children": children,
    }


def _clue_like(node: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = {**node, "detail": "", "children": [], **changes}
    return {**made, "record_count": len(made["records"])}


def _leaves(finding: Finding, records: dict[str, list[int]]) -> list[dict[str, Any]]:
    node = _clue(finding, "credential-access", [], [])
    if finding.kind == "brute_force":
        taken = _clue_like(
            node,
            kind="login",
            title="Account deploy was taken",
            tactic="initial-access",
            techniques=["T1078"],
            first=finding.last.isoformat(),
            severity=90,
            records=records["taken"],
        )
        names = ("root", "admin", "backup")
        tried = [
            _clue_like(node, kind="account", title=f"Account {name}", records=records["guess"][:2])
            for name in names
        ]
        return [taken, *tried]
    if finding.kind == "port_scan":
        return [
            _clue_like(node, kind="port", title=f"Port {port} is open", records=records["scan"][:1])
            for port in (22, 80)
        ]
    return []


def _attacker(began: datetime) -> dict[str, Any]:
    def seen(value: str, count: int) -> dict[str, Any]:
        return {
            "value": value,
            "count": count,
            "first": began.isoformat(),
            "last": began.isoformat(),
        }

    return {
        "addresses": [seen(ATTACKER, 1437)],
        "tools": [seen("sqlmap", 61), seen("Nmap", 2)],
        "accounts": [seen(name, n) for name, n in (("root", 210), ("admin", 120), ("deploy", 81))],
        "accounts_taken": ["deploy"],
        "targets": [seen("192.0.2.10:22", 412), seen("192.0.2.10:80", 61)],
        "techniques": ["T1046", "T1110.001", "T1078", "T1190", "T1505.003"],
        "first": began.isoformat(),
        "last": began.isoformat(),
    }


def _assessment(finding: Finding) -> None:
    flows = finding.network == "flows"
    Assessment.objects.create(
        finding=finding,
        network=finding.network,
        model=f"{finding.network}-bilstm-dnn@3f9ac1d2",
        label="BruteForce" if flows else "SQLInjection",
        probability=0.982 if flows else 0.71,
        p_attack=0.991 if flows else 0.83,
        unsure=not flows,
        probabilities={"BruteForce": 0.982, "Benign": 0.009, "DoS": 0.006}
        if flows
        else {"SQLInjection": 0.71, "Benign": 0.17, "XSS": 0.1},
        reasons=[
            {"field": "Fwd Packets/s", "value": "41.2", "weight": 0.62},
            {"field": "Flow IAT Mean", "value": "24,201", "weight": 0.31},
            {"field": "Dst Port", "value": "22", "weight": 0.22},
            {"field": "Bwd Pkt Len Max", "value": "976", "weight": -0.12},
        ],
        steps=[-0.31, 0.12, 0.4, -0.08, 0.75, 1.3, 1.1, 0.9, 0.6, 2.8]
        if flows
        else [0.04, 0.05, 0.05, 0.08, 0.1, 0.12, 0.2, 0.16, 0.11, 0.09],  # as of earlier versions
        scored=412 if flows else 61,
    )


def _others(began: datetime) -> None:
    for title, kind, severity, state, demo in (
        ("SYN flood against 192.0.2.20 from 88 addresses", "flood", 66, "open", False),
        ("Port scan of 3 hosts by 198.51.100.9", "port_scan", 42, "handed_over", False),
        ("Brute force, port scan and web shell against victim by 10.77.0.2", "web_shell", 88, "open", True),
        ("Password guessing on mail-01 by 198.51.100.44", "brute_force", 55, "closed", False),
        ("Unfamiliar traffic from 192.0.2.77", "anomaly", 25, "open", False),
    ):  # fmt: skip
        Incident.objects.create(
            kind=kind,
            risk="intrusion",
            title=title,
            severity=severity,
            confidence=0.6,
            state=state,
            subjects=["198.51.100.9"],
            targets=["192.0.2.20"],
            first=began - timedelta(hours=3),
            last=began - timedelta(hours=2),
            is_demonstration=demo,
        )
