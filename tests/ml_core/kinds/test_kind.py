"""What data sets call their classes."""

from __future__ import annotations

import pytest

from ml_core.errors import DataError
from ml_core.kinds import named
from ml_core.kinds.kind import UNTOLD


@pytest.mark.parametrize("kind", ["flows", "requests"])
@pytest.mark.parametrize(
    "labels", [("0", "1"), ("0.0", "1.0"), ("false", "true"), ("False", "True")]
)
def test_a_truth_value_tells_whether_it_is_an_attack(kind: str, labels: tuple[str, str]) -> None:
    assert named(kind).class_index(labels).tolist() == [0, UNTOLD]


@pytest.mark.parametrize("kind", ["events", "programs", "scripts", "pages"])
@pytest.mark.parametrize("labels", [("0", "1"), ("0.0", "1.0"), ("False", "True")])
def test_of_two_classes_it_tells_which(kind: str, labels: tuple[str, str]) -> None:
    assert named(kind).class_index(labels).tolist() == [0, 1]


def test_other_numbers_are_no_labels() -> None:
    with pytest.raises(DataError, match=r"unknown flows labels: '0 5', '2'"):
        named("flows").class_index(["0.5", "2", "1.0"])


def test_attacks_of_no_class_are_attacks_all_the_same() -> None:
    labels = ["Exploits", " Fuzzers", "Backdoors", "Theft", "Reconnaissance", "DoS"]
    flows = named("flows")
    known = [flows.classes.index(name) for name in ("Portscan", "DoS")]
    assert flows.class_index(labels).tolist() == [UNTOLD] * 4 + known
    with pytest.raises(DataError, match="unknown requests labels: 'exploits'"):
        named("requests").class_index(["Exploits"])
