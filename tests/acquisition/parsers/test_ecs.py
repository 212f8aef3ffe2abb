"""ECS documents: columns for what they know, labels for the rest, lines inside read by others."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from apps.acquisition.collecting import DATASETS
from apps.acquisition.reading import read
from tests.acquisition.parsers.trying import first_choice, lines_of, one, records
from tests.acquisition.samples import ACCESS, ZEEK_JSON

PROTOCOLS_OF_JSON = ("ndjson", "auto", "lines", "observed")


def test_what_no_column_keeps_becomes_a_label() -> None:
    document = {
        "@timestamp": "2026-11-22T09:58:49.250Z",
        "event": {"category": ["host", "process"], "action": "exec", "code": 4, "risk_score": 7},
        "process": {"name": "sh", "args": ["sh", "-c"], "parent": {"executable": "/bin/x"}},
        "agent": {"version": "9"},
        "ecs.version": "8.11",
        "labels": {"env": "prod"},
        "cloud": {"region": "north"},
    }
    assert one(document) == {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC),
        "event.dataset": "ecs",
        "event.category": "host",
        "event.action": "exec",
        "event.code": "4",
        "event.original": lines_of(document)[0],
        "process.name": "sh",
        "process.parent.executable": "/bin/x",
        "labels": {
            "event.risk_score": 7,
            "process.args": "sh -c",
            "labels.env": "prod",
            "cloud.region": "north",
        },
    }


def test_answers_and_recipients_are_kept_all() -> None:
    said = one(
        {
            "dns": {"question": {"name": "e"}, "answers": [{"data": "192.0.2.1"}, {"data": "b"}]},
            "email": {"to": {"address": ["a@example.org", "b@example.org"]}},
            "source": {"ip": ["192.0.2.7", "192.0.2.8"]},
        }
    )
    assert said["dns.answers"] == "192.0.2.1 b"
    assert said["email.to.address"] == "a@example.org b@example.org"
    assert said["source.ip"] == "192.0.2.7"


def test_labels_of_a_line_and_of_the_document_around_it_are_both_kept() -> None:
    said = one({"message": ZEEK_JSON.replace('"ts"', '"uid":"C1","ts"'), "tags": ["x"]})
    assert (said["event.dataset"], said["labels"]) == ("zeek.conn", {"uid": "C1", "tags": "x"})
    assert one({"message": ACCESS, "tags": ["x"]})["labels"]["tags"] == "x"


def test_documents_of_sensors_go_to_their_own_parsers_however_few_they_are() -> None:
    plain = {"@timestamp": "2026-11-22T09:58:49Z", "source": {"ip": "192.0.2.1"}}
    said = records(*[plain] * 8, ZEEK_JSON, {"message": "hello"})
    assert [row["event.dataset"] for row in said] == [*["ecs"] * 8, "zeek.conn", "unparsed"]
    assert first_choice([json.dumps(plain)]) == "ecs"


def test_programs_that_log_json_say_when_how_grave_and_what() -> None:
    caddy = {"level": "warn", "ts": 1795341529.25, "logger": "tls", "msg": "stapling OCSP"}
    slog = {"time": "2026-11-22T09:58:49.25Z", "level": "WARN", "msg": "stapling OCSP"}
    pino = {"level": "warn", "time": 1795341529250, "msg": "stapling OCSP", "pid": 8}
    for document in (caddy, slog, pino):
        said = one(document)
        assert said["event.dataset"] == "ecs"
        assert said["@timestamp"] == datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC)
        assert (said["log.level"].lower(), said["message"]) == ("warn", "stapling OCSP")
    assert one(caddy)["labels"] == {"logger": "tls"}


def test_the_line_in_a_containers_log_is_read() -> None:
    line = "Failed password for root from 192.0.2.9 port 4 ssh2"
    line = f"Nov 22 09:58:49 web sshd[8]: {line}"
    said = one({"log": line + "\n", "stream": "stderr", "time": "2026-11-22T09:58:50.1Z"})
    assert (said["event.dataset"], said["source.ip"]) == ("sshd.auth", "192.0.2.9")
    assert said["labels"]["stream"] == "stderr"


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_only_our_own_collectors_speak_in_their_name(dataset: str) -> None:
    document = {
        "event": {"dataset": dataset, "action": "added", "category": "host"},
        "message": "toor has the rights of root",
        "user": {"name": "toor"},
    }
    content = json.dumps(document).encode() + b"\n"
    said = {
        p: read(content, protocol=p).frame["event.dataset"].to_list() for p in PROTOCOLS_OF_JSON
    }
    assert said == {"ndjson": ["ecs"], "auto": ["ecs"], "lines": ["ecs"], "observed": [dataset]}
