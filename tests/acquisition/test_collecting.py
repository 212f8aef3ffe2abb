"""What becomes of observations from run to run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.acquisition.collecting import (
    MOST_EVER,
    Baseline,
    Collected,
    Observation,
    collectors,
    compare,
    read_options,
)
from apps.contracts import Refused

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def file(path: str, size: int, group: str = "/etc", told: bool = False) -> Observation:
    fields = {"file.path": path, "file.size": size}
    return Observation("host.file", path, fields, fields, told, group)


def run(
    before: Baseline, *seen: Observation, groups: tuple[str, ...] = ("/etc",)
) -> tuple[list[tuple[str, str]], Baseline]:
    documents, after = compare(before, Collected(seen, frozenset(groups)), NOW)
    return [(d["event.action"], d["file.path"]) for d in documents], after


def test_the_first_run_is_the_baseline_and_the_next_tells_only_what_changed() -> None:
    said, known = run({}, file("/etc/a", 1), file("/etc/b", 2))
    assert said == [("baseline", "/etc/a"), ("baseline", "/etc/b")]
    said, known = run(known, file("/etc/a", 1), file("/etc/b", 2))
    assert said == []
    said, known = run(known, file("/etc/a", 9), file("/etc/c", 3))
    assert said == [("changed", "/etc/a"), ("added", "/etc/c"), ("removed", "/etc/b")]
    assert run(known, file("/etc/a", 9), file("/etc/c", 3))[0] == []


def test_a_change_says_what_it_was_before() -> None:
    _said, known = run({}, file("/etc/a", 1))
    [document], _after = compare(known, Collected([file("/etc/a", 2)], frozenset({"/etc"})), NOW)
    assert document["changed"] == "file.size"
    assert document["was.file.size"] == 1
    assert document["file.size"] == 2
    assert document["event.category"] == "file"
    assert document["@timestamp"] == NOW.isoformat()


def test_what_was_not_answered_has_lost_nothing_and_is_compared_again_later() -> None:
    _said, known = run({}, file("/etc/a", 1), file("/srv/x", 1, "/srv"), groups=("/etc", "/srv"))
    said, known = run(known, file("/etc/a", 1))  # nobody answered for /srv
    assert said == []
    said, known = run(known, file("/srv/x", 2, "/srv"), groups=("/etc", "/srv"))
    assert said == [("changed", "/srv/x"), ("removed", "/etc/a")]


def test_half_a_first_look_is_no_baseline() -> None:
    said, known = run({}, file("/etc/a", 1), groups=())
    assert (said, known) == ([], {})
    assert run(known, file("/etc/a", 1), file("/etc/b", 1))[0] == [
        ("baseline", "/etc/a"),
        ("baseline", "/etc/b"),
    ]


def test_half_a_later_look_tells_what_it_saw_and_takes_nothing_for_gone() -> None:
    _said, known = run({}, file("/etc/a", 1), file("/etc/b", 1))
    said, known = run(known, file("/etc/a", 2), file("/etc/c", 1), groups=())
    assert said == [("changed", "/etc/a"), ("added", "/etc/c")]
    assert run(known, file("/etc/a", 2), file("/etc/b", 1), file("/etc/c", 1))[0] == []


def test_what_is_told_each_time_is_told_as_observed() -> None:
    said, known = run({}, file("/etc/a", 1, told=True))
    said, _known = run(known, file("/etc/a", 1, told=True))
    assert said == [("observed", "/etc/a")]


def answer(server: str, *places: str) -> Observation:
    fields = {"dns.answers": " ".join(places)}
    return Observation(
        "dns.answer", server, fields, fields, True, server, {"dns.places": places}, "shop A"
    )


def test_what_is_remembered_is_new_once_to_all_that_share_the_memory() -> None:
    def new(before: Baseline, *seen: Observation) -> tuple[list[object], Baseline]:
        collected = Collected(seen, frozenset(each.group for each in seen))
        documents, after = compare(before, collected, NOW)
        return [(d.get("known.dns.places"), d.get("new.dns.places")) for d in documents], after

    said, known = new({}, answer("one", "a"), answer("two", "b"))
    assert said == [(None, None), (None, None)]  # a memory that begins holds nothing new
    said, known = new(known, answer("one", "b", "c"), answer("two", "c"))
    assert said == [(2, "c"), (2, "c")]  # the order in which servers answer does not matter
    said, known = new(known, answer("one", "a"), answer("two", "c"))
    assert said == [(3, None), (3, None)]
    flood = [str(number) for number in range(MOST_EVER)]
    _said, known = new(known, answer("one", *flood), answer("two", "a"))
    said, _known = new(known, answer("one", "a"), answer("two", "c"))
    assert said == [(MOST_EVER, None), (MOST_EVER, "c")]  # what was seen latest is kept


@pytest.mark.parametrize("name", list(collectors()))
def test_every_collector_says_what_it_is_and_takes_its_own_defaults(name: str) -> None:
    collector = collectors()[name]
    assert str(collector.title)
    assert str(collector.description)
    assert str(collector.target)
    assert read_options(collector, {}) == collector.options()
    with pytest.raises(Refused, match="no option 'nonsense'"):
        read_options(collector, {"nonsense": 1})


def test_an_option_beyond_its_limits_is_refused_in_a_sentence() -> None:
    with pytest.raises(Refused, match="<= 120"):
        read_options(collectors()["page"], {"seconds": 10_000})
    with pytest.raises(Refused, match="int"):
        read_options(collectors()["page"], {"seconds": "many"})
