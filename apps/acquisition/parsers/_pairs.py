"""What CEF and LEEF share: a mark behind a syslog head, a head parted by bars, keys and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from apps.acquisition.frames import INSTANT, believable, instants, integers, local
from apps.acquisition.parsers import _json, _labels, _lines, _syslog

PAIR, EQUALS, BACKSLASH = "\x1e", "\x1f", "\x1d"
"""Stand between pairs, between key and value, and for a backslash meant as one."""

_DATED = (
    r"^(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?:(?P<year>\d{4}) )?(?P<clock>\d\d:\d\d:\d\d)"
    r"(?P<fraction>\.\d{1,9})?(?: (?P<zone>\S{1,6}))?$"
)
_WEB = r"^[A-Za-z][A-Za-z0-9+.-]*://|^/"
_FLOWS = r"(?i)traffic|firewall|connection|accept|permit|allow|den(?:y|ied)|drop|\bflow\b|teardown"
_LOGINS = r"(?i)log ?[io]n|logged in|authenticat|sign-?in|password|logout|logoff"
_FAILURE = r"(?i)fail|den(?:y|ied)|block|drop|reject|refus|invalid|prevent"
_SUCCESS = r"(?i)succe|allow|accept|permit|pass|grant"


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Keys and values of N lines. What is asked for counts as taken; `labels` gives the rest."""

    height: int
    table: pl.DataFrame  # _row, key, value; a key that comes twice keeps what came first
    known: Mapping[str, pl.DataFrame]  # those keys that columns keep
    taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, extensions: pl.Series, wanted: Iterable[str]) -> Pairs:
        """From N texts in which PAIR stands before each pair and EQUALS between key and value."""
        rows = pl.Series("_row", range(extensions.len()), dtype=pl.UInt32)
        long = pl.DataFrame({"_row": rows, "pair": extensions.str.split(PAIR)}).explode("pair")
        cut = long["pair"].str.splitn(EQUALS, 2).struct.unnest()
        table = pl.DataFrame({"_row": long["_row"], "key": cut["field_0"], "value": cut["field_1"]})
        table = table.drop_nulls().with_columns(
            pl.col("key").str.strip_chars(), pl.col("value").str.strip_chars_end(" ")
        )
        table = table.filter((pl.col("value") != "") & (pl.col("key").str.len_bytes() < 64))
        table = table.unique(["_row", "key"], keep="first", maintain_order=True)
        parts = table.filter(pl.col("key").is_in(list(wanted))).partition_by("key", as_dict=True)
        return cls(extensions.len(), table, {str(key[0]): part for key, part in parts.items()})

    def text(self, *keys: str) -> pl.Series:
        whole = pl.Series([None], dtype=pl.String).new_from_index(0, self.height)
        for key in reversed(keys):
            self.taken.add(key)
            if key in self.known:
                part = self.known[key]
                whole = whole.scatter(part["_row"], part["value"])
        return whole

    def integer(self, *keys: str) -> pl.Series:
        return integers(self.text(*keys))

    def labels(self, names: pl.DataFrame | None = None) -> pl.Series:
        """N JSON objects of what nobody asked for; `names` (_row, key, name) names keys anew."""
        rest = self.table.filter(~pl.col("key").is_in(list(self.taken)))
        if names is not None and names.height:
            rest = rest.join(names, on=["_row", "key"], how="left", maintain_order="left")
            rest = rest.with_columns(pl.coalesce("name", "key").alias("key"))
        rest = rest.with_columns(pl.col("key").str.replace_all(r'["\\\x00-\x1f]', "_"))
        few = pl.int_range(pl.len()).over("_row") < _json.MOST_LABELS
        rest = rest.filter(few)
        said = _labels.of_pairs(rest["_row"], rest["key"], rest["value"])
        nothing = pl.Series("labels", [None], dtype=pl.String).new_from_index(0, self.height)
        return nothing.scatter(said["_row"], said["labels"]) if said.height else nothing


