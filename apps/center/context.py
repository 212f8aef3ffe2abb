"""What every page may name."""

from importlib.metadata import version

from django.http import HttpRequest


def platform(request: HttpRequest) -> dict[str, object]:
    return {"tocsin_version": version("tocsin")}
