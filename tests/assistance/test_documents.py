"""The documents say what is there, and their example works."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from pkgutil import iter_modules

from apps.assistance import channels
from apps.assistance.actions.block_address import HOURS, MOST_HOURS
from apps.assistance.actions.quarantine_file import ALLOWED, FOLDER
from apps.assistance.channels.webhook import sign
from apps.assistance.deliveries import PAUSES
from apps.assistance.execution import actions

DOCS = Path(__file__).parents[2] / "docs"


def test_every_repair_action_has_its_section_with_its_limits() -> None:
    text = (DOCS / "repair-actions.md").read_text()
    for name in actions():
        assert f"\n## `{name}`\n" in text
    assert f"1 to {MOST_HOURS}, default {HOURS}" in text
    for place in (*ALLOWED, FOLDER):
        assert f"`{place}`" in text


def test_every_way_to_deliver_has_its_section() -> None:
    text = (DOCS / "responders.md").read_text()
    for module in iter_modules(channels.__path__):
        assert f"\n## `{module.name}`" in text
    said = text[text.index("we try again:") : text.index("then no more")]
    units = {"second": 1, "minute": 60, "hour": 3600}
    pauses = [int(n) * units[unit] for n, unit in re.findall(r"(\d+) (second|minute|hour)", said)]
    assert pauses == [pause.total_seconds() for pause in PAUSES]


def test_the_example_for_responders_accepts_our_signature_and_no_other() -> None:
    text = (DOCS / "responders.md").read_text()
    scope: dict[str, Callable[..., bool]] = {}
    exec(re.search(r"```python\n(.*?)```", text, re.S)[1], scope)  # type: ignore[index]
    is_ours, now = scope["is_ours"], int(time.time())
    assert is_ours(b"secret", sign(b"secret", b"{}", now), b"{}")
    assert not is_ours(b"secret", sign(b"other", b"{}", now), b"{}")
    assert not is_ours(b"secret", sign(b"secret", b"{}", now - 400), b"{}")
    assert not is_ours(b"secret", "", b"{}")
