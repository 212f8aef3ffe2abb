"""What a web page says: its title, what a reader sees, what is hidden from one, where it leads.

Pure, and run in a process of its own (`read_apart`): what a hostile page does to a parser in C then
costs that process its time and memory, and nobody else anything.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import tinycss2
import tinycss2.color3
import webencodings
from lxml import etree

MOST_VISIBLE, MOST_HIDDEN = 64_000, 32_000  # characters
MOST_LINKS = 2_000
SECONDS, MEMORY = 20, 1024 * 1024 * 1024
"""What reading one page may take in its process."""

_MOST_CSS = 256 * 1024
_MOST_RULES = 2_000
_UNSEEN = {"script", "style", "template", "head", "iframe", "object", "svg", "math"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt"),
    *("fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"),
    *("li", "main", "nav", "ol", "option", "p", "pre", "section", "table", "td", "th", "tr", "ul"),
}
_LINKS = {"a": "href", "area": "href", "script": "src", "iframe": "src", "frame": "src",
          "form": "action", "embed": "src", "object": "data"}  # fmt: skip
_HIDDEN = "a, hidden"
_SIMPLE = re.compile(r"^([a-zA-Z][\w-]*|\*)?((?:[.#][\w-]+)*)$")
_LENGTH = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(px|pt|em|rem|%|vw|vh|cm|mm|in|pc|ex|ch)?$")
_PIXELS = {"": 1, "px": 1, "pt": 1.33, "em": 16, "rem": 16, "%": 16, "vw": 10, "vh": 10, "cm": 38,
           "mm": 3.8, "in": 96, "pc": 16, "ex": 8, "ch": 8}  # fmt: skip
_REFRESH = re.compile(r"url\s*=\s*['\"]?([^'\"\s;]+)", re.IGNORECASE)

_TINY = 2  # pixels of a letter that nobody reads
_AWAY = -400  # pixels beyond the edge
_ALIKE = 16 / 255  # how far colours may be apart and still be one to the eye

Style = dict[str, str]
Colour = tuple[float, float, float]


class Page(msgspec.Struct, frozen=True):
    """`hidden` is text that the page itself keeps from its readers and gives to programs; `ways`
    says by which means. `whole` is false where the page was too deep or too long to read it all."""

    title: str = ""
    description: str = ""
    visible: str = ""
    hidden: str = ""
    ways: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    hidden_links: tuple[str, ...] = ()
    inline_scripts: int = 0
    refresh: str = ""
    whole: bool = True

    @property
    def text(self) -> str:
        """Title, visible and hidden text: what the network of pages reads."""
        return "\n".join(part for part in (self.title, self.visible, self.hidden) if part)


@dataclass(slots=True)
class _Place:
    """What holds at a place of the tree, and is handed down."""

    way: str = ""  # by which it is hidden
    unseen: bool = False
    colour: Colour | None = None
    ground: Colour | None = None


class Unread(Exception):
    """A page cannot be read: one sentence."""


def read_apart(content: bytes, url: str, charset: str = "") -> Page:
    """`read` in a process of its own. Raises `Unread` where that takes too much."""
    asked = msgspec.json.encode([url, charset]) + b"\n"
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "apps.acquisition.page_text"],
            input=asked + content,
            capture_output=True,
            timeout=SECONDS,
            check=True,
            cwd="/",
            env={},  # none of our keys
        )
    except subprocess.TimeoutExpired:
        raise Unread(f"The page could not be read in {SECONDS} seconds.") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise Unread(f"The page could not be read: {last[0][:200]}") from None
    return msgspec.json.decode(done.stdout, type=Page)


def read(content: bytes, url: str, charset: str = "") -> Page:
    """A page of HTML out of its bytes. `charset` is what the server says; a byte order mark and
    the page itself are asked as the WHATWG encoding standard has it."""
    text = _decoded(content, charset).replace("\0", "\ufffd")
    parser = etree.HTMLParser(
        recover=True, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True,
        encoding="utf-8",
    )  # fmt: skip
    root = etree.fromstring(text.encode("utf-8", "replace"), parser) if text.strip() else None
    if root is None:
        return Page()
    whole = not any("depth" in error.message for error in parser.error_log)
    return _Reader(url, _sheet(root)).page(root, whole)


def _decoded(content: bytes, charset: str) -> str:
    found = re.search(
        rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", content[:4096], re.I
    )
    for label in (charset, found[1].decode() if found else "", "utf-8"):
        if label and (encoding := webencodings.lookup(label)):
            break
    text, _used = webencodings.decode(content, encoding or webencodings.UTF8, errors="replace")
    return str(text)


class _Reader:
    """Walks the tree once."""

    def __init__(self, url: str, sheet: Mapping[str, list[tuple[str, frozenset[str], Style]]]):
        self.base, self.sheet = url, sheet
        self.title = self.description = self.refresh = ""
        self.seen: list[str] = []
        self.hidden: list[str] = []
        self.ways: dict[str, None] = {}
        self.found: dict[str, dict[str, None]] = {}
        self.inline = 0

    def page(self, root: Any, whole: bool) -> Page:
        places = [_Place()]
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if not isinstance(element.tag, str):
                continue
            if event == "start":
                places.append(self._enter(element, places[-1]))
                self._say(element.text, places[-1])
            else:
                if element.tag in _BLOCKS:
                    self._break(places[-1])
                places.pop()
                self._say(element.tail, places[-1])
        visible, hidden = _tidy(self.seen), _tidy(self.hidden)
        return Page(
            title=_tidy([self.title])[:1000],
            description=_tidy([self.description])[:2000],
            visible=visible[:MOST_VISIBLE],
            hidden=hidden[:MOST_HIDDEN],
            ways=tuple(self.ways),
            links=self._told("a", "area"),
            scripts=self._told("script"),
            frames=self._told("iframe", "frame", "embed", "object"),
            forms=self._told("form"),
            hidden_links=self._told(_HIDDEN),
            inline_scripts=self.inline,
            refresh=self.refresh[:2000],
            whole=whole and len(visible) <= MOST_VISIBLE and len(hidden) <= MOST_HIDDEN,
        )

    def _told(self, *tags: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(link for tag in tags for link in self.found.get(tag, ())))

    def _enter(self, element: Any, above: _Place) -> _Place:
        tag = element.tag.lower()
        attributes = element.attrib
        if tag == "title" and not self.title and not above.way:
            self.title = "".join(element.itertext())
        elif tag == "meta":
            self._meta(attributes)
        elif tag == "base" and (href := attributes.get("href")):
            self.base = _joined(self.base, href) or self.base
        if tag in _BLOCKS:
            self._break(above)
        if tag in _UNSEEN:
            place = _Place(above.way, True, above.colour, above.ground)
        else:
            place = self._styled(tag, attributes, above)
        if link := _LINKS.get(tag):
            self._link(tag, attributes.get(link))
            if tag == "a" and place.way:
                self._link(_HIDDEN, attributes.get(link))
        return place

    def _meta(self, attributes: Mapping[str, str]) -> None:
        name = (attributes.get("name") or attributes.get("http-equiv") or "").lower()
        content = attributes.get("content") or ""
        if name in ("description", "keywords"):
            self.description = f"{self.description} {content}".strip()
        elif name == "refresh" and (found := _REFRESH.search(content)):
            self.refresh = _joined(self.base, found[1])

    def _link(self, tag: str, value: str | None) -> None:
        if not value:
            self.inline += tag == "script"
            return
        known = self.found.setdefault(tag, {})
        if len(known) < MOST_LINKS and (link := _joined(self.base, value)):
            known[link[:2000]] = None

    def _styled(self, tag: str, attributes: Mapping[str, str], above: _Place) -> _Place:
        style = self._style(tag, attributes)
        colour = _colour(style.get("color") or attributes.get("color") or attributes.get("text"))
        ground = _colour(
            style.get("background-color") or style.get("background") or attributes.get("bgcolor")
        )
        place = _Place(above.way, above.unseen, colour or above.colour, ground or above.ground)
        if place.way:
            return place
        if "hidden" in attributes:
            place.way = "hidden attribute"
        elif style:
            place.way = _way(style)
        if (
            not place.way
            and (colour or ground)
            and place.colour
            and place.ground
            and all(
                abs(one - two) <= _ALIKE
                for one, two in zip(place.colour, place.ground, strict=True)
            )
        ):
            place.way = "colour of its background"
        return place

    def _style(self, tag: str, attributes: Mapping[str, str]) -> Style:
        style: Style = {}
        if self.sheet:
            names = {f".{name}" for name in (attributes.get("class") or "").split()[:50]}
            names.add(f"#{attributes.get('id') or ''}")
            for name in (*names, tag, "*"):
                for wanted, needed, said in self.sheet.get(name, ()):
                    if wanted in (tag, "*", "") and needed <= names:
                        style |= said
        if inline := attributes.get("style"):
            style |= _declarations(inline[:2000])
        return style

    def _break(self, place: _Place) -> None:
        if not place.unseen:
            (self.hidden if place.way else self.seen).append("\n")

    def _say(self, text: str | None, place: _Place) -> None:
        if text and not place.unseen:
            (self.hidden if place.way else self.seen).append(text)
            if place.way and text.strip():
                self.ways[place.way] = None


# ── Styles ───────────────────────────────────────────────────────────────────────────────


def _sheet(root: Any) -> dict[str, list[tuple[str, frozenset[str], Style]]]:
    """The rules of a page's own style sheets whose selector is one simple compound, by a name that
    it needs: (tag, classes and ids, declarations). What needs a context is not looked at."""
    text = "\n".join("".join(style.itertext()) for style in root.iter("style"))[:_MOST_CSS]
    sheet: dict[str, list[tuple[str, frozenset[str], Style]]] = {}
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    for rule in rules[:_MOST_RULES]:
        if rule.type != "qualified-rule":
            continue
        said = _declarations(rule.content)
        if not said:
            continue
        for selector in tinycss2.serialize(rule.prelude).split(",")[:50]:
            found = _SIMPLE.match(selector.strip())
            if found and selector.strip():
                needed = frozenset(re.findall(r"[.#][\w-]+", found[2]))
                tag = (found[1] or "").lower()
                key = min(needed) if needed else tag
                sheet.setdefault(key, []).append((tag, needed, said))
    return sheet


_ASKED = {
    *("display", "visibility", "opacity", "font-size", "text-indent", "position", "left", "top"),
    *("right", "bottom", "margin-left", "margin-top", "width", "height", "max-height", "max-width"),
    *("overflow", "clip", "clip-path", "color", "background", "background-color", "transform"),
}


def _declarations(source: Any) -> Style:
    return {
        part.lower_name: tinycss2.serialize(part.value).strip().lower()
        for part in tinycss2.parse_blocks_contents(source)
        if part.type == "declaration" and part.lower_name in _ASKED
    }


def _way(style: Style) -> str:
    """By which means a style hides; empty where it does not."""
    size = {
        name: _length(style.get(name)) for name in ("width", "height", "max-height", "max-width")
    }
    closed = any(value is not None and value <= 1 for value in size.values())
    letters = _length(style.get("font-size"))
    opaque = _number(style.get("opacity"))
    if style.get("display") == "none":
        return "display: none"
    if style.get("visibility") in ("hidden", "collapse"):
        return "visibility: hidden"
    if opaque is not None and opaque <= 0.05:
        return "opacity"
    if letters is not None and letters <= _TINY:
        return "tiny letters"
    if any(
        (_length(style.get(name)) or 0) <= _AWAY
        for name in ("left", "top", "right", "bottom", "margin-left", "margin-top", "text-indent")
    ):
        return "off the screen"
    if closed and style.get("overflow") in ("hidden", "clip"):
        return "a box without room"
    if re.match(r"rect\(\s*[01](px)?[\s,]+[01](px)?[\s,]+[01](px)?[\s,]+[01](px)?\s*\)",
                style.get("clip", "")):  # fmt: skip
        return "clipped away"
    if re.search(r"inset\((50|100)%", style.get("clip-path", "")):
        return "clipped away"
    if re.search(r"scale\(\s*0(\.0*)?\s*\)", style.get("transform", "")):
        return "scaled away"
    if style.get("color") == "transparent":
        return "transparent"
    return ""


def _length(text: str | None) -> float | None:
    """Pixels, about; None where it is none."""
    if text and (found := _LENGTH.match(text.removesuffix("!important").strip())):
        return float(found[1]) * _PIXELS[found[2] or ""]
    return None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _colour(text: str | None) -> Colour | None:
    if not text:
        return None
    found = tinycss2.color3.parse_color(text.strip()[:60].partition(" ")[0])
    if found is None or isinstance(found, str) or found.alpha < 1:  # the text is "currentColor"
        return None
    return (found.red, found.green, found.blue)


# ── Texts and links ──────────────────────────────────────────────────────────────────────


def _tidy(pieces: list[str]) -> str:
    text = "".join(pieces)
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _joined(base: str, link: str) -> str:
    """An absolute link; empty where it is none to another page."""
    try:
        whole = urljoin(base, re.sub(r"[\t\r\n]", "", link.strip())[:4000])
        return whole if urlsplit(whole).scheme in ("http", "https", "javascript", "data") else ""
    except ValueError:
        return ""


def hosts_of(links: tuple[str, ...]) -> Iterator[str]:
    """The hosts that links lead to, each once."""
    found: dict[str, None] = {}
    for link in links:
        try:
            host = urlsplit(link).hostname
        except ValueError:
            continue
        if host and host not in found:
            found[host] = None
            yield host


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    head, _line, content = sys.stdin.buffer.read().partition(b"\n")
    url, charset = msgspec.json.decode(head, type=tuple[str, str])
    sys.stdout.buffer.write(msgspec.json.encode(read(content, url, charset)))


if __name__ == "__main__":
    _main()
