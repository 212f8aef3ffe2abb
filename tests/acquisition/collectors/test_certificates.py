"""Watched certificates against real TLS servers: good, expired, self-signed, of another name."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from apps.acquisition.collecting import Collected, Reach, compare, lines_of, read_options
from apps.acquisition.collectors.certificates import COLLECTOR, endpoint
from apps.acquisition.reading import read
from apps.contracts import Refused
from apps.protection.outbound import networks_of
from tests.acquisition.collectors.tls_server import Made, issue, tls_server

LOOPBACK = Reach(networks=networks_of(["127.0.0.0/8"]))
NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def root() -> Made:
    return issue("Test Root", authority=True, until=timedelta(days=300))


@pytest.fixture(scope="module")
def between(root: Made) -> Made:
    return issue("Test Between", root, authority=True)


def collect(port: int, root: Made | None = None, **options: Any) -> Collected:
    asked = {"server_name": "shop.example", "seconds": 5, **options}
    if root:
        asked["authorities"] = f"# Prüfstelle\n{root.pem}"
    target = COLLECTOR.check(f"127.0.0.1:{port}", read_options(COLLECTOR, asked))
    return COLLECTOR.collect(target, read_options(COLLECTOR, asked), LOOPBACK)


def own(collected: Collected) -> dict[str, Any]:
    return dict(collected.observations[0].fields)


def test_a_chain_that_verifies_is_told_in_full(root: Made, between: Made, tmp_path: Path) -> None:
    leaf = issue("shop", between, names=("shop.example", "www.shop.example", "192.0.2.7"))
    with tls_server(tmp_path, [leaf, between]) as port:
        got = collect(port, root)
    said = own(got)
    der = leaf.certificate.public_bytes(serialization.Encoding.DER)
    assert said["tls.verified"] is True
    assert said["tls.server.hash.sha256"] == hashlib.sha256(der).hexdigest()
    assert said["tls.server.hash.sha1"] == hashlib.sha1(der).hexdigest()
    assert said["tls.server.subject"] == "CN=shop"
    assert said["tls.server.issuer"] == "CN=Test Between"
    assert said["tls.server.names"] == "shop.example www.shop.example 192.0.2.7"
    assert said["tls.server.not_after"] == leaf.certificate.not_valid_after_utc.isoformat()
    assert (said["tls.server.key"], said["tls.server.key_bits"]) == ("EC", 256)
    assert said["tls.server.signature"] == "sha256"
    assert said["tls.version"] == "TLSv1.3"
    assert said["tls.days_left"] == 29
    assert said["event.outcome"] == "success"
    assert [o.fields["tls.server.subject"] for o in got.observations] == [
        "CN=shop",
        "CN=Test Between",
    ]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"until": timedelta(hours=-1), "since": timedelta(days=-9)}, "has expired"),
        ({"since": timedelta(days=1)}, "not yet valid"),
        ({"names": ("other.example",)}, "shop.example"),
    ],
)
def test_why_a_certificate_does_not_verify_is_said(
    root: Made, tmp_path: Path, made: dict[str, Any], why: str
) -> None:
    leaf = issue("shop", root, **{"names": ("shop.example",), **made})
    with tls_server(tmp_path, [leaf]) as port:
        said = own(collect(port, root))
    assert said["tls.verified"] is False
    assert why in said["tls.verify_error"]
    assert said["event.outcome"] == "failure"
    assert said["tls.server.subject"] == "CN=shop"  # looked at all the same


def test_a_certificate_by_itself_and_one_of_an_unknown_authority_are_told_apart(
    root: Made, tmp_path: Path
) -> None:
    with tls_server(tmp_path, [issue("shop", names=("shop.example",))]) as port:
        said = own(collect(port))
        assert "self-signed" in said["tls.verify_error"]
        assert said["tls.server.self_signed"] is True
    with tls_server(tmp_path, [issue("shop", root, names=("shop.example",))]) as port:
        said = own(collect(port))
        assert "unable to get local issuer" in said["tls.verify_error"]
        assert said["tls.server.self_signed"] is False


def test_a_server_of_long_ago_is_looked_at_and_not_believed(root: Made, tmp_path: Path) -> None:
    leaf = issue("shop", root, names=("shop.example",))
    with tls_server(tmp_path, [leaf], maximum=ssl.TLSVersion.TLSv1_1) as port:
        said = own(collect(port, root))
    assert said["tls.version"] == "TLSv1.1"
    assert said["tls.verified"] is False
    assert "no handshake as it should be" in said["tls.verify_error"]


def test_another_certificate_is_a_change_and_a_renewed_issuer_too(
    root: Made, between: Made, tmp_path: Path
) -> None:
    with tls_server(tmp_path, [issue("shop", between, names=("shop.example",)), between]) as port:
        _documents, known = compare({}, collect(port, root), NOW)
        documents, known = compare(known, collect(port, root), NOW)
        assert [d["event.action"] for d in documents] == ["observed"]
    other = Collected(_shown(tmp_path, [issue("shop", root, names=("shop.example",))], root, port))
    documents, _known = compare(known, other, NOW)
    assert [d["event.action"] for d in documents] == ["changed", "removed"]
    assert "tls.server.issuer" in documents[0]["changed"].split()
    assert documents[0]["was.tls.server.issuer"] == "CN=Test Between"


def _shown(folder: Path, chain: list[Made], root: Made, port: int) -> list[Any]:
    """What another server would have shown at the same place."""
    from apps.acquisition.collectors.certificates import Options, look, observed
    from apps.protection.outbound import judged

    with tls_server(folder, chain) as there:
        found = judged("127.0.0.1", there, networks=LOOPBACK.networks)
        shown = look(found, there, "shop.example", Options(authorities=root.pem))
    target = f"127.0.0.1:{port}"
    return list(observed(target, "127.0.0.1", port, "shop.example", shown, NOW).observations)


def test_nobody_there_a_silent_server_and_one_without_tls_are_said() -> None:
    got = collect(9)
    assert got.failed
    assert "refused" in got.notes[0]
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts, and says nothing
        began = time.monotonic()
        got = collect(listener.getsockname()[1], seconds=1)
        assert time.monotonic() - began < 4
        assert got.failed
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            for _turn in range(2):
                way, _peer = listener.accept()
                way.sendall(b"SSH-2.0-OpenSSH\r\n")
                way.recv(999)
                way.close()

        threading.Thread(target=speak, daemon=True).start()
        got = collect(listener.getsockname()[1])
        assert got.failed
        assert own(got)["event.outcome"] == "failure"


def test_a_private_address_must_be_allowed() -> None:
    options = read_options(COLLECTOR, {})
    got = COLLECTOR.collect("127.0.0.1:443", options, Reach())
    assert got.failed
    assert "private network" in got.notes[0]


def test_records_of_certificates_have_the_columns_of_the_schema(root: Made, tmp_path: Path) -> None:
    with tls_server(tmp_path, [issue("shop", root, names=("shop.example",))]) as port:
        documents, _known = compare({}, collect(port, root), NOW)
    row = read(lines_of(documents), protocol="observed").frame.row(0, named=True)
    assert row["event.dataset"] == "tls.certificate"
    assert row["tls.client.server_name"] == "shop.example"
    assert (row["destination.ip"], row["destination.port"]) == ("127.0.0.1", port)
    assert '"tls.verified":true' in row["labels"]


@pytest.mark.parametrize("target", ["", "a b", "x:0", "x:99999", "[::1", "-x.example", "a" * 300])
def test_what_is_no_host_is_refused(target: str) -> None:
    with pytest.raises(Refused):
        endpoint(target)


def test_authorities_that_are_none_are_refused() -> None:
    with pytest.raises(Refused, match="not certificates"):
        COLLECTOR.check("shop.example", read_options(COLLECTOR, {"authorities": "hello"}))


def test_a_target_is_kept_with_its_port() -> None:
    options = read_options(COLLECTOR, {})
    assert COLLECTOR.check("Shop.Example", options) == "shop.example:443"
    assert COLLECTOR.check("[2001:db8::1]", options) == "[2001:db8::1]:443"
    assert endpoint("2001:db8::1") == ("2001:db8::1", 443)
