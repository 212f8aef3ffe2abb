"""HTTP requests, read as bytes."""

from __future__ import annotations

from ml_core.kinds.requests.corpus import corpus
from ml_core.kinds.requests.site import Site
from ml_core.kinds.requests.text import LENGTH, encode, spans
from ml_core.kinds.text import TextKind
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options

REQUEST_CLASSES = ("normal", "sqli", "xss", "path_traversal", "cmdi")
_ALIASES = {
    "normal": ("norm", "legal", "benign", "0"),
    "sqli": ("sqli", "sql", "sql_injection"),
    "xss": ("xss",),
    "path_traversal": ("path_traversal", "path-traversal"),
    "cmdi": ("cmdi", "shell", "command_injection"),
}
KIND = TextKind(
    name="requests",
    classes=REQUEST_CLASSES,
    aliases=_ALIASES,
    columns=(
        "request",
        "raw_request",
        "http_request",
        "full_request",
        "text",
        "payload",
        "query",
        "url",
        "uri",
        "sentence",
    ),
    encode=encode,
    spans=spans,
    architecture=Architecture(
        "bytes",
        inputs=256,
        classes=len(REQUEST_CLASSES),
        steps=LENGTH,
        hidden=48,
        focus="ends",
        grams=16_384,
        second=65_536,
        second_of="requests",
        oddity=True,
    ),
    options=Options(epochs=5, patience=5, batch=256, rate=2e-3),
    cap=1.0,
    corpus=corpus,
    site=Site.of,
)
