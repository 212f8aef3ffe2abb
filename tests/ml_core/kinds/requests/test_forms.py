"""Requests made to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.kinds.kind import UNTOLD
from ml_core.kinds.requests.forms import Forms, other_attacks
from ml_core.kinds.requests.languages import LANGUAGES
from ml_core.kinds.requests.other_attacks import FAMILIES
from ml_core.kinds.requests.text import decoded

EVERY = FAMILIES | LANGUAGES


@pytest.mark.parametrize("family", EVERY.values(), ids=EVERY)
def test_every_form_of_a_family_can_be_filled_and_none_is_attack_and_harmless(family) -> None:
    forms = Forms(1)
    for form in (*family.attacks, *family.harmless):
        for _ in range(20):
            assert forms._fill(form)
    assert not set(family.attacks) & set(family.harmless)


def test_attacks_that_no_class_names_come_with_twice_as_many_harmless_requests_unlike_them() -> (
    None
):
    texts, y = other_attacks(700, seed=1)
    assert np.unique(y, return_counts=True)[1].tolist() == [700, 1400]
    read = list(map(decoded, texts))
    attacks = {text for text, c in zip(read, y, strict=True) if c == UNTOLD}
    harmless = {text for text, c in zip(read, y, strict=True) if c == 0}
    assert len(attacks) > 600
    assert not attacks & harmless
    assert other_attacks(700, seed=1)[0] == texts


def test_every_family_and_every_language_is_learned_from() -> None:
    told = "\n".join(decoded(text).decode("latin-1") for text in other_attacks(900, seed=1)[0])
    for sign in ("$filter=", "graphql", "begin:vcalendar", " order by ", "fit-in/"):
        assert sign in told


def test_parameters_of_a_form_stay_as_they_stand_in_query_or_body() -> None:
    forms, family = Forms(1), FAMILIES["prototype"]
    made = [decoded(forms.other(family, attack=True)) for _ in range(200)]
    assert any(text.startswith(b"/") and b"?__proto__[" in text for text in made)
    assert any(b"\n__proto__[" in text for text in made)
    assert any(text.startswith(b"__proto__[") for text in made)
