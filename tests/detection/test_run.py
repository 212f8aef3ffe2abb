"""All tools together: found by name, independent of each other, only what is new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest

from apps.acquisition.frames import conform, empty
from apps.contracts import Finding
from apps.detection import evidence, run
from tests.detection.made import START, file, frame, knock, login, request

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "detection-tools.md"


@dataclass(frozen=True)
class Broken:
    name: str = "broken"
    title: str = "Broken"
    description: str = "Fails."

    @property
    def reads(self) -> pl.Expr:
        return pl.lit(True)

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        raise ZeroDivisionError("of course")


def mixed() -> pl.DataFrame:
    rows = [login(i, "root") for i in range(20)]
    rows += [knock(30 + p / 100, p) for p in range(1, 60)]
    rows += [request(60, "/?q=1%20union%20select%202")]
    return frame(rows)


def test_findings_of_all_tools_come_in_order_of_time() -> None:
    kinds = [one.kind.value for one in run.search(mixed()).findings]
    assert kinds == ["brute_force", "port_scan", "web_injection"]


def test_a_tool_that_fails_costs_nobody_elses_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run.search(mixed())
    monkeypatch.setattr(run, "tools", lambda: MappingProxyType({"broken": Broken(), **_all()}))
    partly = run.search(mixed())
    assert partly.findings == whole.findings
    assert whole.failures == {}
    assert partly.failures == {"broken": "ZeroDivisionError: of course"}


_all = run.tools


def test_nothing_is_found_in_nothing() -> None:
    assert run.search(empty()) == run.Search((), {})
    nulls = conform(pl.DataFrame({"event.sequence": [0, 1]}))
    assert run.search(nulls) == run.Search((), {})


def test_records_without_a_time_are_given_the_one_they_were_received_at() -> None:
    shell = {**file("/srv/a.php", b"<?php system($_GET['c']);")}
    untimed = frame([shell]).with_columns(
        pl.lit(None, pl.Datetime("us", "UTC")).alias("@timestamp")
    )
    (one,) = run.search(untimed, START + timedelta(hours=1)).findings
    assert one.first == one.last == START + timedelta(hours=1)


def test_everything_a_tool_extracts_is_json_that_postgresql_can_keep() -> None:
    import json

    rows = [
        request(0, "/?q=1%20union%20select%00%07%202"),
        file("/srv/\x07a.php", b"<?=`$_GET[0]`?>"),
    ]
    findings = run.search(frame(rows)).findings
    assert len(findings) == 2
    for one in findings:
        text = json.dumps(dict(one.parameters), allow_nan=False)
        assert "\\u0000" not in text + one.title


def test_every_tool_is_documented() -> None:
    text = DOCUMENTATION.read_text("utf-8")
    for name, tool in run.tools().items():
        assert f"## `{name}`" in text, f"{name} is missing from docs/detection-tools.md"
        assert tool.title
        assert tool.description.endswith(".")


def test_a_burst_is_seen_whole_wherever_it_lies() -> None:
    span = timedelta(minutes=2)
    for offset in range(0, 240, 17):
        rows = frame({"t": offset + i, "source.ip": "192.0.2.1"} for i in range(60))
        windows = evidence.crossings(
            rows, ["source.ip"], span=span, counts={"n": pl.len()}, over=pl.col("n") >= 60
        )
        assert windows.height >= 1
        assert evidence.within(rows, windows, ["source.ip"], span).height == 60


def everything() -> pl.DataFrame:
    """Records of every kind that a tool reads, and as many that none does."""
    start = START - timedelta(minutes=5)
    rows = [login(i, "root") for i in range(20)] + [login(21, "root", outcome=None)]
    rows += [knock(30 + p / 100, p) for p in range(1, 60)]
    rows += [request(60, "/?q=1%20union%20select%202")]
    rows += [{"@timestamp": start, "event.category": "dns", "event.dataset": "bind.query"}] * 5
    return frame(rows)


def test_a_tool_finds_nothing_in_what_it_says_it_does_not_read() -> None:
    table = evidence.ready(everything())
    lookers = run.lookers(table)
    assert {"login_brute_force", "port_scan", "web_request_signatures"} <= set(lookers)
    for name, tool in run.tools().items():
        alone = tool.detect(table)
        assert tool.detect(table.filter(tool.reads)) == alone, name
        assert bool(alone) <= (name in lookers), name
    nobody = table.filter(pl.col("event.category") == "dns")
    assert run.lookers(nobody) == {}
