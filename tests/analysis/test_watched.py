"""What watches bring, from the records to the expert's answer."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from apps.acquisition.collecting import Baseline, Collected, compare, lines_of
from apps.acquisition.reading import read
from apps.analysis import case
from apps.analysis.assess import assess
from apps.analysis.campaign import Campaign
from apps.analysis.correlate import correlate
from apps.contracts import Assessment, Finding, Kind, Remedy
from apps.detection import run
from apps.detection.evidence import ready
from apps.detection.host_signs import SIGNS, Sign
from apps.knowledge.services import records
from tests.detection import test_certificate_watch as certificates
from tests.detection import test_dns_changes as names
from tests.detection import test_host_changes as hosts
from tests.detection import test_page_changes as pages
from tests.detection.watched import START


def weighed(
    runs: Sequence[Collected], host: str
) -> tuple[pl.DataFrame, Sequence[Finding], Sequence[Assessment | None]]:
    """The last run's records, what the tools find in them, and what the networks say of it."""
    known: Baseline = {}
    documents: Sequence[object] = ()
    for collected in runs:
        documents, known = compare(known, collected, START)
    frame = ready(read(lines_of(documents), protocol="observed", host_name=host).frame)
    findings = run.search(frame).findings
    return frame, findings, assess(frame, findings)


def incidents(*runs: Collected, host: str = "") -> list[Campaign]:
    _frame, findings, verdicts = weighed(runs, host)
    return correlate(findings, verdicts)


def answered(*runs: Collected, host: str = "") -> tuple[str, str, Remedy]:
    """Title, best expert record and plan of the one incident that the last run makes."""
    frame, findings, verdicts = weighed(runs, host)
    (campaign,) = correlate(findings, verdicts)
    matches, plan = case.decide(case.build(frame, findings, verdicts, campaign), records())
    assert plan is not None
    return campaign.title, matches[0].record.slug, plan


def test_a_domain_with_other_name_servers_is_answered() -> None:
    stolen = {**names.HOME, "NS": ["ns.evil.example."], "A": [names.THEIRS]}
    title, slug, plan = answered(names.run(names.HOME), names.run(stolen))
    assert (title, slug) == ("Suspected domain hijack on shop.example", "name-servers-changed")
    assert not plan.steps
    assert "by telephone" in plan.tasks[0].title


def test_a_name_that_leads_elsewhere_and_a_resolver_that_lies_are_answered() -> None:
    moved = names.run({**names.HOME, "A": [names.THEIRS]})
    assert answered(names.run(names.HOME), moved)[1] == "domain-answers-changed"
    lied_to = names.run(names.HOME, {names.PUBLIC[0]: {"A": [names.THEIRS]}})
    assert answered(names.run(names.HOME), lied_to)[1] == "resolver-alone"


def test_certificates_of_somebody_else_and_weak_ones_are_answered() -> None:
    forged = certificates.certificate(authority=("itself", "shop.example"), own="evil")
    runs = certificates.run(), certificates.run(forged, certificates.SELF_SIGNED)
    assert answered(*runs)[:2] == (
        "Suspected domain hijack on shop.example",
        "certificate-changed",
    )
    ends = certificates.run(certificates.certificate(days=3))
    assert answered(ends)[:2] == ("Weak point on shop.example", "certificate-expires")
    weak = certificates.run(certificates.certificate(own="rsa1024"))
    assert answered(weak)[1] == "certificate-weak"


def test_pages_that_somebody_wrote_on_are_answered() -> None:
    assert answered(pages.run(), pages.run(pages.DEFACED))[:2] == (
        "Page tampering on shop.example",
        "page-defaced",
    )
    hidden = "<a style='display:none' href='https://pills.example/x'>pills</a>"
    assert answered(pages.run(), pages.run(pages.html(extra=hidden)))[1] == "page-hidden-links"
    script = "<script src='https://evil.example/x.js'></script>"
    assert answered(pages.run(), pages.run(pages.html(extra=script)))[1] == "page-foreign-code"


def test_the_browser_of_a_watch_is_no_tool_of_an_attacker() -> None:
    frame, findings, verdicts = weighed((pages.run(), pages.run(pages.DEFACED)), "")
    (campaign,) = correlate(findings, verdicts)
    assert case.build(frame, findings, verdicts, campaign).attacker.tools == ()


def test_of_a_page_written_anew_the_network_says_whether_an_intruder_wrote_it() -> None:
    relaunch = " ".join(f"We sell fresh fruit number {n} from our own orchard." for n in range(60))
    new_shop = pages.html("Welcome to the orchard", relaunch).replace("Home Basket Help", "Start")
    before = pages.html(body="Our shop opens again in spring, with pears, plums and cherries.")
    assert not incidents(pages.run(before), pages.run(new_shop))
    boast = (
        "<title>~ RooTed ~</title><body bgcolor=black><h1>RooTed -=[ x0r TeaM ]=-</h1>"
        "<p>Where is your security admin?! fuck the system, we are everywhere. No war, free our land."
        "</p><p>Shoutz: n1ght, d4rk, z3r0 - irc.x0r.example</p></body>"
    )
    (campaign,) = incidents(pages.run(), pages.run(boast))
    assert (campaign.kind, campaign.network_label) == (Kind.TAMPERING, "defaced")
    assert answered(pages.run(), pages.run(boast))[1] == "page-defaced"


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.name)
def test_whatever_an_intruder_leaves_on_a_host_is_answered_and_moved_by_nobody(sign: Sign) -> None:
    left = hosts.run(**hosts.EVIDENCE[sign.name])
    title, slug, plan = answered(hosts.run(), left, host="web-01")
    assert title.startswith("Foothold on web-01")
    record = next(each for each in records() if each.slug == slug)
    (named,) = (condition for condition in record.when if condition.field == "signs")
    assert sign.name in named.value
    assert plan.tasks
    assert not plan.steps


def test_many_programs_changed_at_once_are_answered_as_a_virus() -> None:
    programs = [(f"/usr/bin/p{n}", "1", "755") for n in range(6)]
    infected = [(path, "evil", mode) for path, _held, mode in programs]
    runs = hosts.run(files=programs), hosts.run(files=infected)
    assert answered(*runs, host="web-01")[1] == "programs-infected"


def test_all_that_was_left_on_a_host_is_one_incident_whose_files_stay_where_they_are() -> None:
    files = [*hosts.EVIDENCE["preload"]["files"], ("/etc/sudoers.d/x", "x", "440")]
    left = hosts.run(files=files, keys=hosts.EVIDENCE["ssh_key"]["keys"])
    frame, findings, verdicts = weighed((hosts.run(), left), "web-01")
    (campaign,) = correlate(findings, verdicts)
    made = case.build(frame, findings, verdicts, campaign)
    assert made.facts["signs"] == ["preload", "sudo_rules", "ssh_key"]
    assert made.files == ()
