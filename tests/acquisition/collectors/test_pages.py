"""Watched pages against a real server, a well-meaning and a hostile one."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition import fetching
from apps.acquisition.collecting import Collected, Reach, compare, lines_of, read_options
from apps.acquisition.collectors.pages import COLLECTOR, Options
from apps.acquisition.fetching import check_url
from apps.acquisition.page_text import Page, Unread, read, read_apart
from apps.acquisition.reading import read as read_batch
from apps.contracts import Refused
from apps.protection.outbound import networks_of
from tests.acquisition.collectors.site import HOME, Site, site

LOOPBACK = networks_of(["127.0.0.0/8"])
NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
PIECES = (
    *(b"<p style='", b"display:none", b"color:#", b"'>", b"<style>", b"a{", b"}", b"</style>"),
    *(b"<title>", b"</title>", b"<meta charset=utf-16>", b"\xff\xfe", b"\0", b"&#0;", b"&amp;"),
    *(
        b"<a href='http://[",
        b"<base href=//x>",
        b"text",
        b"\xe6\x97",
        b"font-size:1e999px;",
        b"<!--",
    ),
    *(
        b"<meta http-equiv=refresh content='0;url=",
        b"left:-9e9em;",
        b"opacity:nan;",
        b"<b class=a>",
    ),
)


@pytest.fixture
def here() -> Iterator[tuple[str, type[Site]]]:
    with site() as found:
        yield found


def collect(url: str, *, secret: str = "", **options: Any) -> Collected:
    asked = read_options(COLLECTOR, {"seconds": 5, **options})
    return COLLECTOR.collect(url, asked, Reach(networks=LOOPBACK, secret=secret))


def pages(collected: Collected) -> dict[str, dict[str, Any]]:
    return {o.key: dict(o.fields) for o in collected.observations if o.dataset == "web.page"}


def test_a_page_is_fetched_as_a_browser_and_as_a_crawler(here: tuple[str, type[Site]]) -> None:
    url, server = here
    got = collect(url + "/")
    assert [headers["User-Agent"] for _path, headers in server.asked] == [
        Options().browser, Options().crawler,
    ]  # fmt: skip
    page = pages(got)["browser"]
    assert page["http.response.status_code"] == 200
    assert page["page.title"] == "The shop"
    text = page["event.original"]
    cut = page["page.visible_characters"]
    assert text[:cut] == "The shop\nFresh apples\nTen a basket.\nAbout Partner"
    assert text[cut:].strip() == "cheap pills\ncasino bonus"
    assert page["page.hidden_by"] == "display: none, off the screen"
    assert page["page.link_hosts"] == "127.0.0.1 partner.example"
    assert page["destination.ip"] == "127.0.0.1"
    assert [file.content for file in got.files] == [HOME]  # both saw the same: kept once
    assert not got.notes
    assert not got.failed


def test_what_only_crawlers_are_shown_is_told(here: tuple[str, type[Site]]) -> None:
    url, _server = here
    got = pages(collect(url + "/cloaked"))
    assert "viagra" in got["crawler"]["event.original"]
    assert "viagra" not in got["browser"]["event.original"]
    assert got["crawler"]["page.hosts_for_crawlers_only"] == "pills.example"
    assert 0.5 < got["crawler"]["page.likeness"] < 1
    assert pages(collect(url + "/"))["crawler"]["page.likeness"] == 1


def test_a_redirect_to_no_host_hides_nothing_that_the_other_view_saw(
    here: tuple[str, type[Site]],
) -> None:
    url, _server = here
    got = pages(collect(url + "/astray"))
    assert got["browser"]["page.title"] == "The shop"
    assert got["crawler"]["error.message"]


def test_a_host_in_other_letters_is_asked_for_by_name_and_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[tuple[bytes, bytes]]] = []

    def stream(self: Any, method: str, url: str, **rest: Any) -> Any:
        asked.append(rest["headers"])
        raise OSError("far enough")

    monkeypatch.setattr("httpcore.ConnectionPool.stream", stream)
    collect("http://пример.рф:8080/")
    assert asked
    assert asked[0][0] == (b"Host", b"xn--e1afmkfd.xn--p1ai:8080")


def test_redirects_are_followed_and_told(here: tuple[str, type[Site]]) -> None:
    url, _server = here
    page = pages(collect(url + "/moved"))["browser"]
    assert page["page.redirects"] == f"301 {url}/"
    assert page["page.final_url"] == f"{url}/"
    assert page["page.title"] == "The shop"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/inward", "10.255.255.1, inside a private network"),
        ("/metadata", "169.254.169.254, which is never a service's"),
        ("/file", "where no page is"),
        ("/round", "redirects more than 5 times"),
    ],
)
def test_a_redirect_to_where_only_we_can_reach_is_not_followed(
    here: tuple[str, type[Site]], path: str, why: str
) -> None:
    url, _server = here
    got = collect(url + path)
    assert why in " ".join(got.notes)
    assert why in pages(got)["browser"]["error.message"]
    assert got.failed
    assert got.groups == frozenset()


def test_no_network_is_entered_that_was_not_allowed(here: tuple[str, type[Site]]) -> None:
    url, server = here
    got = COLLECTOR.collect(url, Options(), Reach())
    assert "inside a private network" in got.notes[0]
    assert server.asked == []


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_judged(
    here: tuple[str, type[Site]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, *said: Any, **how: Any) -> Any:
        if host != "rebind.example":
            return real(host, *said, **how)
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "10.0.0.1", *said, **how)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = here[0].replace("127.0.0.1", "rebind.example")
    got = fetching.fetch(
        url, headers={}, networks=LOOPBACK, context=fetching.trust(), most=10_000, seconds=5,
        redirects=0,
    )  # fmt: skip
    assert (got.status, got.address, asked) == (200, "127.0.0.1", ["rebind.example"])
    assert here[1].asked[0][1]["Host"] == url.removeprefix("http://")


def test_a_secret_goes_to_the_target_and_not_where_it_redirects(
    here: tuple[str, type[Site]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, server = here
    with site() as (other, theirs):
        monkeypatch.setattr(server, "on_elsewhere", lambda self: self.to(other), raising=False)
        collect(url + "/elsewhere", secret="Bearer s3cret")
        assert all(h["Authorization"] == "Bearer s3cret" for _path, h in server.asked)
        assert len(theirs.asked) == 2
        assert all("Authorization" not in headers for _path, headers in theirs.asked)


@pytest.mark.parametrize("secret", ["Bearer s3cret\nof two lines", "Bearer s3crèt"])
def test_a_secret_that_no_header_can_carry_is_not_told(
    here: tuple[str, type[Site]], secret: str
) -> None:
    url, server = here
    got = collect(url, secret=secret)
    assert fetching.UNSENDABLE in str(got)
    assert "s3cr" not in str(got)
    assert not server.asked


def test_a_compressed_page_is_opened(here: tuple[str, type[Site]]) -> None:
    got = collect(here[0] + "/zipped")
    assert got.files[0].content == HOME


def test_a_gzip_bomb_and_an_endless_page_are_cut(here: tuple[str, type[Site]]) -> None:
    for path in ("/bomb", "/endless"):
        tracemalloc.start()
        began = time.monotonic()
        got = collect(here[0] + path, megabytes=1)
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert "longer than 1048576 bytes" in " ".join(got.notes), path
        assert len(got.files[0].content) == 1048576
        assert peak < 64 * 1024 * 1024
        assert time.monotonic() - began < 30


def test_what_is_not_the_encoding_it_says_is_told(here: tuple[str, type[Site]]) -> None:
    assert "not the gzip it says" in " ".join(collect(here[0] + "/torn").notes)


def test_a_compressed_page_that_breaks_off_is_not_taken_as_whole(
    here: tuple[str, type[Site]],
) -> None:
    got = collect(here[0] + "/broken")
    assert "broke off" in " ".join(got.notes)
    assert not got.groups, "it is no baseline"
    assert not any(one.compared for one in got.observations if one.dataset == "web.page")
    assert not got.failed
    assert collect(here[0] + "/zipped").groups == {"browser", "crawler"}


@pytest.mark.parametrize("path", ["/drip", "/silent"])
def test_a_slow_server_costs_no_more_than_its_seconds(
    here: tuple[str, type[Site]], path: str
) -> None:
    began = time.monotonic()
    got = collect(here[0] + path, seconds=1)
    assert time.monotonic() - began < 7  # each view has its seconds
    assert got.failed
    assert got.notes == ("It took too long.",)


def test_a_site_that_is_down_is_a_record_too() -> None:
    got = collect("http://127.0.0.1:9/")
    page = pages(got)["browser"]
    assert got.failed
    assert page["event.outcome"] == "failure"
    assert "cannot be fetched" in page["error.message"]
    assert not got.files


def test_of_cookies_only_the_names_are_kept(here: tuple[str, type[Site]]) -> None:
    page = pages(collect(here[0] + "/cookies"))["browser"]
    assert page["page.cookies"] == "session"
    assert page["http.response.headers.server"] == "nginx/1.2"
    assert "verysecret" not in str(page)


def test_a_changed_page_and_a_new_script_are_told_as_changes(here: tuple[str, type[Site]]) -> None:
    url, server = here
    documents, baseline = compare({}, collect(url + "/"), NOW)
    assert {d["event.action"] for d in documents} == {"baseline"}
    documents, baseline = compare(baseline, collect(url + "/"), NOW)
    assert {d["event.action"] for d in documents} == {"observed"}  # and no script again
    server.pages["/"] = HOME.replace(b"</body>", b"hacked<script src=//evil.example/x.js></script>")
    documents, baseline = compare(baseline, collect(url + "/"), NOW)
    page = next(d for d in documents if d["event.dataset"] == "web.page")
    assert page["event.action"] == "changed"
    assert page["changed"] == "page.text_sha256 page.sketch page.script_hosts"
    assert page["new.page.script_hosts"] == "evil.example"
    assert page["was.page.script_hosts"] == "127.0.0.1"
    script = next(d for d in documents if d["event.dataset"] == "web.script")
    assert (script["event.action"], script["url.original"]) == (
        "added", "http://evil.example/x.js",
    )  # fmt: skip
    server.pages["/"] = HOME
    documents, _baseline = compare(baseline, collect(url + "/"), NOW)
    gone = [d for d in documents if d["event.action"] == "removed"]
    assert {d["url.original"] for d in gone} == {"http://evil.example/x.js"}


def test_a_page_that_reads_like_a_log_stays_a_page() -> None:
    line = b'10.0.0.1 - - [22/Nov/2026:03:17:40 +0000] "GET / HTTP/1.1" 200 5 "-" "x"'
    with site(log=line, cef=b"CEF:0|a|b|c|d|e|9|src=10.0.0.1") as (url, _server):
        for path in ("/log", "/cef"):
            documents, _baseline = compare({}, collect(url + path), NOW)
            read = read_batch(lines_of(documents), protocol="observed")
            assert read.frame["event.dataset"].unique().to_list() == ["web.page"]
            assert read.frame["source.ip"].null_count() == read.frame.height
            assert read.unparsed == 0


def test_records_of_a_page_have_the_columns_of_the_schema(here: tuple[str, type[Site]]) -> None:
    documents, _baseline = compare({}, collect(here[0] + "/"), NOW)
    read = read_batch(lines_of(documents), protocol="observed")
    row = read.frame.row(0, named=True)
    assert row["@timestamp"] == NOW
    assert row["event.category"] == "web"
    assert row["event.action"] == "baseline"
    assert row["http.response.status_code"] == 200
    assert row["url.path"] == "/"
    assert row["event.original"].startswith("The shop\nFresh apples")
    assert "answered 200 to a browser" in row["message"]
    assert '"page.title":"The shop"' in row["labels"]


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org/", "https://", "https://a:b@example.org/",
     "https://example.org:99999/", "http://exa mple.org/", "http://x/\r\nHost: y"],
)  # fmt: skip
def test_what_is_no_url_of_a_page_is_not_watched(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url)


# ── What a page says ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "way"),
    [
        ("<p style='display: none'>X</p>", "display: none"),
        ("<p style='VISIBILITY:hidden'>X</p>", "visibility: hidden"),
        ("<p hidden>X</p>", "hidden attribute"),
        ("<p style='font-size:1px'>X</p>", "tiny letters"),
        ("<p style='text-indent:-999em'>X</p>", "off the screen"),
        ("<p style='position:fixed;top:-5000px'>X</p>", "off the screen"),
        ("<p style='opacity:0.01'>X</p>", "opacity"),
        ("<p style='height:1px;overflow:hidden'>X</p>", "a box without room"),
        ("<p style='clip:rect(0 0 0 0);position:absolute'>X</p>", "clipped away"),
        ("<body bgcolor=white><font color='#fefefe'>X</font>", "colour of its background"),
        ("<style>body{background:#000}.a{color:black}</style><p class=a>X", "colour of its"),
        ("<style>#a,.b{display:none !important}</style><p class='c b'>X", "display: none"),
        ("<div style='display:none'><p style='color:red'>X</p></div>", "display: none"),
    ],
)
def test_hidden_text_is_told_apart_by_how_it_is_hidden(html: str, way: str) -> None:
    page = read(f"<title>T</title>{html}<p>seen</p>".encode(), "http://a.example/")
    assert page.hidden == "X"
    assert page.visible == "seen"
    assert page.ways[0].startswith(way)


@pytest.mark.parametrize(
    "html",
    [
        "<p style='color:white'>X</p>",  # on what, the page does not say
        "<p style='font-size:12px'>X</p>",
        "<p style='opacity:0.9;left:-5px'>X</p>",
        "<p style='height:1px'>X</p>",  # what overflows is seen
        "<style>.menu .a{display:none}</style><p class=a>X</p>",  # not in a menu
        "<style>@media print{.a{display:none}}</style><p class=a>X</p>",
        "<body bgcolor=black><font color=white>X</font>",
    ],
)
def test_what_a_reader_sees_is_not_called_hidden(html: str) -> None:
    assert read(html.encode(), "http://a.example/").hidden == ""


def test_scripts_styles_and_comments_are_no_text() -> None:
    page = read(
        b"<p>a<script>x()</script><style>.b{}</style><!-- c --><noscript>d</noscript>", "u:"
    )
    assert (page.visible, page.hidden, page.inline_scripts) == ("ad", "", 1)


def test_a_page_in_another_encoding_is_read() -> None:
    assert read("日本語".encode("shift_jis"), "http://a/", "Shift_JIS").visible == "日本語"
    said = b"<meta charset=windows-1251>" + "Взломан".encode("cp1251")
    assert read(said, "http://a/").visible == "Взломан"
    assert read(b"\xff\xfeh\x00i\x00", "http://a/").visible == "hi"
    assert read(b"caf\xe9", "http://a/", "no-such-encoding").visible == "caf\ufffd"


def test_where_links_lead_is_told_from_the_pages_own_base() -> None:
    page = read(
        b"<base href='https://b.example/d/'><a href=x>1</a><a href='mailto:a@b'>2</a>"
        b"<a href='http://[bad'>3</a><iframe src='//f.example'></iframe>"
        b"<meta http-equiv=Refresh content='0;URL=/go'>",
        "http://a.example/",
    )
    assert page.links == ("https://b.example/d/x",)
    assert page.frames == ("https://f.example",)
    assert page.refresh == "https://b.example/go"


@pytest.mark.parametrize(
    "content", [b"", b" ", b"\0", b"<", b"\xff" * 50, b"<!-- ", os.urandom(999)]
)
def test_no_bytes_break_the_reader(content: bytes) -> None:
    assert isinstance(read(content, "http://a/"), Page)


def test_a_page_nested_without_end_is_read_as_far_as_it_goes() -> None:
    page = read(b"<p>first</p>" + b"<div>" * 500_000 + b"deep", "http://a/")
    assert page.visible == "first"
    assert not page.whole


def test_a_page_made_to_keep_the_parser_busy_costs_its_own_process_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.acquisition import page_text

    monkeypatch.setattr(page_text, "SECONDS", 1)
    attributes = b" ".join(b"a%d=1" % n for n in range(300_000))
    began = time.monotonic()
    with pytest.raises(Unread, match="in 1 seconds"):
        read_apart(b"<a " + attributes + b">x</a>", "http://a/")
    assert time.monotonic() - began < 5


def test_the_process_that_reads_a_page_has_none_of_our_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOCSIN_VAULT_KEY", "x")
    import subprocess

    seen: list[object] = []
    real = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda *a, **k: (seen.append(k["env"]), real(*a, **k))[1]
    )
    assert read_apart(b"<p>hi", "http://a/").visible == "hi"
    assert seen == [{}]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.text(max_size=30))
def test_no_page_breaks_the_reader(content: bytes, url: str) -> None:
    page = read(content, url, url)
    assert len(page.visible) <= 64_000
    assert "\0" not in page.text
