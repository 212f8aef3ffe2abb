"""`docs/operating.md` names every command and every setting there is."""

from __future__ import annotations

import re
from pathlib import Path

from tocsin.commands import COMMANDS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operating.md").read_text()


def test_every_command_is_documented() -> None:
    missing = [
        name
        for name in (*COMMANDS, "up")
        if not re.search(rf"`tocsin {re.sub('_', '[ -]', name)}\b", TEXT)
    ]
    assert not missing


def test_every_setting_is_documented_and_every_documented_setting_is_read() -> None:
    code = "".join(
        (ROOT / "platform" / "tocsin" / f"{name}.py").read_text() for name in ("settings", "home")
    )
    read = set(re.findall(r'"(TOCSIN_[A-Z_]+)"', code))
    read |= {f"TOCSIN_{name.upper()}" for name in re.findall(r'secret\("(\w+)"\)', code)}
    documented = set(re.findall(r"`(TOCSIN_[A-Z_]+)`", TEXT))
    assert read == documented
