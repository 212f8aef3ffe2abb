"""Pages that people sign in to or were sent: what holds of those made for learning."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, ip_network

import numpy as np

from ml_core.kinds import account_forms as accounts
from ml_core.kinds.domain_forms import Forms
from ml_core.kinds.domains import corpus, parts
from ml_core.kinds.text import TEST, TRAINING, VALIDATION, TextTable

HOSTS = [f"garden{i}.org" for i in range(50)]
INSIDE = [
    ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")
]
NEAR = {"lan", "local", "home", "internal", "intern", "intra", "corp", "fritz.box", "home.arpa",
    "localdomain", "office"}  # fmt: skip
KNOWN, TENANTS = set(accounts.KNOWN), set(accounts.TENANTS)


def made(phishing: bool, count: int = 4000) -> list[str]:
    forms = Forms(5, hosts=HOSTS)
    return [forms.account(phishing) for _ in range(count)]


def own(host: str, names: Collection[str]) -> bool:
    """Is the host one of the names, or below one?"""
    labels = host.split(".")
    return any(".".join(labels[i:]) in names for i in range(len(labels)))


def address(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(host)
    except ValueError:
        return None


def private(host: str) -> bool:
    there = address(host)
    return there is not None and any(there in net for net in INSIDE)


def test_a_harmless_account_is_on_a_known_site_a_tenant_s_host_a_learned_name_or_within() -> None:
    seen = set()
    for text in made(False):
        host = parts(text)[0]
        where = [
            own(host, KNOWN),
            own(host, TENANTS),
            own(host, HOSTS),
            private(host),
            own(host, NEAR) or "." not in host,
        ]
        assert any(where), text
        seen.add(where.index(True))
    assert seen == {0, 1, 2, 3, 4}


def test_a_copy_is_never_on_a_known_site_a_tenant_s_host_or_within() -> None:
    kinds = {"address": 0, "learned": 0, "name within another": 0}
    for text in made(True):
        host, path = parts(text)
        assert path or text.endswith("/")
        assert not own(host, KNOWN | TENANTS | NEAR), text
        assert not private(host), text
        assert "." in host
        kinds["address"] += address(host) is not None
        kinds["learned"] += host in HOSTS
        kinds["name within another"] += any(f"{site}." in host for site in KNOWN)
    assert min(kinds.values()) > 100, kinds


def test_pages_of_campaigns_are_on_no_private_address_either() -> None:
    forms = Forms(7)
    hosts = [parts(forms.page(True))[0] for _ in range(6000)]
    assert any(address(host) for host in hosts)
    assert not any(map(private, hosts))


def test_both_sides_have_the_same_paths_so_the_host_tells() -> None:
    assert all(form.endswith("{U}") for form in accounts.HARMLESS + accounts.PHISHING)
    ends = [{parts(text)[1].rpartition("/")[2] for text in made(side)} for side in (False, True)]
    common = {"login", "checkout", "dashboard", "reset-password", "settings", "cart"}
    assert common <= ends[0] & ends[1]


def test_one_seed_gives_the_same_accounts_and_another_others() -> None:
    assert made(False, 200) == made(False, 200)
    other = Forms(6, hosts=HOSTS)
    assert set(made(False, 200)).isdisjoint(other.account(False) for _ in range(200))


def test_listed_sites_are_names_of_hosts_and_stand_there_once() -> None:
    for names in (accounts.KNOWN, accounts.TENANTS):
        assert all(parts(name) == (name, "") and "." in name for name in names)
        assert len(set(names)) == len(names)


def test_made_accounts_are_on_no_host_that_is_held_out() -> None:
    names = [f"{a}{b}garden.org" for a in "bcdfglmnprst" for b in "aeiouy"]
    names += accounts.KNOWN[:100]
    table = TextTable(
        "domain", [*names, "qgzvkebadmyx.biz"], np.arange(len(names) + 1) // len(names)
    )
    texts, _, part = corpus([table], seed=1, made=800)
    held = [text for text, p in zip(texts, part, strict=True) if p == TEST]
    pages = [text for text, p in zip(texts, part, strict=True) if p != TEST and "/" in text]
    on = {name for name in names if any(own(parts(page)[0], [name]) for page in pages)}
    assert len(held) > 3
    assert len(on) > 10
    assert not on & set(held)
    assert {VALIDATION, TRAINING} == {p for text, p in zip(texts, part, strict=True) if "/" in text}
