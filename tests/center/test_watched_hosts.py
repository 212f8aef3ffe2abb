"""A watch of a real host over SSH: its baseline, and what an intruder then changed."""

from __future__ import annotations

import pytest

from apps.acquisition import services, watches
from apps.acquisition.models import Record, Watch
from apps.assistance import services as assistance
from apps.center import watching
from apps.center.tasks import collect
from tests.assistance.conftest import machine  # noqa: F401 - a fixture
from tests.assistance.machine import Machine

pytestmark = pytest.mark.django_db
Sent = list[tuple[str, tuple[object, ...]]]


def register(host: Machine, user: str) -> None:
    assistance.register_host(
        name="shop", address="machine", relay=host.relay, host_key=host.host_key,
        private_key_pem=host.key, user=user, actor="ada",
    )  # fmt: skip


def run(watch: Watch, sent: Sent) -> list[Record]:
    watches.run_now(watch_id=watch.pk, actor="ada")
    sent.clear()
    watching.start_due()
    _task, said = sent.pop()
    before = Record.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    collect(*said)
    watch.refresh_from_db()
    for _task, (batch_id, *_more) in sent:
        services.parse(batch_id)
    return list(Record.objects.filter(pk__gt=before))


@pytest.mark.parametrize("user", ["root", "testrepair"])
def test_what_an_intruder_leaves_on_a_host_is_told(
    machine: Machine,  # noqa: F811
    user: str,
    sent: Sent,
) -> None:
    register(machine, user)
    machine.run("sh", "-c", "mkdir -p /etc/cron.d; echo safe > /srv/shop/index.php")
    watch = watches.create_watch(
        name="shop files", kind="host", target="shop", every=600, actor="ada",
        options={"folders": ["/srv/shop", "/etc/sudoers.d"], "units": False},
    )  # fmt: skip
    first = run(watch, sent)
    assert (watch.last_error, watch.last_notes) == ("", [])
    assert {record.event_action for record in first} == {"baseline"}
    assert {"host.file", "host.package", "host.account", "host.socket"} <= {
        record.event_dataset for record in first
    }
    assert {record.host_name for record in first} == {"shop"}
    assert any(r.event_dataset == "host.socket" and r.destination_port == 22 for r in first)
    assert run(watch, sent) == []
    try:
        machine.run(
            "sh", "-c", "echo '<?php system($_GET[0]);' > '/srv/shop/uploads/it'\"'\"'s.php'"
        )
        machine.run("sh", "-c", "echo '* * * * * root /tmp/x' > /etc/cron.d/updater")
        machine.run("sh", "-c", "echo changed > /srv/shop/index.php")
        machine.run("useradd", "--no-create-home", "--groups", "sudo", "testmallory")
        found = {
            (r.event_dataset, r.event_action, r.file_path or r.user_name) for r in run(watch, sent)
        }
    finally:
        machine.run(
            "sh", "-c", "rm -f /srv/shop/uploads/*.php /etc/cron.d/updater /srv/shop/index.php"
        )
        machine.run("userdel", "testmallory")
    assert found == {
        ("host.file", "added", "/srv/shop/uploads/it's.php"),
        ("host.file", "changed", "/srv/shop/index.php"),
        ("host.schedule", "added", "/etc/cron.d/updater"),
        ("host.account", "added", "testmallory"),
    }


def test_a_host_that_cannot_be_reached_is_said_and_loses_nothing(db: None, sent: Sent) -> None:
    from tests.assistance.made import PRIVATE, PUBLIC

    assistance.register_host(
        name="shop",
        address="127.0.0.1",
        port=9,
        host_key=PUBLIC,
        private_key_pem=PRIVATE,
        actor="ada",
    )
    watch = watches.create_watch(name="shop", kind="host", target="shop", every=600, actor="ada")
    assert run(watch, sent) == []
    assert "does not answer" in watch.last_error
    assert watch.failures == 1