def marked(lines: pl.Series, mark: str, received: datetime) -> pl.DataFrame:
    """Lines that begin with `mark`, or have it right behind a syslog head: `_row`, `body`,
    `host`, `time`. Elsewhere in a line anybody may have written it."""
    rows = lines.str.contains(mark, literal=True).fill_null(False).arg_true()
    there = lines.gather(rows).str.strip_prefix("\ufeff").str.replace(r"^<\d{1,3}>" + mark, mark)
    head = _lines.bodies(there, received)
    body = head["body"]
    # in "host CEF:0|" the mark looks like a program
    program = (head["program"] == mark.rstrip(":")).fill_null(False)
    body = (mark + body).zip_with(program, body)
    bare = there.str.starts_with(mark)
    body = there.zip_with(bare, body)
    return pl.DataFrame(
        {"_row": rows, "body": body, "host": head["host"], "time": head["time"]}
    ).filter(body.str.starts_with(mark).fill_null(False))


def times(texts: pl.Series, received: datetime) -> pl.Series:
    """Times as milliseconds since 1970, ISO 8601, or "Nov 22 [2026 ]09:58:49[.250][ UTC]"."""
    time = instants(texts, received)
    other = texts.is_not_null() & time.is_null()
    if not other.any():
        return time
    rows = other.arg_true()
    found = texts.gather(rows).str.extract_groups(_DATED).struct.unnest()
    text = found["year"] + " " + found["month"] + " " + found["day"].str.zfill(2)
    whole = (text + " " + found["clock"] + found["fraction"].fill_null(".0")).str.to_datetime(
        "%Y %b %d %H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False
    )
    clock = (found["month"], found["day"], found["clock"])
    yearless = _syslog.with_year(*clock, received.astimezone(UTC))
    bare = whole.fill_null(yearless.set(found["year"].is_not_null(), None)).cast(INSTANT)
    read = local(bare, received).zip_with(
        found["zone"].is_null(), _lines.zoned(bare, found["zone"])
    )
    return believable(time.scatter(rows, read))


def category(frame: pl.DataFrame, said: pl.Series) -> pl.DataFrame:
    """`event.category` and `event.outcome` from what events say of themselves in words."""
    words = pl.lit(said.fill_null(""))
    action = pl.coalesce("event.action", pl.lit(""))
    told = pl.coalesce("event.outcome", pl.lit(""))
    login = words.str.contains(_LOGINS) & pl.col("user.name").is_not_null()
    ends = pl.col("source.ip").is_not_null() & pl.col("destination.ip").is_not_null()
    flow = ends & (words.str.contains(_FLOWS) | action.str.contains(_FLOWS))
    spoken = pl.when(login).then(told + " " + action + " " + words).otherwise(told + " " + action)
    return frame.with_columns(
        pl.when(pl.col("http.request.method").is_not_null())
        .then(pl.lit("web"))
        .when(login)
        .then(pl.lit("authentication"))
        .when(flow)
        .then(pl.lit("network"))
        .otherwise(pl.lit("intrusion_detection"))
        .alias("event.category"),
        pl.when(spoken.str.contains(_FAILURE))
        .then(pl.lit("failure"))
        .when(spoken.str.contains(_SUCCESS))
        .then(pl.lit("success"))
        .alias("event.outcome"),
    )


def word(texts: pl.Series) -> pl.Series:
    """Texts as short words in snake case."""
    words = texts.str.to_lowercase().str.replace_all(r"[^\p{L}\d]+", "_").str.strip_chars("_")
    words = words.str.slice(0, 60)
    return words.set((words == "").fill_null(False), None)


def url_of(requests: pl.Series) -> pl.Series:
    """What is a URL or a path."""
    return requests.set(~requests.str.contains(_WEB).fill_null(False), None)


def sha256_of(hashes: pl.Series) -> pl.Series:
    return hashes.str.extract(r"(?:^|[^0-9A-Fa-f])([0-9A-Fa-f]{64})(?:$|[^0-9A-Fa-f])", 1)
