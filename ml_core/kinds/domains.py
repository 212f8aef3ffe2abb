"""Domain names, read as bytes: those of generators (DGA), of phishing pages, and harmless ones.

Of a URL or `host:port` only what names the site is read, and nothing that would tell which data
set it came from: no scheme, port, user or leading `www`, no trailing dot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from ml_core.kinds.account_forms import listed
from ml_core.kinds.domain_forms import Forms
from ml_core.kinds.text import (
    TEST,
    TRAINING,
    VALIDATION,
    Corpus,
    Ints,
    Span,
    TextKind,
    TextTable,
    split_by_content,
)
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options

URLS = "url"  # a column of addresses
FAMILY = 20  # names made of one family
LENGTH = 96  # bytes: the host and the beginning of the path
HOST = 64  # bytes of the host, the first 24 and the last 40 of a longer one
DOMAIN_CLASSES = ("benign", "dga", "phishing")
PHISHING = DOMAIN_CLASSES.index("phishing")
FAMILIES = (
    "conficker", "cryptolocker", "goz", "matsnu", "new_goz", "others_dga", "pushdo", "ramdo",
    "rovnix", "tinba", "zeus",
)  # fmt: skip
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}|(?:hxxp|http)s?:[/\\]", re.IGNORECASE)
_DOT = re.compile(r"\[\.\]|\(\.\)|\[dot\]|\(dot\)", re.IGNORECASE)
_CODED = re.compile(r"[a-z][a-z0-9+.-]*(?::|%3a)%2f%2f", re.IGNORECASE)
_REST = re.compile(r"[/?#\\]")
_PORT = re.compile(r":\d*$")
_REGISTERED = re.compile(r"[a-z0-9-]+(?:\.[a-z]{2,3})?\.[a-z]{2,}")  # nearly: example.co.uk, too
_BEYOND = re.compile(r"[^\x01-\x7f]+")
FOREIGN = "\x7f"  # what no name service would take


def parts(text: str) -> tuple[str, str]:
    """The host and the path of a name, `host:port` or URL, lower case, internationalised as IDNA.

    Defanged names (`hxxp://evil[.]example`) and percent-encoded ones are read like others.
    """
    text = _DOT.sub(".", text.strip(" \t\r\n\"'<>,;"))
    text = unquote(text) if _CODED.match(text) else text
    scheme = _SCHEME.match(text)
    text = text[scheme.end() :] if scheme else text
    cut = _REST.search(text)
    host, path = (text, "") if cut is None else (text[: cut.start()], text[cut.start() :])
    host = unquote(host) if "%" in host else host
    host = _PORT.sub("", host.rpartition("@")[2]).strip("*. []").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            host = _BEYOND.sub(FOREIGN, host)
    if host.startswith("www.") and host.count(".") > 1:
        host = host[4:]
    return host.replace("\0", FOREIGN), "" if path == "/" else _BEYOND.sub(FOREIGN, path.lower())


def read(text: str) -> str:
    """A name as the network reads it: at most HOST characters of the host, LENGTH in all."""
    host, path = parts(text)
    if len(host) > HOST:
        host = host[:24] + host[24 - HOST :]
    return (host + path)[:LENGTH]


def encode(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint8], Ints]:
    """Names [N] to byte values [N, LENGTH], zero after the end, and lengths [N] (at least 1)."""
    rows = [read(text).encode("ascii", "replace") or b" " for text in texts]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    flat = np.frombuffer(b"".join(row.ljust(LENGTH, b"\0") for row in rows), dtype=np.uint8)
    return flat.reshape(len(rows), LENGTH).copy(), lengths


def spans(text: str) -> list[Span]:
    """The labels of the name from the left, without the dots, and the path."""
    whole, found, start = read(text), [], 0
    cut = _REST.search(whole)
    end = cut.start() if cut else len(whole)
    for label in whole[:end].split("."):
        if label:
            found.append(Span("dns.question.name", label, start, start + len(label)))
        start += len(label) + 1
    if cut:
        found.append(Span("url.path", whole[end:], end, len(whole)))
    return found


LARGEST = 60_000  # names of one class in one column
# names of made-up families; of each side a quarter as many pages, half of them accounts
MADE = 30_000


def corpus(
    tables: Sequence[TextTable], seed: int, largest: int = LARGEST, made: int = MADE
) -> Corpus:
    """Every name once, the first time it occurs, and in the parts that learn names made here.

    In the parts that learn, some names get another ending, none, or a host before them, so that
    neither gives the class away. What is on a site that accounts are made on tests nothing. Attacks
    of a kind not told teach nothing here.
    """
    rng = np.random.default_rng(seed)
    seen: dict[str, tuple[str, int, bool]] = {}
    for table in tables:
        for c in range(len(DOMAIN_CLASSES)):
            for i in rng.permutation(np.flatnonzero(table.y == c))[:largest].tolist():
                text = table.texts[i]
                seen.setdefault(read(text), (text, c, table.tests))
    texts = [text for text, _, _ in seen.values()]
    y = np.asarray([c for _, c, _ in seen.values()], dtype=np.int64)
    part = split_by_content([parts(text)[0] for text in texts])  # by host: its pages stay together
    tests = [tests and not listed(parts(text)[0]) for text, _, tests in seen.values()]
    part[(part == TEST) & ~np.asarray(tests)] = TRAINING
    known = [parts(text) for text, c, p in zip(texts, y, part, strict=True) if not c and p == 0]
    labels = (host.partition(".")[0] for host, _ in known)
    words = dict.fromkeys(label for label in labels if label.isalpha() and 4 <= len(label) <= 8)
    hosts = [host for host, path in known if not path and _REGISTERED.fullmatch(host)]
    forms = Forms(seed, list(words), hosts)
    learned = [
        text if p == TEST else _varied(text, c, forms)
        for text, c, p in zip(texts, y, part, strict=True)
    ]
    for p, size in ((TRAINING, made), (VALIDATION, made // 10)):
        attacks = [name for _ in range(size // FAMILY) for name in forms.family(FAMILY)]
        pages = [make for make in (forms.page, forms.account) for _ in range(size // 8)]
        fakes = [make(True) for make in pages]
        harmless = [forms.harmless() for _ in range(size * 3 // 8)]
        harmless += [make(False) for make in pages]
        learned += [*attacks, *fakes, *harmless]
        counts = [len(attacks), len(fakes), len(harmless)]
        y = np.concatenate([y, np.repeat([1, PHISHING, 0], counts)])
        part = np.concatenate([part, np.full(sum(counts), p)])
    return Corpus(learned, y, part)


def _varied(text: str, c: int, forms: Forms) -> str:
    """The name with another ending, none, or a host before it, now and then.

    A harmless page may lose its path; a phishing page does not, for many of their hosts are
    harmless ones that were broken into.
    """
    host, path = parts(text)
    way = forms.draw.random()
    if path:
        return host if c == 0 and way < 0.4 else text
    if way < 0.12 and "." in host:
        return f"{host.partition('.')[0]}.{forms.ending()}"
    if way < 0.16:
        return host.partition(".")[0]
    return f"{forms.host()}.{host}" if way > (0.88 if c == 0 else 0.96) else text


KIND = TextKind(
    name="domains",
    classes=DOMAIN_CLASSES,
    aliases={
        "benign": (
            "0",
            "normal",
            "legit",
            "alexa_top100k_2016",
            "opendns-random-domains",
            "opendns-top-domains",
        ),
        "dga": FAMILIES,
        "phishing": ("phish", "1"),
    },
    columns=(
        "domain",
        "host",
        "hostname",
        URLS,
        "query",
        "text",
        "domain_name",
        "fqdn",
        "qname",
        "dns_query",
        "name",
    ),
    encode=encode,
    spans=spans,
    architecture=Architecture(
        "bytes",
        inputs=128,
        classes=3,
        steps=LENGTH,
        hidden=48,
        pool=2,
        focus="ends",
        grams=16_384,
        second=65_536,
        surprise=True,
    ),
    options=Options(epochs=3, patience=3, batch=256, rate=2e-3),
    corpus=corpus,
    cap=1.0,
)
