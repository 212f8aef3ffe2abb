"""The package for a responder: the same bytes each time, evidence with digests, no secrets."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from apps.analysis.clue_tree import grow
from apps.analysis.handover import FORMAT, canonical, compose
from apps.analysis.serialise import clue_json
from apps.contracts import Kind
from apps.protection.chain import digest
from tests.analysis.made import finding, frame, request

LINE = 'GET /login?user=anna&password=hunter2 HTTP/1.1" 200'


def package(**more: object) -> dict:
    rows = [request(0, "GET", "/login?user=anna&password=hunter2"), request(1, "GET", "/")]
    seen = [finding(Kind.WEB_INJECTION, records=(0, 1), title="token=s3cr3tvalue in a query")]
    given = {
        "incident": {"id": 7, "title": "Web injection"},
        "reason": "no expert record matches",
        "prediction": [{"finding": seen[0].title, "network": None}],
        "clue_tree": clue_json(grow(frame(rows), seen, [None])),
        "attacker": {"addresses": []},
        "records": [{"id": 0, "batch": "b1", "line": LINE, "user": None}],
        "seals": [{"kind": "batch", "subject": "b1", "digest": "d" * 64}],
    }
    return compose(**{**given, **more})


def test_lines_are_masked_and_their_digests_are_of_what_came() -> None:
    content = canonical(package())
    assert b"hunter2" not in content
    assert b"s3cr3tvalue" not in content
    record = json.loads(content)["evidence"]["records"][0]
    assert record["sha256"] == hashlib.sha256(LINE.encode()).hexdigest()
    assert "user=anna" in record["line"]
    assert "user" not in record


def test_the_absence_of_a_match_is_said() -> None:
    assert package()["knowledge"] == {
        "matched": False,
        "said": "No expert record matches this incident.",
        "matches": [],
    }
    assert package(matches=[{"slug": "x"}])["knowledge"]["said"] == ""
    assert package()["format"] == FORMAT


def test_every_clue_names_the_evidence_that_the_package_includes() -> None:
    tree = package()["clue_tree"]
    assert (tree["record_count"], tree["evidence"]) == (2, [0])
    assert "records" not in tree["children"][0]


def test_the_digest_is_that_of_the_same_content_in_any_order() -> None:
    one = canonical(package())
    assert one == canonical(json.loads(one))
    assert one == canonical(dict(reversed(package().items())))
    assert digest(one) == digest(canonical(package()))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_any_content_has_one_spelling(content: dict) -> None:
    shuffled = dict(reversed(content.items()))
    assert canonical(content) == canonical(shuffled)
    assert canonical(json.loads(canonical(content))) == canonical(content)
