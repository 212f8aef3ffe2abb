"""Has watches run: acquisition says which and what they brought, assistance lends its way to hosts,
and what is new goes down the pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from asgiref.sync import async_to_sync
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from apps.acquisition import watches
from apps.acquisition.collecting import Answer, Reach, Run, Uncollected
from apps.assistance.action import elevate
from apps.assistance.hosts import connect
from apps.assistance.models import Host
from apps.assistance.ssh import Unreachable
from apps.center import pipeline
from apps.contracts import Command

log = logging.getLogger(__name__)

COMMAND = 180.0  # seconds: the digests of a large folder take their time
MOST_SAID = 32 * 1024 * 1024  # bytes of one answer: the files of a large folder


def start_due() -> int:
    """Gives the watches that are due to the workers; returns how many."""
    from apps.center.tasks import collect

    claims = watches.claim_due()
    for watch_id, claim in claims:
        try:
            collect.delay(watch_id, claim.isoformat())
        except OperationalError:
            watches.release(watch_id=watch_id, claim=claim)
            log.exception("watch %s waits: the broker cannot be reached", watch_id)
    return len(claims)


def start_due_soon() -> None:
    """Has what is due started without waiting for the scheduler's turn, if a worker can be told."""
    from apps.center.tasks import watch

    try:
        watch.delay()
    except OperationalError:
        log.warning("what is due waits for the scheduler: the broker cannot be reached")


def collect(watch_id: int, claim: datetime) -> None:
    """One run of a watch, and its batches on their way."""
    for batch_id in watches.run(watch_id=watch_id, claim=claim, reach=Reach(on_host=on_host)):
        async_to_sync(pipeline.start)(batch_id)


@contextmanager
def on_host(name: str) -> Iterator[Run]:
    """A way to run programs on a registered host, over SSH with its pinned key. What is not the
    repair account's to read is read through sudo. Raises `Uncollected`."""
    host = Host.objects.filter(name=name).first()
    if host is None:
        raise Uncollected(_("No host called %(host)s is registered.") % {"host": name})
    try:
        with connect(host) as connection:
            uid = connection.run(Command(("/usr/bin/id", "-u"))).stdout.strip()

            def run(argv: Sequence[str]) -> Answer:
                command = Command(tuple(argv))
                asked = elevate(command, int(uid) if uid.isdecimal() else -1)
                said = connection.run(asked, timeout=COMMAND, most=MOST_SAID)
                return Answer(said.status, said.stdout, said.stderr)

            yield run
    except Unreachable as why:
        raise Uncollected(str(why)) from why
