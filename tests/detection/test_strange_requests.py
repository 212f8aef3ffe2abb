"""Strange requests: told in words, stored once, learned from many days of batches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl
import pytest
from django.utils import timezone

from apps.acquisition import services as acquisition
from apps.acquisition.models import Batch, Source
from apps.contracts import Kind
from apps.detection import habits, selectors, services
from apps.detection.models import Finding, Habit
from apps.detection.tools.strange_requests import TOOL
from tests.detection.made import ALICE, MALLORY, Row, found, frame, request
from tests.detection.test_habits import KNOWN, VISITORS, taught, usual

TAMPERED = "/basket.jsp?mode=add&id=7&price=0%27%3B"


def told(*rows: Row) -> pl.DataFrame:
    made = frame(rows)
    return habits.marked(made, habits.judged(habits.things(made), KNOWN))


def test_the_finding_says_what_is_strange_in_plain_words() -> None:
    (one,) = TOOL.detect(told(*usual(50), request(60, TAMPERED), request(61, TAMPERED)))
    assert one.title == (
        f"2 requests from {MALLORY} to shop unlike what is asked there otherwise: "
        "price of /basket.jsp has ' and ; (0 of 600 before)"
    )
    assert (one.kind, one.network, one.subject, one.host) == (
        Kind.ANOMALY,
        "requests",
        MALLORY,
        "shop",
    )
    assert 20 <= one.severity <= 35
    assert len(one.records) == 2
    assert one.parameters["signs"] == [habits.SIGN]
    assert one.parameters["samples"] == [TAMPERED]


def test_parameters_that_never_came_together_are_named() -> None:
    (one,) = TOOL.detect(told(request(0, "/basket.jsp?mode=add&id=7&debug=1")))
    assert "/basket.jsp with debug, id, mode together (0 of 600 before)" in one.title


def test_paths_and_names_are_shown_as_they_were_sent() -> None:
    known = taught(usual(path="/Shop2/basket.jsp"))
    made = frame([request(0, "/Shop2/basket.jsp?mode=add&id=7&B1=x")])
    (one,) = TOOL.detect(habits.marked(made, habits.judged(habits.things(made), known)))
    assert "/Shop2/basket.jsp with B1, id, mode together" in one.title


def test_a_value_that_is_only_long_is_told_so() -> None:
    (one,) = TOOL.detect(told(request(0, f"/basket.jsp?mode=add&id=7&price={'1' * 60}")))
    assert "price of /basket.jsp is 60 characters long (0 of 600 before)" in one.title


def test_one_finding_tells_of_a_source_and_a_host_whatever_it_asked() -> None:
    many = [request(i, f"{TAMPERED}{'x' * i}") for i in range(30)]
    one, two = TOOL.detect(told(*many, request(40, TAMPERED, source=ALICE)))
    assert {one.subject, two.subject} == {MALLORY, ALICE}
    assert len(one.parameters["strange"]) <= TOOL.samples
    assert one.severity > two.severity


def test_what_the_server_refused_is_less_grave() -> None:
    (one,) = TOOL.detect(told(request(0, TAMPERED, status=403)))
    assert one.severity == TOOL.refused


def test_secrets_are_masked_and_long_values_cut() -> None:
    (one,) = TOOL.detect(told(request(0, f"{TAMPERED}&password=hunter2&x={'y' * 999}")))
    assert "hunter2" not in str(one.parameters)
    assert all(len(str(each)) <= 240 for each in one.parameters["samples"])


def test_the_order_of_rows_changes_nothing_and_unmarked_frames_are_quiet() -> None:
    made = told(*usual(20), request(60, TAMPERED), request(61, TAMPERED, source=ALICE))
    shuffled = made.sample(fraction=1.0, shuffle=True, seed=7)
    assert TOOL.detect(made) == TOOL.detect(shuffled)
    assert found(TOOL, usual(20), [request(60, TAMPERED)]) == []


# ── On a real database ───────────────────────────────────────────────────────────────────


LINE = '{} - - [22/Nov/2026:10:{:02}:{:02} +0000] "GET {} HTTP/1.1" 200 7 "-" "Mozilla/5.0"'


def sent(rows: Iterable[tuple[str, str]], *, demonstration: bool = False) -> Batch:
    source, _ = Source.objects.get_or_create(
        name="shop", defaults={"host_name": "shop", "is_demonstration": demonstration}
    )
    lines = [LINE.format(ip, i // 60 % 60, i % 60, url) for i, (ip, url) in enumerate(rows)]
    content = "\n".join(lines).encode()
    batch = acquisition.receive(source=source, protocol="lines", content=content).batch
    acquisition.parse(batch.pk)
    services.detect(batch.pk)
    return batch


def visits(n: int = 600) -> list[tuple[str, str]]:
    return [(VISITORS[i % 60], str(row["url.original"])) for i, row in enumerate(usual(n))]


@pytest.mark.django_db
class TestStored:
    def test_a_lone_request_is_found_by_what_earlier_batches_taught(self) -> None:
        sent(visits())
        assert not Finding.objects.exists(), "a batch does not judge itself"
        sent([(MALLORY, TAMPERED)])
        (finding,) = Finding.objects.all()
        assert (finding.tool, finding.subject) == (TOOL.name, MALLORY)
        assert "(0 of 600 before)" in finding.title

    def test_a_flood_of_one_source_teaches_the_site_nothing(self) -> None:
        sent(visits())
        for i in range(3):
            sent([(MALLORY, f"{TAMPERED}{i}{j % 7}") for j in range(300)])
        sent([(ALICE, TAMPERED)])
        assert Finding.objects.filter(subject=ALICE, tool=TOOL.name).exists()

    def test_searching_a_batch_again_finds_the_same(self) -> None:
        sent(visits())
        batch = sent([(MALLORY, TAMPERED)])
        Batch.objects.filter(pk=batch.pk).update(state=Batch.State.PARSED)
        services.detect(batch.pk)
        assert Finding.objects.count() == 1

    def test_what_other_tools_accuse_teaches_nothing(self) -> None:
        sent([(MALLORY, f"/a?b=1%27+union+select+{i}") for i in range(5)])
        assert Finding.objects.filter(kind=Kind.WEB_INJECTION).exists()
        assert not Habit.objects.exists()

    def test_the_demonstration_leaves_no_habit_behind(self) -> None:
        sent(visits(10), demonstration=True)
        assert not Habit.objects.exists()

    def test_what_a_day_gave_is_counted_anew_the_next_day(self) -> None:
        sent((ALICE, "/a?b=1") for _ in range(150))
        habit = Habit.objects.first()
        assert habit is not None
        assert habit.seen == habits.A_DAY
        key = pl.DataFrame({"key": [habit.pk], "site": ["shop"]})
        assert selectors.habits_of(key, habit.day).given.any()
        assert not selectors.habits_of(key, habit.day + timedelta(days=1)).given.any()

    def test_a_site_keeps_so_many_habits_and_those_that_are_taught_most(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(habits, "HABITS", 6)
        sent(visits(60))  # four: three parameters and which come together
        sent((MALLORY, f"/{'x' * i}?{'y' * i}=1") for i in range(1, 40))
        assert Habit.objects.count() == 6
        assert Habit.objects.filter(seen=60).count() == 4

    def test_a_batch_of_countless_names_is_judged_as_any(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(habits, "HABITS", 20)
        sent(visits())
        junk = [(ALICE, f"/{'x' * i}?{'y' * i}=1") for i in range(1, 40)]
        sent([*junk, (MALLORY, TAMPERED)])
        assert [f.subject for f in Finding.objects.all()] == [MALLORY]
        asked = pl.DataFrame({"key": range(21), "site": ["shop"] * 21})
        assert len(selectors.habits_of(asked, date.min).keys) == Habit.objects.count()
        assert len(selectors.habits_of(asked.head(20), date.min).keys) == 0

    def test_habits_that_nobody_has_are_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent(visits(60))
        today = timezone.now().date()
        assert services.forget(today) == 0
        Habit.objects.filter(pk__in=Habit.objects.all()[:1]).update(
            day=today - services.UNUSED - timedelta(days=1)
        )
        assert services.forget(today) == 1
        monkeypatch.setattr(services, "MOST_HABITS", 2)
        assert services.forget(today) == 1
        assert Habit.objects.count() == 2

    def test_a_failure_to_read_requests_costs_no_other_tool(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(habits, "network_of", lambda _: 1 / 0)
        batch = sent([(MALLORY, f"/a?b=1%27+union+select+{i}") for i in range(5)])
        batch.refresh_from_db()
        assert "ZeroDivisionError" in batch.summary["failed_tools"][TOOL.name]
        assert batch.state == Batch.State.DETECTED
        assert Finding.objects.filter(kind=Kind.WEB_INJECTION).exists()

    def test_the_queries_do_not_grow_with_the_batch(
        self, django_assert_max_num_queries: object
    ) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        counts = []
        for n in (10, 600):
            with CaptureQueriesContext(connection) as queries:
                sent(visits(n))
            counts.append(sum(Habit._meta.db_table in q["sql"] for q in queries.captured_queries))
        assert max(counts) <= 4
