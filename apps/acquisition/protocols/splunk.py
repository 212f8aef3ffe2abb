"""Splunk's HTTP Event Collector: `/services/collector` (event, raw, health, ack).

Source: Splunk, "HTTP Event Collector REST API endpoints" and "Troubleshoot HTTP Event Collector"
(the codes). An acknowledgement is true as soon as its id exists: an answer is only given once
what was sent is committed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec
from django.conf import settings

from apps.acquisition import hec
from apps.acquisition.documents import Documents
from apps.acquisition.protocols._http import Exchange, Refusal, Request, Response
from apps.acquisition.reading import overfull

PREFIX = "/services/collector"
_CHANNEL = "x-splunk-request-channel"
_MOST_ACKS = 100_000


@dataclass(frozen=True, slots=True)
class Splunk:
    name: str = "splunk"
    _numbers: count[int] = field(default_factory=lambda: count(time.time_ns() // 1_000_000))

    def wants(self, request: Request) -> bool:
        return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")

    async def answer(self, exchange: Exchange) -> Response:
        request = exchange.request
        try:
            match request.path.removeprefix(PREFIX).removesuffix("/1.0").removesuffix("/1.0.0"):
                case "" | "/event":
                    return await self._take(exchange, "hec")
                case "/raw":
                    return await self._take(exchange, "lines")
                case "/health":
                    return Response(200, {"text": "HEC is healthy", "code": 17})
                case "/ack":
                    return await _acknowledged(exchange)
        except Refusal as refusal:
            return _told(refusal)
        reason = f"There is no {request.path} here: post to {PREFIX}/event or {PREFIX}/raw."
        return Response(404, {"text": reason, "code": 404})

    async def _take(self, exchange: Exchange, protocol: str) -> Response:
        request = exchange.request
        request.allow("POST")
        source = await request.source()
        try:
            content = await request.body()
        except Refusal as refusal:
            if "empty" in str(refusal):
                return Response(400, {"text": "No data", "code": 5})
            raise
        if reason := overfull(content, protocol):
            raise Refusal(413, "content_too_large", reason)
        found, name = None, ""
        if protocol == "hec":
            found = await exchange.work(len(content), _cut, content)
            if isinstance(found, Response):
                return found
        else:
            name = request.query.get("source", "")
        await exchange.store(source, protocol, content, file_name=name, found=found)
        answer: dict[str, Any] = {"text": "Success", "code": 0}
        if request.headers.get(_CHANNEL) or request.query.get("channel"):
            answer["ackId"] = next(self._numbers)
        return Response(200, answer)


def _cut(content: bytes) -> Documents | Response:
    """The events, or the answer to a body of which nothing can be stored. Else what is good is
    taken, and what is not is counted: a refusal would have the good ones come again and again."""
    try:
        found = hec.split(content, int(settings.TOCSIN["max_line"]))
    except hec.MalformedEvents as error:
        body = {"text": str(error), "code": 6, "invalid-event-number": error.number}
        return Response(400, body)
    if found.texts:
        return found
    number, reason = found.rejected[0]
    code = {"event field is required": 12, "event field cannot be blank": 13}.get(reason, 6)
    text = reason[0].upper() + reason[1:]
    return Response(400, {"text": text, "code": code, "invalid-event-number": number})


async def _acknowledged(exchange: Exchange) -> Response:
    request = exchange.request
    request.allow("POST")
    await request.source()
    try:
        asked = msgspec.json.decode(await request.body(waits=False), type=dict[str, list[int]])[
            "acks"
        ]
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
        raise Refusal(400, "parse_exception", 'Ask with {"acks": [number, …]}.') from error
    if len(asked) > _MOST_ACKS:
        raise Refusal(400, "parse_exception", f"More than {_MOST_ACKS} numbers at once.")
    return Response(200, {"acks": {str(number): True for number in asked}})


def _told(refusal: Refusal) -> Response:
    """A refusal in Splunk's words."""
    response = refusal.response
    codes = {401: 4, 403: 1, 400: 6, 422: 6, 429: 9, 503: 9}
    if response.status == 401 and "No token" in str(refusal):
        codes[401] = 2
    busy = response.status == 429  # forwarders know "busy" by 503, and "never again" by 400
    text = "Server is busy" if busy else str(refusal)
    body = {"text": text, "code": codes.get(response.status, response.status)}
    status = {429: 503, 422: 400}.get(response.status, response.status)
    return Response(status, body, response.headers)


PROTOCOL = Splunk()
