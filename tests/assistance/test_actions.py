"""Repair actions as data in, data out: which commands, which refusals, and undo is the inverse."""

from __future__ import annotations

import contextlib
import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.assistance.action import Output
from apps.assistance.execution import Hand, actions, ask, plan_step, to_json
from apps.contracts import CommandPlan, Refused
from tests.assistance.model_host import SHADOW, File, ModelHost

SHELL = "/srv/shop/uploads/x.php"
PROTECTED = "198.51.100.0/24\n203.0.113.250"


def hand(host: ModelHost, action: str, **parameters: object) -> Hand:
    told = {"account": Output(0, "tocsin"), "protected": Output(0, PROTECTED)}
    return Hand(actions()[action], {**parameters, "case": "7"}, host, told)


def plan(host: ModelHost, action: str, **parameters: object) -> CommandPlan:
    work = hand(host, action, **parameters)
    outputs = ask(host, work.action.probes(work.parameters), work.given)
    return plan_step(work.action, work.parameters, outputs)[0]


def refusal(host: ModelHost, action: str, **parameters: object) -> str:
    with pytest.raises(Refused) as why:
        plan(host, action, **parameters)
    return str(why.value)


def uploaded(**changes: object) -> ModelHost:
    return ModelHost(files={SHELL: File(b"<?php system($_GET['c']);", **changes)})  # type: ignore[arg-type]


def apply_and_undo(host: ModelHost, action: str, **parameters: object) -> None:
    work = hand(host, action, **parameters)
    commands, before = work.check(to_json(plan(host, action, **parameters)))
    done = work.act(commands, before)
    assert done.holds, done.sentence
    undone = work.undo(before)
    assert undone.holds, undone.sentence
    assert "to the byte" in undone.sentence


# ── block_address ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "because"),
    [
        ("192.0.2.10", "own addresses"),
        ("2001:db8::10", "own addresses"),
        ("192.0.2.1", "gateway"),
        ("2001:db8::1", "gateway"),
        ("192.0.2.53", "name server"),
        ("192.0.2.7", "this repair itself"),
        ("::ffff:192.0.2.7", "this repair itself"),
        ("192.0.2.255", "broadcast"),
        ("198.51.100.9", "protected"),
        ("::ffff:198.51.100.9", "protected"),
        ("203.0.113.250", "protected"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("255.255.255.255", "broadcast"),
        ("203.0.113.0/24", "network"),
        ("0.0.0.0/0", "network"),
        ("fe80::1%eth0", "names an interface"),
        ("203.0.113.5; reboot", "not an IP address"),
        ("attacker.example", "not an IP address"),
        ("", "not an IP address"),
        (None, "not a text"),
        (3405803781, "not a text"),
    ],
)
def test_an_address_whose_block_would_cut_someone_off_is_refused(
    address: object, because: str
) -> None:
    assert because in refusal(ModelHost(), "block_address", address=address)


def test_a_block_lasts_for_whole_hours_and_takes_no_unknown_parameters() -> None:
    for hours in (0, -1, 100_000, 1.5, "24", True):
        assert "hours" in refusal(ModelHost(), "block_address", address="203.0.113.5", hours=hours)
    assert "not know: prefix" in refusal(
        ModelHost(), "block_address", address="203.0.113.5", prefix=8
    )


def test_nothing_is_blocked_where_the_host_does_not_say_what_must_stay_reachable() -> None:
    host = ModelHost()
    host.do_ip = lambda words, stdin: Output(127)  # type: ignore[method-assign]
    assert "did not tell" in refusal(host, "block_address", address="203.0.113.5")
    host = ModelHost()
    host.do_nft = lambda words, stdin: Output(127)  # type: ignore[method-assign]
    assert "cannot be read" in refusal(host, "block_address", address="203.0.113.5")


def test_a_table_of_somebody_else_under_our_name_is_left_alone() -> None:
    host = ModelHost()
    theirs = "table inet tocsin {\n\tchain mine {\n\t}\n}\n"
    host.do_nft = lambda words, stdin: Output(0, theirs)  # type: ignore[method-assign]
    assert "not Tocsin's" in refusal(host, "block_address", address="203.0.113.5")


def test_the_same_commands_block_whether_another_block_came_first_or_not() -> None:
    first = plan(ModelHost(), "block_address", address="203.0.113.5")
    host = ModelHost(table=True, blocked={"203.0.113.9": "24h"})
    later = plan(host, "block_address", address="203.0.113.5")
    assert (first.snapshot, first.act, first.verify) == (later.snapshot, later.act, later.verify)
    assert first.undo[0].argv[1:3] == ("delete", "table")
    assert later.undo[0].argv[1:3] == ("delete", "element")


