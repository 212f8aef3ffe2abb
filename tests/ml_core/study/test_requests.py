"""What the topic of requests tests on."""

from __future__ import annotations

import json
from pathlib import Path

from ml_core.study.requests import as_read, known_exploits


def test_known_exploits_are_what_rules_for_web_servers_seek_as_values_of_a_parameter(
    tmp_path: Path,
) -> None:
    seeks = {"cs-uri-query|contains": ["${jndi:ldap:/", "/static/page.html", "*?x=%24(id)*"]}
    left_out = {"cs-uri-query|contains": "${harmless}"}
    detection = {"selection": seeks, "filter_main": left_out, "condition": "selection"}
    rules = [
        {"path": "web_a.yml", "logsource": {"category": "webserver"}, "detection": detection},
        {"path": "b.yml", "logsource": {"category": "dns"}, "detection": {"keywords": ["../../x"]}},
        {
            "path": "web_xss_in_access_logs.yml",
            "logsource": {"category": "webserver"},
            "detection": {"keywords": ["<script>"]},
        },
    ]
    folder = tmp_path / "reference"
    folder.mkdir()
    path = folder / "sigma_rules_all.jsonl.zst"
    path.write_text("".join(json.dumps(rule) + "\n" for rule in rules), encoding="utf-8")
    rows = known_exploits(tmp_path)
    assert [as_read(text) for text in rows.texts] == [
        "/index.php?q=${jndi:ldap:/",
        "/index.php?q=x=$(id)",
    ]
    assert rows.attack.all()
