"""Settings come from the environment and are safe where it says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tocsin.home import secret
from tocsin.settings import database


def test_a_database_url_becomes_a_django_entry() -> None:
    entry = database("postgresql://us%40er:p%2Fw@db.example:5433/name?sslmode=require")
    assert entry["USER"] == "us@er"
    assert entry["PASSWORD"] == "p/w"
    assert (entry["HOST"], entry["PORT"], entry["NAME"]) == ("db.example", "5433", "name")
    assert entry["OPTIONS"] == {"sslmode": "require"}


def test_a_socket_folder_is_taken_from_the_query() -> None:
    entry = database("postgresql://tocsin:x@/tocsin?host=/run/pg")
    assert (entry["HOST"], entry["PORT"]) == ("/run/pg", "")


def test_a_secret_is_made_once_and_only_we_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path))
    monkeypatch.delenv("TOCSIN_SOME_KEY", raising=False)
    first = secret("some_key")
    assert secret("some_key") == first
    assert len(first) >= 48
    assert (tmp_path / "secrets" / "some_key").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("TOCSIN_SOME_KEY", "given")
    assert secret("some_key") == "given"


def test_behind_tls_every_cookie_is_secure(tmp_path: Path) -> None:
    script = "from tocsin import settings as s; print(s.DEBUG, s.SESSION_COOKIE_SECURE, "
    script += "s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS > 0)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TOCSIN_HOME": str(tmp_path), "TOCSIN_TLS": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True", "True", "True"]


def test_every_refusal_carries_the_policy_even_one_of_a_wrong_host(client: Client) -> None:
    answer = client.get("/login/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("given", ["abc", "0.5", "-1", "99999999"])
def test_a_number_that_is_none_is_one_clear_line(tmp_path: Path, given: str) -> None:
    for command in (["up", "--port", "1"], ["verify"]):
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", *command],
            env={**os.environ, "TOCSIN_HOME": str(tmp_path), "TOCSIN_RETENTION_DAYS": given},
            capture_output=True,
            text=True,
            timeout=60,
        )
        line = f"TOCSIN_RETENTION_DAYS must be a whole number from 0 to 36500, not {given!r}"
        assert (done.returncode, done.stderr) == (1, f"tocsin: {line}\n"), command


@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(
    tmp_path: Path, buffered: str
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", "parsers", "check"],
        env={**os.environ, "TOCSIN_HOME": str(tmp_path), "PYTHONUNBUFFERED": buffered},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_task_that_hangs_is_ended_before_another_worker_gets_it() -> None:
    waits = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert 0 < settings.CELERY_TASK_TIME_LIMIT <= waits
