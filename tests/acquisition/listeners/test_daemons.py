"""rsyslog and syslog-ng send ten thousand messages, softflowd its flows: all arrive once."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apps.acquisition import services
from apps.acquisition.models import Batch, Record, Source
from tests.acquisition.listeners.conftest import Running, until
from tests.acquisition.listeners.debian import environment, unpacked
from tests.acquisition.samples import capture

SENT = 10_000


@contextmanager
def daemon(*words: str | Path) -> Iterator[None]:
    process = subprocess.Popen(
        [str(word) for word in words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield
        assert process.poll() is None, process.communicate()[0]
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "app.log"
    file.write_text("".join(f"message number {n}\n" for n in range(SENT)))
    return file


def all_arrived_once(running: Running) -> None:
    until(lambda: len(running.lines()) >= SENT, 60)
    running.stop()
    for batch in Batch.objects.all():
        services.parse(batch.pk)
    said = Record.objects.values_list("message", flat=True)
    numbers = Counter(int(text.rpartition(" ")[2]) for text in said if "message number" in text)
    assert numbers == Counter(range(SENT))
    one = Record.objects.filter(message__contains="number 77").first()
    assert (one.event_dataset, one.process_name) == ("syslog", "app")
    assert one.host_name == "gateway"


@pytest.mark.parametrize("framing", ["octet-counted", "traditional"])
def test_rsyslog_over_tcp(running: Running, log: Path, tmp_path: Path, framing: str) -> None:
    running.start()
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "rsyslog.conf").write_text(f"""
global(workDirectory="{work}" localHostname="gateway")
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imfile" file="{log}" tag="app:")
action(type="omfwd" target="127.0.0.1" port="{running.port("syslog-tcp")}" protocol="tcp"
       TCP_Framing="{framing}" action.resumeRetryCount="-1" queue.type="LinkedList")
""")
    root = unpacked()
    modules = next((root / "usr/lib").glob("*-linux-gnu/rsyslog"))
    options = ["-n", "-f", tmp_path / "rsyslog.conf", "-i", tmp_path / "pid", "-M", modules]
    with daemon(root / "usr/sbin/rsyslogd", *options):
        all_arrived_once(running)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_syslog_ng_with_counts(running: Running, log: Path, tmp_path: Path, transport: str) -> None:
    running.start()
    secure = f'tls(ca-file("{tmp_path}/syslog.crt"))' if transport == "tls" else ""
    port = running.port("syslog-tls" if transport == "tls" else "syslog-tcp")
    (tmp_path / "syslog-ng.conf").write_text(f"""@version: 3.38
options {{ keep-hostname(yes); }};
source s {{ file("{log}" flags(no-parse) follow-freq(1) program-override("app")
                host-override("gateway")); }};
destination d {{ syslog("localhost" ip-protocol(4) port({port}) transport("{transport}") {secure}); }};
log {{ source(s); destination(d); flags(flow-control); }};
""")
    root = unpacked()
    files = [f"--{name}={tmp_path / name}" for name in ("persist-file", "pidfile", "control")]
    options = ["-F", "--no-caps", "-f", tmp_path / "syslog-ng.conf", *files]
    options.append(f"--module-path={root / 'usr/lib/syslog-ng/3.38'}")
    with daemon(root / "usr/sbin/syslog-ng", *options):
        all_arrived_once(running)


@pytest.mark.parametrize("version", ["5", "9", "10"])
def test_softflowd(running: Running, tmp_path: Path, version: str) -> None:
    running.start()
    (tmp_path / "some.pcap").write_bytes(capture())
    place = f"127.0.0.1:{running.port('netflow')}"
    subprocess.run(
        [
            unpacked() / "usr/sbin/softflowd",
            "-r",
            tmp_path / "some.pcap",
            "-n",
            place,
            "-v",
            version,
        ],
        env=environment(),
        check=True,
        timeout=60,
        capture_output=True,
    )
    until(lambda: Batch.objects.exists())
    running.stop()
    for batch in Batch.objects.all():
        services.parse(batch.pk)
    flow = Record.objects.get()
    assert (flow.source_ip, flow.destination_ip) == ("192.0.2.1", "192.0.2.2")
    assert (flow.destination_port, flow.network_transport) == (53, "udp")
    assert Source.objects.get().rejected == 0
