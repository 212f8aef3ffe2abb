"""The demonstration: our own recording, played through the real ingest API.

Everything it brings hangs on sources marked as demonstration, so that one command takes it
away again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Any

import httpx
from django.db import transaction

from apps.acquisition import services as acquisition
from apps.acquisition.models import Batch, Source
from apps.analysis import services as analysis
from apps.assistance import services as assistance
from apps.protection.services import audit

ACTOR = "demonstration"
VICTIM = "victim"
SOURCE = "demonstration range"
OTHER_FILES = 3  # uploads of honest people that are sent beside the web shell


@dataclass(frozen=True, slots=True)
class Shipment:
    """One request to the ingest API."""

    title: str
    route: str
    parameters: dict[str, str]
    content: bytes
    headers: dict[str, str]


def recording() -> Traversable:
    return files("knowledge_base") / "risk_data" / "range"


def facts() -> dict[str, Any]:
    """What the victim was like when it was recorded."""
    found: dict[str, Any] = json.loads((recording() / "facts.json").read_text())
    return found


def shipments() -> Iterator[Shipment]:
    """What the victim's shippers would have sent: its capture, its logs, the file dropped."""
    folder = recording()
    gz = {"Content-Encoding": "gzip"}
    for name, route in (
        ("capture.pcap.gz", "capture"),
        ("auth.log.gz", "lines"),
        ("access.log.gz", "lines"),
    ):
        content = (folder / name).read_bytes()
        plain = name.removesuffix(".gz")
        yield Shipment(plain, route, {"name": plain, "host": VICTIM}, content, gz)
    kept = {PurePosixPath(file["path"]).name: file["path"] for file in facts()["files"]}
    uploads = [path for path in folder.joinpath("uploads").iterdir() if path.name in kept]
    uploads.sort(key=lambda path: path.name)
    scripts = [path for path in uploads if path.name.endswith(".php")]
    others = [path for path in uploads if not path.name.endswith(".php")]
    for path in scripts + others[:OTHER_FILES]:
        where = {"path": kept[path.name], "host": VICTIM}
        yield Shipment(path.name, "file", where, path.read_bytes(), {})


def is_empty() -> bool:
    """True on a database that has never stored a batch."""
    return not Batch.objects.exists()


def play(address: str, say: Callable[[str], None]) -> int:
    """Sends the recording to the running platform; returns how many batches it became.

    Raises `httpx.HTTPError` when the platform cannot be reached or refuses a shipment.
    """
    assistance.register_recorded_host(name=VICTIM, facts=facts(), actor=ACTOR)
    source = Source.objects.filter(name=SOURCE).first()
    if source is None:
        source, token = acquisition.create_source(
            name=SOURCE, kind=Source.Kind.SENSOR, actor=ACTOR, is_demonstration=True
        )
    else:
        token = acquisition.rotate_token(source_id=source.pk, actor=ACTOR)
    sent: list[str] = []
    with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
        for shipment in shipments():
            say(f"sending {shipment.title}")
            answer = client.post(
                f"/api/v1/ingest/{shipment.route}",
                params=shipment.parameters,
                content=shipment.content,
                headers={"Authorization": f"Bearer {token}", **shipment.headers},
            )
            answer.raise_for_status()
            sent.append(answer.json()["batch"])
    _wait(sent, say)
    return len(sent)


def _wait(batch_ids: list[str], say: Callable[[str], None], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    ends = (Batch.State.DONE, Batch.State.FAILED)
    while time.monotonic() < deadline:
        left = Batch.objects.filter(id__in=batch_ids).exclude(state__in=ends).count()
        if not left:
            return
        time.sleep(0.5)
    say("the workers are still busy with the recording")


@transaction.atomic
def remove(actor: str) -> dict[str, int]:
    """Takes away everything the demonstration brought; says how much of what."""
    gone = {
        "incidents": analysis.forget_demonstration(),
        "hosts": assistance.forget_demonstration(),
        "batches": acquisition.forget_demonstration(),
    }
    audit(actor=actor, action="demonstration.removed", object="demonstration", detail=gone)
    return gone
