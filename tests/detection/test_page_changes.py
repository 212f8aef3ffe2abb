"""What becomes of watched pages, from what they show to the findings."""

from __future__ import annotations

import pytest

from apps.acquisition.collecting import Collected, Reach, read_options
from apps.acquisition.collectors.pages import COLLECTOR, observed
from apps.acquisition.fetching import Fetched
from apps.acquisition.page_text import read
from apps.contracts import Kind, Risk
from apps.protection.outbound import networks_of
from tests.acquisition.collectors.site import HOME, site
from tests.detection.watched import last, told

URL = "https://shop.example/"
STORY = " ".join(f"line{n} of a story about apples and pears" for n in range(40))
DEFACED = (
    "<title>Hacked by Gh0st</title><body bgcolor=black><h1>HaCkEd By Gh0st</h1>"
    "<p>Your security is low, admin! Greetz to all my friends. We are legion</body>"
)


def html(title: str = "The shop", body: str = STORY, extra: str = "") -> str:
    return (
        f"<title>{title}</title><body><nav>Home Basket Help</nav><p>{body}</p>"
        "<script src='https://static.shop.example/a.js'></script>"
        f"<script src='https://metrics.example/m.js'></script>{extra}</body>"
    )


def run(page: str = "", crawler: str = "", *, status: int = 200, url: str = URL) -> Collected:
    """A run that was shown one page as a browser, and another or the same as a crawler."""
    shown = {"browser": page or html(), "crawler": crawler or page or html()}
    seen = {
        who: Fetched(
            url=url, status=status, headers=(("content-type", "text/html"),), body=body.encode(),
            address="192.0.2.1",
        )
        for who, body in shown.items()
    }  # fmt: skip
    pages = {who: read(got.body, got.url) for who, got in seen.items()}
    return observed(URL, seen, pages, {"browser": "b", "crawler": "c"}, ())


def test_days_of_a_changing_site_are_silent() -> None:
    news = [
        html(f"Shop news {n}", STORY + " ".join(f"new{n}x{i}" for i in range(40))) for n in range(5)
    ]
    rebuilt = html(body=STORY, extra="<iframe src='https://www.shop.example/map'></iframe>")
    linked = html(extra="<a href='https://partner.example/'>Partner</a>")
    down = "<title>502 Bad Gateway</title><h1>502 Bad Gateway</h1><p>nginx</p>"
    days = [run(), *map(run, news), run(rebuilt), run(linked), run(down, status=502), run()]
    assert not any(told(days))


def test_a_defaced_page_is_told_once_and_weighed_by_the_network_of_pages() -> None:
    days = told([run(), run(DEFACED), run(DEFACED)])
    assert [len(day) for day in days] == [0, 1, 0]
    (one,) = days[1]
    assert (one.kind, one.risk, one.severity) == (Kind.TAMPERING, Risk.WEB_TAMPERING, 85)
    assert (one.subject, one.target, one.network) == ("", "shop.example", "pages")
    assert one.title == f"{URL} is defaced: “Hacked by Gh0st”"
    assert one.parameters["page_title_before"] == "The shop"
    assert one.techniques == ("T1491.002",)
    assert len(one.records) == 2  # both views


def test_a_report_of_a_defacement_is_none() -> None:
    report = html("Museum site", f"{STORY} The museum was hacked by thieves, says its director.")
    assert not last(run(), run(report))
    about = html("How a museum was hacked by thieves", STORY)
    assert not last(run(about), run(html("Still: a museum was hacked by thieves", STORY)))


def test_a_page_written_anew_is_a_hint_that_the_network_decides() -> None:
    anew = html("Welcome to the orchard", " ".join(f"fresh{n} words" for n in range(200)))
    (one,) = last(run(), run(anew))
    assert (one.kind, one.severity, one.network) == (Kind.ANOMALY, 30, "pages")
    assert one.title == f"{URL} was written anew: “Welcome to the orchard”"
    assert not last(run(), run(html("The shop", " ".join(f"fresh{n}" for n in range(200)))))


@pytest.mark.parametrize(
    ("extra", "sign", "severity"),
    [
        ("<a style='display:none' href='https://pills.example/x'>pills</a>", "hidden_links", 60),
        ("<iframe src='https://evil.example/x' width=0></iframe>", "foreign_frame", 50),
        ("<script src='https://evil.example/x.js'></script>", "foreign_script", 45),
        ("<form action='https://evil.example/pay'></form>", "foreign_form", 55),
        ("<meta http-equiv=refresh content='0;url=https://evil.example/'>", "redirect", 60),
    ],
)
def test_what_a_page_takes_from_or_gives_to_a_new_host_is_told_once(
    extra: str, sign: str, severity: int
) -> None:
    days = told(
        [run(), run(html(extra=extra)), run(html(extra=extra)), run(), run(html(extra=extra))]
    )
    assert [len(day) for day in days] == [0, 1, 0, 0, 0]
    (one,) = days[1]
    assert (one.kind, one.severity, one.network) == (Kind.TAMPERING, severity, "")
    assert one.parameters["signs"] == [sign]
    own = extra.replace("evil.example", "pay.shop.example").replace("pills.example", "shop.example")
    assert not last(run(), run(html(extra=own)))


def test_what_only_crawlers_are_shown_is_told() -> None:
    spam = html(extra="<a href='https://pills.example/'>cheap pills</a>")
    (one,) = last(run(), run(html(), spam))
    assert (one.severity, one.parameters["signs"]) == (65, ["cloaking"])
    assert one.title == f"{URL} shows crawlers alone links to pills.example"
    assert one.parameters["seen_by"] == ["crawler"]


def test_a_page_that_answers_from_elsewhere_is_told() -> None:
    (one,) = last(run(), run(url="https://parking.example/"))
    assert one.parameters["signs"] == ["redirect"]
    assert not last(run(), run(url="https://www.shop.example/"))


def test_several_signs_of_one_page_are_one_finding() -> None:
    both = DEFACED + "<script src='https://evil.example/x.js'></script>"
    (one,) = last(run(), run(both))
    assert (one.severity, one.parameters["signs"]) == (90, ["defacement", "foreign_script"])


def test_a_real_page_that_is_defaced_leads_to_a_finding() -> None:
    reach = Reach(networks=networks_of(["127.0.0.0/8"]))
    options = read_options(COLLECTOR, {"seconds": 5})
    with site() as (url, server):
        before = COLLECTOR.collect(url + "/", options, reach)
        server.pages["/"] = DEFACED.encode()
        now = COLLECTOR.collect(url + "/", options, reach)
        server.pages["/"] = HOME
    (one,) = last(before, now)
    assert one.parameters["signs"] == ["defacement"]
