"""Where written parsers are kept, and what a broken one does: nothing but to be reported."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from apps.acquisition import services
from apps.acquisition.models import WrittenParser
from apps.acquisition.written import store
from apps.acquisition.written.document import Broken
from apps.protection.models import AuditEntry
from tests.acquisition.samples import ACCESS
from tests.acquisition.written.test_written import GATE, LINE

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.HOME = tmp_path
    made = tmp_path / "parsers"
    made.mkdir()
    return made


def datasets(content: str) -> dict[str, int]:
    source = services.create_source(name=str(uuid4()), actor="test")[0]
    batch = services.receive(source=source, protocol="lines", content=content.encode()).batch
    services.parse(batch.pk)
    batch.refresh_from_db()
    assert not batch.error
    told: dict[str, int] = batch.summary["datasets"]
    return told


def test_a_file_in_the_home_reads_the_next_batch(folder: Path) -> None:
    assert datasets(f"1{LINE}\n{LINE}\n{ACCESS}") == {"unparsed": 2, "nginx.access": 1}
    (folder / "gate.yml").write_text(GATE)
    assert datasets(f"{LINE}\n{ACCESS}") == {"acme.gate": 1, "nginx.access": 1}
    (folder / "gate.yml").write_text(GATE.replace("acme.gate", "acme.door"))
    assert datasets(LINE) == {"acme.door": 1}


@pytest.mark.parametrize(
    "content",
    [b"name: x", b"\xff\xfe\0", b"{{{", b"", b"a: [" * 5000, GATE.replace("ann", "bob").encode()],
)
def test_a_broken_file_is_reported_and_costs_nothing_else(folder: Path, content: bytes) -> None:
    (folder / "broken.yml").write_bytes(content)
    (folder / "gate.yml").write_text(GATE)
    (folder / "folder.yml").mkdir()
    kept = store.current()
    assert [parser.name for parser in kept.parsers] == ["acme_gate"]
    if content != GATE.replace("ann", "bob").encode():
        assert any(problem.startswith("broken.yml: ") for problem in kept.problems)
    assert datasets(f"{LINE}\n{ACCESS}") == {"acme.gate": 1, "nginx.access": 1}


def test_what_is_saved_is_checked_kept_and_audited(folder: Path) -> None:
    saved = services.save_parser(text=GATE, actor="ann")
    assert datasets(LINE) == {"acme.gate": 1}
    entry = AuditEntry.objects.filter(action="parser.saved").get()
    assert (entry.actor, entry.object) == ("ann", "parser:acme_gate")
    changed = GATE.replace("name: acme_gate", "name: acme_door")
    assert services.save_parser(text=changed, actor="ann", replaces="acme_gate").pk == saved.pk
    assert [each.name for each in store.current().parsers] == ["acme_door"]
    services.remove_parser(name="acme_door", actor="ann")
    assert datasets(f"{LINE} ") == {"unparsed": 1}
    assert AuditEntry.objects.filter(action="parser.removed").count() == 1


def test_no_two_parsers_share_a_name(folder: Path) -> None:
    services.save_parser(text=GATE, actor="ann")
    for text in (GATE, GATE.replace("name: acme_gate", "name: sshd")):
        with pytest.raises(Broken, match="there is a parser called"):
            services.save_parser(text=text, actor="ann")
    (folder / "gate.yml").write_text(GATE)
    kept = store.current()
    assert len(kept.parsers) == 1
    assert kept.problems == (
        "acme_gate (dashboard): name: there is a parser called acme_gate already",
    )
    with pytest.raises(Broken, match="there is a parser called acme_gate already"):
        services.save_parser(text=GATE, actor="ann", replaces="acme_gate")
    assert WrittenParser.objects.count() == 1


def test_a_broken_one_is_not_saved() -> None:
    with pytest.raises(Broken, match="line 4, category"):
        services.save_parser(text=GATE.replace("authentication", "doors"), actor="ann")
    assert not WrittenParser.objects.exists()


def test_equal_content_is_checked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gate.yml").write_text(GATE)
    first = store.current()
    monkeypatch.setattr(store, "load", lambda *_: pytest.fail("it was checked again"))
    assert store.current() is first
