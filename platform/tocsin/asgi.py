"""One web process: bulk ingest as raw ASGI, everything else as Django."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from tocsin.bodies import Bounded

pages = get_asgi_application()

from apps.acquisition import protocols  # noqa: E402 - Django must be set up first
from apps.center import pipeline  # noqa: E402

ingest = protocols.application(on_batch=pipeline.start)


def most(path: str) -> int:
    """Bytes that the body of a request to a page may have: a file that is brought by hand, or a
    form."""
    if path == "/upload/":
        return int(settings.TOCSIN["max_body"]) + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


django = Bounded(pages, most, together=settings.TOCSIN["in_flight_bytes"])


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Routes a request; a browser's `GET /` and a shipper's are told apart by their headers."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and protocols.wants(scope):
        await ingest(scope, receive, send)
    else:
        await django(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        ends = message["type"] == "lifespan.shutdown"
        if ends:
            await ingest.leave()
        await send({"type": f"{message['type']}.complete"})
        if ends:
            return
