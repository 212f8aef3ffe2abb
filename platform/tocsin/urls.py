"""Addresses of the pages and of the API; the bulk ingest routes are in `asgi.py`."""

from django.urls import include, path

urlpatterns = [path("", include("apps.center.urls"))]
