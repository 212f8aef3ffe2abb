"""The chooser at work in several threads, and in lines within lines."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from apps.acquisition.parsing import Context, parse_lines

_ACCESS = '10.0.0.{n} - - [22/Nov/2026:10:00:{n:02}] "GET / HTTP/1.1" 200 5 "-" "curl/8"'
_SSHD = "Nov 22 10:00:{n:02} web sshd[7]: Failed password for root from 10.0.0.{n} port 4711 ssh2"
_JOURNAL = {"__REALTIME_TIMESTAMP": "1700000000000000", "SYSLOG_IDENTIFIER": "sshd", "_PID": "7"}


def _lines() -> pl.Series:
    lines = []
    for n in range(10, 40):
        access = _ACCESS.format(n=n).replace("] ", " +0000] ", 1)
        sshd = _SSHD.format(n=n)
        inner = sshd.partition(": ")[2]
        lines += [
            access,
            sshd,
            json.dumps({"message": access}),
            json.dumps({"message": json.dumps(_JOURNAL | {"MESSAGE": inner})}),
        ]
    return pl.Series(lines)


def _datasets() -> list[str]:
    return parse_lines(_lines(), Context()).frame["event.dataset"].to_list()


def test_lines_within_lines_within_lines_find_their_parsers() -> None:
    assert _datasets() == ["nginx.access", "sshd.auth", "nginx.access", "sshd.auth"] * 30


def test_many_threads_read_at_once_and_none_waits_for_ever() -> None:
    alone = _datasets()
    with ThreadPoolExecutor(8) as threads:
        tries = [threads.submit(_datasets) for _ in range(24)]
        assert all(each.result(timeout=60) == alone for each in tries)
