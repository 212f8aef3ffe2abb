"""One incident whole: what its records say, and what knowledge makes of it."""

from __future__ import annotations

from apps.analysis.case import build, decide
from apps.analysis.correlate import correlate
from apps.contracts import Kind
from tests.analysis.made import MALLORY, expert, finding, frame, knock, login, request

ROWS = [
    *(knock(i, 20 + i) for i in range(5)),
    *(login(20 + i, "root") for i in range(6)),
    login(30, "anna", "success"),
    request(40, "POST", "/up", **{"http.request.body.content": 'filename="x.php"'}),
    {
        "t": 60,
        "event.category": "file",
        "file.path": "/srv/www/x.php",
        "file.hash.sha256": "ab" * 32,
        "host.name": "shop",
    },
]
SEEN = [
    finding(Kind.PORT_SCAN, records=range(5), parameters={"signs": ["vertical_scan"]}),
    finding(t=20, host="shop", records=range(5, 12), parameters={"signs": ["ssh"]}),
    finding(Kind.WEB_INJECTION, t=40, host="shop", records=(12,), parameters={"signs": ["upload"]}),
    finding(Kind.WEB_SHELL, "/srv/www/x.php", "shop", t=60, host="shop", records=(13,)),
]


def test_a_campaign_becomes_facts_and_a_plan_that_answers_all_it_shows() -> None:
    (campaign,) = correlate(SEEN, [None] * 4)
    made = build(frame(ROWS), SEEN, [None] * 4, campaign)
    assert made.facts["kind"] == "web_shell"
    assert made.facts["signs"] == ["vertical_scan", "ssh", "upload"]
    assert made.facts["files"] == ["/srv/www/x.php"]
    assert made.facts["accounts_taken"] == ["anna"]
    assert made.facts["http_status_ok"] is True
    assert made.facts["record_count"] == 14
    records = [
        expert("web-shell", kinds=(Kind.WEB_SHELL,)),
        expert("taken", kinds=(Kind.BRUTE_FORCE,)),
        expert("any-web", kinds=(Kind.WEB_INJECTION, Kind.WEB_SHELL)),
    ]
    matches, remedy = decide(made, records)
    assert [m.record.slug for m in matches] == ["any-web", "web-shell", "taken"]
    assert remedy is not None
    assert [(s.action, s.host) for s in remedy.steps] == [
        ("block_address", "shop"),
        ("disable_account", "shop"),
        ("quarantine_file", "shop"),
    ]
    assert remedy.steps[0].parameters == {"address": MALLORY, "hours": 24}
    assert remedy.steps[2].parameters == {"path": "/srv/www/x.php", "sha256": "ab" * 32}
    assert len(remedy.tasks) == 1
    assert decide(made, [expert("flood", kinds=(Kind.FLOOD,))]) == ([], None)


def test_a_flood_that_the_server_answered_is_no_success_of_an_injection() -> None:
    seen = [finding(Kind.FLOOD, records=(0,))]
    (campaign,) = correlate(seen, [None])
    assert (
        build(frame([request(0, "GET", "/")]), seen, [None], campaign).facts["http_status_ok"]
        is False
    )
