"""Remedies from preview to undo: what was approved is what runs, and nothing is left half-way."""

from __future__ import annotations

import pytest

from apps.analysis.models import Incident, Remedy, Step
from apps.assistance import hosts, services
from apps.assistance.action import Output
from apps.assistance.models import Attempt, Host, Outcome
from apps.assistance.ssh import Unreachable
from apps.contracts import Refused
from apps.protection.selectors import trail
from tests.assistance.made import (
    ALL,
    BLOCK,
    DISABLE,
    PRIVATE,
    PUBLIC,
    QUARANTINE,
    SHELL,
    approve,
    ready,
    remedy,
    sentence_of,
    state_of,
)
from tests.assistance.model_host import File, ModelHost

pytestmark = pytest.mark.django_db


# ── Preview ──────────────────────────────────────────────────────────────────────────────


def test_a_preview_shows_every_command_and_touches_nothing(web01: ModelHost) -> None:
    untouched = web01.state()
    waiting = remedy(*ALL)
    services.preview(waiting.pk)
    assert web01.state() == untouched
    waiting.refresh_from_db()
    assert len(waiting.digest) == 64
    for step in waiting.steps.all():
        assert step.state == Step.State.PLANNED
        assert step.effect.endswith(".")
        assert [len(step.commands[phase]) > 0 for phase in ("snapshot", "act", "verify", "undo")]
    assert hosts.obstacle(Host.objects.get()) == ""
    block = waiting.steps.get(order=0).commands["act"]
    assert block[0]["argv"] == ["/usr/sbin/nft", "--file", "-"]
    assert "add element inet tocsin blocked4 { 203.0.113.5 timeout 24h }" in block[0]["stdin"]


def test_a_step_that_is_not_possible_says_why_and_the_others_stay(web01: ModelHost) -> None:
    waiting = remedy(BLOCK, ("block_address", {"address": "198.51.100.7"}), ("dance", {}))
    waiting.steps.create(order=9, action="block_address", host="db01", parameters={}, reason="x")
    services.preview(waiting.pk)
    assert [step.refusal for step in waiting.steps.order_by("order")] == [
        "",
        "198.51.100.7 is protected (198.51.100.0/24); it is never blocked.",
        "There is no repair action called 'dance'.",
        "No host called db01 is registered here.",
    ]


def test_a_recorded_host_is_previewed_from_its_recording_and_never_applied() -> None:
    passwd = "root:x:0:0::/root:/bin/bash\ntocsin:x:0:0::/home/tocsin:/bin/bash\n"
    passwd += "intern:x:1003:1003::/home/intern:/bin/bash\nwww-data:x:33:33::/:/usr/sbin/nologin\n"
    facts = {
        "host": {"name": "victim", "address": "10.77.0.10"},
        "repair_account": "tocsin",
        "nft_ruleset": "",
        "files": [
            {
                "path": SHELL,
                "size": 5,
                "mode": "0644",
                "owner": "www-data",
                "sha256": "ab" * 32,
                "mtime": "2026-11-22T10:00:00+00:00",
            }
        ],
        "commands": {
            "getent passwd": passwd,
            "getent group": "sudo:x:27:\n",
            "passwd --status --all": "root L 11/22/2026 0 99999 7 -1\nintern P 11/22/2026 0 9 7 -1\n",
            "ip -j addr": '[{"addr_info": [{"local": "10.77.0.10", "prefixlen": 24}]}]',
            "ip -j route": '[{"dst": "10.77.0.0/24", "dev": "eth0"}]',
            "cat /etc/resolv.conf": "",
        },
    }
    services.register_recorded_host(name="victim", facts=facts, actor="demonstration")
    disable = ("disable_account", {"account": "intern"})
    wrong = ("block_address", {"address": "10.77.0.10"})
    waiting = remedy(BLOCK, QUARANTINE, disable, wrong, host="victim")
    services.preview(waiting.pk)
    assert [step.state for step in waiting.steps.order_by("order")] == [
        "planned", "planned", "planned", "refused",
    ]  # fmt: skip
    victim = Host.objects.get()
    assert hosts.obstacle(victim) == "victim is a recording: there is no machine to repair."
    approve(waiting)
    services.apply(waiting.pk)
    assert state_of(waiting)[0] == Remedy.State.PROPOSED
    assert sentence_of(waiting).startswith("Nothing has run. victim is a recording")
    assert services.forget_demonstration() == 1
    with pytest.raises(Refused, match="not the facts of a recorded host"):
        services.register_recorded_host(name="victim", facts={}, actor="demonstration")


