"""Syslog as real senders send it: over UDP, TCP and TLS, from those who may, once each."""

from __future__ import annotations

import logging
import logging.handlers
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError

from apps.acquisition import listening, services
from apps.acquisition.listeners import certificates, keeping
from apps.acquisition.models import Batch, Record, Source
from tests.acquisition.listeners.conftest import Running, until

LINE = b"<34>Nov 22 10:00:00 gateway su[77]: message number %d"


@contextmanager
def tcp(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def as_much_as_it_takes(connection: socket.socket, block: bytes) -> int:
    """Sends a block again and again until nothing is read any more; returns the bytes sent."""
    sent = 0
    try:
        while True:
            sent += connection.send(block[sent % len(block) :])
    except TimeoutError:
        return sent


def numbers(lines: list[str]) -> list[int]:
    return [int(line.rpartition(" ")[2]) for line in lines]


def test_ten_thousand_messages_over_one_connection_arrive_once_and_in_order(
    running: Running,
) -> None:
    running.start()
    with tcp(running.port("syslog-tcp")) as connection:
        for n in range(10_000):
            message = LINE % n
            framings = (b"%d %s" % (len(message), message), message + b"\n", message + b"\0")
            connection.sendall(framings[n % 3])
    until(lambda: len(running.lines()) == 10_000)
    assert numbers(running.lines()) == list(range(10_000))
    running.stop()
    assert running.counted().accepted == 10_000
    assert Batch.objects.count() == len(running.told) < 50


def test_the_same_message_twice_is_two_messages(running: Running) -> None:
    running.start()
    for _ in range(2):
        with tcp(running.port("syslog-tcp")) as connection:
            connection.sendall(LINE % 1 + b"\n")
        until(lambda: not running.state("buffered"))
    running.stop()
    assert numbers(running.lines()) == [1, 1]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_pythons_own_handler_is_understood(running: Running, kind: socket.SocketKind) -> None:
    running.start()
    name = "syslog-udp" if kind == socket.SOCK_DGRAM else "syslog-tcp"
    handler = logging.handlers.SysLogHandler(("127.0.0.1", running.port(name)), socktype=kind)
    text = "over\nhere" if kind == socket.SOCK_DGRAM else "over#012here"  # a stream is cut there
    try:
        for n in range(100):
            handler.handle(logging.makeLogRecord({"msg": f"{text} {n}", "levelname": "ERROR"}))
    finally:
        handler.close()
    until(lambda: len(running.lines()) == 100)
    assert Counter(numbers(running.lines())) == Counter(range(100))
    batch = Batch.objects.get()
    assert batch.host_name == "127.0.0.1"  # it names no host, so its address does
    services.parse(batch.pk)
    record = Record.objects.first()
    assert (record.message, record.log_level) == ("over#012here 0", "error")
    assert record.host_name == "127.0.0.1"


@pytest.mark.skipif(shutil.which("logger") is None, reason="needs logger of bsdutils")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("syslog-udp", ["-d", "--rfc3164"]),
        ("syslog-udp", ["-d", "--rfc5424"]),
        ("syslog-tcp", ["-T", "--rfc5424"]),
        ("syslog-tcp", ["-T", "--rfc3164", "--octet-count"]),
        ("syslog-tcp", ["-T", "--rfc5424", "--octet-count"]),
    ],
)
def test_logger_of_util_linux_is_understood(running: Running, name: str, words: list[str]) -> None:
    running.start()
    place = ["-n", "127.0.0.1", "-P", str(running.port(name)), "-t", "tried", "-p", "auth.err"]
    text = "".join(f"line number {n}\n" for n in range(50))
    subprocess.run(["logger", *place, *words], input=text, text=True, check=True, timeout=30)
    until(lambda: len(running.lines()) == 50)
    running.stop()
    for batch in Batch.objects.all():
        services.parse(batch.pk)
    assert Counter(numbers(list(Record.objects.values_list("message", flat=True)))) == Counter(
        range(50)
    )
    one = Record.objects.first()
    assert (one.process_name, one.log_level, one.host_name) == (
        "tried",
        "error",
        socket.gethostname().partition(".")[0] if "--rfc3164" in words else socket.gethostname(),
    )


