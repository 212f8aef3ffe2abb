"""What becomes of a line: its parser, how sure it is, its fields, the tools that look at it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from apps.acquisition.written.checking import load
from apps.center import explain
from tests.acquisition.samples import ACCESS, FAILED, ZEEK, ZEEK_HEADER
from tests.acquisition.written.test_written import GATE, LINE

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOCSIN = Path(sys.executable).parent / "tocsin"


def test_each_line_says_its_parser_its_fields_and_who_looks_at_it() -> None:
    text = "\n".join([FAILED, ACCESS, "what?", *ZEEK_HEADER.split("\n"), ZEEK, LINE, ""])
    told = explain.explain(text, received=NOW, written=[load(GATE, "gate.yml")])
    failed, access, nobody, header, _path, _fields, conn, gate = told.lines
    assert (failed.parser, failed.others) == ("sshd", ("syslog",))
    assert failed.fields["user.name"] == "oracle"
    assert failed.tools == ("login_brute_force",)
    tools = ("flood", "strange_requests", "web_request_signatures")
    assert (access.parser, access.tools) == ("access_log", tools)
    assert (nobody.parser, nobody.fields, nobody.tools) == ("", {}, ())
    assert (header.parser, header.is_structure, header.fields) == ("zeek", True, {})
    assert (conn.parser, "port_scan" in conn.tools) == ("zeek", True)
    assert (gate.parser, gate.tools) == ("acme_gate", ("login_brute_force",))
    sure = {choice.parser: choice.sniff for choice in told.choices}
    assert sure["zeek"] > sure["sshd"] > 0


def test_what_is_pasted_is_bounded() -> None:
    told = explain.explain(f"{ACCESS}\r\n\r\n" * 3000, received=NOW)
    assert len(told.lines) == explain.MOST_LINES
    assert len(told.lines) + told.left_out < 3000
    assert told.lines[0].text == ACCESS
    assert explain.explain(" \n\t\n", received=NOW).lines == ()


def run(home: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TOCSIN, *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={"TOCSIN_HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "80"},
    )


def test_the_terminal_tells_the_same_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "parsers").mkdir()
    (tmp_path / "parsers" / "gate.yml").write_text(GATE)
    (tmp_path / "parsers" / "broken.yml").write_text(GATE.replace("pattern", "patern"))
    told = run(tmp_path, "explain", "-", "--json", stdin=f"{LINE}\n{FAILED}")
    assert told.returncode == 0, told.stderr
    lines = json.loads(told.stdout)["lines"]
    assert [line["parser"] for line in lines] == ["acme_gate", "sshd"]
    file = tmp_path / "auth.log"
    file.write_text(f"{FAILED}\x1b[31m[bold]\n")
    shown = run(tmp_path, "explain", str(file)).stdout
    assert "203.0.113.9" in shown
    assert "\x1b" not in shown
    checked = run(tmp_path, "parsers", "check")
    assert checked.returncode == 1
    assert "✓ acme_gate: acme.gate" in checked.stdout
    assert "✗ broken.yml: line 1: " in checked.stdout
    assert run(tmp_path, "parsers", "check", str(tmp_path / "parsers/gate.yml")).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["auth.log", "parsers"]
    missing = run(tmp_path, "explain", str(tmp_path / "none.log"))
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
