"""A partition a day, one run of ids a batch, and digests of what is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.acquisition import copying, frames, selectors, services, storage
from apps.acquisition.models import Batch, Block, Record, Source
from tests.acquisition.samples import ACCESS, FAILED
from tests.acquisition.test_store import stored, texts


@pytest.fixture
def source(db: None) -> Source:
    return services.create_source(name="shipper", actor="test")[0]


def partitions() -> dict[str, int]:
    """Partition of the records → rows in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text, count(*) FROM acquisition_record GROUP BY 1"
        )
        return dict(cursor.fetchall())


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Runs `work` in threads with connections of their own, all at the same time."""
    start, failures = threading.Barrier(count), []

    def worker(number: int) -> None:
        try:
            start.wait(30)
            work(number)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


def test_a_record_lies_in_the_partition_of_the_day_its_batch_was_received(source: Source) -> None:
    first = stored(source, f"{ACCESS}\n{FAILED}")
    batch = services.receive(source=source, protocol="lines", content=b"another day").batch
    day = datetime(2031, 5, 7, 23, 59, 59, tzinfo=UTC)
    Batch.objects.filter(pk=batch.pk).update(received_at=day)
    services.parse(batch.pk)
    batch.refresh_from_db()
    assert partitions() == {
        f"acquisition_record_{first.received_at:%Y%m%d}": 2,
        "acquisition_record_20310507": 1,
    }
    record = Record.objects.get(batch=batch)
    assert record.pk == batch.first_record == batch.last_record
    assert record.pk >> 36 == storage.day_of(day)
    assert record.pk < 2**53
    assert storage.date_of(record.pk >> 36) == day.date()


def test_the_records_of_a_batch_are_one_run_in_their_order(source: Source) -> None:
    batch = stored(source, "\n".join([ACCESS, FAILED] * 50))
    assert batch.first_record is not None
    assert batch.last_record is not None
    found = list(Record.objects.filter(batch=batch).order_by("event_sequence"))
    assert [record.pk for record in found] == list(range(batch.first_record, batch.last_record + 1))


@pytest.mark.django_db(transaction=True)
def test_workers_that_store_at_once_get_runs_that_do_not_touch() -> None:
    given: list[tuple[int, int]] = []

    def take(number: int) -> None:
        for many in range(1, 40):
            with transaction.atomic():
                given.append((storage._next_ids(20_000, many), many))

    at_once(6, take)
    given.sort()
    assert len(given) == 6 * 39
    assert all(a + many <= b for (a, many), (b, _) in pairwise(given))
    assert all(first >> 36 == 20_000 for first, _ in given)


@pytest.mark.django_db(transaction=True)
def test_running_numbers_begin_again_before_they_reach_the_next_day() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('acquisition_record_number', 68719476730)")
    assert storage._next_ids(5, 100) == 5 << 36
    assert storage._next_ids(5, 1) == (5 << 36) + 100


@pytest.mark.django_db(transaction=True)
def test_workers_that_meet_a_day_without_a_partition_make_it_once() -> None:
    source = services.create_source(name="shipper", actor="test")[0]
    day = datetime(2032, 2, 29, 12, tzinfo=UTC)
    batches = [
        services.receive(source=source, protocol="lines", content=f"line {n}".encode()).batch
        for n in range(6)
    ]
    Batch.objects.update(received_at=day)
    at_once(6, lambda number: services.parse(batches[number].pk))
    assert partitions() == {"acquisition_record_20320229": 6}
    assert set(Batch.objects.values_list("state", flat=True)) == {Batch.State.PARSED}
    with connection.cursor() as cursor:  # the next runs find the database as it was
        cursor.execute("DROP TABLE acquisition_record_20320229, acquisition_block_20320229")


def test_days_are_made_ahead_and_making_them_again_changes_nothing(db: None) -> None:
    for _ in range(2):
        storage.make_days(range(40_000, 40_003))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'acquisition_record'::regclass"
            " AND inhrelid::regclass::text ~ '207907'"
        )
        assert cursor.fetchone() == (3,)


def test_reading_a_batch_or_a_record_looks_into_one_partition(source: Source) -> None:
    batch = stored(source, f"{ACCESS}\n{FAILED}")
    storage.make_days(range(30_000, 30_005))
    with connection.cursor() as cursor:
        for question in (
            f"id = {batch.first_record}",
            f"id = ANY('{{{batch.first_record},{batch.last_record}}}')",
            f"id BETWEEN {batch.first_record} AND {batch.last_record}",
        ):
            cursor.execute(f"EXPLAIN SELECT * FROM acquisition_record WHERE {question}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert f"acquisition_record_{batch.received_at:%Y%m%d}" in plan
            assert "2052" not in plan, plan  # no other day
            assert "_before" not in plan, plan


def test_a_batch_parsed_anew_keeps_its_ids_and_leaves_nothing_of_before(source: Source) -> None:
    batch = stored(source, f"{ACCESS}\n{FAILED}")
    frame = selectors.frame_of(batch.pk).drop("record.id", "tocsin.fresh")
    before = storage.digest_of(batch.pk, selectors.frame_of(batch.pk))
    with transaction.atomic():
        again = storage.store(batch, frame)
        fewer = storage.store(batch, frame.head(1))
    assert (again.first, again.last, again.digest) == (
        batch.first_record,
        batch.last_record,
        before,
    )
    assert fewer.first not in (batch.first_record, batch.last_record)
    assert list(Record.objects.values_list("pk", flat=True)) == [fewer.first]
    assert list(Block.objects.values_list("pk", "last_record")) == [(fewer.first, fewer.last)]


def test_every_record_stands_in_one_block(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BLOCK", 7)
    batch = stored(source, "\n".join([ACCESS, "no time", FAILED] * 10))
    blocks = list(Block.objects.order_by("pk"))
    assert [block.last_record - block.pk + 1 for block in blocks] == [7, 7, 7, 7, 2]
    assert (blocks[0].pk, blocks[-1].last_record) == (batch.first_record, batch.last_record)
    assert all(block.has_untimed for block in blocks)
    times = Record.objects.exclude(timestamp=None).values_list("timestamp", flat=True)
    assert min(block.first_at for block in blocks) == min(times)
    assert max(block.last_at for block in blocks) == max(times)


def test_a_block_with_an_endless_text_may_hold_anything(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.words, "LONGEST_TEXT", 50)
    stored(source, f"short\n{ACCESS}")
    assert [bytes(words) for words in Block.objects.values_list("words", flat=True)] == [b""]


addresses = (
    st.none()
    | st.ip_addresses().map(str)
    | st.sampled_from(
        [
            "::",
            "::1",
            "::1.2.3.4",
            "::ffff:192.0.2.1",
            "2001:DB8:0:0:1::1",
            "64:ff9b::192.0.2.33",
            "::102",
            "fe80::0:1",
            "1:0:0:2:0:0:0:3",
            "::ffff:0:1.2.3.4",
            "0:0:1::",
        ]
    )
)
times = st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)).map(
    lambda at: at.replace(tzinfo=UTC)
)
numbers = st.none() | st.integers(-(2**63), 2**63 - 1)


@given(
    rows=st.lists(
        st.tuples(times, texts, addresses, addresses, numbers, texts, st.none() | st.binary()),
        min_size=1,
        max_size=6,
    )
)
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_digest_of_what_was_stored_is_that_of_what_is_kept(
    source: Source, rows: list[tuple[Any, ...]]
) -> None:
    schema = {
        "@timestamp": frames.INSTANT,
        "event.original": pl.String(),
        "source.ip": pl.String(),
        "destination.ip": pl.String(),
        "network.bytes": pl.Int64(),
        "user.name": pl.String(),
        "tocsin.features": pl.Binary(),
    }
    told = pl.DataFrame(rows, schema, orient="row").with_columns(
        pl.lit("unparsed").alias("event.dataset"),
        pl.Series("event.sequence", range(len(rows)), dtype=pl.Int64),
    )
    frame = frames.conform(told)
    with transaction.atomic():
        batch = services.receive(source=source, protocol="lines", content=b"x").batch
        kept = storage.store(batch, frame)
        Batch.objects.filter(pk=batch.pk).update(
            first_record=kept.first, last_record=kept.last, state=Batch.State.PARSED
        )
        assert dict(selectors.record_digests()) == {str(batch.pk): kept.digest}
        back = selectors.frame_of(batch.pk).drop("record.id", "tocsin.fresh", "file.content")
        assert back.equals(frame.drop("file.content"))
        transaction.set_rollback(True)


def test_the_digest_of_known_records_stays_what_it_is() -> None:
    # Seals are for ever: whoever changes the text form must keep the old one for old seals.
    frame = frames.conform(
        pl.DataFrame(
            {
                "@timestamp": [datetime(2026, 11, 29, 1, 2, 3, 45, tzinfo=UTC), None],
                "event.sequence": [0, 1],
                "event.dataset": ["sshd.auth", "unparsed"],
                "source.ip": ["192.0.2.1", "2001:db8::1"],
                "message": ['say "no", then\n', ""],
                "tocsin.features": [b"\x00\xff", None],
            }
        )
    ).with_columns(pl.Series("record.id", [1, 2]))
    digest = storage.digest_of("00000000-0000-4000-8000-000000000000", frame)
    assert digest == "4a4df975c4ec6e61c0607d595ad7e8af89dcaee4459d43efd207e4e8b20844ed"


@pytest.mark.django_db(transaction=True)
def test_records_from_before_there_were_days_stay_with_their_ids_and_seals() -> None:
    source = services.create_source(name="shipper", actor="test")[0]
    batch = services.receive(source=source, protocol="lines", content=b"kept for long").batch
    before = ("acquisition", "0003_written_parsers")
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    columns = (
        "batch_id, event_sequence, event_dataset, event_original, source_ip, timestamp, message"
    )
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    try:
        MigrationExecutor(connection).migrate([before])
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO acquisition_record ({columns}) SELECT %s, n, 'unparsed', 'line ' || n,"
                " '::1.2.3.4', %s, 'a, \"b\"' FROM generate_series(0, 9) AS n",
                [batch.pk, at],
            )
            cursor.execute("SELECT array_agg(id ORDER BY id) FROM acquisition_record")
            ids = cursor.fetchone()[0]
        query = f"SELECT {selectors._COLUMNS} FROM acquisition_record ORDER BY event_sequence"
        digest = copying.digest_of_query(query, [])
        MigrationExecutor(connection).migrate(newest)
        assert list(Record.objects.values_list("pk", flat=True)) == ids
        kept = Batch.objects.get()
        assert (kept.first_record, kept.last_record) == (ids[0], ids[-1])
        Batch.objects.update(state=Batch.State.PARSED)
        assert dict(selectors.record_digests()) == {str(batch.pk): digest}
        assert selectors.frame_of(batch.pk)["record.id"].to_list() == ids
        assert [block.words for block in Block.objects.all()] == [b""]
        newer = stored(source, FAILED)
        MigrationExecutor(connection).migrate([before])
        with connection.cursor() as cursor:
            cursor.execute("SELECT array_agg(id ORDER BY id) FROM acquisition_record")
            assert cursor.fetchone()[0] == [*ids, newer.first_record]
    finally:
        MigrationExecutor(connection).migrate(newest)
    assert Record.objects.count() == 11
    assert partitions()[f"acquisition_record_{newer.received_at:%Y%m%d}"] == 1
    assert selectors.frame_of(newer.pk)["user.name"].to_list() == ["oracle"]
    stored(source, ACCESS)  # and the next ids are free
    assert Record.objects.count() == 12


def test_a_look_back_reads_only_the_runs_it_needs(source: Source) -> None:
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    for minutes in range(5):
        time = (at + timedelta(minutes=minutes)).isoformat()
        last = stored(
            source, f"{time} web sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2"
        )
    frame = selectors.frame_of(last.pk)
    assert frame["tocsin.fresh"].to_list() == [False] * 4 + [True]
    assert frame["record.id"].is_sorted()
