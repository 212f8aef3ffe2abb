"""What a batch brought → records. Pure: the same for the worker and for `tocsin analyse`."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from zoneinfo import ZoneInfo

import polars as pl

from apps.acquisition import (
    compression,
    documents,
    evtx,
    frames,
    hec,
    journal_export,
    loki,
    otlp,
    plain_text,
)
from apps.acquisition.parsers.cicflowmeter import is_header
from apps.acquisition.parsing import Choice, Context, Parser, parse_lines
from apps.acquisition.traffic import capture, capture_records, netflow
from apps.contracts import UNPARSED

_SPLITS: dict[str, Callable[[bytes, int], documents.Documents]] = {
    "ndjson": documents.split,
    "bulk": documents.split_bulk,
    "observed": documents.split,  # by our own collectors: what a page says is no line of a log
    "journal": journal_export.split,
    hec.PROTOCOL: hec.split,
    otlp.PROTOBUF: partial(otlp.split, otlp.PROTOBUF),
    otlp.JSON: partial(otlp.split, otlp.JSON),
    loki.PROTOBUF: partial(loki.split, loki.PROTOBUF),
    loki.JSON: partial(loki.split, loki.JSON),
}

_TIMED_BY_RECEIPT = (hec.PROTOCOL, otlp.PROTOBUF, otlp.JSON)
"""Protocols that say when an event without a time happened: when it was received."""

CUT = tuple(_SPLITS)
"""Protocols whose bodies are cut into documents."""

PROTOCOLS = ("lines", "capture", "flows", "evtx", "file", "netflow", *CUT)
"""What the bytes of a batch can be; "auto" finds out."""

MAX_LINE = 1024 * 1024
MAX_CONTENT = 1024 * 1024 * 1024
"""Bytes that a packed content may have unpacked, unless less is said."""
MAX_ITEMS = 2_000_000
"""How many lines one batch may have: each costs hundreds of bytes of memory, however short."""
_NOT_UTF8 = "Bytes that are not UTF-8 were replaced by U+FFFD."


class Unreadable(ValueError):
    """The content cannot be read at all: one clear sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Attributes:
    frame: the records, columns and types of `frames.SCHEMA`, in the order they came.
    items: how many there were to read; `items == frame.height + len(rejected)`, always.
    rejected: (sequence, reason) of each item that could not become a record.
    unparsed: how many of the records no parser understood.
    notes: sentences about the content as a whole.
    choices: the parsers that read lines of it, and how sure they were.
    """

    frame: pl.DataFrame
    items: int
    rejected: list[tuple[int, str]]
    unparsed: int
    notes: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


def read(
    content: bytes,
    *,
    protocol: str,
    file_name: str = "",
    host_name: str = "",
    max_line: int = MAX_LINE,
    received_at: datetime | None = None,
    written: tuple[Parser, ...] = (),
    zone: str = "",
    proxies: Sequence[str] = (),
    sizes: Sequence[int] | None = None,
) -> Reading:
    """Read the content of one batch.

    `received_at` gives a year to times without one and a time to files; the present if None.
    `written` are the parsers of users (`written.store.current`), `zone` and `proxies` what the source
    says of its logs (`Source.time_zone`, `Source.trusted_proxies`).
    `sizes` are the bytes of each body, where documents came in several that were joined.
    Raises Unreadable where nothing can be read (no capture, no flow table, empty).
    """
    came = (received_at or datetime.now(UTC)).astimezone(UTC)
    context = Context(
        came.astimezone(ZoneInfo(zone)) if zone else came,
        host_name,
        file_name,
        written,
        tuple(proxies),
        ours=protocol == "observed",
    )
    if protocol == "auto":
        content, protocol = recognise(content)
    if not content and protocol != "file":
        raise Unreadable("The content is empty.")
    match protocol:
        case "lines":
            reading = _lines(content, context, max_line)
        case "flows":
            if not is_flow_table(content):
                raise Unreadable("The first line does not name the columns of CICFlowMeter.")
            reading = _lines(content, context, max_line, only=("cicflowmeter",))
        case "capture":
            reading = _capture(content)
        case "evtx":
            reading = _events(content, context)
        case "file":
            reading = _file(content, context)
        case "netflow":
            reading = _netflow(content)
        case _ if split := _SPLITS.get(protocol):
            only = ("ecs",) if context.ours else None
            try:
                reading = _documents(_cut(content, sizes, max_line, split), context, only)
            except documents.Malformed as error:
                raise Unreadable(str(error)) from error
            if protocol in _TIMED_BY_RECEIPT:
                received = pl.lit(came, dtype=frames.INSTANT)
                timed = reading.frame.with_columns(pl.col("@timestamp").fill_null(received))
                reading = replace(reading, frame=timed)
        case _:
            raise ValueError(f"unknown protocol {protocol!r}")
    reading = _from(host_name, reading)
    if protocol == "file":  # last: whatever is done to a frame may copy what is in it
        place = reading.frame.get_column_index("file.content")
        reading.frame.replace_column(place, pl.Series("file.content", [content]))
    return reading


def read_capture(source: capture.Source, *, host_name: str = "") -> Reading:
    """Read a capture of any size, given as the path of a file, or as a file opened for reading: a
    bounded part at a time. Raises Unreadable, and OSError where it cannot be opened."""
    return _from(host_name, _capture(source))


def _from(host_name: str, reading: Reading) -> Reading:
    host = pl.lit(host_name or None, dtype=pl.String)
    return replace(reading, frame=reading.frame.with_columns(pl.col("host.name").fill_null(host)))


def overfull(content: bytes, protocol: str) -> str:
    """Why a content is too much for one batch; empty where it is not. Only counted, never cut:
    a body of a quarter of a megabyte can unfold to a hundred million lines."""
    if protocol in ("capture", "evtx", "file", "netflow", otlp.PROTOBUF, loki.PROTOBUF):
        return ""
    lines = content.count(b"\n")
    values = content.count(b",") if content[:1024].lstrip()[:1] in (b"[", b"\xef", b"") else 0
    if lines > MAX_ITEMS or values > 10 * MAX_ITEMS:
        return f"The body has more than {MAX_ITEMS} lines or values: send it in parts."
    return ""


def is_flow_table(content: bytes) -> bool:
    """Whether the first line that is not blank names the columns of a flow table."""
    head = content[:65536].removeprefix(codecs.BOM_UTF8).lstrip()
    return is_header(head.partition(b"\n")[0].decode("utf-8", "replace"))


def recognise(content: bytes, most: int = MAX_CONTENT) -> tuple[bytes, str]:
    """The content, decompressed, and the protocol it looks like.

    Raises Unreadable where it cannot be decompressed, or is larger than `most` bytes then."""
    if encoding := compression.encoding_of(content):
        try:
            content = compression.open_body(content, encoding, most)
        except compression.TooLarge as error:
            reason = f"Unpacked it is larger than {most} bytes: send it in parts."
            raise Unreadable(reason) from error
        except ValueError as error:
            raise Unreadable(str(error)) from error
    if capture.is_capture(content[:4]):
        return content, "capture"
    if evtx.is_event_log(content):
        return content, "evtx"
    if journal_export.is_export(content):
        return content, "journal"
    head = content[:65536]
    if head.count(b"\0") * 100 > len(head):
        text = plain_text.wide_encoding(content) or plain_text.is_behind_nulls(content)
        return content, "lines" if text else "file"
    if plain_text.is_binary(content):
        return content, "file"
    return content, "ndjson" if documents.is_array(content) else "lines"


def _lines(
    content: bytes, context: Context, max_line: int, only: tuple[str, ...] | None = None
) -> Reading:
    pieces = plain_text.utf8(content).split(b"\n")
    rejected = []
    if max(map(len, pieces)) > max_line:
        for row in [row for row, piece in enumerate(pieces) if len(piece) > max_line]:
            rejected.append((row, f"longer than {max_line} bytes"))
            pieces[row] = b""  # here, before it is copied into a column
    lines, broken = _text(pl.Series(pieces, dtype=pl.Binary))
    lines = lines.str.strip_suffix("\r")
    told = lines.str.contains(r"\S")
    sequence, broken, lines = told.arg_true(), broken.filter(told), lines.filter(told)
    return _parsed(lines, sequence, broken, rejected, context, only)


def _text(raw: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Bytes as text, and the mask of those that were not UTF-8."""
    try:
        text = raw.cast(pl.String)
        return text, text.is_null()
    except pl.exceptions.ComputeError:
        texts = [line.decode("utf-8", "replace") for line in raw.to_list()]
    broken = [
        "\ufffd" in text and not _is_utf8(line) for text, line in zip(texts, raw, strict=True)
    ]
    return pl.Series(texts, dtype=pl.String), pl.Series(broken, dtype=pl.Boolean)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cut(
    content: bytes,
    sizes: Sequence[int] | None,
    max_line: int,
    split: Callable[[bytes, int], documents.Documents],
) -> documents.Documents:
    """The documents of one body, or of several that stand one after the other."""
    if not sizes:
        return split(content, max_line)
    ends = list(accumulate(sizes))
    bodies = (content[end - size : end] for end, size in zip(ends, sizes, strict=True))
    return documents.joined(split(body, max_line) for body in bodies)


