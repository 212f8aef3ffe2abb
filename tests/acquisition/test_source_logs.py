"""What a source says of its logs: the zone of times without one, and the proxies in front."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from apps.acquisition import reading, services
from apps.acquisition.models import Source
from apps.contracts import Refused
from apps.protection.models import AuditEntry

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEAD = "Nov 22 09:58:49 web "
LOCAL = [
    "2026/11/22 09:58:49 [error] 12#13: *56 open() failed, client: 192.0.2.9, server: _",
    "[Sun Nov 22 09:58:49.250000 2026] [core:error] [pid 8] [client 192.0.2.9:1] AH00126: bad",
    f"{HEAD}haproxy[1]: 192.0.2.9:5 [22/Nov/2026:09:58:49.443] f b/s 0/0/507 212 -- 0/0/0/0/3 0/0",
    "22-Nov-2026 09:58:49.123 SEVERE [main] org.apache.catalina.core.X.y it failed",
    "2026-11-22 09:58:49,123 ERROR [main] com.example.App: it failed",
    f"{HEAD}sshd[8]: Failed password for root from 192.0.2.9 port 4 ssh2",
    f"{HEAD}app[8]: hello",
    'Sun Nov 22 09:58:49 2026 [pid 8] [bob] FAIL LOGIN: Client "192.0.2.9"',
    "22-Nov-2026 09:58:49.250 client @0x7f 192.0.2.9#5 (x.org): query: x.org IN A + (192.0.2.1)",
    "2026-11-22  9:58:49 7 [Warning] Access denied for user 'root'@'192.0.2.9'",
    "CEF:0|V|P|1|100|Login|5|rt=Nov 22 2026 09:58:49 src=192.0.2.9",
    "CEF:0|V|P|1|100|Login|5|rt=Nov 22 09:58:49 src=192.0.2.9",
    "2026-11-22T09:58:49 web sshd[8]: Failed password for root from 192.0.2.9 port 4 ssh2",
]
TOLD = [
    '192.0.2.9 - - [22/Nov/2026:09:58:49 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
    "2026-11-22T09:58:49+00:00 web sshd[8]: Failed password for root from 192.0.2.9 port 4 ssh2",
    "2026-11-22T09:58:49.123456Z 7 [Warning] [MY-010055] [Server] IP address could not be resolved",
    "2026-11-22 09:58:49.123 UTC [8] LOG:  checkpoint starting",
    "CEF:0|V|P|1|100|Login|5|rt=1795341529000 src=192.0.2.9",
    "CEF:0|V|P|1|100|Login|5|rt=Nov 22 09:58:49 UTC src=192.0.2.9",
    "[22-Nov-2026 09:58:49 UTC] PHP Fatal error:  x in /srv/x.php:12",
]


def times(lines: list[str], zone: str, received: datetime = NOW) -> list[datetime]:
    content = "\n".join(lines).encode()
    read = reading.read(content, protocol="lines", received_at=received, zone=zone)
    assert read.unparsed == 0, read.frame["event.dataset"].to_list()
    return [time.replace(microsecond=0) for time in read.frame["@timestamp"].to_list()]


def test_times_without_a_zone_are_those_of_the_source() -> None:
    expected = {"": 9, "UTC": 9, "Europe/Berlin": 8, "America/New_York": 14, "Asia/Kolkata": 4}
    for zone, hour in expected.items():
        minute = 28 if zone == "Asia/Kolkata" else 58
        assert times(LOCAL, zone) == [datetime(2026, 11, 22, hour, minute, 49, tzinfo=UTC)] * 13


def test_times_that_tell_their_zone_stay() -> None:
    for zone in ("UTC", "Asia/Tokyo"):
        assert times(TOLD, zone) == [datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)] * len(TOLD)


def test_summer_winter_and_the_turn_of_the_year_are_the_zones_own() -> None:
    app = "web app[8]: hello"
    received = datetime(2027, 1, 1, 0, 30, tzinfo=UTC)
    lines = [f"Jul  1 12:00:00 {app}", f"Jan  1 01:20:00 {app}", f"Dec 31 23:59:00 {app}"]
    assert times(lines, "Europe/Berlin", received) == [
        datetime(2026, 7, 1, 10, tzinfo=UTC),
        datetime(2027, 1, 1, 0, 20, tzinfo=UTC),
        datetime(2026, 12, 31, 22, 59, tzinfo=UTC),
    ]
    # an hour that there was not stays as it is written, one that was twice is the first
    odd = [f"Mar 29 02:30:00 {app}", f"Oct 25 02:30:00 {app}"]
    assert times(odd, "Europe/Berlin") == [
        datetime(2026, 3, 29, 2, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    ]


def requests(peer: str, forwarded: str) -> list[str]:
    stamp = "[22/Nov/2026:09:58:49 +0000]"
    document = {"time_iso8601": "2026-11-22T09:58:49+00:00", "remote_addr": peer, "status": 200,
                "request_method": "GET", "request_uri": "/", "http_x_forwarded_for": forwarded}  # fmt: skip
    return [
        f'{peer} - - {stamp} "GET / HTTP/1.1" 200 1 "-" "curl/8" "{forwarded}"',
        json.dumps(document),
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status X-Forwarded-For",
        f"2026-11-22 09:58:49 {peer} GET / 200 {forwarded.replace(' ', '+')}",
    ]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "203.0.113.5", "203.0.113.5"),
        ("192.0.2.1", "198.51.100.66, 203.0.113.5, 192.0.2.7", "203.0.113.5"),
        ("192.0.2.1", "203.0.113.5, ::ffff:192.0.2.7", "203.0.113.5"),
        ("192.0.2.1", "192.0.2.9", "192.0.2.9"),
        ("203.0.113.9", "198.51.100.66", "203.0.113.9"),  # anybody may send the header
        ("192.0.2.1", "unknown", "192.0.2.1"),
        ("192.0.2.1", "-", "192.0.2.1"),
        ("2001:db8::1", "2001:DB8:1::5", "2001:db8:1::5"),
    ],
)
def test_behind_trusted_proxies_the_client_is_the_one_they_tell(
    peer: str, forwarded: str, client: str
) -> None:
    proxies = ("192.0.2.0/24", "2001:db8::1")
    content = "\n".join(requests(peer, forwarded)).encode()
    read = reading.read(content, protocol="lines", received_at=NOW, proxies=proxies)
    assert read.frame["source.ip"].to_list() == [client] * 3
    alone = reading.read(content, protocol="lines", received_at=NOW)
    assert alone.frame["source.ip"].to_list() == [peer] * 3
    if client != peer:
        assert json.loads(read.frame["labels"][0])["proxy"] == peer


@pytest.mark.django_db
def test_a_source_keeps_what_it_is_told_and_reads_by_it() -> None:
    source, _token = services.create_source(name="web", actor="test")
    services.tell_about_logs(
        source_id=source.pk,
        time_zone="Europe/Berlin",
        trusted_proxies=["192.0.2.1", "2001:db8::/32"],
        actor="ada",
    )
    source = Source.objects.get(pk=source.pk)
    assert source.trusted_proxies == ["192.0.2.1/32", "2001:db8::/32"]
    assert AuditEntry.objects.filter(action="source.told", actor="ada").count() == 1
    content = f"{LOCAL[0]}\n{requests('192.0.2.1', '203.0.113.5')[0]}".encode()
    batch = services.receive(source=source, protocol="lines", content=content).batch
    services.parse(batch.pk)
    error, request = batch.records.order_by("event_sequence")
    assert error.timestamp == datetime(2026, 11, 22, 8, 58, 49, tzinfo=UTC)
    assert request.source_ip == "203.0.113.5"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "proxies"),
    [("Mars/Base", []), ("../etc", []), ("", ["example.org"]), ("", ["192.0.2.0/99"]),
     ("", [f"10.0.{n}.0/24" for n in range(101)])],
)  # fmt: skip
def test_nonsense_about_a_source_is_refused(zone: str, proxies: list[str]) -> None:
    source, _token = services.create_source(name="web", actor="test")
    with pytest.raises(Refused):
        services.tell_about_logs(
            source_id=source.pk, time_zone=zone, trusted_proxies=proxies, actor="ada"
        )
