"""Words, signs and assets, without a database."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from django.contrib.auth.models import User
from django.test import Client

from apps import center
from apps.center import words
from apps.center.templatetags.tocsin import (
    are_attention,
    by_step,
    coded,
    highlighted,
    percent,
    template_words,
)

Enter = Callable[[User], Client]
Sent = list[tuple[str, tuple[object, ...]]]


def test_marking_a_term_does_not_break_the_escaping() -> None:
    assert highlighted("<b>203.0.113.66</b>", ["203.0.113.66", "<b>"]) == (
        "<mark>&lt;b&gt;</mark><mark>203.0.113.66</mark>&lt;/b&gt;"
    )
    assert highlighted("İstanbul root", ["root"]) == "İstanbul <mark>root</mark>"


def test_characters_that_steer_terminals_or_turn_text_are_shown_as_signs() -> None:
    assert highlighted("\x1b[31mred\u202egnp.exe", []) == "␛[31mred&lt;U+202E&gt;gnp.exe"


def columns(drawing: str) -> list[tuple[str, float, float]]:
    found = re.findall(
        r'<rect class="(\w+)" x="[^"]+" y="([^"]+)" width="8" height="([^"]+)"', drawing
    )
    return [(way, float(top), float(top) + float(height)) for way, top, height in found]


def test_steps_stand_up_for_the_verdict_and_hang_down_against_it() -> None:
    drawing = by_step([3.0, -1.0, 0.0])
    assert columns(drawing) == [("toward", 1, 29.5), ("away", 29.5, 39), ("toward", 29.5, 29.5)]
    assert '<line x1="0" y1="29.5" x2="30" y2="29.5">' in drawing
    assert columns(by_step([-1.0, -2.0])) == [("away", 1, 20), ("away", 1, 39)]


def test_steps_stored_as_weights_that_sum_to_one_still_stand_on_the_ground() -> None:
    drawing = by_step([0.25, 0.5, 0.25])
    assert columns(drawing) == [("toward", 20, 39), ("toward", 1, 39), ("toward", 20, 39)]
    assert columns(by_step([0.0, 0.0])) == [("toward", 1, 1), ("toward", 1, 1)]
    assert columns(by_step([])) == []
    assert are_attention([0.25, 0.5, 0.25])
    assert not any(map(are_attention, ([], [0.5, 0.75], [1.5, -0.5])))


def test_levels_cover_every_severity_once() -> None:
    names = [name for _least, name, _word in words.LEVELS]
    for severity in range(101):
        covering = [name for name in names if words.span(name)[0] <= severity < words.span(name)[1]]
        assert covering == [words.level(severity)[0]]


def test_labels_of_networks_become_words() -> None:
    said = [words.label(name) for name in ("BruteForce", "DDoS", "sqli", "WebAttack", "Bot-Net")]
    assert said == [
        "Brute force",
        "Distributed denial of service",
        "SQL injection",
        "Web attack",
        "Bot net",
    ]


def test_every_deed_of_the_trail_of_an_incident_has_words() -> None:
    apps = Path(center.__file__).parents[1]
    code = "".join(f.read_text() for f in apps.rglob("*.py") if f.name != "words.py")
    written = set(re.findall(r'"((?:incident|remedy|task|handover)\.[a-z_]+)"', code))
    written -= {"handover.downloaded"}  # stands in the trail of the package
    ends = {"apply": ("begun", "done", "failed"), "undo": ("begun", "done", "failed")}
    ends |= {"verify": ("done", "failed")}
    written |= {f"remedy.{kind}.{end}" for kind, known in ends.items() for end in known}
    assert written == set(words.DEEDS)


def test_backticks_become_code_and_markup_stays_text() -> None:
    assert coded("run `ls <x>` & look") == "run <code>ls &lt;x&gt;</code> &amp; look"
    assert coded("a lone ` stays") == "a lone ` stays"
    assert template_words("As {accounts_taken}: `who {x}`") == (
        "As ‹accounts taken›: <code>who ‹x›</code>"
    )


def test_a_step_without_commands_is_a_sentence() -> None:
    week = {"address": "203.0.113.7", "hours": 168}
    assert words.step("block_address", week, "web1") == "Block 203.0.113.7 for 7 days on web1."
    assert words.step("block_address", {**week, "hours": 6}, "") == "Block 203.0.113.7 for 6 hours."
    assert words.step("disable_account", {}, "web1") == "Disable account on web1."


def test_a_probability_is_never_rounded_to_certainty() -> None:
    assert [percent(p) for p in (0.0, 0.004, 0.5, 0.998, 1.0)] == [
        "0 %",
        "<1 %",
        "50 %",
        ">99 %",
        "100 %",
    ]


def test_vendored_assets_are_what_was_vendored() -> None:
    folder = Path(center.__file__).parent / "static" / "center" / "vendor"
    listed = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    kept = {file.name for file in folder.iterdir()} - {"SHA256SUMS"}
    assert set(listed) == kept
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_the_sprite_has_the_icons_asked_for_and_no_others() -> None:
    folder = Path(center.__file__).parent
    sprite = (folder / "static/center/vendor/icons.svg").read_text()
    asked = set(words.KIND_ICONS.values())
    for file in folder.rglob("*.html"):
        asked |= set(re.findall(r'{% icon "([\w-]+)"', file.read_text()))
    asked |= set(re.findall(r'_t\("[^"]+"\), "([\w-]+)"', (folder / "context.py").read_text()))
    assert set(re.findall(r'symbol id="([\w-]+)"', sprite)) == asked


def test_no_page_carries_a_script_or_a_style_of_its_own() -> None:
    for file in (Path(center.__file__).parent / "templates").rglob("*.html"):
        text = file.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), file.name


def test_what_only_a_watch_saw_is_said_without_an_attacker() -> None:
    assert (
        words.sentence(["hijack"], [], ["shop.example"]) == "shop.example seems to lead elsewhere."
    )
    assert words.sentence(["weakness"], [], ["shop.example"]) == "shop.example has a weak point."
    told = words.sentence(["persistence", "brute_force"], [], ["web-01"])
    assert told == "Somebody seems to have left a foothold on web-01, along with brute force."
    known = words.sentence(["persistence"], ["203.0.113.5"], ["web-01"])
    assert known == "203.0.113.5 left a foothold on web-01."
