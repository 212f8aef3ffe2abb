"""The shipped recordings: complete, labelled, small, and honest about what is in them."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import struct
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.range.timetable import BENIGN, KINDS, Phase, Timetable, label, load

RISK_DATA = Path(__file__).parents[2] / "knowledge_base" / "risk_data"
RECORDINGS = [RISK_DATA / "range", RISK_DATA / "range_holdout"]
LARGEST = 5_000_000
ACCESS_LINE = re.compile(r'[\d.:]+ - \S+ \[[^]]+\] ".*" \d{3} \d+ ".*" ".*"')
AUTH_LINE = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d victim \w+(\[\d+\])?: ")


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.name)
def recording(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines()


def packet_times(content: bytes) -> tuple[float, float]:
    """When the first and the last packet of a little-endian pcap came."""
    times, at = [], 24
    while at < len(content):
        seconds, micros, kept, _ = struct.unpack_from("<IIII", content, at)
        times.append(seconds + micros / 1e6)
        at += 16 + kept
    return times[0], times[-1]


def test_every_kind_is_there_and_benign_visits_lie_around_the_attacks(recording: Path) -> None:
    phases = load(recording / "timetable.json")
    assert {phase.kind for phase in phases} == set(KINDS)
    attacks = [phase for phase in phases if phase.kind != BENIGN]
    visits = [phase for phase in phases if phase.kind == BENIGN]
    assert min(visit.start for visit in visits) < min(attack.start for attack in attacks)
    assert max(visit.end for visit in visits) > max(attack.end for attack in attacks)
    during = [v for v in visits if any(a.start < v.start < a.end for a in attacks)]
    assert len(during) > 50
    assert len(visits) > 10 * len(attacks)
    assert not {visit.source for visit in visits} & {attack.source for attack in attacks}
    assert [visit for visit in visits if visit.note] == []  # none of them failed


def test_phases_of_one_attacker_never_overlap(recording: Path) -> None:
    attacks = [p for p in load(recording / "timetable.json") if p.kind != BENIGN]
    for source in {attack.source for attack in attacks}:
        own = sorted((p for p in attacks if p.source == source), key=lambda p: p.start)
        assert all(a.end < b.start for a, b in pairwise(own))


def test_the_logs_read_like_debians(recording: Path) -> None:
    access = lines(recording / "access.log.gz")
    assert len(access) > 1000
    assert [line for line in access if not ACCESS_LINE.fullmatch(line)] == []
    auth = lines(recording / "auth.log.gz")
    assert [line for line in auth if not AUTH_LINE.match(line)] == []
    attackers = json.loads((recording / "timetable.json").read_text())["attackers"]
    guesses = Counter(
        line.rsplit(" from ", 1)[1].split()[0] for line in auth if "]: Failed password for" in line
    )
    worst, count = guesses.most_common(1)[0]
    assert worst in attackers
    assert count >= 15
    assert any(f"Accepted password for intern from {worst} " in line for line in auth)
    assert any("FAIL LOGIN" in line for line in lines(recording / "vsftpd.log.gz"))


def test_the_facts_are_those_of_the_uploaded_files(recording: Path) -> None:
    facts = json.loads((recording / "facts.json").read_text())
    told = {Path(file["path"]).name: file for file in facts["files"]}
    shipped = {path.name: path.read_bytes() for path in (recording / "uploads").iterdir()}
    assert set(told) == set(shipped)
    for name, content in shipped.items():
        assert told[name]["size"] == len(content)
        assert told[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert told[name]["owner"] == "www-data"
    assert any(content.startswith(b"<?php") for content in shipped.values())
    assert facts["nft_ruleset"].startswith("table inet filter {")
    assert {"intern", "tocsin"} <= {account["name"] for account in facts["passwd"]}


def test_it_is_small_and_the_capture_is_one(recording: Path) -> None:
    sizes = [path.stat().st_size for path in recording.rglob("*") if path.is_file()]
    assert max(sizes) < LARGEST
    content = gzip.decompress((recording / "capture.pcap.gz").read_bytes())
    assert content[:4] == b"\xd4\xc3\xb2\xa1"
    first, last = packet_times(content)
    phases = load(recording / "timetable.json")
    assert first < min(phase.start for phase in phases) + 2  # a client takes a moment to start
    assert last > max(phase.start for phase in phases)


def test_a_label_holds_for_its_addresses_and_its_time_only() -> None:
    attack = Phase("flood", 100.0, 110.0, "10.77.0.66", "10.77.0.10", "hping3", "", "T1498.001")
    benign = Phase(BENIGN, 90.0, 120.0, "10.77.0.101", "10.77.0.10", "client", "", "")
    both = [benign, attack]
    assert label(both, "10.77.0.66", "10.77.0.10", 100.0) == "flood"
    assert label(both, "10.77.0.10", "10.77.0.66", 110.0) == "flood"
    assert label(both, "10.77.0.66", "10.77.0.10", 110.1) == BENIGN
    assert label(both, "10.77.0.101", "10.77.0.10", 105.0) == BENIGN
    assert label(both, "10.77.0.66", "10.77.0.5", 105.0) == BENIGN


def test_a_timetable_comes_back_as_it_was_written(tmp_path: Path) -> None:
    table = Timetable(victim="10.77.0.10", attackers=["10.77.0.66"])
    late = Phase("flood", 2.5, 3.0, "10.77.0.66", "10.77.0.10", "hping3", "hping3 -S", "T1498.001")
    early = Phase(BENIGN, 1.0, 2.0, "10.77.0.101", "10.77.0.10", "client", "browse", "")
    table.add(late)
    table.add(early)
    table.write(tmp_path / "timetable.json")
    assert load(tmp_path / "timetable.json") == [early, late]
    with pytest.raises(ValueError, match="unknown kind"):
        table.add(Phase("mischief", 0, 1, "", "", "", "", ""))
