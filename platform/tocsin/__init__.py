"""Tocsin: the platform that ties the seven modules together.

The Celery application is made here, so that whoever imports a task publishes to our broker.
"""

from tocsin.celery import app as celery_app

__version__ = "2026.11.29"
__all__ = ("__version__", "celery_app")
