"""A recording of the range as labelled tables to learn from and to test on.

`python -m tests.benchmarks range_tables RECORDING... --flows FILE --requests FILE` meters the
packets of each recording, reads the HTTP requests in them, and labels both by its timetable.

Labels are "kind (tool)" of the phase that claims a record, or "benign". Left out are logins with
a password that was found (one such flow is what any login is) and, of the requests, floods and
scans (nothing is wrong with the text of each). `ml_core` counts requests of an injection as
attacks of a kind not told: the timetable does not know which each one was, nor which are the
tool's harmless first looks.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import polars as pl

from apps.acquisition.traffic.whole import Traffic, read
from tests.range.timetable import BENIGN, Phase, load

NOT_REQUESTS = ("flood", "slow_http", "port_scan")  # what is wrong with them is not in the text
LOGGED_IN = "ssh"  # the tool of a phase that is a login, not an attempt


def _traffic(recording: Path) -> Traffic:
    return read(gzip.decompress((recording / "capture.pcap.gz").read_bytes()))


def flow_table(recording: Path) -> pl.DataFrame:
    """CICFlowMeter columns with `Src IP`, `Dst IP`, `Dst Port`, `Timestamp` and `Label`."""
    flows = _labelled(_traffic(recording).flows, load(recording / "timetable.json"))
    return flows.filter(~pl.col("Label").str.ends_with(f"({LOGGED_IN})")).rename(
        {
            "@timestamp": "Timestamp",
            "source.ip": "Src IP",
            "destination.ip": "Dst IP",
            "destination.port": "Dst Port",
        }
    )


def request_table(recording: Path) -> pl.DataFrame:
    """`request` (as the request network reads it) and `Label`."""
    requests = _labelled(_traffic(recording).requests, load(recording / "timetable.json"))
    told = requests.filter(~pl.col("Label").str.contains_any([f"{k} (" for k in NOT_REQUESTS]))
    return told.select(
        pl.format(
            "{} {}\n{}",
            pl.col("http.request.method"),
            pl.col("url.original"),
            pl.col("http.request.body.content").fill_null(""),
        ).alias("request"),
        "Label",
    )


def _labelled(records: pl.DataFrame, phases: list[Phase]) -> pl.DataFrame:
    """With `Label`, "kind (tool)" of the attack phase that claims the record, or "benign"."""
    attacks = [phase for phase in phases if phase.kind != BENIGN]
    labels: list[str] = []
    for source, destination, at in records.select(
        "source.ip", "destination.ip", pl.col("@timestamp").dt.epoch("us")
    ).iter_rows():
        ends = {source, destination}
        phase = next(
            (
                p
                for p in attacks
                if ends == {p.source, p.destination} and p.start <= at / 1e6 <= p.end
            ),
            None,
        )
        labels.append(BENIGN if phase is None else f"{phase.kind} ({phase.tool})")
    return records.with_columns(pl.Series("Label", labels, dtype=pl.String))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--flows", type=Path, required=True, help="parquet file to write")
    parser.add_argument("--requests", type=Path, required=True, help="parquet file to write")
    chosen = parser.parse_args()
    flows = pl.concat(flow_table(recording) for recording in chosen.recordings)
    requests = pl.concat(request_table(recording) for recording in chosen.recordings)
    flows.write_parquet(chosen.flows)
    requests.write_parquet(chosen.requests)
    counts = {
        name: dict(table["Label"].value_counts().sort("Label").iter_rows())
        for name, table in (("flows", flows), ("requests", requests))
    }
    print(json.dumps(counts, indent=2))


if __name__ == "__main__":
    main()
