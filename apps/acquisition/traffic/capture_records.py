"""The records of a capture: its flows, then its HTTP requests, and what is to be said about it."""

from __future__ import annotations

import polars as pl

from apps.acquisition import frames
from apps.acquisition.traffic import flow_meter, http_dialogues
from apps.acquisition.traffic import whole as traffic
from apps.acquisition.traffic.capture import CHUNK, Source
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES
from apps.acquisition.traffic.packets import Counts


def read(
    source: Source, chunk: int = CHUNK
) -> tuple[pl.DataFrame, list[tuple[int, str]], tuple[str, ...]]:
    """The records as a frame, what was rejected (sequence and reason), and notes.

    Raises what `capture.read_frames` does.
    """
    counts = Counts()
    flows, requests = [], []
    for part in traffic.stream(source, counts, chunk):
        flows.append(_packed(part.flows))
        requests.append(part.requests)
    flow_frame = _flow_records(flow_meter.in_order(flows))
    request_frame = _request_records(http_dialogues.in_order(requests))
    frame = pl.concat([flow_frame, request_frame])
    frame = frame.with_columns(pl.Series("event.sequence", range(frame.height), dtype=pl.Int64))
    rejected = [(frame.height + row, reason) for row, reason in enumerate(_rejected(counts))]
    return frame, rejected, _notes(counts, flow_frame.height, request_frame.height)


def _packed(flows: pl.DataFrame) -> pl.DataFrame:
    """The features of flows in the one column that is kept of them."""
    features = flows.select(FLOW_FEATURES).to_numpy()
    return flows.drop(FLOW_FEATURES).with_columns(frames.pack_features(features))


def _flow_records(flows: pl.DataFrame) -> pl.DataFrame:
    return frames.conform(
        flows.with_columns(
            pl.lit("network.flow").alias("event.dataset"),
            pl.lit("network").alias("event.category"),
            pl.lit("network_flow").alias("event.action"),
        )
    )


def _request_records(requests: pl.DataFrame) -> pl.DataFrame:
    return frames.conform(
        requests.with_columns(
            pl.lit("http.request").alias("event.dataset"),
            pl.lit("web").alias("event.category"),
            pl.lit("http_request").alias("event.action"),
            pl.when(pl.col("http.response.status_code") < 400)
            .then(pl.lit("success"))
            .when(pl.col("http.response.status_code").is_not_null())
            .then(pl.lit("failure"))
            .alias("event.outcome"),
            pl.lit("tcp").alias("network.transport"),
            pl.lit("http").alias("network.protocol"),
        )
    )


def _rejected(counts: Counts) -> list[str]:
    told = [
        (
            counts.malformed,
            f"{counts.malformed} packets whose IP header is cut or contradicts itself",
        ),
        (
            counts.truncated,
            f"{counts.truncated} packets that the capture announces and does not hold",
        ),
        (counts.broken_at is not None, f"1 the capture breaks off at byte {counts.broken_at}"),
    ]
    return [reason for is_so, reason in told if is_so]


def _notes(counts: Counts, flows: int, requests: int) -> tuple[str, ...]:
    notes = [f"{counts.frames} packets: {flows} flows, {requests} HTTP requests."]
    opened = sorted(counts.tunnels.items(), key=lambda tunnel: (-tunnel[1], tunnel[0]))
    tunnels = ", ".join(f"{name} {times}" for name, times in opened)
    orphans = f"; {counts.orphans} of them have no ports, as their first one is not in the capture"
    told = [
        (counts.other, f"{counts.other} packets carry no IP and were left out."),
        (counts.tunnels, f"Packets found in tunnels and tags, which were opened: {tunnels}."),
        (
            counts.fragments,
            f"{counts.fragments} packets are fragments{orphans if counts.orphans else ''}.",
        ),
        (
            counts.late,
            f"{counts.late} packets came so late in the file that their time was moved forward.",
        ),
        (
            counts.steps,
            f"The clock went back by more than two minutes {counts.steps} times; all flows end there.",
        ),
        (
            counts.evicted,
            f"{counts.evicted} flows were ended early, as more than {flow_meter.MOST_OPEN} were open.",
        ),
    ]
    return (*notes, *(sentence for is_so, sentence in told if is_so))
