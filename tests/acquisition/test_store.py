"""What is stored comes back as it was: frames, evidence, counters, search."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import zstandard
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.acquisition import copying, frames, reading, selectors, services, stages, storage
from apps.acquisition.models import Batch, BatchContent, Record, Source
from apps.acquisition.questions import Question
from apps.acquisition.search import find
from apps.contracts import RECORD_COLUMNS
from apps.protection.models import AuditEntry, Seal
from tests.acquisition.samples import ACCESS, FAILED, ZEEK, ZEEK_HEADER, capture
from tests.acquisition.test_parsers import FLOW, HEADER

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return services.create_source(name="shipper", actor="test", host_name="web")[0]


def stored(source: Source, content: bytes | str, protocol: str = "lines", **named: str) -> Batch:
    content = content.encode() if isinstance(content, str) else content
    batch = services.receive(source=source, protocol=protocol, content=content, **named).batch
    services.parse(batch.pk)
    batch.refresh_from_db()
    return batch


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.none()


@given(
    rows=st.lists(
        st.tuples(texts, st.none() | st.binary(), st.none() | st.integers(-(2**63), 2**63 - 1)),
        max_size=5,
    )
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_come_back_as_they_went_in(rows: list[tuple[str, bytes, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS t (number int, words text, data bytea, big bigint)"
        )
        cursor.execute("TRUNCATE t")
    schema = {"number": pl.Int64(), "words": pl.String(), "data": pl.Binary(), "big": pl.Int64()}
    frame = pl.DataFrame([(number, *row) for number, row in enumerate(rows)], schema, orient="row")
    copying.copy_in("t", frame)
    query = "SELECT number, words, encode(data, 'hex'), big FROM t ORDER BY number"
    assert copying.copy_out(query, [], schema).equals(frame)


def test_the_table_has_every_column_records_have() -> None:
    kept = {field.attname for field in Record._meta.concrete_fields} - {"id", "batch_id"}
    assert kept == {column.attribute for column in RECORD_COLUMNS if column.stored}


@pytest.mark.parametrize(
    ("protocol", "content"),
    [
        ("lines", f"{ACCESS}\n{FAILED}\n{ZEEK_HEADER}\n{ZEEK}\n\nwhat?\n\xff".encode("latin-1")),
        ("flows", f"{HEADER}\r\n{FLOW}\r\n{HEADER}\r\n{FLOW}\r\nbroken\r\n".encode()),
        ("capture", capture()),
        ("file", b"\x7fELF\0\0"),
        ("ndjson", b'{"source.ip":"192.0.2.1","user":{"name":"a\\u0000b"}}\n{"b\n{"foo":1}'),
    ],
)
def test_the_stored_frame_is_the_frame_that_was_read(
    source: Source, protocol: str, content: bytes
) -> None:
    batch = stored(source, content, protocol, file_name="/tmp/x", host_name="web")
    read = reading.read(
        content,
        protocol=protocol,
        file_name="/tmp/x",
        host_name="web",
        received_at=batch.received_at,
    )
    assert read.frame.height
    frame = selectors.frame_of(batch.pk)
    assert frame.drop("record.id", "tocsin.fresh").equals(read.frame)
    assert frame["tocsin.fresh"].all()
    assert batch.items == batch.stored + batch.rejected == read.items
    assert batch.unparsed == read.unparsed
    again = selectors.frame_of_records(frame["record.id"].to_list())
    assert again.drop("file.content").equals(frame.drop("file.content"))


def test_a_batch_is_seen_after_what_came_shortly_before_it(source: Source) -> None:
    other, _ = services.create_source(name="other", actor="test")
    at = datetime(2026, 11, 22, 10, tzinfo=UTC)

    def line(minutes: float) -> str:
        time = (at + timedelta(minutes=minutes)).isoformat()
        return f"{time} web sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2"

    stored(source, "\n".join([line(-30), line(-9), line(-8)]))
    stored(other, line(-5))
    batch = stored(source, "\n".join([line(0), line(1)]))
    later = stored(source, line(0.5))
    frame = selectors.frame_of(batch.pk)
    minutes = [(time - at).total_seconds() / 60 for time in frame["@timestamp"]]
    assert minutes == [-9, -8, 0, 1]
    assert frame["tocsin.fresh"].to_list() == [False, False, True, True]
    assert selectors.frame_of(later.pk)["tocsin.fresh"].to_list() == [False] * 3 + [True]


def test_evidence_leads_to_the_raw_line(source: Source) -> None:
    stored(source, f"\n{ACCESS}\r\n{FAILED}")
    flows = stored(source, f"{HEADER}\n{FLOW}", "flows")
    packets = stored(source, capture(), "capture")
    lines = [selectors.raw_line(record.pk) for record in Record.objects.order_by("id")[:2]]
    assert lines == [ACCESS, FAILED]
    assert selectors.raw_line(flows.records.get().pk) == FLOW
    assert "192.0.2.1:5353 → 192.0.2.2:53" in selectors.raw_line(packets.records.get().pk)
    assert selectors.content_of(packets.pk) == capture()


def test_what_is_kept_matches_its_seals_until_someone_changes_it(source: Source) -> None:
    batch = stored(source, f"{ACCESS}\n{FAILED}")

    def matches() -> dict[str, bool]:
        seals = {seal.kind: (seal.subject, seal.digest) for seal in Seal.objects.all()}
        return {
            "batch": seals["batch"] in set(selectors.content_digests()),
            "records": seals["records"] in set(selectors.record_digests()),
        }

    assert matches() == {"batch": True, "records": True}
    Record.objects.filter(user_name="oracle").update(user_name="nobody")
    assert matches() == {"batch": True, "records": False}
    BatchContent.objects.filter(batch=batch).update(content=b"something else")
    assert matches() == {"batch": False, "records": False}


def test_an_unreadable_content_fails_with_a_reason_and_is_kept(source: Source) -> None:
    batch = stored(source, capture()[:10], "capture")
    assert (batch.state, batch.items, batch.rejected) == (Batch.State.FAILED, 1, 1)
    assert batch.summary["rejections"] == [{"sequence": 0, "reason": batch.error}]
    assert selectors.content_of(batch.pk) == capture()[:10]


def test_a_batch_in_other_hands_is_left_alone(source: Source) -> None:
    batch = services.receive(source=source, protocol="lines", content=ACCESS.encode()).batch
    Batch.objects.update(claimed_at=batch.received_at)
    services.parse(batch.pk)
    assert not Record.objects.exists()
    assert stages.free_lost() == [batch.pk]  # nobody is at it: its worker died
    services.parse(batch.pk)
    assert Record.objects.count() == 1


def test_a_crash_halfway_leaves_the_batch_to_be_parsed_again(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = services.receive(source=source, protocol="lines", content=ACCESS.encode()).batch

    def crash(table: str, frame: pl.DataFrame) -> str:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(storage.copying, "copy_in", crash)
        with pytest.raises(MemoryError):
            services.parse(batch.pk)
    assert not Record.objects.exists()
    services.parse(batch.pk)
    source.refresh_from_db()
    assert (Record.objects.count(), source.received) == (1, 1)


def test_search_turns_pages_without_losing_or_repeating(source: Source) -> None:
    lines = [FAILED.replace("09:58:49", f"09:58:{second:02}") for second in range(30)]
    stored(source, "\n".join([*lines, "no time at all", "none here either", ACCESS]))
    seen, after = [], ""
    while True:
        page = find(Question(), after=after, limit=7)
        seen += page.records
        after = page.after
        if not after:
            break
    assert len({record.pk for record in seen}) == len(seen) == 33
    times = [record.timestamp for record in seen]
    assert times == [*sorted((t for t in times if t), reverse=True), None, None]
    assert len(find(Question(address="203.0.113.9")).records) == 30
    assert len(find(Question(text="ORACLE", until=times[10])).records) == 20
    assert find(Question(dataset="unparsed", text="no time")).records == [seen[-1]] or (
        find(Question(dataset="unparsed", text="no time")).records == [seen[-2]]
    )
    with pytest.raises(ValueError, match="cursor"):
        find(Question(), after="nonsense")


def test_removing_the_demonstration_removes_nothing_else(source: Source) -> None:
    shown, _ = services.create_source(name="shown", actor="test", is_demonstration=True)
    gone = stored(shown, f"{ACCESS}\n{FAILED}")
    kept = stored(source, ACCESS)
    assert services.forget_demonstration() == 1
    assert list(Batch.objects.all()) == [kept]
    assert list(Source.objects.all()) == [source]
    assert (Record.objects.count(), BatchContent.objects.count()) == (1, 1)
    assert Seal.objects.filter(kind="removal", subject=str(gone.pk), digest=gone.digest).exists()


def test_what_is_done_to_sources_is_written_down(source: Source) -> None:
    services.rotate_token(source_id=source.pk, actor="anna")
    services.enable_source(source_id=source.pk, enabled=False, actor="anna")
    actions = AuditEntry.objects.order_by("id").values_list("actor", "action")
    assert list(actions) == [
        ("test", "source.created"),
        ("anna", "source.token_rotated"),
        ("anna", "source.disabled"),
    ]


def test_what_a_file_is_is_found_out(source: Source) -> None:
    error_log = b"[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok"
    for content, protocol in (
        (ACCESS.encode(), "lines"),
        (gzip.compress(ACCESS.encode()), "lines"),
        (error_log, "lines"),
        (b'[{"source.ip": "192.0.2.1"}]', "ndjson"),
        (capture(), "capture"),
        (b"\x7fELF" + bytes(100), "file"),
    ):
        assert reading.recognise(content)[1] == protocol
    batch = stored(source, gzip.compress(ACCESS.encode()), "auto")
    assert (batch.protocol, batch.stored) == ("lines", 1)
    with pytest.raises(reading.Unreadable):
        reading.recognise(gzip.compress(ACCESS.encode())[:20])


def test_frames_hold_only_what_the_store_can_keep() -> None:
    odd = pl.DataFrame(
        {
            "source.ip": ["::ffff:192.0.2.1", "FE80::1%eth0", "host", "01.2.3.4", None],
            "source.port": ["80", "443.0", "-", "99999999999999999999", "inf"],
            "message": ["a\0b", "", None, "x", "y"],
            "@timestamp": pl.Series([0, 2**62, -(2**62), None, 1], dtype=pl.Int64).cast(
                frames.INSTANT
            ),
            "other": [1, 2, 3, 4, 5],
        }
    )
    frame = frames.conform(odd)
    assert frame["source.ip"].to_list() == ["192.0.2.1", "fe80::1", None, None, None]
    assert frame["source.port"].to_list() == [80, 443, None, None, None]
    assert frame["message"].to_list() == ["a�b", "", None, "x", "y"]
    assert frame["@timestamp"].null_count() == 3
    assert frame.columns == list(frames.SCHEMA)
    assert frames.conform(frames.empty()).equals(frames.empty())


@pytest.mark.parametrize("size", [1, 99, 100, 101, 250])
def test_a_content_is_fetched_in_pieces(
    source: Source, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    batch = stored(source, f"{ACCESS}\n" * 40)
    packed = bytes(BatchContent.objects.get().content)
    monkeypatch.setattr(copying, "_PIECE", max(1, len(packed) * size // 100))
    assert selectors.content_of(batch.pk).decode() == f"{ACCESS}\n" * 40
    BatchContent.objects.update(content=packed[:-5])
    with pytest.raises(zstandard.ZstdError, match="cut off"):
        selectors.content_of(batch.pk)