def test_a_host_that_is_away_is_previewed_from_what_it_said_last(
    web01: ModelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = remedy(BLOCK, DISABLE)
    services.preview(live.pk)

    def away(endpoint: object, **way: object) -> None:
        raise Unreachable("192.0.2.10:22 does not answer: timed out.")

    monkeypatch.setattr(hosts, "Connection", away)
    later = remedy(BLOCK, DISABLE)
    services.preview(later.pk)
    commands = [
        [{**step.commands} for step in waiting.steps.order_by("order")] for waiting in (live, later)
    ]
    assert commands[0] == commands[1]
    assert "does not answer" in Host.objects.get().trouble
    assert "$y$" not in str(Host.objects.get().facts)


# ── Apply, verify, undo ──────────────────────────────────────────────────────────────────


def test_an_approved_remedy_is_applied_verified_and_undone(web01: ModelHost) -> None:
    untouched = web01.state()
    it = ready(*ALL)
    services.apply(it.pk)
    assert state_of(it) == ("applied", ["applied"] * 3)
    assert Incident.objects.get().state == Incident.State.REPAIRED
    assert web01.blocked
    assert SHELL not in web01.files
    assert web01.shadow["bob"].startswith("!")
    assert services.verify(it.pk) is True
    services.apply(it.pk)  # a task delivered twice
    assert it.attempts.filter(kind=Attempt.Kind.APPLY).count() == 1

    ran = Outcome.objects.filter(phase__in=("snapshot", "act", "verify"))
    for step in it.steps.all():
        for phase in ("snapshot", "act", "verify"):
            approved = [command["argv"] for command in step.commands[phase]]
            noted = [o.command["argv"] for o in ran.filter(step=step, phase=phase)]
            assert noted[: len(approved)] == approved
    assert not Outcome.objects.filter(ended_at=None).exists()
    assert not Outcome.objects.filter(stdout__contains="$y$").exists()

    services.undo(it.pk, "ada")
    assert state_of(it) == ("undone", ["undone"] * 3)
    assert web01.state() == untouched
    assert "to the byte" in sentence_of(it)
    actions = [entry.action for entry in trail(f"incident:{it.incident_id}")]
    for action in (
        "remedy.apply.begun",
        "remedy.apply.done",
        "remedy.verify.done",
        "remedy.undo.done",
    ):
        assert action in actions


def test_what_is_not_approved_or_was_refused_never_runs(web01: ModelHost) -> None:
    untouched = web01.state()
    waiting = remedy(*ALL)
    services.preview(waiting.pk)
    services.apply(waiting.pk)
    services.undo(waiting.pk, "ada")
    assert services.verify(waiting.pk) is None
    assert state_of(waiting) == ("proposed", ["planned"] * 3)
    assert web01.state() == untouched


def test_a_host_that_changed_since_the_approval_gets_nothing_and_asks_again(
    web01: ModelHost,
) -> None:
    it = ready(BLOCK, QUARANTINE)
    approved = it.digest
    web01.files[SHELL].content = b"something else"
    changed = web01.state()
    services.apply(it.pk)
    assert web01.state() == changed  # not even the first step, which could have run
    assert state_of(it) == ("proposed", ["planned"] * 2)
    assert it.digest != approved
    assert "other commands would run than those approved" in sentence_of(it)
    assert Incident.objects.get().state == Incident.State.AWAITING_APPROVAL


def test_a_plan_altered_in_the_database_is_not_run(web01: ModelHost) -> None:
    untouched = web01.state()
    it = ready(BLOCK)
    step = it.steps.get()
    step.commands["act"][0]["argv"] = ["/usr/bin/rm", "-rf", "/"]
    step.save()
    services.apply(it.pk)
    assert web01.state() == untouched
    assert "not the one that was approved" in sentence_of(it)


def test_what_the_chain_does_not_hold_as_approved_is_not_run(web01: ModelHost) -> None:
    """Whoever can write to the tables makes a plan whole again; the seal of the approval stays."""
    untouched = web01.state()
    approved, forged = ready(BLOCK), remedy(("block_address", {"address": "203.0.113.99"}))
    services.preview(forged.pk)
    forged.refresh_from_db()
    theirs = forged.steps.get()
    approved.steps.update(parameters=theirs.parameters, commands=theirs.commands)
    Remedy.objects.filter(pk=approved.pk).update(digest=forged.digest)
    Remedy.objects.filter(pk=forged.pk).update(state=Remedy.State.APPROVED)
    for it in (approved, forged):
        services.apply(it.pk)
        assert state_of(it)[0] == Remedy.State.PROPOSED
        assert "not the one that was approved" in sentence_of(it)
    assert web01.state() == untouched


@pytest.mark.parametrize(
    "said",
    [
        '[{"addr_info": 5}]',
        '[{"addr_info": [{"local": "here", "prefixlen": "x"}]}]',
        '[{"via": 5}]',
    ],
)
def test_a_host_that_answers_nonsense_gets_nothing_and_ends_the_repair(
    web01: ModelHost, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    untouched = web01.state()
    it = ready(BLOCK)
    monkeypatch.setattr(web01, "do_ip", lambda words, stdin: Output(0, said))
    services.apply(it.pk)
    assert web01.state() == untouched
    assert state_of(it) == ("proposed", ["refused"])
    assert sentence_of(it).startswith("Nothing has run.")


def test_a_step_that_fails_takes_those_before_it_back(
    web01: ModelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    untouched = web01.state()
    it = ready(BLOCK, DISABLE)
    broken = Output(10, "", "usermod: cannot lock /etc/passwd")
    monkeypatch.setattr(web01, "do_usermod", lambda words, stdin: broken)
    services.apply(it.pk)
    assert state_of(it) == ("failed", ["undone", "undone"])
    assert web01.state() == untouched
    assert "cannot lock /etc/passwd" in sentence_of(it)
    assert Incident.objects.get().state == Incident.State.FAILED


def test_a_repair_that_no_longer_holds_is_found_out_and_can_still_be_undone(
    web01: ModelHost,
) -> None:
    it = ready(BLOCK)
    services.apply(it.pk)
    web01.blocked.clear()
    assert services.verify(it.pk) is False
    assert state_of(it)[0] == "failed"
    assert sentence_of(it) == "203.0.113.5 is not blocked."
    services.undo(it.pk, "ada")
    assert state_of(it) == ("undone", ["undone"])
    assert not web01.table


def test_what_cannot_be_undone_stays_marked_as_done_and_can_be_tried_again(
    web01: ModelHost,
) -> None:
    it = ready(QUARANTINE)
    services.apply(it.pk)
    web01.files[SHELL] = File(b"a new one")
    services.undo(it.pk, "ada")
    assert state_of(it) == ("failed", ["applied"])
    assert "Another file stands" in sentence_of(it)
    del web01.files[SHELL]
    services.undo(it.pk, "ada")
    assert state_of(it) == ("undone", ["undone"])
    assert web01.files[SHELL].content == b"<?php"


# ── Hosts ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        ({"name": "../x"}, "name of the host"),
        ({"address": "-oProxyCommand=x y"}, "address"),
        ({"address": "169.254.169.254"}, "never a service's"),
        ({"address": "::ffff:169.254.169.254"}, "never a service's"),
        ({"address": "64:ff9b::169.254.169.254"}, "may lead anywhere"),
        ({"address": "fe80::1"}, "never a service's"),
        ({"address": "0.0.0.0"}, "never a service's"),
        ({"address": "239.1.2.3"}, "never a service's"),
        ({"address": "255.255.255.255"}, "never a service's"),
        ({"port": 0}, "port"),
        ({"user": "root; id"}, "repair account"),
        ({"host_key": "ssh-ed25519 AAAA"}, "damaged"),
        ({"private_key_pem": "no"}, "private key"),
        ({"protected": ("10.0.0.0/33",)}, "10.0.0.0/33"),
    ],
)
def test_a_host_is_registered_only_with_what_can_be_used(
    wrong: dict[str, object], because: str
) -> None:
    way = {"name": "web01", "address": "192.0.2.10", "host_key": PUBLIC, "private_key_pem": PRIVATE}
    with pytest.raises(Refused, match=because):
        services.register_host(**{**way, "actor": "root", **wrong})  # type: ignore[arg-type]
    assert not Host.objects.exists()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.5", "fd00::5", "100.64.0.7", "web01.example"]
)
def test_a_host_may_be_wherever_operators_have_hosts(address: str) -> None:
    way = {"name": "web01", "address": address, "host_key": PUBLIC, "private_key_pem": PRIVATE}
    services.register_host(**way, actor="root")
    assert Host.objects.get().address == address


def test_a_hosts_private_key_is_not_readable_in_the_database(web01: ModelHost) -> None:
    kept = bytes(Host.objects.get().private_key or b"")
    assert kept
    assert PRIVATE.encode()[40:80] not in kept
    services.forget_access(name="web01", actor="root")
    it = remedy(BLOCK)
    services.preview(it.pk)
    assert "no key to reach web01" in it.steps.get().refusal
