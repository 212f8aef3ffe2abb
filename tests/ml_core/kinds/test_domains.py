"""Domain names as the network reads them, and the names made to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_core.kinds.domain_forms import Forms
from ml_core.kinds.domains import HOST, KIND, LENGTH, corpus, encode, parts, read, spans
from ml_core.kinds.text import TextTable
from ml_core.model_file import shipped
from ml_core.scorer import Scorer


@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "EXAMPLE.org.",
        "http://www.example.org/",
        "https://user:secret@example.org:8443",
        "hxxps://example[.]org",
        "//example.org",
        "http:/example.org",
        "https:\\\\example.org",
        "http%3A%2F%2Fexample.org%2F",
        "http://ex%61mple.org",
        "<*.example(.)org>",
    ],
)
def test_one_spelling_whatever_a_name_comes_with(text: str) -> None:
    assert read(text) == "example.org"


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?", fullmatch=True)
WRITTEN = (
    "{0}",
    "{0}.",
    " '{0}' ",
    "{0}:53",
    "//{0}",
    "http://{0}/",
    "HTTPS://{0}:8443/",
    "ftp://user:secret@{0}",
    "https://www.{0}",
)


@settings(deadline=None, max_examples=60)
@given(st.lists(LABEL, min_size=2, max_size=4))
def test_any_name_has_one_spelling(labels: list[str]) -> None:
    name = ".".join(["x" + label for label in labels])
    forms = [form.format(case) for form in WRITTEN for case in (name, name.upper())]
    assert {read(form) for form in forms} == {name[:HOST]}


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_any_text_is_read(text: str) -> None:
    steps, lengths = encode([text])
    assert 1 <= lengths[0] <= LENGTH
    assert steps.max() < KIND.architecture.inputs
    assert (steps[0, lengths[0] :] == 0).all()


def test_international_names_become_what_is_asked_of_a_server() -> None:
    assert parts("http://Bücher.example/Straße") == ("xn--bcher-kva.example", "/stra\x7fe")
    assert parts("\ud800.example")[0].isascii()


def test_long_names_keep_both_ends_of_the_host() -> None:
    host = "a" * 24 + "b" * 100 + ".evil.example"
    assert read(host).startswith("a" * 24)
    assert read(host).endswith(".evil.example")
    assert len(read(host)) == HOST
    steps, lengths = encode([host + "/" + "c" * 500, "", "\0"])
    assert steps.shape == (3, LENGTH)
    assert lengths.tolist() == [LENGTH, 1, 1]
    assert (steps[1:, 1:] == 0).all()
    assert steps.max() < KIND.architecture.inputs


def test_a_verdict_can_be_blamed_on_labels_and_path() -> None:
    whole = read("http://login.bank.example/verify?x=1")
    found = spans("http://login.bank.example/verify?x=1")
    assert [span.value for span in found] == ["login", "bank", "example", "/verify?x=1"]
    assert all(whole[span.start : span.end] == span.value for span in found)


def test_pages_of_a_host_stay_together_and_phishing_pages_keep_their_paths() -> None:
    names = TextTable("domain", [f"site{i}.com" for i in range(300)], np.arange(300) % 2)
    urls = [f"http://shop{i % 40}.com/page/{i}" for i in range(400)]
    pages = TextTable("url", urls, np.where(np.arange(400) % 40 < 20, 0, 2))
    texts, y, part = corpus([names, pages], seed=1, made=200)
    assert set(np.unique(y)) == {0, 1, 2}
    of_host: dict[str, set[int]] = {}
    for text, p in zip(texts, part.tolist(), strict=True):
        if "shop" in text and "/" in text:
            of_host.setdefault(parts(text)[0], set()).add(p)
    assert of_host
    assert all(len(found) == 1 for found in of_host.values())
    assert all("/" in text for text, c in zip(texts, y, strict=True) if c == 2)
    again = corpus([names, pages], seed=1, made=200)
    assert again.texts == texts


def test_made_families_differ_among_each_other_and_their_names_fit_a_name_server() -> None:
    forms = Forms(3)
    families = [forms.family(20) for _ in range(60)]
    names = [name for family in families for name in family]
    assert len(set(names)) > 0.95 * len(names)
    assert all(5 <= len(name) <= 80 and read(name) == name for name in names)
    assert all(len(label) <= 63 for name in names for label in name.split("."))
    assert not set(names) & {forms.harmless() for _ in range(1000)}


def test_made_pages_are_laid_out_in_many_ways_and_phishing_is_never_a_bare_host() -> None:
    forms = Forms(3)
    pages = {side: [forms.page(side) for _ in range(2000)] for side in (False, True)}
    assert all(len(set(made)) > 0.9 * len(made) for made in pages.values())
    assert all(parts(page)[1] for page in pages[True])
    hosts = [parts(page)[0] for made in pages.values() for page in made]
    assert all(4 <= len(host) <= 120 and "{" not in host for host in hosts)
    assert not set(pages[True]) & set(pages[False])


SAID = {
    "benign": (
        "mail.google.com",
        "stackoverflow.com",
        "d111111abcdef8.cloudfront.net",
        "ec2-3-4-5-6.compute-1.amazonaws.com",
        "_ldap._tcp.dc._msdcs.corp.local",
        "1.0.168.192.in-addr.arpa",
        "xn--bcher-kva.example",
        "https://en.wikipedia.org/wiki/Domain_generation_algorithm",
        "http://192.168.1.1/login.html",
        "https://zoom.us/j/98765432101",
        "https://portal.azure.com/#home",
    ),
    "dga": (
        "qgzvkebadmyx.biz",
        "a8f5f167f44f4964e6c998dee827110c.com",
        "k3jd8f7s9dkf2l1m.top",
        "jbswy3dpehpk3pxp.info:443",
    ),
    "phishing": (
        "http://paypal.com.secure-login.example.ru/webscr/login.php?cmd=_login",
        "http://45.77.201.13/login.html",
        "http://zoom.us.join-meeting.top/j/98765432101",
    ),
}


def test_names_written_here_get_the_right_verdict_from_the_shipped_model() -> None:
    texts = [text for group in SAID.values() for text in group]
    verdicts = Scorer.load(shipped("domains"), "domains").score_texts(texts)
    assert verdicts.label_names == [name for name, group in SAID.items() for _ in group]
    (why,) = verdicts.explain([texts.index("qgzvkebadmyx.biz")], top=1)
    assert why.reasons[0].field == "dns.question.name"
    assert why.reasons[0].value == "qgzvkebadmyx"
