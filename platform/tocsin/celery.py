"""The Celery application; tasks live in each app's `tasks.py`."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")

app = Celery("tocsin")
app.set_default()  # in every thread: the web server answers in many
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def load_networks(**_: object) -> None:
    """In each worker process, after the fork: PyTorch's threads do not survive one, and the
    first emergency should not wait five seconds for its import."""
    from apps.analysis.assess import warm
    from apps.analysis.services import model_folder

    warm(model_folder())
