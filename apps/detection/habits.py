"""What a site's own requests say about one of them, without rules and without labels. Pure.

A quote in a postal code need not be an attack that a signature knows; it is only unlike what the site
is asked otherwise. Two kinds of things are looked at in a request: the value of each parameter, and
which parameters came together. A thing has *traits*: letters, digits, each other sign, about how long
it is. A *habit* is how often each trait was seen at one parameter of one path, or at one path.

A thing is as strange as its rarest trait. How many of the things before may have been as strange is
the sum of the counts of all traits as rare: never fewer than were, so the share of it is an upper
bound of the p-value of conformal prediction (Laxhammar, Falkman, "Conformal prediction for
distribution-independent anomaly detection in streaming vessel data", StreamKDD 2010), which times
the number of things looked at in a request (Bonferroni) must not be above SHARE.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address
from math import log
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt
import polars as pl

from apps.contracts import Finding, Kind
from apps.detection.decoding import decoded
from apps.detection.evidence import FRESH, RECORD, STRANGE, WEB_REQUESTS

SHARE = 0.02  # of things before, at most, that may have been as strange
ALIKE = 5  # things before that may have been as strange: beyond it a rare thing is a habit too
LEAST = 200  # things that make a habit; rarity among fewer is chance
MOST = 16_384  # things after which all that was seen weighs half

A_DAY = 100  # things that one source may add to a habit in a day; of strange ones, one …
TEACHERS = 3  # … if so many sources brought one, or all where fewer ask anything
HABITS = 2_000  # of a site; of more, those that were taught least go
CELLS = 64  # sources are told apart as so many

PARAMETERS = 64  # read of one request
IN_ALL = 1_000_000  # … and of one batch
LENGTH = 4096  # characters read of one value

TRAITS = 64  # each is a bit of a mask
LENGTHS = 14  # the first of them: about how long, each 1.6 times the one before
LETTERS, DIGITS, SIGNS = LENGTHS, LENGTHS + 1, LENGTHS + 2
PRINTED = [c for c in map(chr, range(32, 127)) if not c.isalnum()]  # the traits from SIGNS on
UNPRINTED = SIGNS + len(PRINTED)

SIGN = "unlike_its_site"
"""What findings of strange requests carry: no network can say what a site is asked otherwise."""

_SIGN_WORDS = {
    LETTERS: "letters",
    DIGITS: "digits",
    SIGNS: "spaces",
    UNPRINTED: "control characters",
}
_SIGN_WORDS |= {SIGNS + at: sign for at, sign in enumerate(PRINTED) if at}

FORM = r"^[\w.\[\]%+-]+="
_LINK = r"\?[^#]*="
PARAMETERISED = (
    pl.col("url.original").str.contains(_LINK)
    | (pl.col("url.original").is_null() & pl.col("url.query").str.contains("=", literal=True))
    | pl.col("http.request.body.content").str.contains(FORM)
)
"""Requests with parameters, in the address or in a form."""

_ODD = np.uint8(0x80)  # of a cell: it gave something strange today

Masks = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


def _class_of(byte: int) -> int:
    sign = chr(byte)
    if byte >= 0x80 or sign.isalpha():
        return LETTERS  # which letters a site writes says nothing
    if sign.isdigit():
        return DIGITS
    return SIGNS + PRINTED.index(sign) if sign in PRINTED else UNPRINTED


_BITS = np.left_shift(np.uint64(1), np.array([*map(_class_of, range(256))], dtype=np.uint64))


@dataclass(frozen=True, slots=True)
class Habits:
    """What is known at some keys, in ascending order.

    `counts`: things with each trait; `given`: for each cell of sources what it gave today, the
    highest bit for a strange thing, the others for the number of those that were not.
    """

    keys: Places  # [K]
    seen: Counts  # [K] things
    counts: Counts  # [K, TRAITS]
    given: npt.NDArray[np.uint8]  # [K, CELLS]

    @classmethod
    def none(cls, keys: Places) -> Habits:
        """Nothing is known at these keys, in ascending order."""
        n = len(keys)
        counts = np.zeros((n, TRAITS), np.float32)
        return cls(keys, np.zeros(n, np.float32), counts, np.zeros((n, CELLS), np.uint8))

    def over(self, keys: Places) -> Habits:
        """The same at other keys, in ascending order; nothing is known at new ones."""
        return Habits.none(keys).but(self)

    def but(self, others: Habits) -> Habits:
        """The same but for what others say of their keys, of which ours are kept."""
        here = np.isin(others.keys, self.keys, assume_unique=True)
        place = np.searchsorted(self.keys, others.keys[here])
        made = Habits(self.keys, self.seen.copy(), self.counts.copy(), self.given.copy())
        made.seen[place] = others.seen[here]
        made.counts[place] = others.counts[here]
        made.given[place] = others.given[here]
        return made


# ── What is looked at ────────────────────────────────────────────────────────────────────


def things(frame: pl.DataFrame) -> pl.DataFrame:
    """What is looked at in the fresh web requests of a frame; one row a thing.

    `record.id`, `site`, `path`, `name` (of the parameter; null where it is which came together) and
    `value` (of such: the names) as they were sent, `mask` (UInt64: the traits), `key` (Int64: of
    site, path and name in one spelling), `cell` (of the source) and `http.response.status_code`.
    """
    rows = _asked(frame)
    pairs = (
        rows.with_columns(pl.col("given").str.split("&").list.head(PARAMETERS))
        .explode("given")
        .filter(pl.col("given").str.contains("=", literal=True))
        .head(IN_ALL)
        .with_columns(pl.col("given").str.splitn("=", 2).struct.rename_fields(["name", "value"]))
        .unnest("given")
        .with_columns(pl.col("value").str.slice(0, LENGTH))
    )
    pairs = _spelled(pairs, "name", "parameter")
    pairs = _with(pairs, ["value"], "mask", pl.UInt64, lambda values: masks(values["value"]))
    sets = pairs.group_by(RECORD, maintain_order=True).agg(
        pl.col("site", "path", "place", "http.response.status_code", "cell").first(),
        value=pl.col("name").unique().sort().str.join("&"),
        parameters=pl.col("parameter").unique().sort().str.join("&"),
    )
    none = pl.lit(None, pl.String)
    sets = _with(
        sets.with_columns(name=none, parameter=none),
        ["site", "place", "parameters"], "mask", pl.UInt64,
        lambda each: [1 << digest(*row) % TRAITS for row in each.iter_rows()],
    )  # fmt: skip
    found = pl.concat([pairs, sets.select(pairs.columns)])
    return _with(
        found, ["site", "place", "parameter"], "key", pl.Int64,
        lambda each: [digest(*row) for row in each.iter_rows()],
    ).drop("place", "parameter")  # fmt: skip


def _asked(frame: pl.DataFrame) -> pl.DataFrame:
    """Fresh requests with parameters: what they ask (`path`, `given`) of whom, and who asks."""
    url = pl.coalesce(
        "url.original", pl.concat_str("url.path", pl.lit("?"), "url.query"), "url.path"
    ).str.replace(r"^(?i)https?://[^/?#]*", "")
    form = pl.when(pl.col("http.request.body.content").str.contains(FORM)).then(
        "http.request.body.content"
    )
    asked = frame.lazy().filter(pl.col(FRESH) & WEB_REQUESTS & PARAMETERISED)
    rows = asked.select(
        RECORD,
        "source.ip",
        "http.response.status_code",
        site=pl.coalesce("host.name", "destination.ip"),
        path=url.str.extract(r"^([^?#;]*)", 1),
        given=pl.concat_str(
            url.str.extract(r"\?([^#]*)", 1), form, separator="&", ignore_nulls=True
        ),
    ).collect()
    rows = _with(
        rows, ["source.ip"], "cell", pl.Int64,
        lambda each: [digest(network_of(source)) % CELLS for source in each["source.ip"]],
    )  # fmt: skip
    return _spelled(rows.drop("source.ip").filter(pl.col("site").is_not_null()), "path", "place")


def _spelled(rows: pl.DataFrame, column: str, made: str) -> pl.DataFrame:
    """Names and paths in one spelling: decoded, lower case, without numbers and empty steps."""
    return _with(
        rows, [column], made, pl.String,
        lambda each: decoded(each[column])
        .str.to_lowercase()
        .str.replace_all(r"\d+", "0")
        .str.replace_all(r"/(?:\.?/)+", "/"),
    )  # fmt: skip


def _with(
    rows: pl.DataFrame,
    given: list[str],
    made: str,
    kind: type[pl.DataType],
    make: Callable[[pl.DataFrame], Iterable[object]],
) -> pl.DataFrame:
    """`rows` with a column `made` from others, once for equal ones."""
    distinct = rows.select(given).unique()
    values = pl.Series(made, make(distinct), dtype=kind)
    return rows.join(
        distinct.with_columns(values), on=given, nulls_equal=True, maintain_order="left"
    )


def network_of(source: str) -> str:
    """The address, of IPv6 the /64: one host has so many."""
    return source if ":" not in source else str(int(IPv6Address(source)) >> 64)


def digest(*parts: str | None) -> int:
    """64 bits that stand for these texts, the same everywhere and for ever."""
    text = "\0".join(part or "" for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def masks(values: pl.Series) -> Masks:
    """The traits of each value [N]."""
    plain = decoded(values.str.replace_all("%[89a-fA-F][0-9a-fA-F]", "é"))
    sizes = plain.str.len_bytes().to_numpy().astype(np.int64)
    found = np.zeros(len(values), dtype=np.uint64)
    held = sizes > 0
    if held.any():
        signs = np.frombuffer("".join(plain.to_list()).encode(), dtype=np.uint8)
        found[held] = np.bitwise_or.reduceat(_BITS[signs], (np.cumsum(sizes) - sizes)[held])
    length = np.log(plain.str.len_chars().to_numpy() + 1.0) / log(1.6)
    return found | np.left_shift(np.uint64(1), np.minimum(length, LENGTHS - 1).astype(np.uint64))


# ── What is strange ──────────────────────────────────────────────────────────────────────


def judged(looked_at: pl.DataFrame, known: Habits) -> pl.DataFrame:
    """`things` with what is known of each: `seen` (things before, at its key), `rarest` (of those,
    with its rarest trait), `rare` (UInt64: its traits that hardly any had) and `strange`."""
    here = pl.DataFrame({"key": known.keys}, schema={"key": pl.Int64})
    kinds = looked_at.select("key", "mask").unique().join(here, on="key", how="semi")
    place = np.searchsorted(known.keys, kinds["key"].to_numpy())
    counts, held = known.counts[place], bits(kinds["mask"].to_numpy())
    rarest = np.where(held, counts, np.float32(np.inf)).min(axis=1, initial=np.inf)
    kinds = kinds.with_columns(
        seen=pl.Series(known.seen[place]),
        rarest=pl.Series(rarest, dtype=pl.Float32),
        alike=pl.Series(np.where(counts <= rarest[:, None], counts, 0).sum(axis=1)),
        rare=pl.Series(_packed(held & (counts <= ALIKE))),
    )
    joined = looked_at.join(kinds, on=["key", "mask"], how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("seen", "rarest", "alike", "rare").fill_null(0))
    told = pl.col("seen") >= LEAST
    share = (pl.col("alike") + 1) / (pl.col("seen") + 1) * told.sum().over(RECORD)
    strange = told & (pl.col("alike") <= ALIKE) & (share <= SHARE)
    return joined.with_columns(strange=strange).drop("alike")


def marked(frame: pl.DataFrame, judgement: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `tocsin.strange`, as `judged` found it."""
    told = pl.struct("path", "name", "value", "rare", "rarest", "seen").alias(STRANGE)
    strange = judgement.filter("strange").group_by(RECORD).agg(told)
    beside = frame.select(RECORD).join(strange, on=RECORD, how="left", maintain_order="left")
    return frame.with_columns(beside[STRANGE])


