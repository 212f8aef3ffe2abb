"""Packages reach responders signed, once, and nowhere they must not go."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.analysis import services as analysis
from apps.analysis.models import Handover, Incident, Remedy
from apps.assistance import deliveries, services
from apps.assistance.channels import webhook
from apps.assistance.channels.webhook import Undelivered, check_url, resolve, sign, verify_signature
from apps.assistance.models import Advice, Delivery, Responder, Share
from apps.contracts import Refused
from apps.protection.selectors import trail
from tests.assistance.made import incident


@dataclass
class Desk:
    """A responder's web server: what it got, and what it answers."""

    url: str
    server: ThreadingHTTPServer
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def desk() -> Iterator[Desk]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            here.got.append((dict(self.headers), body))
            self.send_response(here.answers.pop(0) if here.answers else 200)
            self.send_header("Location", here.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Desk(f"http://127.0.0.1:{server.server_port}", server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield here
    server.shutdown()
    server.server_close()


@pytest.fixture
def private(settings: object) -> None:
    """The operator allows webhooks into the own network."""
    settings.TOCSIN = {**settings.TOCSIN, "private_webhooks": True}  # type: ignore[attr-defined]


def package() -> Handover:
    made = incident()
    return analysis.hand_over(incident_id=made.pk, reason="Nothing matches.", actor="ada")


def due_now() -> None:
    Delivery.objects.filter(state=Delivery.State.WAITING).update(next_at=timezone.now())


# ── Signatures ───────────────────────────────────────────────────────────────────────────


def test_a_signature_holds_for_its_secret_body_and_time_alone() -> None:
    header = sign(b"secret", b"{}", 1_000)
    assert verify_signature(b"secret", header, b"{}", now=1_200)
    for secret, said, body, now in (
        (b"other", header, b"{}", 1_200),
        (b"secret", header, b"{ }", 1_200),
        (b"secret", header, b"{}", 1_301),
        (b"secret", header, b"{}", 699),
        (b"secret", header.replace("t=1000", "t=1001"), b"{}", 1_200),
        (b"secret", header.replace("v1", "v0"), b"{}", 1_200),
        (b"secret", "", b"{}", 1_200),
        (b"secret", "t=1000", b"{}", 1_200),
        (b"secret", "t=１０００,v1=" + "0" * 64, b"{}", 1_200),
    ):
        assert not verify_signature(secret, said, body, now=now)
    changing = header + ",v1=" + sign(b"new", b"{}", 1_000).partition("v1=")[2]
    assert verify_signature(b"new", changing, b"{}", now=1_000)


# ── Where a webhook may go ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        "http://203.0.113.5/",
        "ftp://example.org/",
        "https:///x",
        "https://user:secret@example.org/",
        "https://example.org:99999/",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_url_that_is_no_https_address_is_refused(url: str) -> None:
    with pytest.raises(Undelivered):
        check_url(url, private=False)


@pytest.mark.parametrize(
    ("host", "also_private"),
    [
        ("127.0.0.1", False),
        ("10.0.0.5", False),
        ("192.168.1.1", False),
        ("172.16.3.4", False),
        ("100.64.0.1", True),
        ("[::1]", False),
        ("[fd00::5]", False),
        ("[::ffff:127.0.0.1]", False),
        ("2130706433", False),  # 127.0.0.1 as one number
        ("0x7f.1", False),
        ("localhost", False),
        ("169.254.169.254", True),  # a cloud's metadata
        ("[::ffff:169.254.169.254]", True),
        ("[fe80::1]", True),
        ("0.0.0.0", True),
        ("224.0.0.1", True),
        ("255.255.255.255", True),
        ("[64:ff9b::7f00:1]", True),
        ("[64:ff9b:1::7f00:1]", True),
        ("[2002:7f00:1::]", True),
        ("[::127.0.0.1]", True),
        ("[::ffff:0:7f00:1]", True),
        ("192.0.0.192", True),
    ],
)
def test_no_webhook_goes_where_only_we_can_reach(host: str, also_private: bool) -> None:
    with pytest.raises(Undelivered) as why:
        resolve(f"https://{host}/", private=False)
    assert not why.value.again
    if also_private:
        with pytest.raises(Undelivered):
            resolve(f"https://{host}/", private=True)
    else:
        resolve(f"https://{host}/", private=True)


def test_one_bad_address_of_a_name_is_enough_to_refuse_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *said, **how: found)
    with pytest.raises(Undelivered, match=r"leads to 10\.0\.0\.1"):
        resolve("https://desk.example/", private=False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that were looked up; each is found at 127.0.0.1 the first time only."""
    names: list[str] = []
    look_up = socket.getaddrinfo

    def rebinding(host: str, *said: Any, **how: Any) -> Any:
        if not host.endswith(".example"):
            return look_up(host, *said, **how)
        names.append(host)
        return look_up("127.0.0.1" if len(names) == 1 else "127.0.0.2", *said, **how)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    return names


def send(url: str, trust: ssl.SSLContext | bool = True) -> int:
    return webhook.send(
        url, b"{}", secret=b"s", delivery="1", idempotency="i", private=True, verify=trust
    )


def test_a_name_is_looked_up_once_and_connected_to_where_it_was_judged(
    desk: Desk, asked: list[str]
) -> None:
    url = desk.url.replace("127.0.0.1", "desk.example")
    assert send(url) == 200
    assert asked == ["desk.example"]
    assert desk.got[0][0]["Host"] == url.removeprefix("http://")


def test_over_tls_the_certificate_must_be_the_names_own(
    desk: Desk, asked: list[str], tmp_path: Path
) -> None:
    for name in ("desk.example", "other.example"):
        made = (
            f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
        )
        files = ["-keyout", tmp_path / f"{name}.key", "-out", tmp_path / name]
        names = ["-addext", f"subjectAltName=DNS:{name}"]
        subprocess.run(["openssl", *made.split(), *files, *names], check=True, capture_output=True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(tmp_path / "desk.example", tmp_path / "desk.example.key")
    desk.server.socket = own.wrap_socket(desk.server.socket, server_side=True)
    port = desk.server.server_port
    trust = ssl.create_default_context()
    for name in ("desk.example", "other.example"):
        trust.load_verify_locations(tmp_path / name)
    assert send(f"https://desk.example:{port}/", trust) == 200
    asked.clear()
    with pytest.raises(Undelivered, match="CERTIFICATE_VERIFY_FAILED"):
        send(f"https://other.example:{port}/", trust)
    asked.clear()
    with pytest.raises(Undelivered, match="CERTIFICATE_VERIFY_FAILED"):
        send(f"https://desk.example:{port}/")
    assert len(desk.got) == 1


# ── Delivery ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_package_arrives_once_and_its_signature_can_be_checked(desk: Desk, private: None) -> None:
    _, secret = services.register_responder(name="CERT", webhook_url=desk.url, actor="root")
    made = package()
    assert services.deliver(made.pk) == 1
    assert services.deliver(made.pk) == 0
    assert services.deliver_due() == 0
    ((headers, body),) = desk.got
    assert verify_signature(secret.encode(), headers["Tocsin-Signature"], body)
    assert body == bytes(made.package)
    assert json.loads(body)["format"].startswith("tocsin-handover/")
    delivery = Delivery.objects.get()
    assert headers["Tocsin-Delivery"] == str(delivery.pk)
    assert delivery.state == Delivery.State.DELIVERED
    assert secret.encode() not in bytes(Responder.objects.get().secret or b"")
    assert any(e.action == "handover.delivered" for e in trail(f"incident:{made.incident_id}"))


@pytest.mark.django_db
def test_a_responder_that_is_away_is_tried_again_with_the_same_key_and_not_for_ever(
    desk: Desk, private: None
) -> None:
    services.register_responder(name="CERT", webhook_url=desk.url, actor="root")
    made = package()
    desk.answers = [503, 429]
    assert services.deliver(made.pk) == 0
    first = Delivery.objects.get()
    assert (first.state, first.last_error) == ("waiting", "It answered 503.")
    assert first.next_at is not None
    assert first.next_at > timezone.now() + timedelta(seconds=20)
    assert services.deliver_due() == 0  # not yet
    assert len(desk.got) == 1
    due_now()
    assert services.deliver_due() == 0
    second = Delivery.objects.get()
    assert second.next_at is not None
    assert second.next_at - timezone.now() > timedelta(seconds=100)
    due_now()
    assert services.deliver_due() == 1
    assert len({headers["Idempotency-Key"] for headers, _ in desk.got}) == 1

    later = package()
    desk.answers = [500] * 20
    services.deliver(later.pk)
    for _ in range(10):
        due_now()
        services.deliver_due()
    gone = Delivery.objects.get(handover=later)
    assert (gone.state, gone.attempts) == ("failed", len(deliveries.PAUSES) + 1)


@pytest.mark.django_db
@pytest.mark.parametrize("answer", [302, 400, 404])
def test_a_redirect_or_a_no_is_final(desk: Desk, private: None, answer: int) -> None:
    services.register_responder(name="CERT", webhook_url=desk.url, actor="root")
    desk.answers = [answer]
    services.deliver(package().pk)
    assert Delivery.objects.get().state == Delivery.State.FAILED
    assert len(desk.got) == 1


@pytest.mark.django_db
def test_a_package_nobody_sent_goes_by_itself_and_a_failed_one_when_asked_for(
    desk: Desk, private: None
) -> None:
    services.register_responder(name="CERT", webhook_url=desk.url, actor="root")
    made = package()
    desk.answers = [404]
    assert services.deliver_due() == 0
    assert Delivery.objects.get().state == Delivery.State.FAILED
    assert services.deliver_due() == 0
    assert len(desk.got) == 1
    assert services.deliver(made.pk) == 1


@pytest.mark.django_db
def test_only_those_who_were_there_get_a_package(desk: Desk, private: None) -> None:
    made = package()
    services.register_responder(name="late", webhook_url=desk.url, actor="root")
    services.register_responder(name="off", webhook_url=desk.url, actor="root")
    services.enable_responder(name="off", enabled=False, actor="root")
    assert services.deliver(made.pk) == 0
    assert not Delivery.objects.exists()
    assert desk.got == []


@pytest.mark.django_db
def test_without_the_operators_word_no_webhook_points_inside(desk: Desk) -> None:
    with pytest.raises(Refused, match="https"):
        services.register_responder(name="CERT", webhook_url=desk.url, actor="root")
    inside = desk.url.replace("http:", "https:")
    services.register_responder(name="CERT", webhook_url=inside, actor="root")
    services.deliver(package().pk)
    assert "private network" in Delivery.objects.get().last_error
    assert desk.got == []


@pytest.mark.django_db
def test_responders_hear_of_a_repair_once(desk: Desk, private: None) -> None:
    made = Remedy.objects.create(incident=incident(), state=Remedy.State.APPLIED)
    services.transmit(made.pk)  # nobody to tell
    assert not Handover.objects.exists()
    services.register_responder(name="CERT", webhook_url=desk.url, actor="root")
    services.transmit(made.pk)
    services.transmit(made.pk)
    ((_, body),) = desk.got
    assert json.loads(body)["reason"].startswith("The repair is applied and verified.")
    waiting = Remedy.objects.create(incident=incident(), state=Remedy.State.PROPOSED)
    services.transmit(waiting.pk)
    assert len(desk.got) == 1


# ── Links and advice ─────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_link_opens_until_it_expires_or_is_revoked_and_every_opening_is_counted() -> None:
    made = package()
    token = services.create_share(handover_id=made.pk, actor="ada", hours=1)
    assert token not in str(Share.objects.values())
    opened = [services.open_share(token), services.open_share(token)]
    assert all(share and share.handover == made for share in opened)
    assert Share.objects.get().opened == 2
    for wrong in ("", token[:-1], token + "x", token.swapcase(), Share.objects.get().token_digest):
        assert services.open_share(wrong) is None
    Share.objects.update(expires_at=timezone.now())
    assert services.open_share(token) is None
    again = services.create_share(handover_id=made.pk, actor="ada", hours=1)
    share = services.open_share(again)
    assert share
    services.revoke_share(share_id=share.pk, actor="ada")
    assert services.open_share(again) is None
    for hours in (0, 10_000):
        with pytest.raises(Refused):
            services.create_share(handover_id=made.pk, actor="ada", hours=hours)
    actions = [entry.action for entry in trail(f"incident:{made.incident_id}")]
    assert actions.count("handover.opened") == 3


@pytest.mark.django_db
def test_advice_is_kept_with_the_package_it_is_about() -> None:
    made = package()
    services.add_advice(handover_id=made.pk, author="CERT", text="  Look at cron.\0 ")
    assert Advice.objects.get().text == "Look at cron."
    for text in ("", "  ", "x" * 30_000):
        with pytest.raises(Refused):
            services.add_advice(handover_id=made.pk, author="CERT", text=text)
    assert Incident.objects.get().handovers.get().advice.count() == 1
