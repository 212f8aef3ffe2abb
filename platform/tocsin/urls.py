"""Addresses of the pages and of the API; the bulk ingest routes are in `asgi.py`."""

from django.urls import include, path

handler404 = "apps.center.views.house.not_found"
urlpatterns = [path("", include("apps.center.urls"))]
