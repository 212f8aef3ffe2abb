"""What watches bring, from the records to the expert's answer."""

from __future__ import annotations

from collections.abc import Sequence

from apps.acquisition.collecting import Baseline, Collected, compare, lines_of
from apps.acquisition.reading import read
from apps.analysis import case
from apps.analysis.correlate import correlate
from apps.contracts import Remedy
from apps.detection import run
from apps.detection.evidence import ready
from apps.knowledge.services import records
from tests.detection import test_certificate_watch as certificates
from tests.detection import test_dns_changes as names
from tests.detection.watched import START


def answered(*runs: Collected, host: str = "") -> tuple[str, str, Remedy]:
    """Title, best expert record and plan of the one incident that the last run makes."""
    known: Baseline = {}
    documents: Sequence[object] = ()
    for collected in runs:
        documents, known = compare(known, collected, START)
    frame = ready(read(lines_of(documents), protocol="observed", host_name=host).frame)
    findings = run.search(frame).findings
    verdicts = [None] * len(findings)
    (campaign,) = correlate(findings, verdicts)
    made = case.build(frame, findings, verdicts, campaign)
    matches, plan = case.decide(made, records())
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
