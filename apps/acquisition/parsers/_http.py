"""Pieces of a request target (RFC 9112, section 3.2)."""

from __future__ import annotations

import polars as pl

_ABSOLUTE = r"^[A-Za-z][A-Za-z0-9+.-]*://(?P<domain>[^/?#]*)"


def split_target(targets: pl.Series) -> pl.DataFrame:
    """N targets as sent → `url.domain` (null unless absolute), `url.path`, `url.query`."""
    parts = targets.str.replace(r"#.*$", "").str.splitn("?", 2).struct.unnest()
    return pl.DataFrame(
        {
            "url.domain": targets.str.extract(_ABSOLUTE, 1),
            "url.path": parts["field_0"].str.replace(_ABSOLUTE, ""),
            "url.query": parts["field_1"],
        }
    )
