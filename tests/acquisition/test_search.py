"""What a search finds is what a plain filter finds, page by page, whatever else comes in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.acquisition import frames, search, services, storage, words
from apps.acquisition.models import Batch, Record, Source
from apps.acquisition.questions import Question, Term, lower, pattern, terms
from tests.acquisition.samples import FAILED
from tests.acquisition.test_store import stored

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
COLUMNS = {
    "@timestamp": frames.INSTANT,
    "event.original": pl.String(),
    "source.ip": pl.String(),
    "destination.ip": pl.String(),
    "host.name": pl.String(),
    "user.name": pl.String(),
    "user.target.name": pl.String(),
    "url.original": pl.String(),
    "event.dataset": pl.String(),
    "message": pl.String(),
}


@pytest.fixture
def source(db: None) -> Source:
    return services.create_source(name="shipper", actor="test")[0]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and looks so small that a handful of records takes every way."""
    monkeypatch.setattr(storage, "BLOCK", 3)
    monkeypatch.setattr(search, "PROBE", 2)
    monkeypatch.setattr(search, "EXAMINED", 2)
    monkeypatch.setattr(search, "_CHUNKS", (1, 2))


def keep(source: Source, rows: Sequence[tuple[Any, ...]]) -> Batch:
    """Stores these records as one batch; columns as in COLUMNS."""
    frame = frames.conform(
        pl.DataFrame(list(rows), COLUMNS, orient="row").with_columns(
            pl.Series("event.sequence", range(len(rows)), dtype=pl.Int64)
        )
    )
    number = Batch.objects.count()
    batch = services.receive(source=source, protocol="lines", content=f"{number}".encode()).batch
    kept = storage.store(batch, frame)
    batch.first_record, batch.last_record, batch.state = kept.first, kept.last, Batch.State.PARSED
    batch.save()
    return batch


def pages(question: Question, limit: int, seconds: float = 60) -> list[Record]:
    """All records of all pages."""
    found, after = [], ""
    for _ in range(1000):
        page = search.find(question, after=after, limit=limit, seconds=seconds)
        assert len(page.records) <= limit
        found += page.records
        after = page.after
        if not after:
            return found
    raise AssertionError("it never ends")


# ── Against a plain filter ───────────────────────────────────────────────────────────────

PIECES = ("root", "Root", "ro", "oot", "10.0.0.1", "10.0.0", "1.2", "1", "a_b", "日志", "ä", "é1")
SEPARATORS = (" ", "  ", ".", "..", "/", "=", '"', "%", "\\", "-", "\n")
lines = st.lists(st.sampled_from(PIECES + SEPARATORS), max_size=9).map("".join)
askable = st.sampled_from((*PIECES, "root root", "/root", "root.", ".1", "=1", "%", "\\", "0.0.1"))
asked = st.builds(
    lambda word, form: form.format(word), askable, st.sampled_from(("{}", "{}*", '"{}"'))
)
texts = st.lists(asked, max_size=3).map(" ".join)
hosts = st.none() | st.sampled_from(("web", "WEB", "db", "日志", ""))
ends = st.none() | st.sampled_from(("10.0.0.1", "10.0.0.2", "2001:db8::1", "::1.2.3.4"))
times = st.none() | st.integers(0, 5).map(lambda minutes: AT + timedelta(minutes=minutes))
rows = st.tuples(
    times, st.none() | lines, ends, ends, hosts, hosts, hosts, st.none() | lines, hosts, lines
)
questions = st.builds(
    Question,
    text=texts,
    address=st.sampled_from(("", "", "10.0.0.1", "2001:DB8::1", "::1.2.3.4")),
    host=st.sampled_from(("", "", "web", "日志")),
    user=st.sampled_from(("", "", "db")),
    url=st.just("") | asked,
    dataset=st.sampled_from(("", "", "web")),
    since=st.none() | st.just(AT + timedelta(minutes=1)),
    until=st.none() | st.just(AT + timedelta(minutes=4)),
)


def split(text: str) -> list[str]:
    """The words of a text: as its documentation says, letter by letter."""
    found, word = [], ""
    text = lower(text)
    for place, letter in enumerate(text):
        around = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
        dot = letter == "." and len(around) == 2 and around.isascii() and around.isdigit()
        if dot or (letter.isascii() and (letter.isalnum() or letter == "_")):
            word += letter
        elif word:
            found.append(word)
            word = ""
    return [*found, word] if word else found