def test_blocks_undone_in_any_order_leave_nothing_behind() -> None:
    for order in ((0, 1), (1, 0)):
        host = ModelHost()
        untouched = host.state()
        works = [hand(host, "block_address", address=f"203.0.113.{n}") for n in (5, 6)]
        snapshots = []
        for work in works:
            approved = to_json(plan_step(work.action, work.parameters, ask(
                host, work.action.probes(work.parameters), work.given))[0])  # fmt: skip
            commands, before = work.check(approved)
            assert work.act(commands, before).holds
            snapshots.append(before)
        for n in order:
            assert works[n].undo(snapshots[n]).holds
        assert host.state() == untouched


def test_undoing_a_block_that_ran_out_by_itself_removes_our_empty_table() -> None:
    host = ModelHost()
    work = hand(host, "block_address", address="203.0.113.5")
    commands, before = work.check(to_json(plan(host, "block_address", address="203.0.113.5")))
    work.act(commands, before)
    host.blocked.clear()
    assert work.undo(before).holds
    assert not host.table


# ── quarantine_file ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        "/bin/ls", "/usr/bin/sudo", "/etc/passwd", "/lib/x", "/boot/vmlinuz", "/proc/1/mem",
        "/sys/x", "/dev/sda", "/root/.ssh/authorized_keys", "/var/lib/dpkg/status", "/srv",
        "/srv/../etc/passwd", "/srv/./x", "/srv//x", "//srv/x", "/srv/x/", "srv/x", "x", "", "/",
        "/srv/a\nb", "/srv/a\0b", "/srv/" + "a" * 2000, None, 7,
    ],
)  # fmt: skip
def test_a_path_outside_content_is_refused_by_its_form(path: object) -> None:
    host = ModelHost(files={str(path): File(b"x")})
    assert refusal(host, "quarantine_file", path=path)
    assert host.ran == []  # not even asked about


def test_a_file_that_is_not_what_was_judged_is_refused() -> None:
    assert "no file" in refusal(ModelHost(), "quarantine_file", path=SHELL)
    assert "symbolic link;" in refusal(uploaded(mode=0o120777), "quarantine_file", path=SHELL)
    assert "folder;" in refusal(uploaded(mode=0o040755), "quarantine_file", path=SHELL)
    assert "special file" in refusal(uploaded(mode=0o010644), "quarantine_file", path=SHELL)
    assert "2 names" in refusal(uploaded(links=2), "quarantine_file", path=SHELL)
    wrong = refusal(uploaded(), "quarantine_file", path=SHELL, sha256="0" * 64)
    assert "no longer has the content" in wrong
    host = uploaded()
    host.real["/srv/shop/uploads"] = "/etc"
    assert "through a symbolic link" in refusal(host, "quarantine_file", path=SHELL)
    host = uploaded()
    host.packaged[SHELL] = "shop"
    assert "package shop" in refusal(host, "quarantine_file", path=SHELL)


def test_the_repair_account_does_not_quarantine_its_own_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = "/home/tocsin/.ssh/authorized_keys"
    host = ModelHost(files={keys: File(b"ssh-ed25519 AAAA")})
    passwd = "tocsin:x:998:998::/home/tocsin:/bin/sh\n"
    host.do_getent = lambda words, stdin: Output(0, passwd)  # type: ignore[method-assign]
    assert "repair account" in refusal(host, "quarantine_file", path=keys)


def test_nothing_is_put_over_a_file_that_came_to_the_place_since() -> None:
    host = uploaded()
    work = hand(host, "quarantine_file", path=SHELL)
    commands, before = work.check(to_json(plan(host, "quarantine_file", path=SHELL)))
    assert work.act(commands, before).holds
    host.files[SHELL] = File(b"again")
    assert not work.judge("verify", before).holds
    with pytest.raises(Refused, match="Another file"):
        work.undo(before)
    assert host.files[SHELL].content == b"again"


# ── disable_account ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("account", "because"),
    [
        ("root", "is root"),
        ("tocsin", "repairs this host"),
        ("www-data", "account of the system"),
        ("nobody", "account of the system"),
        ("alice", "last account that can administer"),
        ("mallory", "no local account"),
        ("--help", "not one a Linux host"),
        ("bob;reboot", "not one a Linux host"),
        ("", "not one a Linux host"),
        (None, "not one a Linux host"),
    ],
)
def test_an_account_the_host_needs_is_refused(account: object, because: str) -> None:
    assert because in refusal(ModelHost(), "disable_account", account=account)


