"""The ingest application on a real port, with a real database behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import pytest

from apps.acquisition import open_batches, protocols, services
from apps.acquisition.models import Batch, Source
from tests.serving import served
from tocsin.http import PromptHttp


@dataclass
class Platform:
    """A running ingest server; `told` are the batches it passed on."""

    address: str
    token: str
    source: Source
    told: list[UUID] = field(default_factory=list)

    def client(self, token: str = "") -> httpx.Client:
        authorization = f"Bearer {token or self.token}"
        return httpx.Client(
            base_url=self.address,
            headers={"Authorization": authorization},
            timeout=60,
            trust_env=False,
        )

    def post(self, route: str, content: bytes, **headers: str) -> httpx.Response:
        with self.client() as client:
            return client.post(f"/api/v1/ingest/{route}", content=content, headers=headers)

    def parsed(self, response: httpx.Response) -> Batch:
        """The batch of an accepted request, parsed as a worker would."""
        assert response.status_code == 201, response.text
        batch_id = UUID(response.json()["batch"])
        open_batches.close([batch_id])
        services.parse(batch_id)
        return Batch.objects.get(pk=batch_id)

    def parse_all(self) -> None:
        """Closes and parses every batch that waits for it."""
        open_batches.close(Batch.objects.filter(state="open").values_list("pk", flat=True))
        for batch_id in Batch.objects.filter(state="received").values_list("pk", flat=True):
            services.parse(batch_id)

    def has_told(self, *batch_ids: UUID) -> bool:
        """Whether exactly these batches are passed on, within ten seconds."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and len(self.told) < len(batch_ids):
            time.sleep(0.02)
        return sorted(self.told) == sorted(batch_ids)


@pytest.fixture
def platform(transactional_db: None) -> Iterator[Platform]:
    source, token = services.create_source(name="web servers", actor="test")
    running = Platform("", token, source)
    application = protocols.application(on_batch=running.told.append)
    with served(application, http=PromptHttp, log_level="warning") as (host, port):
        running.address = f"http://{host}:{port}"
        yield running
    application.close()
