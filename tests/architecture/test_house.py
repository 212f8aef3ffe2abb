"""The shape of the house: what the design promises about the tree holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import models

from apps.acquisition.models import Record
from apps.contracts import RECORD_COLUMNS, ColumnType

ROOT = Path(__file__).parents[2]
OURS = [
    path
    for room in ("platform", "apps", "ml_core")
    for path in (ROOT / room).rglob("*.py")
    if "migrations" not in path.parts
]


def test_the_root_folder_called_platform_does_not_shadow_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.system())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() in {"Linux", "Darwin"}
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_contracts_and_plugins_need_only_the_standard_library() -> None:
    for name in ("contracts", "plugins"):
        tree = ast.parse((ROOT / "apps" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for imported in names:
                assert imported.split(".")[0] in sys.stdlib_module_names, imported


def test_a_record_is_kept_in_exactly_the_columns_of_the_contract() -> None:
    kinds = {
        ColumnType.TEXT: models.TextField,
        ColumnType.INTEGER: models.BigIntegerField,
        ColumnType.ADDRESS: models.GenericIPAddressField,
        ColumnType.TIMESTAMP: models.DateTimeField,
        ColumnType.BYTES: models.BinaryField,
    }
    kept = {f.name: type(f) for f in Record._meta.fields if f.name not in {"id", "batch"}}
    assert kept == {c.attribute: kinds[c.type] for c in RECORD_COLUMNS if c.stored}


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_ours_loads_pickles_or_runs_shells(path: Path) -> None:
    text = path.read_text()
    # a pickle runs code when read, a shell what stands in a name; an unpinned host key is anybody's
    for forbidden in (r"\bpickle\b.*\bload", r"torch\.load\(", r"shell=True", r"AutoAddPolicy\("):
        assert not re.search(forbidden, text), forbidden


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_of_more_than_a_few_lines_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    if len(text.splitlines()) > 12:
        assert ast.get_docstring(ast.parse(text))
