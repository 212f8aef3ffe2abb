"""Watches: claimed once, run once, bounded, and nothing of what they bring is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any

import msgspec
import pytest
from django.db import connection
from django.utils import timezone

from apps.acquisition import collecting, services, watches
from apps.acquisition.collecting import Collected, Observation, RawFile, Reach, Uncollected
from apps.acquisition.models import Batch, Record, Source, Watch, WatchBaseline
from apps.contracts import Refused
from apps.protection.models import AuditEntry

pytestmark = pytest.mark.django_db


class Options(msgspec.Struct, frozen=True):
    depth: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1


class Well:
    """A collector that brings what a test puts into it."""

    name = "well"
    title = description = target = "Well"
    secret = "Key"
    options = Options
    continuous = False

    def __init__(self) -> None:
        self.draw: Callable[[str, Options, Reach], Collected] = lambda *asked: Collected(())

    def check(self, target: str, options: Options) -> str:
        if not target:
            raise Refused("Which well?")
        return target

    def collect(self, target: str, options: Options, reach: Reach) -> Collected:
        return self.draw(target, options, reach)


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> Well:
    collector = Well()
    known = {**collecting.collectors(), "well": collector}
    monkeypatch.setattr(collecting, "collectors", lambda: known)
    return collector


def make(name: str = "garden", **changes: Any) -> Watch:
    asked = {"kind": "well", "target": "north", "every": 3600, "actor": "ada", **changes}
    return watches.create_watch(name=name, **asked)


def run(watch: Watch) -> list[Any]:
    Watch.objects.filter(pk=watch.pk).update(next_at=timezone.now())
    [(watch_id, claim)] = watches.claim_due()
    new = watches.run(watch_id=watch_id, claim=claim, reach=Reach())
    watch.refresh_from_db()
    return new


def seen(*paths: str) -> Collected:
    return Collected(
        [Observation("host.file", path, {"file.path": path}, {"file.path": path}) for path in paths]
    )


def test_what_a_run_brings_becomes_records_and_the_next_brings_only_changes(well: Well) -> None:
    watch = make()
    well.draw = lambda *asked: seen("/a", "/b")
    [batch] = run(watch)
    services.parse(batch)
    assert watch.source.name == "garden"
    assert set(Record.objects.values_list("event_dataset", "event_action", "file_path")) == {
        ("host.file", "baseline", "/a"),
        ("host.file", "baseline", "/b"),
    }
    assert (watch.last_records, watch.last_changes, watch.last_batch) == (2, 0, batch)
    assert watch.last_baselines == 2
    assert watch.changed_at is None
    assert run(watch) == []  # nothing to say
    well.draw = lambda *asked: seen("/a")
    [batch] = run(watch)
    services.parse(batch)
    assert Record.objects.get(batch=batch).event_action == "removed"
    assert (watch.last_changes, watch.last_baselines) == (1, 0)
    assert watch.changed_at is not None


def test_raw_files_are_batches_of_their_own_and_the_same_one_comes_once(well: Well) -> None:
    watch = make()
    well.draw = lambda *asked: Collected((), files=[RawFile("page", b"<p>hi")])
    [batch] = run(watch)
    assert Batch.objects.get(pk=batch).protocol == "file"
    assert run(watch) == []
    assert watch.last_batch == batch


def test_a_run_is_claimed_by_one_and_a_task_that_comes_twice_runs_once(well: Well) -> None:
    watch = make()
    drawn: list[int] = []
    well.draw = lambda *asked: (drawn.append(1), seen("/a"))[1]
    [(watch_id, claim)] = watches.claim_due()
    assert watches.claim_due() == []
    watches.run(watch_id=watch_id, claim=claim, reach=Reach())
    watches.run(watch_id=watch_id, claim=claim, reach=Reach())
    assert drawn == [1]
    watch.refresh_from_db()
    assert watch.claimed_at is None
    assert watch.next_at > timezone.now() + timedelta(minutes=50)
    assert watches.claim_due() == []


def test_a_claim_that_nobody_took_up_is_given_to_another(well: Well) -> None:
    make()
    assert watches.claim_due()
    assert watches.claim_due(now=timezone.now() + timedelta(minutes=14)) == []
    assert watches.claim_due(now=timezone.now() + watches.STALE + timedelta(seconds=1)) != []


@pytest.fixture
def worker(well: Well) -> Iterator[int]:
    """Another process, which is at a run until it is killed."""
    make()
    [(watch_id, claim)] = watches.claim_due()
    ready, at_it = os.pipe()

    def draw(*asked: object) -> Collected:
        os.write(at_it, b"y")
        time.sleep(600)
        return Collected(())

    pid = os.fork()
    if pid == 0:
        try:
            connection.connection = None  # the parent's line to the database stays the parent's
            well.draw = draw
            watches.run(watch_id=watch_id, claim=claim, reach=Reach())
        finally:
            os._exit(1)
    os.close(at_it)
    assert os.read(ready, 1) == b"y"
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(ready)


@pytest.mark.django_db(transaction=True)
def test_a_run_ends_with_its_worker_and_is_tried_again_soon(worker: int) -> None:
    assert watches.claim_due() == []
    watch = Watch.objects.get()
    assert watch.claimed_at is not None  # it lives, however long it takes
    watches.run_now(watch_id=watch.pk, actor="ada")  # it is at it, and stays known to be
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while watch.claimed_at is not None:
        assert time.monotonic() < deadline, "the lock outlived the worker"
        time.sleep(0.05)
        assert watches.claim_due() == []
        watch.refresh_from_db()
    assert (watch.failures, watch.last_error) == (1, "The worker died during the run.")
    [(_, claim)] = watches.claim_due(now=timezone.now() + timedelta(seconds=70))
    # a run that kills its worker each time is tried less and less often
    Watch.objects.update(next_at=claim, failures=5)
    watches.claim_due()
    assert Watch.objects.get().next_at > timezone.now() + timedelta(minutes=25)


def test_a_run_whose_lock_an_earlier_one_still_holds_is_not_taken_for_lost(well: Well) -> None:
    watch, earlier = make(), connection.copy()
    key = f"hashtextextended('tocsin watch {watch.pk}', 0)"

    def draw(*asked: object) -> Collected:
        other.execute(f"SELECT pg_advisory_unlock({key})")  # the earlier run is over
        assert watches.claim_due() == []
        return seen("/a")

    well.draw = draw
    with closing(earlier), earlier.cursor() as other:
        other.execute(f"SELECT pg_advisory_lock({key})")
        assert len(run(watch)) == 1
    assert (watch.last_error, watch.failures, watch.last_records) == ("", 0, 1)


def test_no_more_run_at_once_than_are_allowed(well: Well) -> None:
    for number in range(watches.AT_ONCE + 3):
        make(f"well {number}")
    assert len(watches.claim_due()) == watches.AT_ONCE
    assert watches.claim_due() == []
    Watch.objects.filter(claimed_at=None).first()
    busy = Watch.objects.exclude(claimed_at=None).first()
    watches.release(watch_id=busy.pk, claim=busy.claimed_at)
    assert len(watches.claim_due()) == 1


def test_a_failure_is_told_and_tried_less_and_less_often(well: Well) -> None:
    watch = make(every=600)

    def dry(*asked: object) -> Collected:
        raise Uncollected("The well is dry.")

    well.draw = dry
    waits = []
    for failures in range(1, 5):
        run(watch)
        assert (watch.last_error, watch.failures) == ("The well is dry.", failures)
        waits.append(watch.next_at - watch.last_at)
    assert all(after > before for before, after in pairwise(waits))
    well.draw = lambda *asked: seen("/a")
    run(watch)
    assert (watch.last_error, watch.failures) == ("", 0)


def test_a_collector_that_breaks_frees_its_watch_and_says_so(well: Well) -> None:
    watch = make()

    def broken(*asked: object) -> Collected:
        raise ZeroDivisionError

    well.draw = broken
    with pytest.raises(ZeroDivisionError):
        run(watch)
    watch.refresh_from_db()
    assert watch.claimed_at is None
    assert "the worker's log says why" in watch.last_error


def test_the_wait_is_never_beyond_the_interval_or_six_hours() -> None:
    for failures in range(40):
        assert watches.wait(60, failures, 1.0) <= timedelta(hours=6.6)
    assert watches.wait(86400 * 7, 9, 0.0) == timedelta(days=7)
    assert watches.wait(600, 0, -1.0) == timedelta(seconds=540)
    assert watches.wait(600, 2, 0.0) == timedelta(seconds=2400)


def test_one_that_is_disabled_or_whose_source_is_does_not_run(well: Well) -> None:
    watch, other = make(), make("other")
    watches.enable_watch(watch_id=watch.pk, enabled=False, actor="ada")
    services.enable_source(source_id=other.source_id, enabled=False, actor="ada")
    assert watches.claim_due() == []
    for each in (watch, other):
        with pytest.raises(Refused, match="disabled"):
            watches.run_now(watch_id=each.pk, actor="ada")
    watches.enable_watch(watch_id=watch.pk, enabled=True, actor="ada")
    assert len(watches.claim_due()) == 1


def test_what_was_changed_while_it_ran_is_not_overwritten(well: Well) -> None:
    watch = make()

    def meanwhile(*asked: object) -> Collected:
        watches.change_watch(
            watch_id=watch.pk, name="garden", target="south", every=60, options={}, actor="ada"
        )
        return seen("/north")

    well.draw = meanwhile
    run(watch)
    assert watch.last_at is None  # that run was of another target
    assert not WatchBaseline.objects.exists()
    assert len(watches.claim_due()) == 1


def test_another_target_begins_anew_and_takes_no_secret_with_it(well: Well) -> None:
    watch = make(secret="Bearer s3cret")
    got: list[str] = []
    well.draw = lambda target, options, reach: (got.append(reach.secret), seen("/a"))[1]
    run(watch)
    assert got == ["Bearer s3cret"]
    assert b"s3cret" not in bytes(watch.secret)
    asked = {"watch_id": watch.pk, "name": "garden", "every": 60, "options": {}, "actor": "ada"}
    with pytest.raises(Refused, match="for another target"):
        watches.change_watch(target="evil", **asked)
    watches.change_watch(target="north", **asked)
    assert run(watch) == []
    assert got[-1] == "Bearer s3cret"
    watches.change_watch(target="evil", secret="", **asked)
    run(watch)
    assert got[-1] == ""


def test_everything_people_do_is_in_the_trail_and_no_secret(well: Well) -> None:
    watch = make(secret="Bearer s3cret")
    watches.run_now(watch_id=watch.pk, actor="ada")
    watches.change_watch(
        watch_id=watch.pk,
        name="yard",
        target="north",
        every=60,
        options={},
        secret="n3w",
        actor="ada",
    )
    watches.enable_watch(watch_id=watch.pk, enabled=False, actor="ada")
    watches.delete_watch(watch_id=watch.pk, actor="ada")
    entries = AuditEntry.objects.filter(object=f"watch:{watch.pk}").order_by("id")
    assert [entry.action for entry in entries] == [
        "watch.created", "watch.run_now", "watch.changed", "watch.disabled", "watch.deleted",
    ]  # fmt: skip
    assert "s3cret" not in str([entry.detail for entry in entries])
    assert Source.objects.filter(name="garden").exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"every": 1}, "once a minute"),
        ({"every": 10**9}, "30 days"),
        ({"target": " "}, "Which well"),
        ({"kind": "nothing"}, "no collector"),
        ({"options": {"depth": 10}}, "<= 9"),
        ({"options": {"width": 1}}, "no option 'width'"),
        ({"networks": ["10.0.0.0/99"]}, "10.0.0.0/99"),
        ({"name": " "}, "needs a letter"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(
    well: Well, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        make(**changes)


def test_two_watches_and_two_sources_never_share_a_name(well: Well) -> None:
    make()
    with pytest.raises(Refused, match="watch of this name"):
        make()
    services.create_source(name="cellar", actor="ada")
    with pytest.raises(Refused, match="source of this name"):
        make("cellar")
    make("cellar", source=Source.objects.get(name="cellar"))


def test_a_watch_does_not_feed_the_demonstration(well: Well) -> None:
    source, _token = services.create_source(name="demo", actor="ada", is_demonstration=True)
    with pytest.raises(Refused, match="demonstration"):
        make(source=source)


def test_what_cannot_be_stored_is_collected_again_and_no_change_is_lost(
    well: Well, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = make()
    well.draw = lambda *asked: seen("/a")
    run(watch)
    well.draw = lambda *asked: seen("/a", "/b")
    with monkeypatch.context() as patch:
        patch.setattr(watches, "receive", lambda **asked: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(watch)
    watch.refresh_from_db()
    assert (watch.claimed_at, watch.failures) == (None, 1)
    [batch] = run(watch)
    services.parse(batch)
    assert Record.objects.get(batch=batch).file_path == "/b"