def holds(text: str, asked: str) -> bool:
    for quoted, plain in re.findall(r'"([^"]*)"?|([^\s"]+)', asked):
        if quoted.strip() or not plain.rstrip("*"):
            if quoted.strip() and not occurs(text, " ".join(quoted.split()), whole=True):
                return False
        elif not occurs(text, plain.rstrip("*"), whole=not plain.endswith("*")):
            return False
    return True


def occurs(text: str, term: str, *, whole: bool) -> bool:
    """Whether the term stands in the text and cuts no word: tried at every place."""
    text, term = lower(text), lower(term)
    cuts = set()  # places within a word
    place = 0
    for word in split(text):
        place = text.index(word, place)
        cuts.update(range(place + 1, place + len(word)))
        place += len(word)
    for start in range(len(text) - len(term) + 1):
        end = start + len(term)
        if text[start:end] != term:
            continue
        begins = start not in cuts or not is_word(term[0])
        closes = end not in cuts or not whole or not is_word(term[-1])
        if begins and closes:
            return True
    return False


def is_word(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter == "_")


def fits(record: Record, question: Question) -> bool:
    said = [
        getattr(record, column.replace(".", "_"))
        for column in storage.TEXTS
        if getattr(record, column.replace(".", "_")) is not None
    ]
    line = record.event_original if record.event_original is not None else " ".join(said)
    address = frames.addresses(pl.Series([question.address or None], dtype=pl.String))[0]
    ends = frames.addresses(pl.Series([record.source_ip, record.destination_ip], dtype=pl.String))
    timed = record.timestamp is not None
    return all(
        (
            not address or address in ends.to_list(),
            not question.host or lower(record.host_name or "") == question.host,
            not question.dataset or lower(record.event_dataset) == question.dataset,
            not question.user
            or question.user
            in (lower(record.user_name or ""), lower(record.user_target_name or "")),
            holds(line, question.text),
            holds(record.url_original or "", question.url),
            not question.since or (timed and record.timestamp >= question.since),
            not question.until or (timed and record.timestamp < question.until),
        )
    )


