"""Loaded by pytest before anything else: a test run has a home of its own, never the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
HOME.chmod(0o711)  # the database's account passes through it
os.environ["TOCSIN_HOME"] = str(HOME)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
