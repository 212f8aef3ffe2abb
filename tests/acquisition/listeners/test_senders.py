"""Who may write: default deny, the narrowest network, a certificate before an address."""

from __future__ import annotations

import pytest

from apps.acquisition import listening, services
from apps.acquisition.listeners.senders import Sender, Senders, names_of, network
from apps.contracts import Refused
from apps.protection.models import AuditEntry

ALL = Senders(
    [
        Sender(1, "site", networks=("10.0.0.0/8", "2001:db8::/32")),
        Sender(2, "branch", networks=("10.1.0.0/16",)),
        Sender(3, "gateway", networks=("10.1.2.3", "2001:db8::1"), certificates=("gw.example",)),
    ]
)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("10.9.9.9", 1),
        ("10.1.9.9", 2),
        ("10.1.2.3", 3),
        ("::ffff:10.1.2.3", 3),
        ("2001:db8::1", 3),
        ("2001:db8:1::1", 1),
        ("192.0.2.1", None),
        ("fe80::1%eth0", None),
        ("::a01:203", None),  # the same bits in the other family
    ],
)
def test_the_narrowest_network_decides(address: str, source: int | None) -> None:
    for _ in range(2):  # and once more from what is remembered
        found = ALL.at(address)
        assert (found.source_id if found else None) == source


def test_a_certificate_is_known_by_any_of_its_names() -> None:
    told = {
        "subject": ((("countryName", "DE"),), (("commonName", "GW.example"),)),
        "subjectAltName": (("DNS", "other.example"),),
    }
    assert names_of(told) == ["other.example", "GW.example"]
    assert ALL.named(names_of(told)).source_id == 3
    assert ALL.named(["nobody"]) is None
    assert names_of(None) == []


def test_nobody_may_write_where_nothing_was_said() -> None:
    assert Senders([]).at("127.0.0.1") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("10.1.2.3/8", "write 10.0.0.0/8"),
        ("host", "neither"),
        ("", "neither"),
        ("1.2.3", "neither"),
    ],
)
def test_what_is_no_network_is_said(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        network(text)


@pytest.mark.django_db
def test_settings_that_cannot_be_meant_are_refused() -> None:
    from pathlib import Path

    one, _ = services.create_source(name="one", actor="test")
    two, _ = services.create_source(name="two", actor="test")
    allowed = [Path("/var/log")]
    listening.listen_for(
        source=one,
        networks=["192.0.2.1", "192.0.2.1/32"],
        certificates=["A.example"],
        files=["/var/log/x/*.log"],
        folder="one",
        allowed=allowed,
        actor="anna",
    )
    assert one.listening.networks == ["192.0.2.1"]
    assert AuditEntry.objects.latest("id").action == "source.listening"
    for wrong, sentence in (
        ({"networks": ["192.0.2.1"]}, "belongs to one"),
        ({"certificates": ["a.EXAMPLE"]}, "belongs to one"),
        ({"folder": "one"}, "Another source"),
        ({"folder": "../etc"}, "letters"),
        ({"folder": ".hidden"}, "letters"),
        ({"files": ["/etc/shadow"]}, "TOCSIN_TAIL"),
        ({"files": ["/var/log/../../etc/shadow"]}, "no path"),
        ({"files": ["log"]}, "no path"),
        ({"files": ["/var/log"]}, "TOCSIN_TAIL"),
        ({"networks": ["nonsense"]}, "neither"),
    ):
        with pytest.raises(Refused, match=sentence):
            listening.listen_for(source=two, allowed=allowed, actor="anna", **wrong)
    services.enable_source(source_id=one.pk, enabled=False, actor="anna")
    assert listening.senders_of(listening.all_listening()).at("192.0.2.1") is None
