"""The engines every test of an edge runs against: a real PostgreSQL, made for this run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Secrets of a test run live in a home of its own; set before Django reads its settings.
_HOME = tempfile.mkdtemp(prefix="tocsin-test-")
Path(_HOME).chmod(0o711)
os.environ["TOCSIN_HOME"] = _HOME

import pytest  # noqa: E402


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """TOCSIN_DATABASE_URL where it is given, else a private server of this run."""
    if given := os.environ.get("TOCSIN_DATABASE_URL"):
        yield given
        return
    from tocsin.engines import Postgres

    server = Postgres.at(Path(_HOME))
    server.prepare()
    log = Path(_HOME, "postgres.log").open("wb")
    fast = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    process = subprocess.Popen(
        server.command() + fast, stdout=log, stderr=log, cwd="/", **server.identity()
    )
    try:
        deadline = time.monotonic() + 30
        while not server.ready():
            assert process.poll() is None, Path(_HOME, "postgres.log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL did not come up"
            time.sleep(0.05)
        server.create(may_create_databases=True)
        yield server.url()
    finally:
        process.send_signal(2)
        process.wait(30)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_url: str) -> None:
    """pytest-django asks for this before it makes the test database."""
    from django.conf import settings
    from django.db import connections
    from tocsin.settings import database

    entry = database(database_url)
    keep = {key: entry[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")}
    settings.DATABASES["default"].update(keep)
    connections["default"].settings_dict.update(keep)


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)
