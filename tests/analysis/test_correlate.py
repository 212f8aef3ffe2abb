"""What belongs to one campaign, and what it amounts to."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis.correlate import WATCHED, OpenCampaign, correlate
from apps.contracts import Assessment, Finding, Kind, Risk
from tests.analysis.made import MALLORY, SHOP, TRUDY, at, finding, verdict

HOUR = 3600.0


def only(campaigns: list) -> object:
    assert len(campaigns) == 1
    return campaigns[0]


def test_a_scan_then_guessing_then_injection_by_one_address_is_one_incident() -> None:
    seen = [
        finding(Kind.WEB_INJECTION, t=900),
        finding(Kind.PORT_SCAN, t=0, target=""),
        finding(Kind.BRUTE_FORCE, t=300, target="shop", host="shop"),
    ]
    campaign = only(correlate(seen, [None] * 3))
    assert campaign.findings == (1, 2, 0)
    assert campaign.kind is Kind.WEB_INJECTION
    assert campaign.kinds == (Kind.WEB_INJECTION, Kind.BRUTE_FORCE, Kind.PORT_SCAN)
    assert campaign.because[0] == "the first finding of this incident"
    assert f"the same address, {MALLORY}" in campaign.because[1]
    assert campaign.hosts == ("shop",)
    assert campaign.title == (
        f"Web injection on shop and {SHOP} by {MALLORY}, with brute force and port scan"
    )


def test_an_address_that_comes_back_after_two_days_starts_a_new_campaign() -> None:
    seen = [finding(t=0), finding(t=48 * HOUR)]
    assert len(correlate(seen, [None, None])) == 2


def test_a_long_finding_bridges_the_pause_between_short_ones() -> None:
    seen = [finding(t=0, lasts=30 * HOUR), finding(t=HOUR), finding(t=50 * HOUR)]
    assert len(correlate(seen, [None] * 3)) == 1


def test_several_sources_doing_the_same_at_once_act_together() -> None:
    flood = [finding(Kind.FLOOD, f"203.0.113.{i}", t=i) for i in range(20)]
    campaign = only(correlate(flood, [None] * 20))
    assert len(campaign.subjects) == 20
    assert campaign.title == f"Flood on {SHOP} by 20 sources"
    apart = [finding(Kind.FLOOD, MALLORY, t=0), finding(Kind.FLOOD, TRUDY, t=HOUR)]
    assert len(correlate(apart, [None, None])) == 2
    unlike = [finding(Kind.FLOOD, MALLORY), finding(Kind.BRUTE_FORCE, TRUDY)]
    assert len(correlate(unlike, [None, None])) == 2


def test_a_crowd_that_does_the_same_to_one_target_is_one_campaign_whatever_it_does() -> None:
    crowd = [finding(Kind.WEB_INJECTION, f"198.18.{i // 250}.{i % 250}", t=i) for i in range(300)]
    campaign = only(correlate(crowd, [None] * 300))
    assert len(campaign.subjects) == 300
    assert len(correlate(crowd[:50], [None] * 50)) == 50  # fewer are what they seem to be
    denied = [verdict(p_attack=0.01, label="normal")] * 300
    assert len(correlate(crowd, denied)) == 300


def test_a_visitor_is_not_drawn_into_the_attack_that_happens_to_go_on() -> None:
    odd = [finding(Kind.WEB_INJECTION, MALLORY), finding(Kind.WEB_INJECTION, TRUDY)]
    assert len(correlate(odd, [None, None])) == 2
    denied = [finding(Kind.BRUTE_FORCE, MALLORY), finding(Kind.BRUTE_FORCE, TRUDY)]
    assert len(correlate(denied, [None, verdict("Normal", 0.02)])) == 2
    assert len(correlate(denied, [None, verdict("Normal", 0.02, unsure=True)])) == 1


def test_a_file_joins_the_request_that_named_it_however_late_it_is_found() -> None:
    upload = finding(
        Kind.WEB_INJECTION, target="shop", host="shop", parameters={"paths": ["/up/shell.php?x=1"]}
    )
    file = finding(
        Kind.WEB_SHELL, "/srv/www/up/shell.php", "shop", t=72 * HOUR, host="shop", risk=Risk.TROJAN
    )
    campaign = only(correlate([file, upload], [None, None]))
    assert (campaign.kind, campaign.risk) == (Kind.WEB_SHELL, Risk.TROJAN)
    assert "asked for a file named shell.php" in campaign.because[1]
    assert campaign.title == f"Web shell on shop by {MALLORY}, with web injection"
    alone = only(correlate([file], [None]))
    assert alone.title == "Web shell on shop: /srv/www/up/shell.php"
    elsewhere = finding(Kind.WEB_SHELL, "/srv/www/up/shell.php", "mail", t=60, host="mail")
    assert len(correlate([elsewhere, upload], [None, None])) == 2


def test_a_file_joins_the_attack_on_its_host_that_came_just_before() -> None:
    attack = finding(Kind.WEB_INJECTION, host="shop")
    file = finding(Kind.WEB_SHELL, "/srv/x.php", "shop", t=120, host="shop")
    assert len(correlate([attack, file], [None, None])) == 1
    later = finding(Kind.WEB_SHELL, "/srv/x.php", "shop", t=2 * HOUR, host="shop")
    assert len(correlate([attack, later], [None, None])) == 2


def test_screening_that_the_network_calls_normal_makes_no_incident() -> None:
    seen = [finding(Kind.ANOMALY)]
    assert correlate(seen, [verdict("Normal", 0.03)]) == []
    assert len(correlate(seen, [verdict("Normal", 0.03, unsure=True)])) == 1
    assert len(correlate([finding(Kind.PORT_SCAN)], [verdict("Normal", 0.03)])) == 1


def test_unfamiliar_traffic_is_mild_and_named_so() -> None:
    for said in (None, verdict("Bot", 0.99, unsure=True)):
        campaign = only(correlate([finding(Kind.ANOMALY, severity=70)], [said]))
        assert campaign.unfamiliar
        assert campaign.severity == 25
        assert campaign.confidence < 0.5
        assert campaign.title == f"Unfamiliar traffic from {MALLORY} to {SHOP}"


def test_a_network_that_is_sure_names_what_no_tool_could() -> None:
    campaign = only(correlate([finding(Kind.ANOMALY)], [verdict("Portscan", 0.97)]))
    assert campaign.kind is Kind.PORT_SCAN
    assert not campaign.unfamiliar


def test_the_network_raises_lowers_or_leaves_the_confidence() -> None:
    def sure(said: Assessment | None) -> float:
        return only(correlate([finding(Kind.PORT_SCAN, severity=40)], [said])).confidence

    alone = sure(None)
    assert sure(verdict("Portscan", 0.98)) > alone
    assert sure(verdict("Normal", 0.02)) < 0.5 < alone
    assert sure(verdict("Normal", 0.02, unsure=True)) == alone
    two_tools = [finding(Kind.PORT_SCAN, severity=40), finding(Kind.FLOOD, severity=40)]
    assert only(correlate(two_tools, [None, None])).confidence > alone


def test_later_findings_join_the_open_incident_and_bring_their_group_along() -> None:
    known = OpenCampaign(7, Kind.BRUTE_FORCE, (MALLORY,), (SHOP,), ("shop",), at(0), at(60))
    younger = OpenCampaign(9, Kind.FLOOD, (TRUDY,), (), (), at(30), at(90))
    seen = [
        finding(Kind.PORT_SCAN, MALLORY, t=HOUR),
        finding(Kind.FLOOD, MALLORY, t=2 * HOUR),
        finding(Kind.FLOOD, TRUDY, t=2 * HOUR),
        finding(Kind.FLOOD, "203.0.113.77", "192.0.2.1", t=2 * HOUR),
    ]
    joined, fresh = correlate(seen, [None] * 4, [younger, known])
    assert joined.absorbs == (9,)
    assert (joined.incident, joined.findings) == (7, (0, 1, 2))
    assert joined.because[0] == f"{MALLORY} already acted in this incident"
    assert (fresh.incident, fresh.findings) == (None, (3,))


def test_a_file_joins_the_open_incident_whose_requests_named_it_and_the_other_way_round() -> None:
    shell = finding(Kind.WEB_SHELL, "/srv/up/shell.php", "shop", t=9 * 24 * HOUR, host="shop")
    asked = {"parameters": {"paths": ["/up/shell.php"]}, "host": "shop"}
    call = finding(Kind.WEB_SHELL, t=9 * 24 * HOUR, **asked)
    by_request = OpenCampaign(
        7, Kind.WEB_INJECTION, (MALLORY,), (SHOP,), ("shop",), at(0), at(60), ("shell.php",)
    )
    by_file = OpenCampaign(
        8, Kind.WEB_SHELL, (shell.subject,), ("shop",), ("shop",), shell.first, shell.last
    )
    assert only(correlate([shell], [None], [by_request])).incident == 7
    assert only(correlate([call], [None], [by_file])).incident == 8
    elsewhere = replace(shell, host="mail", target="mail")
    assert only(correlate([elsewhere], [None], [by_request])).incident is None


def test_a_name_that_stands_on_every_server_joins_nothing() -> None:
    call = finding(Kind.WEB_INJECTION, host="shop", parameters={"paths": ["/index.php?x=1"]})
    file = finding(Kind.WEB_SHELL, "/srv/index.php", "shop", t=72 * HOUR, host="shop")
    assert len(correlate([call, file], [None, None])) == 2


def test_what_proves_to_be_one_campaign_becomes_the_oldest() -> None:
    old = OpenCampaign(7, Kind.BRUTE_FORCE, (MALLORY,), (), ("shop",), at(0), at(60))
    file = OpenCampaign(
        8, Kind.WEB_SHELL, ("/srv/up/shell.php",), ("shop",), ("shop",), at(30), at(30)
    )
    other = OpenCampaign(9, Kind.FLOOD, (TRUDY,), (SHOP,), (), at(40), at(50))
    call = finding(Kind.WEB_SHELL, t=90, host="shop", parameters={"paths": ["/up/shell.php"]})
    campaign = only(correlate([call], [None], [file, other, old]))
    assert (campaign.incident, campaign.absorbs) == (7, (8,))
    # The same target is not enough to make one of two incidents.
    flood = finding(Kind.FLOOD, MALLORY, SHOP, t=55)
    campaign = only(correlate([flood], [None], [file, other, old]))
    assert (campaign.incident, campaign.absorbs) == (7, ())


def test_two_groups_that_join_one_incident_stay_one_campaign() -> None:
    known = OpenCampaign(7, Kind.FLOOD, (MALLORY, TRUDY), (), (), at(0), at(60))
    seen = [finding(Kind.FLOOD, MALLORY, "192.0.2.1", t=90), finding(Kind.PORT_SCAN, TRUDY, t=95)]
    campaign = only(correlate(seen, [None, None], [known]))
    assert (campaign.incident, campaign.findings) == (7, (0, 1))


def test_an_incident_of_long_ago_is_not_joined() -> None:
    known = OpenCampaign(7, Kind.BRUTE_FORCE, (MALLORY,), (SHOP,), (), at(-72 * HOUR), at(-HOUR))
    assert only(correlate([finding(t=0)], [None], [known])).incident == 7
    assert only(correlate([finding(t=30 * HOUR)], [None], [known])).incident is None


def test_scanners_who_do_nothing_else_are_one_incident() -> None:
    crowd = [finding(Kind.PORT_SCAN, f"203.0.113.{i}", t=i) for i in range(30)]
    graver = [*crowd, finding(Kind.BRUTE_FORCE, "203.0.113.7", t=60)]
    found = {c.kind: len(c.subjects) for c in correlate(graver, [None] * 31)}
    assert found == {Kind.PORT_SCAN: 29, Kind.BRUTE_FORCE: 1}
    known = OpenCampaign(7, Kind.PORT_SCAN, ("203.0.113.7", TRUDY), (SHOP,), (), at(0), at(60))
    (later,) = correlate([finding(Kind.BRUTE_FORCE, "203.0.113.7", t=90)], [None], [known])
    assert later.incident is None
    (again,) = correlate([finding(Kind.PORT_SCAN, "203.0.113.99", t=90)], [None], [known])
    assert again.incident == 7


SEEN = st.builds(
    finding,
    kind=st.sampled_from(list(Kind)),
    subject=st.sampled_from([MALLORY, TRUDY, "203.0.113.7", "/srv/a.php", "/srv/b.php"]),
    target=st.sampled_from([SHOP, "shop", ""]),
    t=st.integers(0, 3 * 86_400),
    lasts=st.integers(0, 4000),
    host=st.sampled_from(["", "shop", "mail"]),
    severity=st.integers(0, 100),
    parameters=st.sampled_from([{}, {"paths": ["/a.php?q=1"]}, {"urls": ["/x/b.php"]}]),
)
SAID = st.sampled_from([None, verdict("Normal", 0.02), verdict("DoS", 0.97, unsure=True)])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(SEEN, SAID), max_size=12), st.randoms())
def test_the_order_findings_come_in_changes_nothing(pairs: list, shuffle: object) -> None:
    def told(pairs: list[tuple[Finding, Assessment | None]]) -> list[tuple]:
        findings, verdicts = [f for f, _ in pairs], [v for _, v in pairs]
        found = correlate(findings, verdicts)
        return [
            (c.title, c.kind, c.confidence, c.because, [findings[i] for i in c.findings])
            for c in found
        ]

    pairs = [(replace(f, records=(i,)), v) for i, (f, v) in enumerate(pairs)]
    expected = told(pairs)
    shuffle.shuffle(pairs)  # type: ignore[attr-defined]
    assert told(pairs) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(SEEN, SAID), max_size=25))
def test_every_finding_is_in_one_campaign_unless_it_is_dismissed(pairs: list) -> None:
    findings, verdicts = [f for f, _ in pairs], [v for _, v in pairs]
    campaigns = correlate(findings, verdicts)
    placed = sorted(chain.from_iterable(c.findings for c in campaigns))
    dismissed = {
        i
        for i, (f, v) in enumerate(pairs)
        if f.kind is Kind.ANOMALY and v is not None and not v.unsure and v.p_attack < 0.5
    }
    assert placed == [i for i in range(len(pairs)) if i not in dismissed]
    for c in campaigns:
        assert len(c.because) == len(c.findings)
        assert c.first == min(findings[i].first for i in c.findings)
        assert 0 <= c.confidence <= 1


@pytest.mark.parametrize("count", [20_000])
def test_many_findings_take_little_time(count: int) -> None:
    kinds = list(Kind)
    seen = [
        finding(kinds[i % 7], f"203.0.{i % 250}.{i // 250 % 250}", f"h{i % 40}", t=i % 9000)
        for i in range(count)
    ]
    began = process_time()
    correlate(seen, [None] * count)
    assert process_time() - began < 10


@pytest.mark.parametrize("kind", sorted(WATCHED))
def test_what_watches_see_of_one_target_within_a_day_is_one_incident(kind: Kind) -> None:
    seen = [finding(kind, "", "shop.example", t=t * HOUR) for t in (0, 23, 72)]
    seen.append(finding(kind, "", "other.example", t=HOUR))
    grouped = sorted(campaign.findings for campaign in correlate(seen, [None] * 4))
    assert grouped == [(0, 1), (2,), (3,)]
    (first, *_rest) = correlate(seen, [None] * 4)
    assert first.because[1].endswith("on shop.example, 22 h after one")
    known = OpenCampaign(7, kind, (), ("shop.example",), (), at(0), at(60))
    joined = correlate([finding(kind, "", "shop.example", t=20 * HOUR)], [None], [known])
    assert [campaign.incident for campaign in joined] == [7]
