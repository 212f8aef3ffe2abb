"""Workers die and hosts go away in the middle of a repair: the next worker goes on from there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from apps.assistance import services
from apps.assistance.ssh import Unreachable
from apps.contracts import Command
from apps.protection.locks import held
from tests.assistance.made import (
    ALL,
    BLOCK,
    DISABLE,
    ready,
    sentence_of,
    state_of,
)
from tests.assistance.model_host import ModelHost

pytestmark = pytest.mark.django_db

CHANGING = {"nft", "mv", "install", "rmdir", "usermod", "passwd"}


class Killed(BaseException):
    """The worker is gone: nothing of its own runs any more."""


def changes(argv: tuple[str, ...]) -> bool:
    return argv[0].rpartition("/")[2] in CHANGING and "list" not in argv


def moments(web01: ModelHost, run: Callable[[], None]) -> list[tuple[int, str]]:
    """When a worker may die: just before and just after each command that changes the host."""
    web01.ran.clear()
    run()
    found = [number for number, argv in enumerate(web01.ran, 1) if changes(argv)]
    assert len(found) >= 4
    return [(1, "before_each")] + [(n, w) for n in found for w in ("before_each", "after_each")]


def die_at(model: ModelHost, number: int, when: str) -> None:
    left = [number]

    def kill(command: Command) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    setattr(model, when, kill)


def revive(model: ModelHost) -> None:
    model.before_each = model.after_each = lambda command: None


def test_a_worker_killed_at_any_moment_of_a_repair_leaves_it_to_the_next(web01: ModelHost) -> None:
    untouched = web01.state()
    it = ready(*ALL)
    for number, when in moments(web01, partial(services.apply, it.pk)):
        services.undo(it.pk, "ada")
        assert web01.state() == untouched, (number, when)
        it = ready(*ALL)
        die_at(web01, number, when)
        with pytest.raises(Killed):
            services.apply(it.pk)
        assert state_of(it)[0] == "applying"
        revive(web01)
        services.apply(it.pk)
        assert state_of(it) == ("applied", ["applied"] * 3), (number, when)


def test_a_worker_killed_at_any_moment_of_an_undo_leaves_it_to_the_next(web01: ModelHost) -> None:
    untouched = web01.state()
    it = ready(*ALL)
    services.apply(it.pk)
    for number, when in moments(web01, partial(services.undo, it.pk, "ada")):
        it = ready(*ALL)
        services.apply(it.pk)
        die_at(web01, number, when)
        with pytest.raises(Killed):
            services.undo(it.pk, "ada")
        assert state_of(it)[0] == "undoing"
        revive(web01)
        services.undo(it.pk, "ada")
        assert state_of(it) == ("undone", ["undone"] * 3), (number, when)
        assert web01.state() == untouched, (number, when)


def test_a_worker_killed_while_it_takes_back_a_failed_repair_does_not_call_it_a_success(
    web01: ModelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    untouched = web01.state()
    it = ready(BLOCK, DISABLE)
    monkeypatch.setattr(web01, "do_usermod", lambda words, stdin: web01.do_nft(("?",), ""))

    def at_the_undo(command: Command) -> None:
        if command.argv[1:3] == ("delete", "table"):
            raise Killed

    web01.before_each = at_the_undo
    with pytest.raises(Killed):
        services.apply(it.pk)
    revive(web01)
    services.apply(it.pk)
    assert state_of(it)[0] == "failed"
    assert web01.state() == untouched


def test_a_host_that_goes_away_half_way_is_tried_again_but_not_for_ever(web01: ModelHost) -> None:
    it = ready(BLOCK, DISABLE)
    web01.before_each = lambda command: gone() if command.argv[0].endswith("usermod") else None

    def gone() -> None:
        raise Unreachable("The connection broke.")

    services.apply(it.pk)
    assert state_of(it)[0] == "applying"
    assert "tried again shortly" in sentence_of(it)
    services.apply(it.pk)
    revive(web01)
    services.apply(it.pk)
    assert state_of(it) == ("applied", ["applied"] * 2)

    it = ready(("disable_account", {"account": "carol"}))
    web01.before_each = lambda command: gone() if command.argv[0].endswith("usermod") else None
    for _ in range(3):
        services.apply(it.pk)
    assert state_of(it)[0] == "failed"


def test_a_remedy_that_another_worker_holds_is_left_to_it(web01: ModelHost) -> None:
    it = ready(BLOCK)
    taken, done = threading.Event(), threading.Event()

    def other_worker() -> None:
        with held(f"remedy {it.pk}") as ours:
            assert ours
            taken.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=other_worker)
    thread.start()
    try:
        assert taken.wait(10)
        services.apply(it.pk)
        assert state_of(it)[0] == "approved"
    finally:
        done.set()
        thread.join()
    services.apply(it.pk)
    assert state_of(it)[0] == "applied"


def test_an_undo_asked_for_while_another_worker_is_at_it_waits_and_is_not_dropped(
    web01: ModelHost,
) -> None:
    it = ready(BLOCK)
    services.apply(it.pk)
    taken = threading.Event()

    def look_for_a_while() -> None:
        with held(f"remedy {it.pk}") as ours:
            assert ours
            taken.set()
            time.sleep(1)
        connection.close()

    other = threading.Thread(target=look_for_a_while)
    other.start()
    assert taken.wait(10)
    services.undo(it.pk, "ada")
    other.join()
    assert state_of(it) == ("undone", ["undone"])
