"""Counts of TCP flags from formats that only tell which were seen.

What a format tells and what follows from how TCP works: an opening, an answer, an end and a reset
count one for each side that showed it; every packet after the opening acknowledges. A flag never
shown counts zero; how often a push was shown is not told (null), unless no payload was sent. Flows
of other protocols have no flags: zeros.
"""

from __future__ import annotations

import polars as pl

_NAMES = (
    "FIN Flag Count",
    "SYN Flag Count",
    "RST Flag Count",
    "PSH Flag Count",
    "ACK Flag Count",
    "Fwd PSH Flags",
    "Bwd PSH Flags",
)
# openings by either side, ends and resets: the states of Zeek's connections (and KDD's) with them
_COUNTS = {
    (1, 0, 0): ("S0",),
    (2, 0, 0): ("S1",),
    (1, 1, 0): ("SH", "SHR"),
    (2, 1, 0): ("S2", "S3"),
    (2, 2, 0): ("SF",),
    (1, 0, 1): ("REJ", "RSTOS0", "RSTRH"),
    (2, 0, 1): ("RSTO", "RSTR"),
}
_LETTERS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}
# likewise of Argus' words for the states of connections; None: the word does not tell
_WORDS: dict[str, tuple[float | None, float, float]] = {
    "REQ": (1, 0, 0),
    "ACC": (2, 0, 0),
    "EST": (2, 0, 0),
    "CON": (None, 0, 0),
    "FIN": (None, 1, 0),
    "CLO": (None, 2, 0),
    "RST": (None, 0, 1),
}


def from_history(
    history: pl.Expr, packets: tuple[pl.Expr, pl.Expr], tcp: pl.Expr
) -> dict[str, pl.Expr]:
    """From Zeek's `history`: letters of what the originator (capital) and the responder sent."""

    def seen(letter: str) -> pl.Expr:
        return history.str.contains(letter, literal=True).cast(pl.Float64)

    total = packets[0] + packets[1]
    opened = seen("S") + seen("s")
    only_opened = history.str.contains("^[Ss]+$")
    syn = pl.when(only_opened).then(total).otherwise(opened + seen("H") + seen("h"))
    ack = pl.when(only_opened).then(0.0).otherwise((total - opened).clip(lower_bound=0.0))
    forward, backward = (pl.when(seen(data) == 0).then(0.0) for data in "Dd")
    push = pl.when(~history.str.contains("[Dd]")).then(0.0)
    fin, rst = (seen(sides[0]) + seen(sides[1]) for sides in ("Ff", "Rr"))
    return _of_tcp(tcp, fin, syn, rst, push, ack, forward, backward)


def from_state(state: pl.Expr, tcp: pl.Expr) -> dict[str, pl.Expr]:
    """From the connection state alone: what KDD calls `flag` and Zeek `conn_state`."""
    syn, fin, rst = (
        state.replace_strict(
            {name: float(counts[i]) for counts, names in _COUNTS.items() for name in names},
            default=None,
            return_dtype=pl.Float64,
        )
        for i in range(3)
    )
    nothing_sent = pl.when(state.is_in(["S0", "REJ", "RSTOS0", "SH"])).then(0.0)
    ack = pl.when(state == "S0").then(0.0)
    return _of_tcp(tcp, fin, syn, rst, nothing_sent, ack, nothing_sent, nothing_sent)


def bits(letters: pl.Expr) -> pl.Expr:
    """Flag bits of their first letters, in any order and among others (`...AP.SF`)."""
    return pl.sum_horizontal(
        letters.str.contains(letter, literal=True).cast(pl.Int64) * bit
        for letter, bit in _LETTERS.items()
    )


def from_word(
    word: pl.Expr, opened: pl.Expr, packets: tuple[pl.Expr, pl.Expr], tcp: pl.Expr
) -> dict[str, pl.Expr]:
    """From Argus' word for the state of a connection.

    A word tells the last of what was seen: of a connection that went on after its opening, the
    opening may lie in an earlier record, unless `opened` says that both sides' were seen.
    """
    syn, fin, rst = (
        word.replace_strict(
            {name: counts[i] for name, counts in _WORDS.items()},
            default=None,
            return_dtype=pl.Float64,
        )
        for i in range(3)
    )
    total, asked = packets[0] + packets[1], (word == "REQ") & (packets[1] == 0)
    syn = pl.when(asked).then(total).when(opened & fin.is_not_null()).then(2.0).otherwise(syn)
    ack = pl.when(asked).then(0.0).otherwise((total - syn.clip(0, 1)).clip(lower_bound=0.0))
    fin = pl.when(word == "RST").then(None).otherwise(fin)  # a reset may follow an end
    push = pl.when(word.is_in(["REQ", "ACC", "EST"])).then(0.0)
    return _of_tcp(tcp, fin, syn, rst, push, ack, push, push)


def from_bits(
    both: pl.Expr,
    sides: tuple[pl.Expr, pl.Expr] | None,
    packets: tuple[pl.Expr, pl.Expr],
    tcp: pl.Expr,
) -> dict[str, pl.Expr]:
    """From the union of a flow's TCP flag bits, and of each side's where the format has them."""

    def bit(flags: pl.Expr, value: int) -> pl.Expr:
        return (flags.cast(pl.Int64, strict=False) & value != 0).cast(pl.Float64)

    total = packets[0] + packets[1]
    push = pl.when(bit(both, 8) == 0).then(0.0)
    if sides is None:
        answered = (packets[1] > 0).cast(pl.Float64)
        syn = bit(both, 2) * (1.0 + answered * bit(both, 16))
        fin, rst = bit(both, 1), bit(both, 4)
        forward = push
        backward = pl.when((bit(both, 8) == 0) | (packets[1] == 0)).then(0.0)
    else:
        fin, syn, rst = (bit(sides[0], value) + bit(sides[1], value) for value in (1, 2, 4))
        forward, backward = (pl.when(bit(side, 8) == 0).then(0.0) for side in sides)
    syn = pl.when(both == 2).then(total).otherwise(syn)
    ack = (total - bit(both, 2)).clip(lower_bound=0.0) * bit(both, 16)
    return _of_tcp(tcp, fin, syn, rst, push, ack, forward, backward)


def _of_tcp(tcp: pl.Expr, *counts: pl.Expr) -> dict[str, pl.Expr]:
    """The counts under their _NAMES, zero for flows that are not TCP."""
    return {
        name: pl.when(tcp).then(count).when(~tcp).then(0.0)
        for name, count in zip(_NAMES, counts, strict=True)
    }
