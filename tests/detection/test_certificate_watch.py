"""What becomes of watched certificates, from what a host shows to the findings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apps.acquisition.collecting import Collected, Observation, Reach, read_options
from apps.acquisition.collectors.certificates import COLLECTOR, Shown, observed
from apps.contracts import Kind, Risk
from apps.protection.outbound import networks_of
from tests.acquisition.collectors.tls_server import issue, tls_server
from tests.detection.watched import last, told

NOW = datetime(2026, 11, 29, tzinfo=UTC)
SELF_SIGNED = "self-signed certificate"
SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
SHA1_WITH_RSA = bytes.fromhex("2a864886f70d010105")


@cache
def key(name: str) -> Any:
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, int(name[3:7]))
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(
    *,
    authority: tuple[str, str] = ("Good Trust", "R10"),
    own: str = "one",
    days: int = 60,
    lasts: int = 90,
    sha1: bool = False,
) -> bytes:
    """A certificate in DER: by an organisation under one of its names, `days` before its end."""
    organisation, common = authority
    issuer = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
        ]
    )
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    end = NOW + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(issuer if organisation == "itself" else subject)
        .issuer_name(issuer)
        .public_key(key(own).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=lasts))
        .not_valid_after(end)
        .sign(key("rsa2048"), hashes.SHA256())
    )
    der = made.public_bytes(serialization.Encoding.DER)
    # nobody signs with SHA-1 any more: only the name of the algorithm is made another
    return der.replace(SHA256_WITH_RSA, SHA1_WITH_RSA) if sha1 else der


def run(der: bytes | None = None, unverified: str = "", day: int = 0, port: int = 443) -> Collected:
    shown = Shown("192.0.2.1", (der or certificate(),), "TLSv1.3", "x", unverified)
    at = NOW + timedelta(days=day)
    return observed(f"shop.example:{port}", "shop.example", port, "shop.example", shown, at)


def test_days_of_an_ordinary_certificate_and_its_renewals_are_silent() -> None:
    renewed = certificate(authority=("Good Trust", "R11"), own="two", days=80)
    days = told([run(), run(), run(renewed), run(renewed), run()])
    assert not any(days)


def test_one_that_was_believed_and_is_signed_by_itself_is_told_once() -> None:
    forged = certificate(authority=("itself", "shop.example"), own="evil")
    days = told([run(), run(forged, SELF_SIGNED), run(forged, SELF_SIGNED)])
    assert [len(day) for day in days] == [0, 1, 0]
    (one,) = days[1]
    assert (one.kind, one.risk, one.severity) == (Kind.HIJACK, Risk.DOMAIN_HIJACK, 70)
    assert (one.subject, one.target, one.techniques) == ("", "shop.example", ("T1557",))
    assert one.title == "shop.example shows a certificate signed by itself"
    assert one.parameters["issuer_before"] == "Good Trust"
    assert one.parameters["sha256"] != one.parameters["sha256_before"]


@pytest.mark.parametrize(
    ("why", "sign", "severity"),
    [
        ("Hostname mismatch, certificate is not valid for 'shop.example'.", "wrong_name", 60),
        ("unable to get local issuer certificate", "untrusted", 65),
    ],
)
def test_one_that_is_believed_no_longer_says_why(why: str, sign: str, severity: int) -> None:
    (one,) = last(run(), run(certificate(own="two"), why))
    assert (one.parameters["signs"], one.severity) == ([sign], severity)
    inner = run(certificate(own="two"), why)
    assert not last(inner, run(certificate(own="three"), why))  # it never was believed


def test_another_authority_together_with_another_key_is_told_and_each_by_itself_is_not() -> None:
    other = ("Other Trust", "X1")
    (one,) = last(run(), run(certificate(authority=other, own="evil")))
    assert (one.kind, one.severity) == (Kind.HIJACK, 50)
    assert one.title.endswith("of another authority, with another key: Other Trust")
    assert not last(run(), run(certificate(authority=other)))
    assert not last(run(), run(certificate(own="two")))


def test_hosts_that_take_turns_behind_one_name_are_told_of_once() -> None:
    two = certificate(authority=("Other Trust", "X1"), own="two")
    days = told([run(), run(two), run(), run(two), run()])
    assert [len(day) for day in days] == [0, 1, 0, 0, 0]


def test_the_end_is_told_when_it_comes_near_and_when_it_is_there() -> None:
    ends = certificate(days=20)
    expired = "certificate has expired"
    verified = [run(ends, day=day) for day in (0, 5, 7, 8, 19)]
    days = told([*verified, run(ends, expired, day=21), run(ends, expired, day=22)])
    assert [len(day) for day in days] == [0, 0, 1, 0, 0, 1, 0]
    assert [f.title for day in days for f in day] == [
        "The certificate of shop.example expires in 13 days",
        "The certificate of shop.example expired on 2026-12-19",
    ]
    assert [(f.kind, f.severity) for day in days for f in day] == [
        (Kind.WEAKNESS, 20),
        (Kind.WEAKNESS, 50),
    ]


def test_one_made_for_six_days_is_not_always_near_its_end() -> None:
    assert not told([run(certificate(days=5, lasts=6))])[0]
    (one,) = told([run(certificate(days=1, lasts=6))])[0]
    assert one.title == "The certificate of shop.example expires in 1 day"


@pytest.mark.parametrize(
    ("made", "sign"),
    [({"own": "rsa1024"}, "weak_key"), ({"sha1": True}, "weak_signature")],
)
def test_what_is_weak_is_told_when_it_is_first_seen(made: dict[str, Any], sign: str) -> None:
    days = told([run(certificate(**made)), run(certificate(**made)), run(certificate())])
    assert [[f.parameters["signs"] for f in day] for day in days] == [[[sign]], [], []]
    (one,) = days[0]
    assert (one.kind, one.risk, one.severity) == (Kind.WEAKNESS, Risk.INTRUSION, 35)
    assert not told([run(certificate(own="rsa2048"))])[0]


def test_a_host_that_shows_nothing_has_not_changed_its_certificate() -> None:
    silent = observed("shop.example:443", "shop.example", 443, "shop.example",
                      Shown(problem="It did not answer in time."), NOW)  # fmt: skip
    assert not last(run(), silent, run())


def test_another_port_than_that_of_the_web_is_named() -> None:
    (one,) = last(run(port=8443), run(certificate(own="two"), SELF_SIGNED, port=8443))
    assert one.title.startswith("shop.example:8443 shows")


def test_what_a_real_server_shows_leads_to_a_finding(tmp_path: Path) -> None:
    root = issue("Test Root", authority=True)
    reach = Reach(networks=networks_of(["127.0.0.0/8"]))
    options = read_options(
        COLLECTOR, {"server_name": "shop.example", "authorities": root.pem, "seconds": 5}
    )
    shown = []
    for by in (root, None):
        with tls_server(tmp_path, [issue("shop", by, names=("shop.example",))]) as port:
            collected = COLLECTOR.collect(f"127.0.0.1:{port}", options, reach)
            own = {**collected.observations[0].fields, "destination.port": 443}
            same = {**collected.observations[0].compared, "tls.target": "shop.example"}
            seen = Observation("tls.certificate", "shop", own, same, told=True)
            shown.append(Collected([seen]))
    (one,) = last(*shown)
    assert one.parameters["signs"] == ["self_signed"]


@pytest.mark.parametrize("made", [{"days": 10}, {"own": "rsa1024"}])
def test_what_was_told_of_a_certificate_is_not_told_again_with_another_change(
    made: dict[str, Any],
) -> None:
    weak = certificate(**made)
    first, second = told([run(weak), run(weak, "unable to get local issuer certificate")])
    assert len(first) == 1
    assert [f.parameters["signs"] for f in second] == [["untrusted"]]


def test_a_forged_certificate_that_has_expired_is_no_mere_omission() -> None:
    forged = certificate(authority=("Evil", "x"), own="evil", days=-1)
    (one,) = last(run(), run(forged, "certificate has expired"))
    assert (one.kind, one.parameters["signs"]) == (Kind.HIJACK, ["expired", "issuer"])
