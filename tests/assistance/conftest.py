"""The host that the tests of the edge repair: one for the run, as every test leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.assistance.machine import Machine, missing


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    if reasons := missing():
        pytest.skip("; ".join(reasons))
    with Machine() as host:
        yield host
