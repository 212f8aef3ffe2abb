"""The main job, whole: a real intrusion is recorded, judged, answered, undone and handed over.

The attacker scans and guesses passwords on a victim with its own file system; its logs are
shipped to a running platform; an approver says yes; the platform blocks the attacker over SSH;
the attacker's next connection fails; undo restores the rule set to the byte; the package
reaches a responder's webhook with a valid signature.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from apps.assistance.channels.webhook import verify_signature
from tests.range import attacks
from tests.range.client import Client
from tests.range.record import LOGS
from tests.range.rig import WEAK_USER, Range
from tests.range.ship import Shipper
from tests.story.platform import Platform, until

pytestmark = [
    pytest.mark.range,
    pytest.mark.skipif(
        bool(Range.missing(*attacks.TOOLS)),
        reason="the range cannot run here: " + "; ".join(Range.missing(*attacks.TOOLS)),
    ),
]


class Responder(BaseHTTPRequestHandler):
    """A responder's webhook: keeps what it was sent, word for word."""

    received: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def responder() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    received: list[tuple[dict[str, str], bytes]] = []
    handler = type("Kept", (Responder,), {"received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/tocsin", received
    server.shutdown()


def ruleset(rig: Range) -> bytes:
    return rig.victim.run(["nft", "list", "ruleset"]).stdout.encode()


def reaches(rig: Range, port: int) -> bool:
    probe = f"import socket; socket.create_connection(('{rig.victim.address}', {port}), 3)"
    return rig.attacker.run(["python3", "-c", probe], check=False, timeout=20).returncode == 0


def test_an_intrusion_becomes_an_approved_verified_undoable_repair(
    responder: tuple[str, list[tuple[dict[str, str], bytes]]], tmp_path: Path
) -> None:
    webhook, received = responder
    with Range() as rig, Platform(TOCSIN_PRIVATE_WEBHOOKS="true") as platform:
        # The victim is known to the platform by its pinned key; a responder is registered.
        host_key = tmp_path / "host.pub"
        host_key.write_text(rig.host_key_line)
        platform.tocsin(
            "host", "add", "victim",
            "--address", "127.0.0.1", "--port", str(rig.forward(22)), "--user", "tocsin",
            "--host-key", str(host_key), "--key", str(rig.ssh_key_path),
        )  # fmt: skip
        secret = platform.tocsin("responder", "add", "csirt", "--webhook", webhook)
        token = platform.tocsin("source", "add", "victim-logs", "--host", "victim")
        approver = platform.login(
            "ada", platform.tocsin("user", "add", "ada", "--role", "approver")
        )
        analyst = platform.login("ian", platform.tocsin("user", "add", "ian", "--role", "analyst"))

        # A real attack, its traces shipped by the real API.
        assert reaches(rig, 22)
        logs = {name: rig.rootfs / inside for name, inside in LOGS.items()}
        ship = Shipper(
            platform.address, token, logs, rig.rootfs / "srv/shop/uploads", "/srv/shop/uploads"
        )
        with ship, Client(rig, rig.attacker, rig.attacker.address):
            attacks.syn_scan(rig.attacker)
            guessed = attacks.found_logins(attacks.ssh_brute_force(rig.attacker))
        assert any(user == WEAK_USER for user, _ in guessed)

        # Everything that was shipped went through every stage.
        def settled() -> bool:
            states = {batch["state"] for batch in analyst.get("batches/")["results"]}
            return states == {"done"}

        until(settled, "every batch at its end", 300)

        # One incident, judged, waiting for a person.
        def waiting() -> dict[str, object] | None:
            found = analyst.get("incidents/?state=awaiting_approval")["results"]
            return found[0] if found else None

        incident = until(waiting, "an incident that waits for approval")
        assert incident["kind"] == "brute_force"
        number = incident["id"]
        attacker = analyst.get(f"incidents/{number}/attacker/")
        assert attacker["addresses"][0]["value"] == rig.attacker.address
        assert WEAK_USER in attacker["accounts_taken"]
        tree = analyst.get(f"incidents/{number}/clue_tree/")
        assert tree["children"]
        assert tree["record_count"] > 0

        def proposed() -> dict[str, object] | None:
            plans = analyst.get(f"incidents/{number}/remedies/")
            return next((p for p in plans if p["state"] == "proposed" and p["digest"]), None)

        plan = until(proposed, "a plan whose commands can be read")
        blocks = [step for step in plan["steps"] if step["action"] == "block_address"]
        assert [step["parameters"]["address"] for step in blocks] == [rig.attacker.address]
        assert all(step["commands"]["act"] and step["commands"]["undo"] for step in blocks)

        # Only who may approve can approve, and only what was shown.
        before = ruleset(rig)
        assert (
            analyst.post(f"remedies/{plan['id']}/approve/", digest=plan["digest"]).status_code
            == 403
        )
        assert approver.post(f"remedies/{plan['id']}/approve/", digest="0" * 64).status_code == 409
        assert ruleset(rig) == before
        yes = approver.post(f"remedies/{plan['id']}/approve/", digest=plan["digest"])
        assert yes.status_code == 202, yes.text

        def state() -> str:
            return str(approver.get(f"remedies/{plan['id']}/")["state"])

        until(lambda: state() not in {"proposed", "approved", "applying"}, "the repair")
        assert state() == "applied", approver.get(f"remedies/{plan['id']}/")
        assert ruleset(rig) != before
        assert not reaches(rig, 22)
        assert not reaches(rig, 80)

        # The package reaches the responder, signed.
        until(lambda: received, "the responder's package")
        headers, body = received[-1]
        assert verify_signature(secret.encode(), headers["tocsin-signature"], body)
        assert not verify_signature(b"another secret", headers["tocsin-signature"], body)
        package = json.loads(body)
        assert package["attacker"]["addresses"][0]["value"] == rig.attacker.address
        assert package["clue_tree"]["children"]

        # Undone to the byte, and the attacker's door is open again.
        assert approver.post(f"remedies/{plan['id']}/undo/").status_code == 202
        until(lambda: state() == "undone", "the undoing")
        assert ruleset(rig) == before
        assert reaches(rig, 22)

        # Everything that happened is sealed and in the trail.
        assert "hold" in platform.tocsin("verify")
        trail = approver.page("/audit/")
        for deed in ("remedy.approved", "remedy.proposed"):
            assert deed in trail
