"""Watched web pages, fetched as a browser and as a crawler: a site that was tampered with often
shows it to search engines only (paper 2, web tampering).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as noop
from msgspec import Meta

from apps.acquisition import fetching
from apps.acquisition.collecting import Collected, Observation, RawFile, Reach
from apps.acquisition.fetching import Fetched
from apps.acquisition.likeness import sketch
from apps.acquisition.page_text import Page, Unread, hosts_of, read_apart
from apps.contracts import Json

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MOST_SCRIPTS = 300

_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en,*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}
_TOLD = (
    *("server", "content-type", "content-length", "last-modified", "etag", "location", "via"),
    *("x-powered-by", "x-generator", "cache-control", "content-security-policy", "refresh"),
    *("strict-transport-security", "x-robots-tag", "www-authenticate"),
)
"""Headers that say something of the server; of cookies only the names are told."""
_HTML = re.compile(r"html|xml|^$", re.IGNORECASE)


class Options(msgspec.Struct, frozen=True):
    crawler: Annotated[
        str, Meta(max_length=300, title=noop("Crawler"), description=noop("What it calls itself."))
    ] = CRAWLER
    browser: Annotated[
        str, Meta(max_length=300, title=noop("Browser"), description=noop("What it calls itself."))
    ] = BROWSER
    redirects: Annotated[int, Meta(ge=0, le=10, title=noop("Redirects to follow"))] = 5
    seconds: Annotated[int, Meta(ge=1, le=120, title=noop("Seconds at most"))] = 30
    megabytes: Annotated[int, Meta(ge=1, le=32, title=noop("Megabytes at most"))] = 5
    authorities: Annotated[
        str,
        Meta(
            max_length=100_000,
            title=noop("Own authorities"),
            description=noop("Certificates in PEM that are believed besides the public ones."),
        ),
    ] = ""


class Pages:
    name = "page"
    title = _("Web page")
    description = _(
        "Fetches a page as a browser and as a crawler: text, hidden text, links, scripts, headers."
    )
    target = _("URL of the page")
    secret = _("Authorization header")
    options = Options
    continuous = False

    def check(self, target: str, options: Options) -> str:
        parts = fetching.check_url(target)
        fetching.trust(options.authorities)
        return parts._replace(fragment="").geturl()

    def collect(self, target: str, options: Options, reach: Reach) -> Collected:
        context = fetching.trust(options.authorities)
        seen: dict[str, Fetched] = {}
        for who, agent in (("browser", options.browser), ("crawler", options.crawler)):
            seen[who] = fetching.fetch(
                target,
                headers={"User-Agent": agent, **_HEADERS},
                networks=reach.networks,
                context=context,
                most=options.megabytes * 1024 * 1024,
                seconds=options.seconds,
                redirects=options.redirects,
                secret=reach.secret,
            )
        pages: dict[str, Page] = {}
        notes = []
        for who, got in seen.items():
            try:
                pages[who] = _read(got)
            except Unread as why:
                notes.append(str(why))
                pages[who] = Page(whole=False)
            notes += [note for note in (got.problem, got.cut) if note]
        agents = {"browser": options.browser, "crawler": options.crawler}
        return observed(target, seen, pages, agents, tuple(dict.fromkeys(notes)))


def _read(got: Fetched) -> Page:
    kind = got.header("content-type")
    if not got.body or not _HTML.search(kind.partition(";")[0]):
        return Page()
    charset = re.search(r"charset\s*=\s*[\"']?([\w-]{2,40})", kind, re.IGNORECASE)
    return read_apart(got.body, got.url, charset[1] if charset else "")


def observed(
    target: str,
    seen: dict[str, Fetched],
    pages: dict[str, Page],
    agents: dict[str, str],
    notes: Sequence[str],
) -> Collected:
    """What was fetched of a page, by who asked, as observations."""
    told: list[Observation] = []
    files: dict[str, RawFile] = {}
    for who, got in seen.items():
        page = pages[who]
        digest = hashlib.sha256(got.body).hexdigest() if got.body else ""
        unlike = {} if any(one.broken for one in seen.values()) else _unlike(who, pages)
        told.append(_page(target, who, agents[who], got, page, digest, unlike))
        for link in (*page.scripts, *page.frames)[:MOST_SCRIPTS]:
            told.append(_script(who, link, target))
        if digest and digest not in files:
            files[digest] = RawFile(f"{target} ({who})", got.body)
    answered = {who for who, got in seen.items() if got.status and not got.problem}
    whole = {who for who in answered if not seen[who].broken}
    return Collected(
        observations=told,
        groups=frozenset(whole),
        files=tuple(files.values()),
        notes=notes,
        failed=not answered,
    )


def _unlike(who: str, pages: dict[str, Page]) -> dict[str, Json]:
    """What only the crawler was shown: said with its page."""
    if who != "crawler" or not all(page.text for page in pages.values()):
        return {}
    ours, theirs = pages["crawler"], pages["browser"]
    words = [set(re.findall(r"\w+", page.text.lower())) for page in (ours, theirs)]
    both, either = len(words[0] & words[1]), len(words[0] | words[1])
    hosts = set(hosts_of(ours.links + ours.scripts + ours.frames))
    only = sorted(hosts - set(hosts_of(theirs.links + theirs.scripts + theirs.frames)))
    return {
        "page.likeness": round(both / either, 3) if either else 1.0,
        "page.hosts_for_crawlers_only": _listed(only),
    }


def _page(
    target: str,
    who: str,
    agent: str,
    got: Fetched,
    page: Page,
    digest: str,
    unlike: dict[str, Json],
) -> Observation:
    redirects = " ".join(f"{status} {url}" for status, url in got.redirects)
    text = "\n".join(part for part in (page.title, page.visible) if part)
    facts: dict[str, Json] = {
        "url.original": target,
        "http.response.status_code": got.status or None,
        "page.final_url": got.url,
        "page.title": page.title,
        "page.text_sha256": hashlib.sha256(page.text.encode()).hexdigest() if page.text else "",
        "page.sketch": sketch(page.text),
        "page.script_hosts": _listed(sorted(hosts_of(page.scripts))),
        "page.frame_hosts": _listed(sorted(hosts_of(page.frames))),
    }
    leads = {
        "page.form_hosts": sorted(hosts_of(page.forms)),
        "page.hidden_link_hosts": sorted(hosts_of(page.hidden_links)),
        "page.leads_to": sorted(hosts_of((got.url, page.refresh))),
    }
    whole = bool(got.status and not got.problem and not got.broken)
    cookies = " ".join(
        value.partition("=")[0].strip() for name, value in got.headers if name == "set-cookie"
    )
    headers = {f"http.response.headers.{n}": v for n, v in got.headers if n in _TOLD}
    return Observation(
        dataset="web.page",
        key=who,
        group=who,
        told=True,
        compared=facts if whole else {},
        ever=_places(leads, facts, unlike) if whole else {},
        ever_of=target,
        fields={
            **facts,
            **headers,
            **unlike,
            **{name: _listed(hosts) for name, hosts in leads.items()},
            "message": _sentence(target, who, got, page),
            "event.original": "\n\n".join(part for part in (text, page.hidden) if part),
            "event.outcome": "success" if 200 <= got.status < 400 else "failure",
            "error.message": " ".join(part for part in (got.problem, got.cut) if part),
            "http.request.method": "GET",
            "http.response.body.bytes": len(got.body) if got.status else None,
            "file.hash.sha256": digest,
            "user_agent.original": agent,
            "destination.ip": got.address,
            "page.seen_by": who,
            "page.redirects": redirects,
            "page.cookies": cookies,
            "page.description": page.description,
            "page.visible_characters": len(text),
            "page.hidden_characters": len(page.hidden),
            "page.hidden_by": ", ".join(page.ways),
            "page.links": len(page.links),
            "page.link_hosts": _listed(hosts_of(page.links)),
            "page.scripts": len(page.scripts) + page.inline_scripts,
            "page.refresh": page.refresh,
            "page.read_whole": page.whole,
        },
    )


def _places(
    leads: dict[str, list[str]], facts: dict[str, Json], unlike: dict[str, Json]
) -> dict[str, list[str]]:
    """The hosts that a page brings in, sends to or leads to, by how: those new to it stand out."""
    named = ("page.script_hosts", "page.frame_hosts", "page.hosts_for_crawlers_only")
    told = {name: str((facts | unlike)[name]).split() for name in named if name in facts | unlike}
    return {**told, **leads}


def _script(who: str, link: str, target: str) -> Observation:
    address = link.partition("?")[0][:1000]
    return Observation(
        dataset="web.script",
        key=address,
        group=who,
        compared={"url.original": address, "page.url": target},
        fields={
            "url.original": link[:2000],
            "page.url": target,
            "page.seen_by": who,
            "message": f"{target} runs {address}, as a {who} sees it.",
        },
    )


def _sentence(target: str, who: str, got: Fetched, page: Page) -> str:
    if not got.status:
        return f"{target} did not answer a {who}. {got.problem}"
    said = f"{target} answered {got.status} to a {who}: {len(got.body)} bytes"
    return f"{said}, titled {page.title[:120]!r}." if page.title else f"{said}."


def _listed(hosts: Any) -> str:
    return " ".join(hosts)


COLLECTOR = Pages()