def words(rare: int, value: str) -> str:
    """What hardly any value before had, for people: `has ' and ; and is 57 characters long`."""
    held = [trait for trait in range(TRAITS) if rare >> trait & 1]
    *first, last = [_SIGN_WORDS[trait] for trait in held if trait >= LETTERS] or [""]
    told = [f"has {', '.join(first)} and {last}" if first else f"has {last}"] if last else []
    if held and held[0] < LENGTHS:
        told.append(f"is {len(unquote_plus(value)):,} characters long")
    return " and ".join(told)


# ── What is learned ──────────────────────────────────────────────────────────────────────


def harmless(judgement: pl.DataFrame, findings: Iterable[Finding]) -> pl.DataFrame:
    """What may be learned of `judged`: not what a tool holds for an attack, and not what the server
    refused, most of which was asked for at paths that are not there."""
    accused = {
        record for each in findings if each.kind is not Kind.ANOMALY for record in each.records
    }
    refused = pl.col("http.response.status_code").is_between(400, 499).fill_null(False)
    known = pl.Series(sorted(accused), dtype=judgement.schema[RECORD])
    return judgement.filter(~refused & ~pl.col(RECORD).is_in(known.implode()))


def taught(known: Habits, learned: pl.DataFrame) -> Habits:
    """What is known at the keys of `learned` (of `judged`) after it.

    One cell of sources adds to a habit A_DAY things a day, and one strange one, as soon as so many
    cells brought a strange one that day: what many ask for becomes a habit, what one asks for over
    and over does not.
    """
    strange = pl.col("strange").any().over(RECORD)
    many = (
        learned.with_columns(strange=strange)
        .group_by("key", "cell", "strange", "mask")
        .agg(n=pl.len().cast(pl.Int64))
        .sort("key", "cell", "strange", "mask")
    )
    here = known.over(many["key"].unique().sort().to_numpy())
    place, cell = np.searchsorted(here.keys, many["key"].to_numpy()), many["cell"].to_numpy()
    odd, given = many["strange"].to_numpy(), here.given[place, cell]
    room = np.where(odd, (given & _ODD) == 0, A_DAY - (given & ~_ODD)).astype(np.int64)
    before = many.select(pl.col("n").cum_sum().over("key", "cell", "strange") - pl.col("n"))
    taken = np.clip(room - before["n"].to_numpy(), 0, many["n"].to_numpy())

    gave = here.given.copy()
    np.add.at(gave, (place[~odd], cell[~odd]), taken[~odd].astype(np.uint8))
    gave[place[odd], cell[odd]] |= _ODD
    agree = (gave >= _ODD).sum(axis=1) >= np.minimum(TEACHERS, (gave > 0).sum(axis=1))
    taken = np.where(odd & ~agree[place], 0, taken).astype(np.float32)
    seen, counts = here.seen.copy(), here.counts.copy()
    np.add.at(seen, place, taken)
    np.add.at(counts, place, bits(many["mask"].to_numpy()) * taken[:, None])
    weight = np.where(seen >= MOST, np.float32(0.5), np.float32(1))
    return Habits(here.keys, seen * weight, counts * weight[:, None], gave)


def bits(mask: Masks) -> npt.NDArray[np.bool_]:
    """Masks [N] as [N, TRAITS]."""
    octets = mask.astype("<u8").view(np.uint8).reshape(-1, 8)
    return np.unpackbits(octets, axis=1, bitorder="little").astype(bool)


def _packed(held: npt.NDArray[np.bool_]) -> Masks:
    """Its inverse."""
    octets = np.packbits(held, axis=1, bitorder="little")
    return np.ascontiguousarray(octets).view("<u8").reshape(-1).astype(np.uint64)
