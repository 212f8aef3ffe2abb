"""Grafana Loki's push: `POST /loki/api/v1/push`, JSON or protobuf in snappy; `GET /ready`."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from apps.acquisition import loki
from apps.acquisition.otlp import MOST
from apps.acquisition.protocols._http import Exchange, Refusal, Request, Response, Unstorable

PUSH = ("/loki/api/v1/push", "/api/prom/push")


@dataclass(frozen=True, slots=True)
class Loki:
    name: str = "loki"

    def wants(self, request: Request) -> bool:
        return request.path in PUSH

    async def answer(self, exchange: Exchange) -> Response:
        request = exchange.request
        request.allow("POST")
        source = await request.source()
        content = await request.body()
        json = "json" in request.headers.get("content-type", "").lower()
        protocol = loki.JSON if json else loki.PROTOBUF
        try:
            if not json:
                content = await exchange.work(len(content), loki.open_snappy, content, MOST)
            line = int(settings.TOCSIN["max_line"])
            found = await exchange.work(len(content), loki.split, protocol, content, line)
        except loki.MalformedPush as error:
            raise Refusal(400, "parse_exception", str(error)) from error
        if found.items and not found.texts:
            raise Refusal(400, "parse_exception", f"No entry is good: {found.rejected[0][1]}.")
        if found.items:
            try:
                await exchange.store(source, protocol, content, found=found)
            except Unstorable as error:
                raise Refusal(400, "parse_exception", str(error)) from error
        return Response(204)


PROTOCOL = Loki()
