"""Scenes: what is done on the stage, read from the `.scenes` files beside this module.

A scene begins with `## name | tool | user`, in `attacks.scenes` followed by `| ATT&CK technique`.
Its body is a bash script, which is traced; `$n` is the number of the take. Lines before the first
`%` line are that script. After `%file NAME` comes a file of the scene's folder, after `%before`
and `%beside` scripts that are not traced: run to their end before the scene, and begun together
with it. `user` is `root`, `alice`, or `any`: root and alice take turns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BENIGN = "benign"
_MARK = re.compile(r"%(script|before|beside|file \S+)")


@dataclass
class Scene:
    """One thing that is done, and by whom."""

    name: str
    tool: str
    user: str
    technique: str = ""
    script: str = ""
    before: str = ""
    beside: str = ""
    files: dict[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """What must not be split between learning and testing."""
        return f"{self.name.partition(':')[0]}/{self.tool}"


def read_scenes(path: Path) -> list[Scene]:
    """The scenes of a file; ValueError where a head is not one, or a name comes twice."""
    scenes = list(_read(path.read_text()))
    names = [scene.name for scene in scenes]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{path.name}: more than once: {', '.join(sorted(twice))}")
    return scenes


def _read(text: str) -> Iterator[Scene]:
    for block in text.split("\n## ")[1:]:
        head, *lines = block.splitlines()
        parts = [part.strip() for part in head.split("|")]
        if len(parts) not in (3, 4):
            raise ValueError(f"not the head of a scene: {head}")
        scene = Scene(*parts)
        into = ["%script"]
        for line in lines:
            if _MARK.fullmatch(line):
                into = line.split()
            elif into[0] == "%file":
                scene.files[into[1]] = scene.files.get(into[1], "") + line + "\n"
            else:
                name = into[0][1:]
                setattr(scene, name, getattr(scene, name) + line + "\n")
        yield scene
