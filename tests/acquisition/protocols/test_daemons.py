"""The daemons that Debian's machines log with, against the real server: rsyslog and syslog-ng."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.acquisition.models import Record, Source
from tests.acquisition.conftest import Platform
from tests.acquisition.debian import one, unpacked

MANY = 10_000

RSYSLOG = """
global(workDirectory="{home}")
module(load="imtcp")
module(load="omelasticsearch")
template(name="raw" type="list" option.jsonf="on") {{
  property(outname="message" name="rawmsg" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
}}
input(type="imtcp" port="{port}" address="127.0.0.1")
action(type="omelasticsearch" server="127.0.0.1" serverport="{web}" template="raw"
       uid="tocsin" pwd="{token}" searchType="" bulkmode="on" queue.type="linkedlist"
       queue.dequeuebatchsize="500" action.resumeretrycount="-1")
"""
SYSLOG_NG = """@version: 3.38
source s {{ network(ip("127.0.0.1") port({port}) transport("tcp") flags(no-parse)); }};
destination d {{
  http(url("http://127.0.0.1:{web}/api/v1/ingest/lines?host=web") method("POST")
       headers("Authorization: Bearer {token}") body("${{MSG}}")
       batch-lines(500) batch-timeout(500) delimiter("\\n"));
}};
log {{ source(s); destination(d); flags(flow-control); }};
"""


def lines() -> list[str]:
    return [
        f"<38>Nov 22 09:58:{n % 60:02} web sshd[{n}]: Failed password for root from "
        f"203.0.113.9 port {1024 + n} ssh2"
        for n in range(MANY)
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(words: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, process.stdout and process.stdout.read()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "it does not listen"
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def all_arrive_once(platform: Platform, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall("".join(f"{line}\n" for line in lines()).encode())
    deadline = time.monotonic() + 180
    while Record.objects.count() < MANY and time.monotonic() < deadline:
        time.sleep(0.5)
        platform.parse_all()
    kept = Record.objects.filter(event_action="ssh_login", source_ip="203.0.113.9")
    ports = kept.order_by("source_port").values_list("source_port", flat=True)
    assert list(ports) == list(range(1024, 1024 + MANY))
    source = Source.objects.get()
    assert (source.received, source.stored) == (Record.objects.count(), MANY)


def filled(text: str, platform: Platform, home: Path, port: int) -> str:
    web = platform.address.rpartition(":")[2]
    return text.format(home=home, port=port, web=web, token=platform.token)


def test_10_000_lines_of_rsyslog_arrive_once(platform: Platform, tmp_path: Path) -> None:
    needed = ("libestr0", "libfastjson4", "liblognorm5", "libcurl4")
    environment = unpacked(tmp_path, "rsyslog", "rsyslog-elasticsearch", *needed)
    port, config = free_port(), tmp_path / "rsyslog.conf"
    config.write_text(filled(RSYSLOG, platform, tmp_path, port))
    modules = one(tmp_path, "omelasticsearch.so").parent
    words = [str(one(tmp_path, "rsyslogd")), "-n", "-f", str(config), "-M", str(modules)]
    with running([*words, "-i", str(tmp_path / "pid")], environment, port):
        all_arrive_once(platform, port)


def test_10_000_lines_of_syslog_ng_arrive_once(platform: Platform, tmp_path: Path) -> None:
    needed = ("libivykis0", "libnet1", "libjson-c5", "libwrap0", "libpcre3", "libcurl4")
    needed += ("libglib2.0-0",)
    environment = unpacked(tmp_path, "syslog-ng-core", "syslog-ng-mod-http", *needed)
    port, config = free_port(), tmp_path / "syslog-ng.conf"
    config.write_text(filled(SYSLOG_NG, platform, tmp_path, port))
    words = [
        str(next(tmp_path.rglob("sbin/syslog-ng"))),
        "--foreground",
        "--no-caps",
        f"--cfgfile={config}",
        f"--module-path={one(tmp_path, 'libhttp.so').parent}",
        f"--persist-file={tmp_path / 'persist'}",
        f"--control={tmp_path / 'control'}",
        f"--pidfile={tmp_path / 'pid'}",
    ]
    with running(words, environment, port):
        all_arrive_once(platform, port)
