"""What a server reads in a request, however it is written."""

from __future__ import annotations

import polars as pl
import pytest

from apps.detection.decoding import decoded


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("/a?q=%27%20or%201=1", "/a?q=' or 1=1"),
        ("/a?q=%2527+or+1", "/a?q=' or 1"),
        ("/a?q=%252527", "/a?q='"),
        ("/a?q=1%2B1", "/a?q=1+1"),
        ("/..%c0%af..%C0%AFetc", "/../../etc"),
        ("/a?q=%u003cscript%u003e", "/a?q=<script>"),
        ("/a?q=\\u003cb\\x3e", "/a?q=<b>"),
        ("/a?q=&lt;b&#62;&#x3C;i&#X3e;", "/a?q=<b><i>"),
        ("1/**/union/*x*/select", "1 union select"),
        ("/*!50000union*/ select", " union select"),
        ("a%00b", "ab"),
        ("a\t \r b%0ac", "a b\nc"),
        ("/schön?q=%C3%A4", "/schön?q=%C3%A4"),
    ],
)
def test_encodings_are_undone(sent: str, read: str) -> None:
    assert decoded(pl.Series([sent, None])).to_list() == [read, None]


def test_nothing_happens_to_nothing() -> None:
    assert decoded(pl.Series([], dtype=pl.String)).to_list() == []