def test_a_second_name_of_root_is_refused_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    host = ModelHost(uid=998)
    passwd = "toor:x:0:0::/root:/bin/bash\ntocsin:x:998:998::/x:/bin/sh\n"
    host.do_getent = lambda words, stdin: Output(0, passwd)  # type: ignore[method-assign]
    assert "is root" in refusal(host, "disable_account", account="toor")


def test_password_hashes_are_in_no_command_no_fact_and_no_kept_answer() -> None:
    host = ModelHost()
    work = hand(host, "disable_account", account="bob")
    facts = work.look()
    plan_text = str(to_json(plan(host, "disable_account", account="bob")))
    kept = [
        probe.keep(work.answers[probe.name].stdout) for probe in work.action.probes(work.parameters)
    ]
    for text in (str(facts), plan_text, *kept):
        assert "$y$" not in text


def test_a_plan_from_a_kept_answer_is_the_plan_of_the_host_itself() -> None:
    host = ModelHost()
    for account in ("bob", "carol"):
        work = hand(host, "disable_account", account=account)
        work.look()
        kept = {
            probe.name: Output(0, probe.keep(work.answers[probe.name].stdout))
            for probe in work.action.probes(work.parameters)
        }
        again, _ = plan_step(work.action, work.parameters, {**kept, **work.given})
        assert again == plan(host, "disable_account", account=account)


def test_an_administrator_may_be_disabled_while_another_can_log_in() -> None:
    host = ModelHost()
    group = "sudo:x:27:alice,bob\n"
    listed = ModelHost.do_getent

    def with_two(words: tuple[str, ...], stdin: str) -> Output:
        return Output(0, group) if words[-1] == "group" else listed(host, words, stdin)

    host.do_getent = with_two  # type: ignore[method-assign]
    assert plan(host, "disable_account", account="alice").act
    host.shadow["bob"] = "!x:19100:0:99999:7::1:"
    assert "last account" in refusal(host, "disable_account", account="alice")


# ── All of them ──────────────────────────────────────────────────────────────────────────

addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
times = st.from_regex(r"\A[0-9]{1,10}\.[0-9]{9}\Z")
files = st.builds(
    File,
    content=st.binary(max_size=64),
    mode=st.integers(0, 0o7777).map(lambda mode: 0o100000 | mode),
    uid=st.integers(0, 70000),
    gid=st.integers(0, 70000),
    mtime=times,
)
passwords = st.sampled_from(["", "*", "!", "!*", "!!", "!$6$a$b", "$6$salt$hash", "$y$j9T$a$b"])
dates = st.one_of(st.just(""), st.integers(2, 40000).map(str))


@settings(max_examples=200, deadline=None)
@given(addresses, st.sets(addresses, max_size=3), st.integers(1, 8760))
def test_undoing_a_block_is_the_inverse_of_it(address: str, there: set[str], hours: int) -> None:
    host = ModelHost(table=bool(there), blocked=dict.fromkeys(there, "24h"))
    untouched = host.state()
    with contextlib.suppress(Refused):
        apply_and_undo(host, "block_address", address=address, hours=hours)
    assert host.state() == untouched


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), files)
def test_undoing_a_quarantine_is_the_inverse_of_it(name: str, file: File) -> None:
    path = f"/srv/{name}"
    host = ModelHost(files={path: file})
    untouched = host.state()
    with contextlib.suppress(Refused):
        apply_and_undo(host, "quarantine_file", path=path)
    assert host.state() == untouched


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(SHADOW)), passwords, dates)
def test_undoing_a_lock_is_the_inverse_of_it(account: str, password: str, expires: str) -> None:
    host = ModelHost()
    host.shadow[account] = f"{password}:19000:0:99999:7::{expires}:"
    untouched = host.state()
    with contextlib.suppress(Refused):
        apply_and_undo(host, "disable_account", account=account)
    assert host.state() == untouched


anything = st.one_of(st.none(), st.integers(), st.text(max_size=60), addresses, st.lists(st.text()))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(actions())), anything, st.text(max_size=30))
def test_whatever_the_parameters_a_shell_sees_the_words_that_were_planned(
    name: str, value: object, tail: str
) -> None:
    path = f"/srv/{tail}"
    host = ModelHost(files={path: File(b"x")}, uid=998)
    names = {"block_address": "address", "disable_account": "account", "quarantine_file": "path"}
    tried = [value, path] if name == "quarantine_file" else [value]
    for parameter in tried:
        try:
            made = plan(host, name, **{names[name]: parameter})
        except Refused:
            continue
        for command in (*made.snapshot, *made.act, *made.verify, *made.undo):
            assert command.argv[:3] == ("sudo", "-n", "--")
            line = "printf '%s\\0' " + shlex.join(command.argv)
            seen = subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout
            assert seen.split(b"\0")[:-1] == [word.encode() for word in command.argv]
