"""The engines every test of an edge runs against: a real PostgreSQL, made for this run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.home import HOME

CHAINS = ("protection_seal", "protection_auditentry")


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """TOCSIN_DATABASE_URL where it is given, else a private server of this run."""
    if given := os.environ.get("TOCSIN_DATABASE_URL"):
        yield given
        return
    from tocsin.engines import Postgres

    server = Postgres.at(HOME)
    server.prepare()
    log = (HOME / "postgres.log").open("wb")
    fast = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    process = subprocess.Popen(
        server.command() + fast, stdout=log, stderr=log, cwd="/", **server.identity()
    )
    try:
        deadline = time.monotonic() + 30
        while not server.ready():
            assert process.poll() is None, (HOME / "postgres.log").read_text()
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


@pytest.fixture(scope="session", autouse=True)
def flush_may_empty_the_chains() -> None:
    """Tests with real transactions end in a flush, which the chains' triggers would refuse;
    and the roles, which a migration made, are made again."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    flush = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, style: object, tables: list[str], **options: bool):
        chains = [table for table in tables if table in CHAINS]
        roles = "INSERT INTO auth_group (name) SELECT unnest(ARRAY['analyst', 'approver',"
        roles += " 'administrator', 'responder'])"
        return [
            *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in chains),
            *flush(self, style, tables, **options),
            *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in chains),
            *([roles] if "auth_group" in tables else []),
        ]

    DatabaseOperations.sql_flush = sql_flush
