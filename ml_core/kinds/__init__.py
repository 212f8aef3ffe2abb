"""One room for each kind of sequence that a network judges.

`named("flows")` is numeric windows; every other kind is text: see `ml_core.kinds.text`. Importing
a kind is cheap: no PyTorch.
"""

from __future__ import annotations

from importlib import import_module

from ml_core.errors import DataError
from ml_core.kinds.kind import UNTOLD, Kind
from ml_core.kinds.text import TextKind

FLOWS, REQUESTS, PAGES = "flows", "requests", "pages"
KINDS = (FLOWS, REQUESTS, "domains", "events", "programs", "scripts", PAGES)

__all__ = [
    "FLOWS",
    "KINDS",
    "PAGES",
    "REQUESTS",
    "UNTOLD",
    "Kind",
    "TextKind",
    "named",
    "text_kind",
]


def named(name: str) -> Kind:
    """The kind called `name`; DataError lists those there are."""
    if name not in KINDS:
        raise DataError(f"unknown kind {name!r}; known: {', '.join(KINDS)}")
    kind = import_module(f"ml_core.kinds.{name}").KIND
    assert isinstance(kind, Kind)
    return kind


def text_kind(name: str) -> TextKind:
    """Likewise, for the kinds that read text."""
    kind = named(name)
    if not isinstance(kind, TextKind):
        raise DataError(f"{name} are not read as text")
    return kind
