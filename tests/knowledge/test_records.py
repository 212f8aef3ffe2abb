"""Expert records: valid, unmistakable, and there for every kind of attack."""

from __future__ import annotations

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.analysis.matching import FACTS
from apps.contracts import ExpertRecord, Kind
from apps.knowledge.documents import KnowledgeError
from apps.knowledge.services import record, records

SHIPPED = files("knowledge_base")
ACTIONS = {"block_address", "quarantine_file", "disable_account"}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A knowledge base of one good record, to be spoiled."""
    shutil.copy(str(SHIPPED / "record.schema.json"), tmp_path)
    folder = tmp_path / "records" / "intrusion"
    folder.mkdir(parents=True)
    shutil.copy(str(SHIPPED / "records" / "intrusion" / "port-scan.yml"), folder)
    return tmp_path


def spoil(base: Path, **changes: Any) -> None:
    file = base / "records" / "intrusion" / "port-scan.yml"
    document = yaml.safe_load(file.read_text())
    document.update(changes)
    file.write_text(yaml.safe_dump({k: v for k, v in document.items() if v is not None}))


def test_every_shipped_record_is_read() -> None:
    shipped = records()
    assert len(shipped) == len(list(Path(str(SHIPPED / "records")).glob("*/*.yml")))
    assert [each.slug for each in shipped] == sorted(each.slug for each in shipped)
    assert len({each.digest for each in shipped}) == len(shipped)


@pytest.mark.parametrize(
    "slug",
    [
        *("ssh-brute-force", "ssh-account-taken", "ftp-brute-force"),
        *("web-injection", "web-injection-succeeded", "sql-injection", "log4shell"),
        *("port-scan", "syn-flood", "http-flood", "slow-http", "web-shell", "malware-file"),
    ],
)
def test_there_is_a_record_for_what_the_platform_must_answer(slug: str) -> None:
    assert record(slug) in records()


def test_every_kind_that_a_tool_can_name_is_answered() -> None:
    answered = {kind for each in records() for kind in each.kinds}
    assert answered == set(Kind) - {Kind.ANOMALY}


def test_nothing_is_known_of_what_is_not_there() -> None:
    assert record("no-such-record") is None


@pytest.mark.parametrize("record", records(), ids=lambda each: each.slug)
class TestEachRecord:
    def test_has_only_actions_that_exist(self, record: ExpertRecord) -> None:
        assert {step.action for step in record.automatic} <= ACTIONS

    def test_blocks_only_for_a_time(self, record: ExpertRecord) -> None:
        blocks = [step for step in record.automatic if step.action == "block_address"]
        assert all(1 <= step.parameters["hours"] <= 168 for step in blocks)

    def test_locks_an_account_only_where_one_was_taken(self, record: ExpertRecord) -> None:
        if any(step.action == "disable_account" for step in record.automatic):
            conditions = {(each.field, each.operator) for each in record.when}
            assert {("accounts_taken", ">="), ("confidence", ">=")} <= conditions

    def test_quarantines_only_where_a_file_is_known(self, record: ExpertRecord) -> None:
        if any(step.action == "quarantine_file" for step in record.automatic):
            assert ("files", ">=") in {(each.field, each.operator) for each in record.when}

    def test_speaks_in_whole_sentences_and_known_names(self, record: ExpertRecord) -> None:
        facts = {
            *("severity", "confidence", "accounts_taken", "files", "attacker_addresses"),
            *("targets", "hosts", "signs"),
        }
        said = [each.because for each in record.when] + [t.detail for t in record.manual]
        assert all(text.endswith((".", "?", "`")) for text in said + list(record.verify))
        assert set(re.findall(r"\{(\w+)\}", " ".join(said))) <= facts
        reasons = " ".join(step.reason for step in record.automatic)
        assert set(re.findall(r"\{(\w+)\}", reasons)) <= {"address", "path", "account"}


def test_a_scan_alone_blocks_only_when_it_is_thorough() -> None:
    noted, thorough = record("port-scan-noted"), record("port-scan")
    assert noted is not None
    assert thorough is not None
    assert noted.automatic == ()
    assert [step.action for step in thorough.automatic] == ["block_address"]
    (low,) = (each.value for each in noted.when if each.field == "severity")
    (high,) = (each.value for each in thorough.when if each.field == "severity")
    assert low + 1 == high


# ── what is wrong is said plainly ────────────────────────────────────────────────────────


def test_a_good_base_is_read_and_read_again_when_it_changed(base: Path) -> None:
    (before,) = records(base)
    assert records(base)[0] is before
    spoil(base, title="Another title")
    (after,) = records(base)
    assert (after.title, after.digest != before.digest) == ("Another title", True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"title": None}, r"port-scan\.yml: the document: 'title' is a required property"),
        ({"kinds": ["burglary"]}, r"port-scan\.yml: kinds\[0\]: 'burglary' is not one of"),
        ({"more": 1}, r"the document: Additional properties are not allowed \('more'"),
        ({"references": ["http://plain.example"]}, r"references\[0\]: "),
        (
            {"risk": "virus"},
            r"intrusion/port-scan\.yml: risk: is virus, but the folder is intrusion",
        ),
        (
            {
                "automatic": [
                    {"action": "reboot", "foreach": "files", "reason": "Try it once more."}
                ]
            },
            r"automatic\[0\]\.action: 'reboot' is not one of",
        ),
        (
            {
                "automatic": [
                    {
                        "action": "block_address",
                        "foreach": "attacker.addresses",
                        "reason": "For ever and ever.",
                        "parameters": {"hours": 100_000},
                    }
                ]
            },
            r"automatic\[0\]\.parameters\.hours: 100000 is greater than",
        ),
        (
            {
                "when": [
                    {"field": "severity", "operator": ">=", "value": "high", "because": "It is."},
                ]
            },
            r"when\[0\]\.",
        ),
    ],
)
def test_a_record_that_does_not_fit_names_file_and_field(
    base: Path, changes: dict[str, Any], told: str
) -> None:
    spoil(base, **changes)
    with pytest.raises(KnowledgeError, match=told):
        records(base)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("slug: a\n  title: [", r"port-scan\.yml: line 2, "),
        ("slug: a\nslug: b\n", r"port-scan\.yml: line 2, key 'slug' stands twice"),
        ("", r"port-scan\.yml: the document: None is not of type 'object'"),
        ("!!python/object/apply:os.getcwd []", r"port-scan\.yml: line 1, could not determine"),
    ],
)
def test_a_record_that_is_no_yaml_names_file_and_line(base: Path, text: str, told: str) -> None:
    (base / "records" / "intrusion" / "port-scan.yml").write_text(text)
    with pytest.raises(KnowledgeError, match=told):
        records(base)


def test_two_records_of_one_slug_are_refused(base: Path) -> None:
    folder = base / "records" / "intrusion"
    shutil.copy(folder / "port-scan.yml", folder / "again.yml")
    with pytest.raises(KnowledgeError, match=r"'port-scan' is also that of intrusion/again\.yml"):
        records(base)


def test_every_record_and_every_fact_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "knowledge-records.md").read_text("utf-8")
    schema = json.loads((SHIPPED / "record.schema.json").read_text("utf-8"))
    facts = schema["$defs"]["condition"]["properties"]["field"]["enum"]
    operators = schema["$defs"]["condition"]["properties"]["operator"]["enum"]
    names = [*facts, *operators, *ACTIONS, *(each.slug for each in records())]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_conditions_speak_of_the_facts_that_matching_knows() -> None:
    schema = json.loads((SHIPPED / "record.schema.json").read_text("utf-8"))
    assert set(schema["$defs"]["condition"]["properties"]["field"]["enum"]) == set(FACTS)
