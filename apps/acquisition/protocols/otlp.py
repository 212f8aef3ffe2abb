"""OpenTelemetry's OTLP/HTTP for logs: `POST /v1/logs`, protobuf or JSON.

Source: opentelemetry.io, "OTLP Specification", sections OTLP/HTTP and Partial Success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from apps.acquisition import otlp
from apps.acquisition.protocols._http import Exchange, Refusal, Request, Response

PATH = "/v1/logs"
_KINDS = {"application/x-protobuf": otlp.PROTOBUF, "application/json": otlp.JSON}


@dataclass(frozen=True, slots=True)
class Otlp:
    name: str = "otlp"

    def wants(self, request: Request) -> bool:
        return request.path == PATH

    async def answer(self, exchange: Exchange) -> Response:
        request = exchange.request
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            return await _take(exchange, kind)
        except Refusal as refusal:
            if kind not in _KINDS:
                raise
            told = refusal.response
            status = Status(code=_CODES.get(told.status, 2), message=told.body["error"]["reason"])
            number = (
                400 if told.status == 422 else told.status
            )  # what the specification calls final
            return _response(number, status, kind, dict(told.headers))


_CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 422: 3, 429: 8, 503: 14}
"""HTTP's status → gRPC's, which the body of a refusal holds (google.rpc.Code)."""


async def _take(exchange: Exchange, kind: str) -> Response:
    request = exchange.request
    request.allow("POST")
    source = await request.source()
    if kind not in _KINDS:
        reason = f"Send {' or '.join(_KINDS)}, not {kind or 'a body without Content-Type'}."
        raise Refusal(415, "unsupported_media_type", reason)
    content = await request.body(most=otlp.MOST if _KINDS[kind] == otlp.PROTOBUF else 0)
    most = int(settings.TOCSIN["max_line"])
    try:
        found = await exchange.work(len(content), otlp.split, _KINDS[kind], content, most)
    except otlp.MalformedLogs as error:
        raise Refusal(400, "parse_exception", str(error)) from error
    answer = ExportLogsServiceResponse()
    if found.items:
        await exchange.store(source, _KINDS[kind], content, found=found)
    if found.rejected:
        answer.partial_success.rejected_log_records = len(found.rejected)
        answer.partial_success.error_message = found.rejected[0][1]
    return _response(200, answer, kind, {})


def _response(status: int, message: Any, kind: str, headers: dict[str, str]) -> Response:
    headers = {**headers, "Content-Type": kind}
    if kind == "application/json":
        return Response(status, json_format.MessageToDict(message), headers)
    return Response(status, message.SerializeToString(), headers)


PROTOCOL = Otlp()
