"""Deliveries share commits and batches, and still each of them is exactly what it was."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.acquisition import (
    arrivals,
    documents,
    group_commit,
    hec,
    open_batches,
    reading,
    receiving,
    selectors,
    services,
)
from apps.acquisition.arrivals import Arrival, Receipt
from apps.acquisition.models import Batch, Delivery, Piece, Record, Source
from apps.acquisition.open_batches import Gathering
from apps.protection.models import Seal
from tests.acquisition.samples import ACCEPTED, ACCESS, FAILED

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return services.create_source(name="shipper", actor="test", host_name="web")[0]


def arrival(source: Source, content: bytes, protocol: str = "lines", **named: Any) -> Arrival:
    cut = {"hec": hec.split, "ndjson": documents.split, "bulk": documents.split_bulk}.get(protocol)
    found = cut(content, 1_000_000) if cut else None
    return arrivals.arrive(
        source=source, protocol=protocol, content=content, gather=True, found=found, **named
    )


def good(outcomes: list[Receipt | Exception]) -> list[Receipt]:
    assert all(isinstance(outcome, Receipt) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Receipt)]


def finish() -> list[Batch]:
    """Every open batch closed and parsed."""
    open_batches.close(Batch.objects.filter(state="open").values_list("pk", flat=True))
    for batch in Batch.objects.filter(state="received"):
        services.parse(batch.pk)
    return list(Batch.objects.all())


# ── Gathering ────────────────────────────────────────────────────────────────────────────


def test_single_lines_become_one_batch_and_each_is_found_again(source: Source) -> None:
    gathering = Gathering()
    lines = [f"{ACCESS} {n}".encode() for n in range(50)]
    receipts = []
    for at in range(0, 50, 10):  # five commits
        group = [arrival(source, line) for line in lines[at : at + 10]]
        receipts += good(receiving.commit(group, gathering))
    assert Piece.objects.count() == 5
    assert len({receipt.batch.pk for receipt in receipts}) == 1
    (batch,) = finish()
    assert (batch.stored, batch.size) == (50, len(b"\n".join(lines)))
    content = selectors.content_of(batch.pk)
    assert content == b"\n".join(lines)
    assert batch.digest == hashlib.sha256(content).hexdigest()
    for receipt, line in zip(receipts, lines, strict=True):
        assert content[receipt.start : receipt.start + receipt.size] == line
        record = Record.objects.get(event_sequence=receipt.first)
        assert record.event_original == line.decode()
        assert selectors.lines_at(batch.pk, [receipt.first]) == {receipt.first: line.decode()}
    seals = Seal.objects.filter(kind="batch").values_list("subject", "digest")
    assert list(seals) == list(selectors.content_digests())
    assert not Piece.objects.exists()


BODIES = {
    "lines": [ACCESS.encode(), b"\n\n" + FAILED.encode() + b"\r\n", b"a\nb", b" \n", b"c\n"],
    "ndjson": [
        b'{"message": "one"}',
        b'[{"message": "two"}, 7, {"message": "three"}]',
        b'{\n "message":\n "four"}\n',
        b'\xef\xbb\xbf{"message": "five"}\n{broken\n',
    ],
    "hec": [b'{"event": "one"}{"event": "two"}', b'{"event": ""}\n{"event": {"a": 1}}'],
    "bulk": [b'{"index":{}}\n{"message": "one"}', b'{"delete":{}}\n{"create":{}}\n"two"\n'],
}


@given(
    protocol=st.sampled_from(sorted(BODIES)),
    order=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    cuts=st.sets(st.integers(0, 12)),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_joined_bodies_read_as_they_would_alone(
    source: Source, protocol: str, order: list[int], cuts: set[int]
) -> None:
    Record.objects.all().delete()
    Delivery.objects.all().delete()
    Batch.objects.all().delete()
    gathering = Gathering()
    bodies = [BODIES[protocol][n % len(BODIES[protocol])] for n in order]
    sent = [arrival(source, body, protocol, key=str(n)) for n, body in enumerate(bodies)]
    receipts: list[Receipt] = []
    ends = sorted({cut for cut in cuts if 0 < cut < len(sent)} | {len(sent)})
    for start, end in zip([0, *ends], ends, strict=False):
        receipts += good(receiving.commit(sent[start:end], gathering))
    (batch,) = finish()
    alone = [
        reading.read(body, protocol=protocol, host_name="web", received_at=batch.received_at)
        for body in bodies
    ]
    assert batch.items == sum(read.items for read in alone)
    assert batch.rejected == sum(len(read.rejected) for read in alone)
    expected = [
        (receipt.first + sequence, original)
        for receipt, read in zip(receipts, alone, strict=True)
        for sequence, original in zip(
            read.frame["event.sequence"], read.frame["event.original"], strict=True
        )
    ]
    kept = batch.records.order_by("event_sequence").values_list("event_sequence", "event_original")
    assert list(kept) == expected
    content = selectors.content_of(batch.pk)
    for receipt, body in zip(receipts, bodies, strict=True):
        assert content[receipt.start : receipt.start + receipt.size] == body


def test_what_has_another_name_host_or_protocol_has_a_batch_of_its_own(source: Source) -> None:
    other, _ = services.create_source(name="other", actor="test")
    sent = [
        arrival(source, b"a"),
        arrival(other, b"a"),
        arrival(source, b"a", host_name="db"),
        arrival(source, b"a", file_name="/var/log/x"),
        arrival(source, b'{"a": 1}', "ndjson"),
        arrival(source, b"\x7fELF", "file"),
        arrival(source, b"a line\n" * 200_000),
    ]
    receipts = good(receiving.commit(sent, Gathering()))
    assert len({receipt.batch.pk for receipt in receipts}) == 7
    assert [receipt.batch.state for receipt in receipts] == ["open"] * 5 + ["received"] * 2


def test_a_batch_that_is_full_is_followed_by_another(source: Source, settings: Any) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "gather_bytes": 1000}
    gathering = Gathering()
    good(receiving.commit([arrival(source, b"x" * 99 + b"%d" % n) for n in range(40)], gathering))
    assert Batch.objects.count() == 5
    assert sorted(gathering.due.values())[:4] == [0.0] * 4, "the full ones are closed at once"
    assert sum(batch.stored for batch in finish()) == 40


def test_while_the_workers_are_behind_batches_stay_open_longer(source: Source) -> None:
    gathering = Gathering()
    (receipt,) = good(receiving.commit([arrival(source, b"one")], gathering))
    due = gathering.due[receipt.batch.pk]
    gathering.prolong(due + 0.1)
    assert gathering.due == {receipt.batch.pk: due}, "nobody waits"
    for n in range(5):
        services.receive(source=source, protocol="lines", content=b"waits %d" % n)
    gathering.prolong(due - 0.1)
    assert gathering.due == {receipt.batch.pk: due}, "it is not due"
    gathering.prolong(due + 0.1)
    assert gathering.due == {receipt.batch.pk: pytest.approx(due + 1.1)}
    gathering.prolong(due + 11)
    assert gathering.due == {receipt.batch.pk: pytest.approx(due + 1.1)}, "not for ever"
    for batch in Batch.objects.filter(state="received"):
        services.parse(batch.pk)
    gathering.prolong(due + 1.2)
    assert gathering.due == {receipt.batch.pk: pytest.approx(due + 1.1)}, "they caught up"


def test_a_batch_closed_by_another_process_grows_no_more(source: Source) -> None:
    gathering = Gathering()
    (first,) = good(receiving.commit([arrival(source, b"one")], gathering))
    assert open_batches.close([first.batch.pk]) == [first.batch.pk]
    assert open_batches.close([first.batch.pk]) == [], "the second closer has nothing to do"
    (second,) = good(receiving.commit([arrival(source, b"two")], gathering))
    assert second.batch.pk != first.batch.pk
    assert [batch.stored for batch in finish()] == [1, 1]


def test_what_a_killed_process_left_open_is_closed(source: Source) -> None:
    good(receiving.commit([arrival(source, ACCEPTED.encode())], Gathering()))
    assert open_batches.close_overdue() == [], "its process may still be at it"
    Batch.objects.update(received_at=timezone.now() - timedelta(seconds=30))
    (batch_id,) = open_batches.close_overdue()
    services.parse(batch_id)
    assert Record.objects.get().event_outcome == "success"


def test_an_open_batch_is_neither_parsed_nor_called_unsealed(source: Source) -> None:
    (receipt,) = good(receiving.commit([arrival(source, b"one")], Gathering()))
    services.parse(receipt.batch.pk)
    assert Batch.objects.get().state == "open"
    assert selectors.content_of(receipt.batch.pk) == b"one"
    assert list(selectors.content_digests()) == list(selectors.record_digests()) == []


# ── Once ─────────────────────────────────────────────────────────────────────────────────


def test_what_comes_again_adds_nothing_and_gets_the_first_receipt(source: Source) -> None:
    gathering = Gathering()
    group = [arrival(source, content) for content in (b"one", b"two", b"one")]
    first, second, third = good(receiving.commit(group, gathering))
    assert (first.is_new, second.is_new, third.is_new) == (True, True, False)
    (late,) = good(receiving.commit([arrival(source, b"two")], gathering))
    assert (late.is_new, late.start, late.first) == (False, second.start, second.first)
    finish()
    source.refresh_from_db()
    assert (source.received, source.stored, source.doubled) == (2, 2, 2)


def test_a_key_tells_deliveries_apart_and_joins_them(source: Source) -> None:
    content = ACCESS.encode()
    sent = [services.receive(source=source, protocol="lines", content=content, key=key).batch
            for key in ("monday", "tuesday", "monday")]  # fmt: skip
    assert sent[0] == sent[2] != sent[1]
    with pytest.raises(arrivals.KeyReused, match="of its own"):
        services.receive(source=source, protocol="lines", content=b"another", key="monday")
    for names in ({"host_name": "another"}, {"file_name": "a.log"}):
        with pytest.raises(arrivals.KeyReused, match="other names"):
            services.receive(
                source=source, protocol="lines", content=content, key="monday", **names
            )
    other, _ = services.create_source(name="other", actor="test")
    again = services.receive(source=other, protocol="lines", content=content, key="monday")
    assert again.is_new, "a key belongs to its source"


def test_keys_hold_for_their_time_and_no_longer(source: Source) -> None:
    for key in ("", "named"):
        services.receive(source=source, protocol="lines", content=b"a", key=key)
    day = timezone.now() - timedelta(hours=25)
    Delivery.objects.update(received_at=day)
    assert services.receive(source=source, protocol="lines", content=b"a").is_new
    assert not services.receive(source=source, protocol="lines", content=b"a", key="named").is_new
    Delivery.objects.update(received_at=day)
    assert receiving.forget_keys() == 1
    Delivery.objects.update(received_at=day - timedelta(days=7))
    assert receiving.forget_keys() == 1
    assert Batch.objects.count() == 3, "only the keys are forgotten"


def test_repetitions_of_what_nobody_counted_yet_are_caught_up(source: Source) -> None:
    for _ in range(3):
        receipt = services.receive(source=source, protocol="file", content=b"\x7fELF")
    services.parse(receipt.batch.pk)
    services.receive(source=source, protocol="file", content=b"\x7fELF")
    source.refresh_from_db()
    assert (source.received, source.doubled) == (1, 3)


# ── Neighbours ───────────────────────────────────────────────────────────────────────────


def test_one_delivery_the_database_refuses_costs_only_itself(source: Source) -> None:
    group = [arrival(source, b"%d" % n) for n in range(9)]
    group[4] = arrivals.arrive(source=source, protocol="lines", content=b"bad", gather=True)
    object.__setattr__(group[4], "host_name", "x" * 300)
    gathering = Gathering()
    outcomes = receiving.commit(group, gathering)
    assert isinstance(outcomes.pop(4), DataError)
    good(outcomes)
    assert sum(batch.stored for batch in finish()) == 8


def test_a_database_that_is_away_is_not_asked_once_for_each_delivery(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def away(*_: object) -> None:
        asked.append(1)
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(receiving, "_known", away)
    with pytest.raises(OperationalError):
        receiving.commit([arrival(source, b"%d" % n) for n in range(9)])
    assert len(asked) == 1


@pytest.mark.django_db(transaction=True)
def test_deliveries_that_wait_share_a_commit(source: Source) -> None:
    told: list[Any] = []
    sizes: list[int] = []
    begun, all_sent = Event(), Event()
    commit = receiving.commit

    def slow(arrivals: Any, gathering: Any) -> Any:
        sizes.append(len(arrivals))
        begun.set()
        assert all_sent.wait(30)
        return commit(arrivals, gathering)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(group_commit.receiving, "commit", slow)
        commits = group_commit.GroupCommit(told.extend)
        waiting = [commits.submit(arrival(source, b"0"))]
        assert begun.wait(30)
        waiting += [commits.submit(arrival(source, b"%d" % n)) for n in range(1, 100)]
        all_sent.set()
        receipts = [future.result(30) for future in waiting]
        commits.stop()
    assert (len(sizes), sum(sizes)) == (2, 100)
    assert [receipt.first for receipt in receipts] == list(range(100))
    assert told == [Batch.objects.get().pk], "stopping closes what is open"
    assert Batch.objects.get().state == "received"


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_went_away_costs_the_others_nothing(source: Source) -> None:
    commits = group_commit.GroupCommit(lambda _: None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(commits, "_run", lambda: None)  # nothing is committed yet
        gone = commits.submit(arrival(source, b"gone"))
        stays = commits.submit(arrival(source, b"stays"))
    assert gone.cancel()
    commits._thread = None
    last = commits.submit(arrival(source, b"last"))
    assert (stays.result(30).first, last.result(30).first) == (0, 1)
    commits.stop()
    assert selectors.content_of(Batch.objects.get().pk) == b"stays\nlast"


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_fails_is_told_to_its_senders_and_the_next_one_works(source: Source) -> None:
    commits = group_commit.GroupCommit(lambda _: None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(group_commit.receiving, "commit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commits.submit(arrival(source, b"one")).result(30)
    assert commits.submit(arrival(source, b"one")).result(30).is_new
    commits.stop()
