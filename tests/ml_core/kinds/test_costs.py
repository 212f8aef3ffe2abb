"""What a hostile text costs: no more than its length says, whatever it repeats."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from ml_core.kinds import text_kind

LENGTH = 300_000  # characters; squared, an hour
SECONDS = 20  # a busy machine takes two
BEFORE = ("", "f(", '"', "GET /")
REPEATED = (
    "a", "1", "a.", "T_", "(", ")", "[", "=", ";", '"', "'", '\\"', "/*", "<#", "<script>", "<style",
    '] "GET ', " ", "\t", "\n", "%", "->", " HTTP/1.1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    def late(*_: object) -> None:
        pytest.fail("it takes longer than any text should")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", ["requests", "domains", "events", "programs", "scripts", "pages"])
def test_a_text_that_repeats_itself_costs_no_more_than_its_length(name: str) -> None:
    kind = text_kind(name)
    texts = [before + again * (LENGTH // len(again)) for before in BEFORE for again in REPEATED]
    for text in texts:
        signal.alarm(SECONDS)
        steps, lengths = kind.encode([text])
        assert len(steps) == len(lengths) == 1
