"""The clue tree: causes, leaves, and every node's way to its records."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis.clue_nodes import FAN_OUT
from apps.analysis.clue_tree import grow
from apps.analysis.serialise import LISTED, clue_json, node_at, records_of
from apps.contracts import Clue, Kind
from tests.analysis.made import MALLORY, SHOP, finding, frame, knock, login, request, verdict


def walk(clue: Clue) -> Iterator[Clue]:
    yield clue
    for child in clue.children:
        yield from walk(child)


def titles(clue: Clue) -> list[str]:
    return [child.title for child in clue.children]


def at_path(clue: Clue, *path: str) -> Clue:
    for title in path:
        clue = next(child for child in clue.children if child.title == title)
    return clue


def test_guessing_hangs_under_the_open_port_that_the_scan_found() -> None:
    rows = [knock(i, port) for i, port in enumerate([21, 22, 25, 80, 443])]
    rows += [login(60 + i, "root") for i in range(4)] + [login(70, "anna")]
    rows += [login(80, "anna", "success")]
    scan = finding(
        Kind.PORT_SCAN, records=range(5), title="Scan", parameters={"open_ports": [22, 80]}
    )
    guess = finding(
        Kind.BRUTE_FORCE, target="shop", t=60, records=range(5, 11), title="Guess", host="shop"
    )
    root = grow(frame(rows), [scan, guess], [verdict("Portscan", 0.99), None])
    assert titles(root) == ["Reconnaissance"]
    assert titles(at_path(root, "Reconnaissance", "Scan"))[:2] == [
        "Port 22 is open",
        "Port 80 is open",
    ]
    nested = at_path(root, "Reconnaissance", "Scan", "Port 22 is open", "Guess")
    assert titles(nested) == ["Account anna was taken", "Account root", "Account anna"]
    taken = nested.children[0]
    assert (taken.kind, taken.records, taken.severity) == ("login", (10,), 90)
    assert at_path(nested, "Account root").records == (5, 6, 7, 8)
    assert "network: Port scan, 99%" in at_path(root, "Reconnaissance", "Scan").detail
    assert root.title == f"{MALLORY} → {SHOP} and shop"
    assert root.techniques == ("T1046", "T1110")


def test_a_log_and_a_capture_of_one_guessing_are_one_group() -> None:
    rows = [knock(0, 21), login(60, "root"), knock(61, 21)]
    scan = finding(Kind.PORT_SCAN, records=(0,), host="shop", title="Scan")
    told = {"host": "shop", "parameters": {"signs": ["ftp"]}}
    by_log = finding(Kind.BRUTE_FORCE, target="shop", t=60, records=(1,), title="Guessing", **told)
    by_flow = finding(Kind.BRUTE_FORCE, t=61, records=(2,), tool="flows", **told)
    root = grow(frame(rows), [scan, by_log, by_flow], [None] * 3)
    nested = at_path(root, "Reconnaissance", "Scan", "Port 21")
    assert titles(nested) == [f"FTP brute force on shop by {MALLORY}"]
    assert nested.children[0].detail == "2 findings"


def test_a_group_is_called_what_its_findings_are_called_alike() -> None:
    titles_of = [f"SQL injection against {name} from {MALLORY}" for name in ("shop", SHOP)]
    seen = [finding(Kind.WEB_INJECTION, host="shop", title=title) for title in titles_of]
    root = grow(frame([request(0, "GET", "/")]), seen, [None] * 2)
    assert titles(root.children[0]) == [f"SQL injection on shop by {MALLORY}"]


def test_a_flood_is_an_impact_of_its_own_wherever_it_hit() -> None:
    rows = [knock(0, 80), knock(60, 80)]
    seen = [finding(Kind.PORT_SCAN, records=(0,)), finding(Kind.FLOOD, t=60, records=(1,))]
    assert titles(grow(frame(rows), seen, [None] * 2)) == ["Reconnaissance", "Impact"]


def test_a_file_counts_from_its_upload_however_late_it_is_found() -> None:
    rows = [
        request(0, "POST", "/upload", **{"http.request.body.content": 'filename="shell.php"'}),
        request(60, "GET", "/up/shell.php?c=id"),
        {"t": 900, "file.path": "/srv/up/shell.php", "host.name": "shop"},
    ]
    upload = finding(Kind.WEB_INJECTION, t=0, records=(0,), title="Upload")
    call = finding(Kind.WEB_SHELL, t=60, records=(1,), title="Call")
    file = finding(Kind.WEB_SHELL, "/srv/up/shell.php", "shop", t=900, records=(2,), title="File")
    root = grow(frame(rows), [upload, call, file], [None] * 3)
    assert titles(at_path(root, "Initial access", "Upload", "/upload", "File")) == ["Call"]


def test_a_port_that_was_not_found_open_leads_nowhere() -> None:
    rows = [knock(i, port) for i, port in enumerate([21, 22])] + [login(60, "root")]
    scan = finding(Kind.PORT_SCAN, records=(0, 1), parameters={"open_ports": [21]})
    guess = finding(Kind.BRUTE_FORCE, t=60, records=(2,))
    root = grow(frame(rows), [scan, guess], [None, None])
    assert titles(root) == ["Reconnaissance", "Credential access"]


def test_what_came_before_the_scan_is_not_its_consequence() -> None:
    rows = [knock(100, 22), login(0, "root")]
    scan = finding(Kind.PORT_SCAN, t=100, records=(0,), parameters={"open_ports": [22]})
    guess = finding(Kind.BRUTE_FORCE, t=0, records=(1,))
    root = grow(frame(rows), [scan, guess], [None, None])
    assert titles(root) == ["Credential access", "Reconnaissance"]


def test_upload_then_file_then_call() -> None:
    rows = [
        request(0, "POST", "/upload", **{"http.request.body.content": 'filename="shell.php"'}),
        {
            "t": 30,
            "event.category": "file",
            "file.path": "/srv/www/up/shell.php",
            "host.name": "shop",
        },
        request(60, "GET", "/up/shell.php?c=id"),
        request(61, "GET", "/up/shell.php?c=ls"),
    ]
    upload = finding(Kind.WEB_INJECTION, t=0, records=(0,), title="Upload")
    file = finding(
        Kind.WEB_SHELL,
        "/srv/www/up/shell.php",
        "shop",
        t=30,
        records=(1,),
        title="File",
        host="shop",
    )
    call = finding(
        Kind.WEB_SHELL, t=60, records=(2, 3), title="Call", techniques=("T1505.003", "T1059")
    )
    root = grow(frame(rows), [file, call, upload], [None] * 3)
    called = at_path(root, "Initial access", "Upload", "/upload", "File", "Call")
    assert titles(called) == ["/up/shell.php"]
    assert called.findings == (1,)
    assert at_path(root, "Initial access", "Upload").records == (0, 1, 2, 3)


def test_many_values_are_few_leaves_and_lose_no_record() -> None:
    rows = [login(i, f"user{i % 50:02}") for i in range(200)]
    root = grow(frame(rows), [finding(records=range(200), title="Guess")], [None])
    leaves = at_path(root, "Credential access", "Guess").children
    assert len(leaves) <= FAN_OUT
    assert leaves[-1].title == "and 42 more"
    assert len(leaves[-1].records) == 168


def test_many_targets_are_few_groups_and_lose_no_finding() -> None:
    seen = [finding(target=f"198.51.100.{i}", t=i, records=(i,)) for i in range(60)]
    root = grow(frame([login(i, "root") for i in range(60)]), seen, [None] * 60)
    stage = root.children[0]
    assert len(stage.children) == FAN_OUT
    assert stage.children[-1].title == "and 49 more"
    assert root.findings == tuple(range(60))


def test_a_stored_tree_keeps_every_record_of_a_flood() -> None:
    rows = [knock(i / 100, 80) for i in range(5000)]
    seen = [finding(Kind.FLOOD, records=[i for i in range(5000) if i % 7])]
    root = grow(frame(rows), seen, [None])
    stored = clue_json(root, findings=[41])
    assert stored["findings"] == [41]
    assert len(stored["records"]) == LISTED
    assert stored["record_count"] == len(seen[0].records)
    assert records_of(stored) == list(seen[0].records)
    node = node_at(stored, "0-0-0")
    assert node is not None
    assert node["title"] == f"flood by {MALLORY}"
    assert node_at(stored, "0-0-9") is None
    assert node_at(stored, "1") is None


def test_a_stored_clue_knows_its_own_records_from_those_below_it() -> None:
    rows = [knock(0, 22), knock(1, 80), *(login(60 + i, "root") for i in range(4))]
    scan = finding(Kind.PORT_SCAN, records=(0, 1), parameters={"open_ports": [22]})
    guess = finding(target="shop", t=60, records=range(2, 6), host="shop")
    stored = clue_json(grow(frame(rows), [scan, guess], [None, None]))
    clue, leaf = node_at(stored, "0-0-0"), node_at(stored, "0-0-0-0")
    assert clue is not None
    assert leaf is not None
    assert (records_of(clue), clue["record_count"]) == ([0, 1, 2, 3, 4, 5], 6)
    assert (clue["own"], clue["own_record_count"]) == ([[0, 1]], 2)
    assert (leaf["own"], leaf["own_record_count"]) == ([[0, 0]], 1)
    assert "own" not in stored  # an incident is nothing but what is below it
    assert stored["own_record_count"] == 0


ROWS = [
    *(knock(i, 20 + i) for i in range(10)),
    *(login(20 + i, f"u{i % 4}", "success" if i == 9 else "failure") for i in range(10)),
    *(request(40 + i, "POST", f"/up?f={i % 3}.php") for i in range(10)),
    *({"t": 60 + i, "file.path": f"/srv/{i % 3}.php", "host.name": "shop"} for i in range(5)),
]
SEEN = st.builds(
    finding,
    kind=st.sampled_from(list(Kind)),
    subject=st.sampled_from([MALLORY, "203.0.113.9", "/srv/1.php"]),
    target=st.sampled_from([SHOP, "shop", ""]),
    t=st.integers(0, 90),
    records=st.lists(st.integers(0, len(ROWS) + 3), min_size=1, max_size=12, unique=True),
    techniques=st.sampled_from([(), ("T1110.001",), ("T1190", "T1059")]),
    parameters=st.sampled_from([{}, {"open_ports": [22, 25]}, {"accounts_taken": ["u1"]}]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SEEN, min_size=1, max_size=10))
def test_the_tree_holds_everything_and_every_node_its_children(seen: list) -> None:
    root = grow(frame(ROWS), seen, [None] * len(seen))
    assert root.findings == tuple(range(len(seen)))
    assert set(root.records) == {record for f in seen for record in f.records}
    for clue in walk(root):
        assert clue.first <= clue.last
        assert len(clue.children) <= FAN_OUT
        for child in clue.children:
            assert set(child.records) <= set(clue.records)
            assert set(child.findings) <= set(clue.findings)
            assert clue.severity >= child.severity
            if clue.kind in {"incident", "stage"}:  # others last as long as they did themselves
                assert clue.first <= child.first
                assert child.last <= clue.last
    assert clue_json(root) == clue_json(grow(frame(ROWS), seen, [None] * len(seen)))
