"""A worker process killed with SIGKILL in the middle of a real repair of a real host."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import connection

from apps.assistance import services
from apps.assistance.action import Output
from apps.assistance.models import Outcome
from apps.assistance.ssh import Connection
from apps.contracts import Command
from tests.assistance.machine import ATTACKER, Machine
from tests.assistance.made import approve, remedy


def killed_just_after(word: str, remedy_id: int) -> int:
    """Applies the remedy in a process of its own that dies when the host has run `word`."""
    parents = connection.connection
    child = os.fork()
    if child == 0:
        try:
            connection.connection = None  # the parent's line to the database stays the parent's
            run = Connection.run

            def run_and_die(self: Connection, command: Command, **how: float) -> Output:
                output = run(self, command, **how)
                if word in command.argv:
                    os.kill(os.getpid(), signal.SIGKILL)
                return output

            Connection.run = run_and_die  # type: ignore[method-assign]
            services.apply(remedy_id)
        finally:
            os._exit(0)
    assert connection.connection is parents
    return os.waitpid(child, 0)[1]


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_after_it_acted_is_followed_by_one_that_knows(machine: Machine) -> None:
    rules = machine.run("nft", "list", "ruleset")
    services.register_host(
        name="machine",
        address="",
        relay=machine.relay,
        user="testrepair",
        host_key=machine.host_key,
        private_key_pem=machine.key,
        actor="root",
    )
    it = remedy(("block_address", {"address": ATTACKER, "hours": 1}), host="machine")
    services.preview(it.pk)
    approve(it)
    assert killed_just_after("--file", it.pk) == signal.SIGKILL

    it.refresh_from_db()
    assert it.state == "applying"
    assert not machine.attacker_gets_in()
    assert Outcome.objects.get(ended_at=None).command["argv"][-2:] == ["--file", "-"]
    services.apply(it.pk)
    it.refresh_from_db()
    assert it.state == "applied"
    assert Outcome.objects.filter(phase="act").count() == 1  # it did not act twice

    services.undo(it.pk, "ada")
    it.refresh_from_db()
    assert it.state == "undone"
    assert machine.attacker_gets_in()
    assert machine.run("nft", "list", "ruleset") == rules