def test_who_belongs_to_no_source_writes_nothing_and_is_named(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    listening.listen_for(source=running.source, networks=["192.0.2.0/24"], actor="test")
    running.start()
    with tcp(running.port("syslog-tcp")) as connection:
        assert connection.recv(1) == b""  # before it said a word
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for _ in range(5):
            udp.sendto(LINE % 2, ("127.0.0.1", running.port("syslog-udp")))
    until(lambda: running.state("strangers") == {"127.0.0.1": 2} or running.state("counts"))
    running.stop()
    assert Batch.objects.count() == 0
    assert caplog.text.count("127.0.0.1 belongs to no source") == 1


def test_a_source_that_is_disabled_is_cut_off_while_it_writes(running: Running) -> None:
    running.start()
    with tcp(running.port("syslog-tcp")) as connection:
        connection.sendall(LINE % 1 + b"\n")
        until(lambda: running.lines())
        services.enable_source(source_id=running.source.pk, enabled=False, actor="test")
        assert connection.recv(1) == b""  # closed
    running.stop()
    assert numbers(running.lines()) == [1]


def test_the_narrowest_network_decides_whose_a_message_is(running: Running) -> None:
    other, _ = services.create_source(name="one host", actor="test", host_name="db1")
    listening.listen_for(source=other, networks=["127.0.0.2"], actor="test")
    running.start()
    for address in ("127.0.0.1", "127.0.0.2"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((address, 0))
            udp.sendto(
                b"<13>app: from " + address.encode(), ("127.0.0.1", running.port("syslog-udp"))
            )
    until(lambda: Batch.objects.count() == 2)
    running.stop()
    hosts = dict(Batch.objects.values_list("source__name", "host_name"))
    assert hosts == {"syslog": "127.0.0.1", "one host": "db1"}


def test_a_message_cut_by_the_end_of_its_connection_is_kept(running: Running) -> None:
    running.start()
    with tcp(running.port("syslog-tcp")) as connection:
        connection.sendall(LINE % 1 + b"\n" + LINE % 2)
    until(lambda: len(running.lines()) == 2)
    assert numbers(running.lines()) == [1, 2]


def test_a_message_that_is_too_long_is_rejected_alone(running: Running) -> None:
    running.start(longest=1024 * 1024)
    with tcp(running.port("syslog-tcp")) as connection:
        connection.sendall(LINE % 1 + b"\n<13>" + b"x" * 3_000_000 + b"\n")
        connection.sendall(b"2000000 <13>" + b"y" * 1_999_996 + LINE % 2 + b"\n")
    until(lambda: not running.state("connections"))
    running.stop()
    for batch in Batch.objects.all():
        services.parse(batch.pk)
    source = Source.objects.get()
    assert (source.received, source.stored, source.rejected) == (4, 2, 2)


def test_what_comes_while_the_database_is_away_waits_and_holds_the_sender_back(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = [True]
    receive = services.receive

    def sometimes(**named: object) -> services.Receipt:
        if away[0]:
            raise OperationalError("away")
        return receive(**named)

    monkeypatch.setattr(services, "receive", sometimes)
    running.start(buffer=4 * 1024 * 1024)
    total, block = 200_000, b"".join(LINE % n + b"\n" for n in range(1000))
    with tcp(running.port("syslog-tcp")) as connection:
        connection.settimeout(0.5)
        sent = as_much_as_it_takes(connection, block)
        assert sent < 64 * 1024 * 1024
        assert running.state("paused")
        assert running.state("buffered") < 5 * 1024 * 1024
        assert "away" in str(running.state("failing"))
        away[0] = False
        connection.settimeout(30)
        while sent < total * 55:
            sent += connection.send(block[sent % len(block) :])
        connection.sendall(block[sent % len(block) :])
        sent += len(block) - sent % len(block)
    until(lambda: not running.state("connections"))
    running.stop()
    assert len(running.lines()) == sent // len(block) * 1000
    assert numbers(running.lines()) == list(range(1000)) * (sent // len(block))


def test_a_source_beyond_its_rate_waits_and_others_do_not(running: Running) -> None:
    other, _ = services.create_source(name="other", actor="test", host_name="other")
    listening.listen_for(source=other, networks=["127.0.0.2"], actor="test")
    services.limit_source(
        source_id=running.source.pk,
        actor="test",
        events_per_s=1000,
        bytes_per_s=None,
        bytes_per_day=None,
    )
    running.start()
    port = running.port("syslog-tcp")
    block = b"".join(LINE % n + b"\n" for n in range(1000))
    with tcp(port) as slow:
        slow.sendall(block * 6)
        until(lambda: running.state("counts").get("told to wait"))
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as quick:
            quick.bind(("127.0.0.2", 0))
            quick.connect(("127.0.0.1", port))
            quick.sendall(LINE % 77 + b"\n")
            until(lambda: Batch.objects.filter(source=other).exists())
        assert running.state("paused")
        slow.sendall(block)
        until(lambda: len(running.lines()) == 7001, 60)


def test_what_cannot_be_stored_before_the_end_is_stored_at_the_next_start(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.acquisition.listeners import hub

    monkeypatch.setattr(hub, "_LAST_TRY", 0.5)
    with monkeypatch.context() as broken:

        def refuse(**named: object) -> services.Receipt:
            raise OperationalError("away")

        broken.setattr(services, "receive", refuse)
        running.start()
        with tcp(running.port("syslog-tcp")) as connection:
            connection.sendall(b"".join(LINE % n + b"\n" for n in range(30_000)))
        running.stop()
    assert Batch.objects.count() == 0
    assert list((running.home / "spool" / "listen").iterdir())
    running.start()
    until(lambda: len(running.lines()) == 30_000)
    assert sorted(numbers(running.lines())) == list(range(30_000))
    assert not list((running.home / "spool" / "listen").iterdir())


def test_a_flood_over_udp_adds_up(running: Running) -> None:
    """Received and counted as dropped, by us or by the kernel, is what was sent."""
    running.start(buffer=4 * 1024 * 1024)
    where = ("127.0.0.1", running.port("syslog-udp"))
    sent = 40_000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for n in range(sent):
            udp.sendto(LINE % n + b" " * 400 + b"." + b"%d" % n, where)
    running.stop()
    kernel = next(
        each.final["lost"] for each in running.listeners.open if each.what == "syslog-udp"
    )
    counted = running.counted()
    assert len(running.lines()) == counted.accepted
    assert counted.accepted + counted.dropped + kernel == sent
    assert counted.accepted > 1000


def test_connections_beyond_the_bound_are_turned_away(running: Running) -> None:
    running.start(connections=2)
    port = running.port("syslog-tcp")
    with tcp(port) as first, tcp(port), tcp(port) as third:
        assert third.recv(1) == b""
        first.sendall(LINE % 1 + b"\n")
        until(lambda: running.lines())


def test_who_says_nothing_for_too_long_is_let_go(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.start(idle=1)
    with tcp(running.port("syslog-tcp")) as connection:
        connection.sendall(LINE % 1)
        assert connection.recv(1) == b""
    until(lambda: running.lines())  # what it had begun to say is kept


# ── TLS ──────────────────────────────────────────────────────────────────────────────────


def test_over_tls_with_the_certificate_made_here(running: Running) -> None:
    running.start()
    trust = ssl.create_default_context(cafile=str(running.home / "syslog.crt"))
    assert (running.home / "secrets" / "syslog.key").stat().st_mode & 0o777 == 0o600
    assert "made here" in str(running.state("certificate"))
    with (
        tcp(running.port("syslog-tls")) as raw,
        trust.wrap_socket(raw, server_hostname="localhost") as secure,
    ):
        for n in range(10_000):
            message = LINE % n
            secure.sendall(b"%d %s" % (len(message), message))
    until(lambda: len(running.lines()) == 10_000)
    assert numbers(running.lines()) == list(range(10_000))


def test_old_tls_is_refused(running: Running) -> None:
    running.start()
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{running.port('syslog-tls')}", "-tls1_1"],
        input=b"",
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0


def authority(folder: Path, *names: str) -> None:
    """A CA in ca.pem, and a certificate and key for each name, by openssl."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA")
    for name in names:
        openssl(
            "req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"
        )
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem")


def test_a_client_certificate_says_whose_a_message_is(running: Running, tmp_path: Path) -> None:
    authority(tmp_path, "server", "db1.example", "stranger")
    listening.listen_for(source=running.source, certificates=["DB1.example"], actor="test")
    running.start(
        certificate=tmp_path / "server.pem",
        certificate_key=tmp_path / "server.key",
        client_authority=tmp_path / "ca.pem",
    )
    for name in ("db1.example", "stranger", ""):
        words = ["-cert", f"{name}.pem", "-key", f"{name}.key"] if name else []
        place = f"127.0.0.1:{running.port('syslog-tls')}"
        subprocess.run(
            ["openssl", "s_client", "-connect", place, "-CAfile", "ca.pem", "-no_ign_eof", *words],
            cwd=tmp_path,
            input=f"<13>app: from {name}\n".encode(),
            capture_output=True,
            timeout=20,
            check=False,
        )
    until(lambda: running.lines())
    running.stop()
    assert running.lines() == ["<13>app: from db1.example"]
    assert running.listeners.state()["counts"]["strangers"] == 2


def test_a_certificate_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    from apps.acquisition.listeners.options import Options, WrongSetting

    (tmp_path / "x").write_text("no certificate")
    wrong = Options(tmp_path, certificate=tmp_path / "x", certificate_key=tmp_path / "x")
    with pytest.raises(WrongSetting, match="cannot be used"):
        certificates.context(wrong)


def test_a_delivery_of_a_source_that_is_gone_is_not_tried_for_ever(transactional_db: None) -> None:
    with pytest.raises(keeping.NotTaken):
        keeping.deliver(keeping.Delivery(999, "lines", b"x", "k"), lambda _batch: None)
