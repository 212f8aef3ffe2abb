"""The contract of a detection tool."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from apps.contracts import Finding


class Tool(Protocol):
    """Looks at a whole frame of records and says what in it looks wrong.

    A tool is an immutable object called `TOOL` in a module of `apps.detection.tools`, or in an
    installed package behind an entry point of the group of that name. It keeps no state, asks no
    clock and no network, and leaves alone the kinds of records it does not know.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def reads(self) -> pl.Expr:
        """Which records it looks at: what it finds in the others is nothing. A tool that needs
        the bytes of files names `file.content` here, and only such a tool gets them."""
        ...

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        """Findings with at least one fresh record, in a settled order. Never changes `frame`."""
        ...
