"""What real programs wrote is read: the range's recordings, and real logs where they lie beside us."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.parsers import RANGE, TARGET, files, measured

BESIDE = Path(__file__).parents[3] / "shared" / "data"
EXPECTED = {
    "access.log.gz": "nginx.access",
    "auth.log.gz": "sshd.auth",
    "error.log.gz": "nginx.error",
    "vsftpd.log.gz": "vsftpd.log",
}


@pytest.mark.parametrize("folder", ["range", "range_holdout"])
def test_every_line_of_the_ranges_recordings_is_recognised(folder: str) -> None:
    told = {
        name: measured(name, content)
        for name, content in files([RANGE / folder])
        if "pcap" not in name
    }
    for name, dataset in EXPECTED.items():
        assert told[name]["claimed"], name
        assert told[name]["recognised"] == 1, name
        assert dataset in told[name]["datasets"], name
    assert not any("exception" in each for each in told.values())
    assert not told["uploads/sizes-1.csv"]["claimed"], "what is no log is not taken for one"


@pytest.mark.skipif(not (BESIDE / "logs").is_dir(), reason="no real logs lie beside this tree")
def test_real_logs_are_recognised_where_a_parser_claims_their_format() -> None:
    told = {name: measured(name, content) for name, content in files([BESIDE / "logs"])}
    claimed = {name: each for name, each in told.items() if each.get("claimed")}
    assert len(claimed) >= 20
    below = {n: each["recognised"] for n, each in claimed.items() if each["recognised"] < TARGET}
    assert not below
    assert not [each for each in told.values() if "exception" in each or "unreadable" in each]
