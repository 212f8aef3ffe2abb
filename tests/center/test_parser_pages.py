"""The pages of parsers: lines explained, a parser tried, saved, changed, removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from apps.acquisition.models import Record, WrittenParser
from apps.acquisition.written import store
from tests.acquisition.samples import FAILED
from tests.acquisition.written.test_written import GATE, LINE
from tests.center.world import World

Enter = Callable[[User], Client]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Settings) -> Path:
    settings.HOME = tmp_path
    (tmp_path / "parsers").mkdir()
    return tmp_path


def test_pasted_lines_are_explained_and_not_kept(world: World, enter: Enter) -> None:
    before = Record.objects.count()
    lines = f"{FAILED}\n<script>alert(1)</script>"
    page = enter(world.analyst).post(reverse("explain"), {"lines": lines}).content.decode()
    for word in ("sshd", "203.0.113.9", "Login brute force", "no parser reads it"):
        assert word in page
    assert "<script>alert" not in page
    assert Record.objects.count() == before


def test_a_stored_record_brings_its_line_along(world: World, enter: Enter) -> None:
    record = world.batch.records.filter(event_original__isnull=False).first()
    assert record is not None
    client = enter(world.analyst)
    assert reverse("explain") in client.get(reverse("record", args=[record.pk])).content.decode()
    page = client.get(reverse("explain"), {"record": record.pk})
    assert page.status_code == 200
    assert client.get(reverse("explain"), {"record": 10**9}).status_code == 404
    assert client.get(reverse("explain"), {"record": "x"}).status_code == 200


def test_a_parser_is_tried_before_it_is_saved(world: World, enter: Enter) -> None:
    client = enter(world.administrator)
    assert "examples:" in client.get(reverse("parser-new")).content.decode()
    tried = client.post(
        reverse("parser-new"), {"text": GATE, "lines": LINE.replace("ann", "eve"), "try": "1"}
    ).content.decode()
    assert "It works" in tried
    assert "eve" in tried
    assert not WrittenParser.objects.exists()
    wrong = GATE.replace("category: authentication", "category: doors")
    for button in ("try", "save"):
        refused = client.post(reverse("parser-new"), {"text": wrong, button: "1"})
        assert "line 4, category" in refused.content.decode()
    assert not WrittenParser.objects.exists()
    saved = client.post(reverse("parser-new"), {"text": GATE, "save": "1"})
    assert saved.status_code == 302
    assert "acme_gate" in client.get(reverse("parsers")).content.decode()
    other = GATE.replace("name: acme_gate", "name: acme_door").replace("\n", "\r\n")
    client.post(reverse("parser", args=["acme_gate"]), {"text": other, "save": "1"})
    assert [parser.name for parser in store.current().parsers] == ["acme_door"]
    client.post(reverse("parser-remove", args=["acme_door"]))
    assert not WrittenParser.objects.exists()


def test_a_parser_that_stopped_working_can_be_mended(world: World, enter: Enter) -> None:
    WrittenParser.objects.create(name="old", text="name: old", changed_by="ann")
    client = enter(world.administrator)
    page = client.get(reverse("parsers")).content.decode()
    assert "old (dashboard): line 1" in page
    assert reverse("parser", args=["old"]) in page
    mended = GATE.replace("name: acme_gate", "name: old")
    client.post(reverse("parser", args=["old"]), {"text": mended, "save": "1"})
    assert store.current().problems == ()


def test_only_an_administrator_writes_parsers(world: World, enter: Enter) -> None:
    client = enter(world.analyst)
    assert client.post(reverse("parser-new"), {"text": GATE, "save": "1"}).status_code == 403
    assert client.get(reverse("parsers")).status_code == 200
    assert not WrittenParser.objects.exists()


def test_a_batch_says_who_read_it_and_how_sure_they_were(world: World, enter: Enter) -> None:
    page = enter(world.analyst).get(reverse("batch", args=[world.batch.pk])).content.decode()
    for word in ("How it was read", "sshd", "1\u2009203", "&gt;99 %", "98 %"):
        assert word in page, word
