"""Our own ingest API, `/api/v1/ingest/…`: see docs/api-ingest.md."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.acquisition import documents
from apps.acquisition.arrivals import Receipt
from apps.acquisition.evtx import is_event_log
from apps.acquisition.models import Batch
from apps.acquisition.protocols._http import Exchange, Refusal, Request, Response
from apps.acquisition.reading import is_flow_table, overfull
from apps.acquisition.traffic.capture import is_capture

PREFIX = "/api/v1/ingest"
_SHOWN = 10

KINDS = ("ndjson", "lines", "capture", "flows", "evtx", "file")


@dataclass(frozen=True, slots=True)
class Ingest:
    name: str = "ingest"

    def wants(self, request: Request) -> bool:
        return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")

    async def answer(self, exchange: Exchange) -> Response:
        match exchange.request.path.removeprefix(PREFIX).split("/")[1:]:
            case [kind] if kind in KINDS:
                return await _take(exchange, kind)
            case ["batches", batch_id]:
                return await _tell(exchange, batch_id)
        raise Refusal(
            404,
            "resource_not_found_exception",
            f"There is no {exchange.request.path} here: post to {PREFIX}/ followed by one of "
            f"{', '.join(KINDS)}, or ask for {PREFIX}/batches/ID.",
        )


async def _take(exchange: Exchange, kind: str) -> Response:
    request = exchange.request
    request.allow("POST", "PUT")
    source = await request.source()
    name = request.query.get("path" if kind == "file" else "name", "")
    if kind == "file" and not name:
        raise Refusal(400, "parse_exception", "Say where the file was found: ?path=/the/path.")
    content = await request.body(guess=kind != "file")
    found = await exchange.work(len(content), _check, kind, content)
    receipt = await exchange.store(source, kind, content, file_name=name, found=found)
    digest = await exchange.work(len(content), hashlib.sha256, content)
    return _receipt(receipt, digest.hexdigest(), found)


def _check(kind: str, content: bytes) -> documents.Documents | None:
    """Refuses what cannot be read at all; for documents, finds them."""
    if kind == "capture" and not is_capture(content[:4]):
        raise Refusal(400, "parse_exception", "This is neither a pcap nor a pcapng file.")
    if kind != "capture" and kind != "file" and is_capture(content[:4]):
        raise Refusal(400, "parse_exception", f"This is a capture: post it to {PREFIX}/capture.")
    if kind == "evtx" and not is_event_log(content):
        raise Refusal(400, "parse_exception", "This is no Windows event log file.")
    if kind == "flows" and not is_flow_table(content):
        reason = "The first line does not name the columns of CICFlowMeter."
        raise Refusal(400, "parse_exception", reason)
    if reason := overfull(content, kind):
        raise Refusal(413, "content_too_large", reason)
    if kind != "ndjson":
        return None
    found = documents.split(content, settings.TOCSIN["max_line"])
    if not found.items:
        raise Refusal(400, "parse_exception", "The body holds no document.")
    if not found.texts:
        reason = f"None of the {found.items} items is a document: {found.rejected[0][1]}."
        raise Refusal(400, "document_parsing_exception", reason)
    return found


def _receipt(receipt: Receipt, digest: str, found: documents.Documents | None) -> Response:
    batch = receipt.batch
    address = f"{PREFIX}/batches/{batch.pk}"
    body = {
        "batch": str(batch.pk),
        "duplicate": not receipt.is_new,
        "state": batch.state,
        "start": receipt.start,
        "size": receipt.size,
        "sha256": digest,
        **(_counts(found) if found else {}),
        "href": address,
    }
    return Response(201 if receipt.is_new else 200, body, {"Location": address})


def _counts(found: documents.Documents) -> dict[str, Any]:
    rejections = [
        {"sequence": sequence, "reason": reason} for sequence, reason in found.rejected[:_SHOWN]
    ]
    return {"items": found.items, "rejected": len(found.rejected), "rejections": rejections}


async def _tell(exchange: Exchange, batch_id: str) -> Response:
    exchange.request.allow("GET", "HEAD")
    source = await exchange.request.source()
    batch = await exchange.find(source, batch_id)
    if batch is None:
        reason = f"This source has sent no batch {batch_id!r}."
        raise Refusal(404, "resource_not_found_exception", reason)
    return Response(200, _state(batch))


def _state(batch: Batch) -> dict[str, Any]:
    return {
        "batch": str(batch.pk),
        "protocol": batch.protocol,
        "state": batch.state,
        "received_at": batch.received_at,
        "size": batch.size,
        "sha256": batch.digest,
        "items": batch.items,
        "stored": batch.stored,
        "rejected": batch.rejected,
        "unparsed": batch.unparsed,
        "datasets": batch.summary.get("datasets", {}),
        "rejections": batch.summary.get("rejections", []),
        "notes": batch.summary.get("notes", []),
        "parsers": batch.summary.get("parsers", []),
        "error": batch.error,
    }


PROTOCOL = Ingest()
