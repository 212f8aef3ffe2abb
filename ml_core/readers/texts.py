"""Tables of texts to lists of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ml_core.errors import DataError
from ml_core.kinds.text import TextKind

if TYPE_CHECKING:
    import polars as pl

_HOST = re.compile(r"^https?://[^/]*")


def text_column(frame: pl.DataFrame, kind: TextKind) -> str:
    """The column that holds the kind's texts."""
    for name in kind.columns:
        if name in frame.columns:
            return name
    raise DataError(f"none of the columns {', '.join(kind.columns)}")


def read_texts(frame: pl.DataFrame, kind: TextKind) -> list[str]:
    """The texts of all rows; a null is an empty text, a raw HTTP message loses its headers."""
    import polars as pl

    column = text_column(frame, kind)
    values = frame[column].cast(pl.String).fill_null("").to_list()
    return [_from_raw(value) for value in values] if column == "raw_request" else values


def _from_raw(raw: str) -> str:
    """An HTTP message with its headers to the text the network reads: no host, no headers."""
    head, _, body = raw.replace("\r\n", "\n").partition("\n\n")
    method, _, rest = head.partition("\n")[0].partition(" ")
    target = rest.rpartition(" HTTP/")[0] or rest
    return f"{method} {_HOST.sub('', target)}\n{body}".strip()