def _documents(
    found: documents.Documents, context: Context, only: tuple[str, ...] | None = None
) -> Reading:
    texts = [
        str(documents.text_of(raw)) if raw.startswith(b'"') else raw.decode() for raw in found.texts
    ]
    lines = pl.Series(texts, dtype=pl.String)
    sequence = pl.Series(found.sequence, dtype=pl.UInt32)
    broken = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
    return _parsed(lines, sequence, broken, found.rejected, context, only)


def _parsed(
    lines: pl.Series,
    sequence: pl.Series,
    broken: pl.Series,
    rejected: list[tuple[int, str]],
    context: Context,
    only: tuple[str, ...] | None,
) -> Reading:
    parsed = parse_lines(lines, context, only=only)
    frame = frames.conform(
        parsed.frame.with_columns(sequence.cast(pl.Int64).alias("event.sequence"))
    )
    original = pl.col("event.original").fill_null(pl.lit(lines))
    flow = pl.col("event.dataset") == "network.flow"
    unknown = pl.col("event.dataset").is_null()
    frame = frame.with_columns(
        # a row of eighty numbers is kept in the sealed batch only
        pl.when(flow.fill_null(False)).then(None).otherwise(original).alias("event.original"),
        pl.col("event.dataset").fill_null(pl.lit(UNPARSED)),
        pl.when(unknown).then(pl.lit(UNPARSED)).otherwise("event.category").alias("event.category"),
        pl.when(pl.lit(broken))
        .then(pl.lit(_NOT_UTF8))
        .otherwise("error.message")
        .alias("error.message"),
    )
    frame = frame.with_columns(frames.storable(frame["event.original"]))
    frame = frame.filter(~parsed.structure)
    return Reading(
        frame=frame,
        items=frame.height + len(rejected),
        rejected=rejected,
        unparsed=int((frame["event.dataset"] == UNPARSED).sum()),
        notes=parsed.notes,
        choices=parsed.choices,
    )


