"""Pieces of a request target (RFC 9112, section 3.2), and who sent a request through proxies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import polars as pl

_MOST_HOPS = 50
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


def through_proxies(
    frame: pl.DataFrame, forwarded: pl.Series, proxies: Sequence[str]
) -> pl.DataFrame:
    """`frame` with the client as `source.ip` where its peer is a trusted proxy that tells it.

    `forwarded` is X-Forwarded-For of N requests, which anybody may send: only what trusted proxies
    added to it counts, read from the right. The proxy's address goes into the column `proxy`, which
    is no column of a record; the port was its own, and goes.
    """
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    if not proxies or forwarded.null_count() == frame.height:
        return frame.with_columns(nothing.alias("proxy"))
    asked = pl.DataFrame({"peer": frame["source.ip"], "told": forwarded})
    distinct = asked.drop_nulls().unique()
    clients = [_client(peer, told, tuple(proxies)) for peer, told in distinct.iter_rows()]
    known = distinct.with_columns(pl.Series("client", clients, dtype=pl.String))
    client = asked.join(known, on=["peer", "told"], how="left", maintain_order="left")["client"]
    there = pl.lit(client.is_not_null())
    return frame.with_columns(
        pl.when(there).then(pl.col("source.ip")).alias("proxy"),
        pl.coalesce(pl.lit(client), "source.ip").alias("source.ip"),
        pl.when(~there).then(pl.col("source.port")).alias("source.port"),
    )


def _client(peer: str, told: str, proxies: tuple[str, ...]) -> str | None:
    """The rightmost address that is no trusted proxy's; the leftmost if all are trusted."""
    if not _trusted(peer, proxies):
        return None
    client = None
    for hop in reversed(told.strip('"').split(",")[-_MOST_HOPS:]):
        plain = _plain(hop)
        if plain is None:
            break
        client = plain
        if not _trusted(plain, proxies):
            break
    return client


def _plain(hop: str) -> str | None:
    """An address without brackets and port; None for what is none."""
    hop = hop.strip().strip('"')
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        address = ip_address(hop.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


@lru_cache(maxsize=4096)
def _trusted(address: str, proxies: tuple[str, ...]) -> bool:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(found in network for network in networks(proxies))


@lru_cache(maxsize=256)
def networks(proxies: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks as they are written. Raises ValueError for what is neither."""
    return tuple(ip_network(text, strict=False) for text in proxies)
