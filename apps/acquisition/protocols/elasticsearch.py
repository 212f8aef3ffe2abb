"""What Elasticsearch's and OpenSearch's shippers need: `_bulk`, and the probes before it.

Reference: Elasticsearch REST APIs, "Bulk API". Documents are only ever added, so `update` and `delete` are refused item by item.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from django.conf import settings

from apps.acquisition import documents
from apps.acquisition.arrivals import Receipt
from apps.acquisition.protocols._http import Exchange, Refusal, Request, Response, Unstorable
from apps.acquisition.reading import overfull

_VERSION = "9.1.0"  # what shippers compare with; the API served is the same since 7
Action = tuple[str, dict[str, object]]
_CLIENTS = ("elastic", "opensearch", "filebeat", "logstash", "metricbeat", "packetbeat", "vector")
_PLACE = 7_777_777_777_777_777  # stands for a number in a text
_VENDOR = "vnd.elasticsearch+"


@dataclass(frozen=True, slots=True)
class Elasticsearch:
    name: str = "elasticsearch"

    def wants(self, request: Request) -> bool:
        if request.path == "/":
            return _is_shipper(request)
        words = request.path.split("/")
        return words[-1] == "_bulk" or (words[1].startswith("_") and not words[1].startswith("__"))

    async def answer(self, exchange: Exchange) -> Response:
        request = exchange.request
        kind = _content_type(request)
        try:
            response = await _route(exchange)
        except Refusal as refusal:
            response = refusal.response
        headers = {**response.headers, "X-Elastic-Product": "Elasticsearch", "Content-Type": kind}
        return Response(response.status, response.body, headers)


def _is_shipper(request: Request) -> bool:
    """A browser asks for HTML; whoever shows a token or Elastic's media type is a shipper."""
    accept = request.headers.get("accept", "")
    if request.method not in ("GET", "HEAD") or "text/html" in accept:
        return False
    agent = request.headers.get("user-agent", "").lower()
    return "authorization" in request.headers or _VENDOR in accept or agent.startswith(_CLIENTS)


def _content_type(request: Request) -> str:
    accept = request.headers.get("accept", "")
    if _VENDOR in accept:
        version = accept.partition("compatible-with=")[2][:1]
        version = version if version.isdigit() else "9"
        return f"application/vnd.elasticsearch+json;compatible-with={version}"
    return "application/json"


async def _route(exchange: Exchange) -> Response:
    request = exchange.request
    words = request.path.split("/")[1:]
    match words:
        case [""]:
            request.allow("GET", "HEAD")
            await request.source()
            return Response(200, _product())
        case ["_license"]:
            request.allow("GET", "HEAD")
            await request.source()
            return Response(200, _license())
        case ["_xpack"]:
            request.allow("GET", "HEAD")
            await request.source()
            return Response(200, {"license": _license()["license"], "features": {}})
        case [*target, "_bulk"] if len(target) <= 2:
            request.allow("POST", "PUT")
            return await _bulk(exchange, target[0] if target else "")
    raise Refusal(
        404,
        "resource_not_found_exception",
        f"{request.path} is not served: of Elasticsearch's API only _bulk is. Switch off set-up of "
        "templates, pipelines and lifecycles in the shipper.",
    )


def _product() -> dict[str, Any]:
    return {
        "name": "tocsin",
        "cluster_name": "tocsin",
        "cluster_uuid": "tocsin",
        "version": {
            "number": _VERSION,
            "build_flavor": "default",
            "build_type": "tar",
            "build_snapshot": False,
            "lucene_version": "10.2.2",
            "minimum_wire_compatibility_version": "8.19.0",
            "minimum_index_compatibility_version": "8.0.0",
        },
        "tagline": "You Know, for Search",
    }


def _license() -> dict[str, Any]:
    return {"license": {"status": "active", "uid": "tocsin", "type": "basic", "mode": "basic"}}


async def _bulk(exchange: Exchange, index: str) -> Response:
    started = time.monotonic()
    request = exchange.request
    source = await request.source()
    content = await request.body()
    if reason := overfull(content, "bulk"):
        raise Refusal(413, "content_too_large", reason)
    try:
        found = await exchange.work(
            len(content), documents.split_bulk, content, settings.TOCSIN["max_line"]
        )
    except documents.MalformedBulk as error:
        raise Refusal(400, "illegal_argument_exception", str(error)) from error
    if not found.items:
        raise Refusal(400, "parse_exception", "The body holds no action.")
    name = request.query.get("name", "")
    try:
        receipt = await exchange.store(source, "bulk", content, file_name=name, found=found)
    except Unstorable as error:  # shippers give up items, and send whole requests again
        items = [_refused(action, target, index, str(error)) for action, target in found.actions]
        return Response(200, {"took": 0, "errors": True, "items": items})
    took = int((time.monotonic() - started) * 1000)
    return Response(200, await exchange.work(len(content), _reply, took, found, index, receipt))


def _refused(action: str, target: dict[str, Any], index: str, reason: str) -> dict[str, Any]:
    error = {"type": "document_parsing_exception", "reason": reason}
    item = {"_index": target.get("_index") or index or "tocsin", "_id": target.get("_id")}
    return {action: {**item, "status": 400, "error": error}}


def _reply(took: int, found: documents.Documents, index: str, receipt: Receipt) -> bytes:
    odd = str(_PLACE) in index or any(
        "_id" in target or str(_PLACE) in str(target) for _, target in _distinct(found.actions)
    )
    if not found.rejected and not odd:
        return _all_taken(took, found, index, receipt)
    items = _items(found, index, receipt)
    return msgspec.json.encode({"took": took, "errors": bool(found.rejected), "items": items})


def _distinct(actions: list[Action]) -> Iterable[Action]:
    return {id(target): (action, target) for action, target in actions}.values()


def _all_taken(took: int, found: documents.Documents, index: str, receipt: Receipt) -> bytes:
    """What `_items` says where every document is taken and none has an id: a text with numbers
    in it, which costs a third."""
    said: dict[int, str] = {}
    texts = []
    for number, (action, target) in enumerate(found.actions, receipt.first):
        text = said.get(id(target))
        if text is None:
            alone = replace(found, actions=[(action, target)])
            item = msgspec.json.encode(_items(alone, index, replace(receipt, first=_PLACE))[0])
            text = item.decode().replace("%", "%%").replace(f"{_PLACE}", "%d")
            said[id(target)] = text
        texts.append(text % (number, number))
    return f'{{"took":{took},"errors":false,"items":[{",".join(texts)}]}}'.encode()


def _items(found: documents.Documents, index: str, receipt: Receipt) -> list[dict[str, Any]]:
    wrong = dict(found.rejected)
    prefix = receipt.batch.pk.hex
    result, status = ("created", 201) if receipt.is_new else ("noop", 200)
    shards = {"total": 1, "successful": 1, "failed": 0}
    items = []
    for sequence, (action, target) in enumerate(found.actions):
        item: dict[str, Any] = {
            "_index": target.get("_index") or index or "tocsin",
            "_id": target.get("_id") or f"{prefix}-{receipt.first + sequence}",
        }
        if reason := wrong.get(sequence):
            item["status"] = 400
            item["error"] = {"type": "document_parsing_exception", "reason": reason}
        else:
            item |= {
                "_version": 1,
                "result": result,
                "_shards": shards,
                "_seq_no": receipt.first + sequence,
            }
            item |= {"_primary_term": 1, "status": status}
        items.append({action: item})
    return items


PROTOCOL = Elasticsearch()
