"""Each repair action on a real host over SSH: it works, and undo leaves every byte as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from apps.assistance.action import Output
from apps.assistance.execution import Hand, actions, plan_step, to_json
from apps.assistance.ssh import Connection, Endpoint, HostKey, private_key
from apps.contracts import Refused
from tests.assistance.machine import ATTACKER, INSIDE, OPERATOR, Machine

SHELL = "/srv/shop/uploads/it's $(id).php"


@contextmanager
def hand(
    machine: Machine, action: str, *, user: str = "root", **parameters: object
) -> Iterator[Hand]:
    way = Endpoint("machine", 22, machine.relay)
    key, pinned = private_key(machine.key), HostKey.parse(machine.host_key)
    told = {"account": Output(0, user), "protected": Output(0, "")}
    with Connection(way, user=user, host_key=pinned, key=key) as connection:
        yield Hand(actions()[action], {**parameters, "case": "3"}, connection, told)


def approve(work: Hand) -> dict[str, object]:
    work.look()
    return to_json(plan_step(work.action, work.parameters, work.answers)[0])


@pytest.mark.parametrize("user", ["root", "testrepair"])
def test_a_block_cuts_the_attacker_off_and_undo_restores_the_rules(
    machine: Machine, user: str
) -> None:
    rules = machine.run("nft", "list", "ruleset")
    assert machine.attacker_gets_in()
    there = machine.hold_open()
    assert there.stdout is not None
    assert there.stdin is not None
    assert b"SSH" in there.stdout.readline()
    with hand(machine, "block_address", user=user, address=ATTACKER, hours=2) as work:
        commands, before = work.check(approve(work))
        done = work.act(commands, before)
        assert done.holds, done.sentence
        assert not machine.attacker_gets_in()
        there.communicate(b"\n", timeout=10)
        assert there.returncode != 0  # its open connection is dead as well
        with pytest.raises(Refused, match="already blocked"):
            plan_step(work.action, work.parameters, work.answers)
        undone = work.undo(before)
        assert undone.sentence.endswith("the rule set is as it was, to the byte.")
    assert machine.attacker_gets_in()
    assert machine.run("nft", "list", "ruleset") == rules


def test_rules_of_others_are_restored_around_two_blocks(machine: Machine) -> None:
    machine.run("nft", "add table inet theirs; add set inet theirs s { type ipv4_addr; }")
    machine.run("nft", "add chain inet theirs c; add rule inet theirs c ip saddr @s counter drop")
    rules = machine.run("nft", "list", "ruleset")
    try:
        with (
            hand(machine, "block_address", address="2001:db8::5") as first,
            hand(machine, "block_address", address="203.0.113.77") as second,
        ):
            plans = [approve(first), approve(second)]  # both before anything is done
            commands, before_first = first.check(plans[0])
            assert first.act(commands, before_first).holds
            commands, before_second = second.check(plans[1])
            assert second.act(commands, before_second).holds
            assert second.undo(before_second).holds
            assert "203.0.113.77" not in machine.run("nft", "list", "ruleset")
            assert "2001:db8::5" in machine.run("nft", "list", "ruleset")
            assert first.undo(before_first).holds
        assert machine.run("nft", "list", "ruleset") == rules
    finally:
        machine.run("nft", "delete", "table", "inet", "theirs")


@pytest.mark.parametrize("address", [OPERATOR, INSIDE, "10.99.8.255", f"::ffff:{OPERATOR}"])
def test_the_host_itself_tells_what_must_not_be_blocked(machine: Machine, address: str) -> None:
    with hand(machine, "block_address", address=address) as work, pytest.raises(Refused):
        approve(work)


@pytest.mark.parametrize("user", ["root", "testrepair"])
def test_a_file_leaves_and_comes_back_with_its_content_owner_mode_and_time(
    machine: Machine, user: str
) -> None:
    machine.run("sh", "-c", 'printf "<?php 1;" > "$1"', "sh", SHELL)
    machine.run("chown", "www-data:daemon", SHELL)
    machine.run("chmod", "2751", SHELL)
    machine.run("touch", "-d", "2021-02-03 04:05:06.123456789", SHELL)
    look = ("stat", "--format=%A %U %G %s %y", SHELL)
    was = machine.run(*look)
    with hand(machine, "quarantine_file", user=user, path=SHELL) as work:
        commands, before = work.check(approve(work))
        done = work.act(commands, before)
        assert done.holds, done.sentence
        assert machine.run("ls", "-A", "/srv/shop/uploads") == ""
        assert machine.run("stat", "--format=%a %U", "/var/lib/tocsin-quarantine") == "700 root\n"
        undone = work.undo(before)
        assert undone.holds, undone.sentence
    assert machine.run(*look) == was
    assert machine.run("cat", SHELL) == "<?php 1;"
    assert "tocsin-quarantine" not in machine.run("ls", "/var/lib")
    machine.run("rm", SHELL)


def test_links_and_what_others_would_miss_are_not_moved(machine: Machine) -> None:
    machine.run("ln", "-s", "/etc/shadow", "/srv/shop/uploads/link")
    machine.run("ln", "-s", "/etc", "/srv/shop/folder")
    machine.run("mkfifo", "/srv/shop/uploads/pipe")
    try:
        for path, why in (
            ("/srv/shop/uploads/link", "symbolic link"),
            ("/srv/shop/folder/passwd", "through a symbolic link"),
            ("/srv/shop/uploads", "is a folder"),
            ("/srv/shop/nothing", "no file"),
        ):
            with (
                hand(machine, "quarantine_file", path=path) as work,
                pytest.raises(Refused, match=why),
            ):
                approve(work)
    finally:
        machine.run("rm", "/srv/shop/uploads/link", "/srv/shop/folder", "/srv/shop/uploads/pipe")


@pytest.mark.parametrize(
    ("account", "user"),
    [("testalice", "root"), ("testalice", "testrepair"), ("testbob", "root")],
)
def test_a_disabled_account_gets_back_every_byte_of_its_shadow_entry(
    machine: Machine, account: str, user: str
) -> None:
    files = ("cat", "/etc/shadow", "/etc/passwd", "/etc/group")
    was = machine.run(*files)
    with hand(machine, "disable_account", user=user, account=account) as work:
        commands, before = work.check(approve(work))
        done = work.act(commands, before)
        assert done.holds, done.sentence
        entry = machine.run("getent", "shadow", account)
        assert entry.split(":")[1].startswith("!")
        assert entry.split(":")[7] == "1"
        undone = work.undo(before)
        assert undone.sentence.endswith("to the byte."), undone.sentence
    assert machine.run(*files) == was


def test_an_account_that_was_to_expire_anyway_gets_its_day_back(machine: Machine) -> None:
    machine.run("usermod", "--lock", "--expiredate", "2031-05-06", "testalice")
    was = machine.run("cat", "/etc/shadow")
    with hand(machine, "disable_account", account="testalice") as work:
        commands, before = work.check(approve(work))
        assert work.act(commands, before).holds
        assert work.undo(before).holds
    assert machine.run("cat", "/etc/shadow") == was
    machine.run("usermod", "--unlock", "--expiredate", "", "testalice")


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("root", "is root"),
        ("testrepair", "repairs this host"),
        ("testadmin", "last account that can administer"),
        ("sshd", "account of the system"),
    ],
)
def test_the_accounts_the_host_needs_are_left_alone(
    machine: Machine, account: str, why: str
) -> None:
    with (
        hand(machine, "disable_account", user="testrepair", account=account) as work,
        pytest.raises(Refused, match=why),
    ):
        approve(work)
