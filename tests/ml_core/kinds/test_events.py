"""Events of a host or session."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.kinds.events import KIND, Site, corpus, event, nameless
from ml_core.kinds.text import TEST, TextTable


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("5", "5"),
        ("E5", "5"),
        ("event_05", "5"),
        ("Sysmon:13", "sysmon:13"),
        ("Microsoft-Windows-Sysmon/Operational:13", "sysmon:13"),
        ("PS:4103", "powershell:4103"),
    ],
)
def test_one_name_for_every_spelling(token: str, name: str) -> None:
    assert event(token) == name


def test_the_rare_is_told_from_the_usual_whatever_its_number() -> None:
    usual, odd = "1 2 3", "1 9 3"
    for common, strange in ((usual, odd), nameless([usual, odd])):
        site = Site([common.split()] * 199 + [strange.split()])
        said = [set(site.described(text.split())[1].split("\x1f")) for text in (strange, common)]
        assert {"rare 7", "rare step 7", "rarest 7", "bag 7", "missing 1"} <= said[0]
        assert {"rare 0", "rare step 0", "rarest 0", "bag 0", "missing 0"} <= said[1]


def test_a_sequence_alone_is_read_without_its_site() -> None:
    alone, _ = KIND.encode(["5 22 5"])
    among, _ = KIND.encode(["5 22 5"] + ["5 22 9"] * 50)
    assert (alone[0, 0] > 0).sum() < (among[0, 0] > 0).sum()
    assert (KIND.encode(["E5 E22 E5"])[0] == alone).all()


@pytest.mark.parametrize("text", ["E5,E22,E5", "[E5,E22,E5]", '["E5", "e22", 5]', "[5, 22, 5]"])
def test_spelling_does_not_matter(text: str) -> None:
    assert (KIND.encode([text])[0] == KIND.encode(["5 22 5"])[0]).all()


def test_what_is_tested_is_not_learned() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(map(str, rng.integers(1, 9, 12))) for _ in range(600)]
    y = (np.arange(600) % 4 == 0).astype(np.int64)
    made = corpus([TextTable("events", texts, y)], 1)
    bare = np.asarray([text.rpartition("\x1e")[2].replace("?", "") for text in made.texts])
    tested = set(bare[made.part == TEST])
    assert tested <= set(texts)
    assert not tested & set(bare[made.part != TEST])
    assert len(made.texts) == len(made.y) == len(made.part)
    assert any("?" in text for text in made.texts)