def _events(content: bytes, context: Context) -> Reading:
    try:
        events, broken = evtx.windows_events(content)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    lines = pl.Series(events, dtype=pl.String)
    sequence = pl.Series(range(lines.len()), dtype=pl.UInt32)
    whole = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
    rejected = [(len(events) + n, "an event record that is damaged") for n in range(broken)]
    return _parsed(lines, sequence, whole, rejected, context, None)


def _capture(source: capture.Source) -> Reading:
    try:
        frame, rejected, notes = capture_records.read(source)
    except capture.CaptureError as error:
        raise Unreadable(str(error)) from error
    return Reading(frame, frame.height + len(rejected), rejected, 0, notes)


def _netflow(content: bytes) -> Reading:
    exporter = netflow.Exporter()
    frame = netflow.read(netflow.unpack(content), exporter)
    frame = frame.with_columns(pl.Series("event.sequence", range(frame.height), dtype=pl.Int64))
    rejected = [
        (frame.height + n, f"{count} {reason}")
        for n, (count, reason) in enumerate(
            (
                (exporter.malformed, "datagrams or sets that contradict themselves"),
                (exporter.early, "sets of flows whose template the exporter had not told yet"),
            )
        )
        if count
    ]
    return Reading(frame, frame.height + len(rejected), rejected, 0)


def _file(content: bytes, context: Context) -> Reading:
    frame = pl.DataFrame(
        {
            "@timestamp": [context.received.astimezone(UTC)],
            "event.sequence": [0],
            "event.dataset": ["file"],
            "event.category": ["file"],
            "event.action": ["file_received"],
            "file.path": [context.file_name or None],
            "file.size": [len(content)],
            "file.hash.sha256": [hashlib.sha256(content).hexdigest()],
        },
        schema_overrides={"file.path": pl.String},
    )
    return Reading(frames.conform(frame), 1, [], 0)
