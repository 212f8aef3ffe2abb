"""Headers every page carries."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """Only our own scripts and styles run: what an attacker wrote into a log stays text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class RefuseNulls:
    """PostgreSQL keeps no NUL in text, and no honest browser sends one: 400 instead of a fault."""

    FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.META.get("QUERY_STRING", "")
        if "%00" in asked or "\0" in asked or "\0" in request.path or self._in_form(request):
            raise BadRequest("a NUL character was sent")
        return self.get_response(request)

    def _in_form(self, request: HttpRequest) -> bool:
        if request.content_type == self.PARTS:
            return any("\0" in text for _name, texts in request.POST.lists() for text in texts)
        if request.content_type != self.FORM:
            return False
        return b"%00" in request.body or b"\0" in request.body
