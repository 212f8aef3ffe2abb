"""`tocsin analyse`: files in, readable incidents out, whatever the files hold."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from rich.console import Console

from apps.center.analyse import analyse, document
from apps.center.report import show

RECORDING = files("knowledge_base") / "risk_data" / "range"


def text_of(paths: list[Path]) -> str:
    out = io.StringIO()
    show(analyse(paths, ""), Console(file=out, width=120, highlight=False))
    return out.getvalue()


@pytest.fixture(scope="module")
def auth_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "auth.log"
    path.write_bytes(gzip.decompress((RECORDING / "auth.log.gz").read_bytes()))
    return path


def test_recorded_password_guessing_is_one_incident_with_all_its_parts(auth_log: Path) -> None:
    analysis = analyse([auth_log], "victim")
    assert [each.case.campaign.kind for each in analysis.incidents] == ["brute_force"]
    told = json.loads(json.dumps(document(analysis)))
    (incident,) = told["incidents"]
    assert incident["attacker"]["addresses"][0]["value"] == "10.77.0.66"
    assert incident["attacker"]["accounts_taken"] == ["intern"]
    assert incident["clue_tree"]["children"]
    assert incident["matches"][0]["reasons"]
    assert {step["host"] for step in incident["remedy"]["steps"]} == {"victim"}


def test_the_report_names_incident_tree_attacker_verdict_and_remedy(auth_log: Path) -> None:
    said = text_of([auth_log])
    for part in ("Incident 1", "10.77.0.66", "Attacker", "verdict", "block_address", "intern"):
        assert part in said


def test_a_quiet_log_makes_no_incident(tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    path.write_text(
        "Nov 22 10:00:01 web sshd[11]: Accepted publickey for alice from 192.0.2.7 port 50000 ssh2:"
        " ED25519 SHA256:abc\n"
        "Nov 22 10:05:01 web sshd[12]: Failed password for alice from 192.0.2.7 port 50001 ssh2\n"
    )
    analysis = analyse([path], "web")
    assert analysis.files[0].records == 2
    assert analysis.incidents == ()
    assert "Nothing abnormal" in text_of([path])


def test_files_that_cannot_be_read_cost_no_others(auth_log: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(b"\xd4\xc3\xb2\xa1\x02\x00")
    empty = tmp_path / "empty.log"
    empty.touch()
    analysis = analyse([broken, empty, tmp_path / "missing.log", tmp_path, auth_log], "")
    assert [bool(file.error) for file in analysis.files] == [True, True, True, True, False]
    assert len(analysis.incidents) == 1


def test_what_an_attacker_wrote_cannot_style_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "[red]owned.log"
    line = '{} - - [22/Nov/2026:10:00:0{} +0000] "GET /?q=1%27+UNION+SELECT+1,2,3--+[bold]x HTTP/1.1" 200 5 "-" "\x1b[31msqlmap/1.7"\n'
    path.write_text("".join(line.format("192.0.2.66", n) for n in range(9)))
    said = text_of([path])
    assert "[red]owned.log" in said
    assert "\x1b" not in said


def test_the_command_prints_one_json_document_and_says_by_its_exit_what_failed(
    tmp_path: Path,
) -> None:
    with as_file(RECORDING / "auth.log.gz") as packed:
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", "analyse", "--json", str(packed), "nowhere.pcap"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["format"] == "tocsin-analysis/1"
    assert told["files"][1]["error"]
    assert len(told["incidents"]) == 1
    assert "Traceback" not in done.stderr
