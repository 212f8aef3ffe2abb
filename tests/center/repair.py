"""The world's host, the plan for it, and the package about it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.analysis.models import Handover, Incident, Match, Remedy, Step, Task
from apps.analysis.transmission import hand_over
from apps.assistance.models import Host

SCRIPT = "<script>alert('owned')</script>"
"""What an attacker writes into a log to reach the analyst's browser."""

ATTACKER = "203.0.113.66"


def host(with_host: bool) -> Host:
    """The host as registered; or as the recording of one that nobody can reach."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4hJ5+0sZ4P1bXb1yQm6v8c7mWq5yYqHqvWqg0v0m3r"
    return Host.objects.create(
        name="web-01",
        address="192.0.2.10",
        host_key=key if with_host else "",
        private_key=b"\x01sealed" if with_host else None,
        facts={"uname": {"status": 0, "stdout": "Linux web-01 6.1.0 x86_64"}},
        facts_at=timezone.now(),
        is_demonstration=not with_host,
    )


def command(why: str, *argv: str, stdin: str = "") -> dict[str, Any]:
    return {"argv": list(argv), "stdin": stdin, "why": why}


def remedy(incident: Incident) -> Remedy:
    match = Match.objects.create(
        incident=incident,
        slug="web-shell",
        version="2026.11.22",
        digest="ab" * 32,
        title="A web shell lies on the server",
        score=0.94,
        reasons=[
            "A file that is a web shell was found under the web root.",
            "The attacker's address is known.",
            "Severity is 94, and the record applies from 50 on.",
        ],
    )
    made = Remedy.objects.create(incident=incident, match=match, digest="c4" * 32)
    nft = "/usr/sbin/nft"
    Step.objects.create(
        remedy=made,
        order=1,
        action="block_address",
        host="web-01",
        parameters={"address": ATTACKER, "hours": 24},
        reason="The attacker is still at it: cut the connection first.",
        effect=f"Blocks {ATTACKER} on web-01 for 24 hours.",
        commands={
            "snapshot": [command("the rules as they are", nft, "--stateless", "list", "ruleset")],
            "act": [
                command(
                    "all rules at once, or none",
                    nft,
                    "--file",
                    "-",
                    stdin=f"add element inet tocsin blocked4 {{ {ATTACKER} timeout 24h }}",
                )
            ],
            "verify": [command("the address is in the set", nft, "list", "set", "inet", "tocsin", "blocked4")],
            "undo": [command("take it out again", nft, "delete", "element", "inet", "tocsin", "blocked4", f"{{ {ATTACKER} }}")],
        },
    )  # fmt: skip
    Step.objects.create(
        remedy=made,
        order=2,
        action="quarantine_file",
        host="web-01",
        parameters={"path": "/var/www/shop/uploads/img.php"},
        reason="The web shell must not be called again, and stays as evidence.",
        effect="Moves /var/www/shop/uploads/img.php into quarantine, where nobody can run it.",
        commands={
            "act": [command("", "/bin/mv", "--no-clobber", "/var/www/shop/uploads/img.php", "/var/lib/tocsin/quarantine/7")],
            "verify": [command("", "/usr/bin/test", "!", "-e", "/var/www/shop/uploads/img.php")],
            "undo": [command("", "/bin/mv", "--no-clobber", "/var/lib/tocsin/quarantine/7", "/var/www/shop/uploads/img.php")],
        },
    )  # fmt: skip
    Step.objects.create(
        remedy=made,
        order=3,
        action="disable_account",
        host="web-01",
        parameters={"account": "deploy"},
        reason="The attacker knows the password of deploy.",
        state=Step.State.REFUSED,
        refusal="deploy is the only administrator of web-01: disabling it would lock you out.",
    )
    Task.objects.create(
        remedy=made, order=1, title="Give deploy a new password", detail="And look at its keys."
    )
    Task.objects.create(remedy=made, order=2, title="Close the hole in /shop/item")
    return made


def handover(incident: Incident) -> Handover:
    """A package as it is really composed, with what the attacker wrote in it."""
    return hand_over(incident_id=incident.pk, reason="Is it part of something larger?", actor="ana")
