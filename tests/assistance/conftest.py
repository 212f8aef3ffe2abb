"""The hosts that tests repair: a real one, and a model of one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.assistance import hosts, services
from tests.assistance.machine import Machine, missing
from tests.assistance.made import PRIVATE, PUBLIC, SHELL
from tests.assistance.model_host import File, ModelHost


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """One for the run: every test leaves it as it was."""
    if reasons := missing():
        pytest.skip("; ".join(reasons))
    with Machine() as host:
        yield host


@pytest.fixture
def web01(monkeypatch: pytest.MonkeyPatch) -> ModelHost:
    """A registered host that answers as the model does."""
    model = ModelHost(files={SHELL: File(b"<?php")})
    monkeypatch.setattr(hosts, "Connection", lambda endpoint, **way: model)
    services.register_host(
        name="web01",
        address="192.0.2.10",
        host_key=PUBLIC,
        private_key_pem=PRIVATE,
        actor="root",
        protected=("198.51.100.0/24",),
    )
    return model
