"""How long a call of all topics took, and what one run again alone says of itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_core.study import run
from ml_core.study.report import Chapter
from ml_core.study.write import whole


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows").mkdir()
    monkeypatch.setattr(run, "ProcessPoolExecutor", lambda n, mp_context: ThreadPoolExecutor(n))
    monkeypatch.setattr(run, "_run_one", lambda name, data: (Chapter(f"Of {name}"), 90.0))
    return tmp_path


def test_the_call_of_all_topics_tells_how_long_it_took(output: Path) -> None:
    text = run.run(output, output).read_text(encoding="utf-8")
    assert "the whole in 0 minutes by the wall: " in text
    assert "Not of this call" not in text
    assert text.count("This chapter took 1.5 minutes.") == len(run.TOPICS)
    assert whole(run.read(output), run.made(output) or "") == text, "made again of what is kept"


def test_a_topic_run_later_is_not_of_that_call(output: Path) -> None:
    run.run(output, output)
    (output / run.KEPT / "sites.json").write_text(
        '{"title": "Of sites", "about": "", "tables": [], "plots": [], "minutes": 1}'
    )
    text = run.run(output, output, ["requests"]).read_text(encoding="utf-8")
    assert "the whole in 0 minutes by the wall: " in text
    (others,) = [line for line in text.splitlines() if "Not of this call" in line]
    assert others.partition("Not of this call: ")[2].startswith("Of requests (20")
    assert others.endswith("), Of sites (earlier).")


def test_without_a_call_of_all_topics_nothing_is_said_of_it(output: Path) -> None:
    text = run.run(output, output, ["requests"]).read_text(encoding="utf-8")
    assert "by the wall" not in text
    assert run.made(output) is None
