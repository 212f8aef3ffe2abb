"""Lines of every parser, as the tests beside this file have them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from tests.acquisition.samples import ACCESS, ZEEK, ZEEK_HEADER, ZEEK_JSON

_WHERE = {
    "access_log": ("SAMPLES",),
    "auditd": ("LINES", "HEADED"),
    "cef": ("DENIED", "LOGIN", "WEB"),
    "dns_query": ("CASES",),
    "haproxy": ("SAMPLES",),
    "iis": ("SAMPLES",),
    "journal": ("LINES",),
    "mysql": ("SAMPLES",),
    "netfilter": ("LINES",),
    "pf": ("LINES",),
    "postfix": ("LINES",),
    "postgresql": ("SAMPLES",),
    "sshd": ("TOLD",),
    "suricata": ("ALL",),
    "syslog": ("LINES",),
    "tomcat": ("SAMPLES",),
    "vsftpd": ("LINES",),
    "web_error": ("SAMPLES",),
    "web_json": ("SAMPLES",),
    "windows": ("ALL",),
    "zeek": ("ALL",),
}
"""Parser → the names of its lines in its test."""


@cache
def examples() -> Mapping[str, Sequence[str]]:
    """Parser → lines that it should read, headers above what they describe."""
    found = {name: _lines(name, names) for name, names in _WHERE.items()}
    made = import_module("tests.acquisition.test_parsers")
    documents = [
        {"@timestamp": "2026-11-22T09:00:00Z", "source": {"ip": "192.0.2.1"}, "user.name": "ann"},
        {"@timestamp": "2026-11-22T09:00:00Z", "event": {"category": ["process"], "action": "exec"},
         "process": {"name": "sh", "pid": 7, "command_line": "sh -c id"}, "ecs.version": "8.11"},
    ]  # fmt: skip
    head = "Nov 22 09:58:49 web sshd[812]: "
    return found | {
        "access_log": [ACCESS, *found["access_log"]],
        "cicflowmeter": [made.HEADER, made.FLOW],
        "ecs": [json.dumps(document) for document in documents],
        "leef": _lines("cef", ("ONE", "TWO", "HEX", "BARE"), "test_cef"),
        "sshd": [made.FAILED, made.ACCEPTED, made.SUDO, *(head + each for each in found["sshd"])],
        "zeek": [*ZEEK_HEADER.split("\n"), ZEEK, ZEEK_JSON, *found["zeek"]],
    }


def _lines(name: str, names: Iterable[str], module: str = "") -> list[str]:
    test = import_module(f"tests.acquisition.parsers.{module or f'test_{name}'}")
    return [line for each in names for line in _texts(getattr(test, each))]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [json.dumps(value)]
    return [
        each[0] if isinstance(each, tuple) and isinstance(each[0], str) else _texts(each)[0]
        for each in value
    ]