@given(
    batches=st.lists(st.lists(rows, min_size=1, max_size=8), min_size=1, max_size=4),
    asked=st.lists(questions, min_size=1, max_size=6),
    limit=st.integers(1, 4),
    seconds=st.sampled_from((-1.0, 60.0)),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_pages_hold_what_a_plain_filter_leaves(
    source: Source,
    small: None,
    batches: list[list[tuple[Any, ...]]],
    asked: list[Question],
    limit: int,
    seconds: float,
) -> None:
    with transaction.atomic():
        for batch in batches:
            keep(source, [(*row[:8], row[8] or "", row[9]) for row in batch])
        everything = sorted(
            Record.objects.all(),
            key=lambda record: (record.timestamp or search._NEVER, record.pk),
            reverse=True,
        )
        for question in asked:
            expected = [record.pk for record in everything if fits(record, question)]
            found = [record.pk for record in pages(question, limit, seconds)]
            assert found == expected, question
        transaction.set_rollback(True)


def may_hold(filter: bytes, hashes: words.Hashes) -> bool:
    """What PostgreSQL says of a filter."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {words.question(hashes, 'f')} FROM (SELECT %s::bytea f)", [filter])
        row = cursor.fetchone()
    return row is not None and row[0] is True


@given(text=lines, term=askable, whole=st.booleans())
@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_filter_never_denies_what_is_there(db: None, text: str, term: str, whole: bool) -> None:
    term = lower(term)
    if re.search(pattern(Term(term, whole)), lower(text)):
        filter = words.filter_of([words.hashes_of_words(pl.Series([text, "other words"]))])
        assert may_hold(filter, words.hashes_to_ask(term, whole=whole))


def test_texts_are_taken_in_pieces_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = pl.Series([f"line {n} {'x' * (n % 90)}" for n in range(300)] + [None, ""])
    at_once = set(words.hashes_of_words(lines).tolist())
    monkeypatch.setattr(words, "_PIECE", 100)
    assert set(words.hashes_of_words(lines).tolist()) == at_once
    assert not words.hashes_of_words(pl.Series([None, None], dtype=pl.String)).size


@given(text=lines)
def test_words_are_cut_as_documented(text: str) -> None:
    raw = lower(text).encode()
    assert [raw[a:b].decode() for a, b in zip(*words.spans(raw), strict=True)] == split(text)


def test_a_filter_denies_most_of_what_is_not_there(db: None) -> None:
    lines = pl.Series([f"user{n} from 10.0.{n % 250}.{n // 250}" for n in range(4096)])
    filter = words.filter_of([words.hashes_of_words(lines)])
    asked = [words.hashes_to_ask(f"other{n}", whole=True) for n in range(2000)]
    assert sum(may_hold(filter, one) for one in asked) < 40
    assert may_hold(filter, words.hashes_to_ask("user17 from 10.0.17.0", whole=True))
    assert len(filter) < 10 * 4096


# ── Pages ────────────────────────────────────────────────────────────────────────────────


def test_pages_neither_skip_nor_repeat_while_records_come_in(source: Source, small: None) -> None:
    def line(minutes: int) -> tuple[Any, ...]:
        at = AT + timedelta(minutes=minutes)
        return (at, f"login {minutes}", *[None] * 6, "linux.auth", "")

    keep(source, [line(minutes) for minutes in range(40)])
    before = set(Record.objects.values_list("pk", flat=True))
    for question in (Question(), Question(text="login"), Question(dataset="linux.auth")):
        seen, after = [], ""
        for turn in range(400):
            page = search.find(question, after=after, limit=3, seconds=-1 if turn % 2 else 60)
            seen += [record.pk for record in page.records]
            after = page.after
            if not after:
                break
            if turn < 40 and turn % 4 == 0:
                keep(source, [line(100 + turn), line(turn), (None, *line(0)[1:])])
        assert not after
        assert len(set(seen)) == len(seen)
        assert before <= set(seen)


def test_a_search_that_finds_nothing_says_how_far_back_it_looked(
    source: Source, small: None
) -> None:
    # two words that stand in every block and never in one record
    rows = [
        (AT + timedelta(minutes=n), ("left", "right")[n % 2], *[None] * 6, "x", "")
        for n in range(60)
    ]
    keep(source, rows)
    question = Question(text="left right")
    page = search.find(question, seconds=-1)
    assert (page.records, page.stopped) == ([], True)
    assert page.reached is not None
    assert AT < page.reached < AT + timedelta(minutes=59)
    further = search.find(question, after=page.after, seconds=-1)
    assert further.reached is not None
    assert further.reached < page.reached
    whole = search.find(question)
    assert (whole.records, whole.stopped, whole.reached, whole.after) == ([], False, None, "")


def test_a_rare_word_is_read_from_its_block_alone(source: Source) -> None:
    lines = [FAILED.replace("oracle", f"user{n}") for n in range(9000)]
    stored(source, "\n".join(lines))
    read = []
    walk = search._Walk.__dict__["_read"]

    def counted(self: Any, blocks: Sequence[Any], timed: bool) -> Any:
        read.extend(blocks)
        return walk(self, blocks, timed)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search._Walk, "_read", counted)
        found = search.find(Question(text="user17"), seconds=60).records
    assert [record.user_name for record in found] == ["user17"]
    assert len(read) <= 2


@pytest.mark.parametrize(
    "after",
    [
        *("nonsense", "~", "x~1", "2026-11-22T10:00:00~1", "~-1", "~1~2", "~1~~1~x"),
        *(f"~{2**63}", "~1~~1~" + ",".join(map(str, range(300)))),
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(db: None, after: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        search.find(Question(), after=after)


def test_questions_that_make_no_sense_are_refused(db: None) -> None:
    with pytest.raises(ValueError, match="address"):
        search.find(Question(address="not one"))
    with pytest.raises(ValueError, match="words"):
        search.find(Question(text="a " * 11))


def test_words_phrases_and_beginnings_are_told_apart() -> None:
    assert terms('Failed "Invalid  User" adm* "* 日志 "open') == [
        Term("failed", True),
        Term("invalid user", True),
        Term("adm", False),
        Term("* 日志", True),
        Term("open", True),
    ]


def test_a_statement_that_takes_too_long_is_said_so(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(source, FAILED)
    monkeypatch.setattr(search, "_TIMEOUT", "100ms")
    monkeypatch.setattr(
        search._Walk, "_probe", lambda self, timed: search._ask("SELECT pg_sleep(5)", [])
    )
    with pytest.raises(search.TooWide):
        search.find(Question(text="oracle"))
    assert Record.objects.count() == 1  # the connection goes on working
