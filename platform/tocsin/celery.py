"""The Celery application; tasks live in each app's `tasks.py`."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")

app = Celery("tocsin")
app.set_default()  # in every thread: the web server answers in many
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def die_with_the_worker(**_: object) -> None:
    """However the worker dies, its processes do not stay behind: they would wait for ever."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@worker_process_init.connect
def load_networks(**_: object) -> None:
    """In each worker process, after the fork: PyTorch's threads do not survive one, and the
    first emergency should not wait five seconds for its import."""
    from apps.analysis.assess import warm
    from apps.analysis.services import model_folder

    warm(model_folder())
