"""The pages of watches, and how a watch reaches its target and the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.acquisition import services, watches
from apps.acquisition.collecting import collectors
from apps.acquisition.models import Batch, Watch
from apps.center import watching
from apps.center.words import pace
from tests.acquisition.collectors.site import site
from tests.center.world import World

Enter = Callable[[User], Client]
Sent = list[tuple[str, tuple[object, ...]]]


def form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "shop", "target": "https://shop.example/", "every": "3600", "networks": "",
        "option_seconds": "9", "option_redirects": "5", "option_megabytes": "5",
        "option_browser": "Mozilla", "option_crawler": "Bot", **changes,
    }  # fmt: skip


def made(**changes: Any) -> Watch:
    asked = {"name": "shop", "kind": "page", "target": "https://shop.example/", "every": 3600}
    return watches.create_watch(**{**asked, "actor": "ada", **changes})


def test_with_no_watch_the_page_says_what_one_is_for(world: World, enter: Enter) -> None:
    page = enter(world.analyst).get(reverse("watches")).content.decode()
    assert "Nothing is watched yet" in page
    assert reverse("watch-new") not in page
    assert (
        reverse("watch-new") in enter(world.administrator).get(reverse("watches")).content.decode()
    )


def test_an_administrator_has_a_page_watched(world: World, enter: Enter, sent: Sent) -> None:
    client = enter(world.administrator)
    kinds = client.get(reverse("watch-new")).content.decode()
    for name, collector in collectors().items():
        assert f"?kind={name}" in kinds
        assert str(collector.title) in kinds
    address = reverse("watch-new") + "?kind=page"
    assert "Seconds at most" in client.get(address).content.decode()
    answer = client.post(address, form(secret="Bearer s3cret"))
    watch = Watch.objects.get()
    assert answer["Location"] == reverse("watch", args=[watch.pk])
    assert watch.options["seconds"] == 9
    assert watch.options["crawler"] == "Bot"
    assert sent == [("apps.center.tasks.watch", ())]
    page = client.get(reverse("watch", args=[watch.pk])).content.decode()
    assert "https://shop.example/" in page
    assert "s3cret" not in page
    assert "••••••••" in page
    edit = client.get(reverse("watch-edit", args=[watch.pk])).content.decode()
    assert "s3cret" not in edit


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"target": "ftp://x/"}, "begins with https://"),
        ({"networks": "10.0.0.0/77"}, "10.0.0.0/77"),
        ({"option_seconds": "9999"}, "less than or equal to 120"),
        ({"name": ""}, "required"),
    ],
)
def test_what_is_wrong_is_said_beside_the_form(
    world: World, enter: Enter, changes: dict[str, Any], why: str
) -> None:
    answer = enter(world.administrator).post(reverse("watch-new") + "?kind=page", form(**changes))
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert not Watch.objects.exists()


def test_a_watch_is_changed_rested_run_and_deleted(world: World, enter: Enter, sent: Sent) -> None:
    watch = made(secret="Bearer s3cret")
    client = enter(world.administrator)
    edit = reverse("watch-edit", args=[watch.pk])
    client.post(edit, form(name="store", every="300", source=watch.source_id))
    watch.refresh_from_db()
    assert (watch.name, watch.every) == ("store", 300)
    assert watch.secret is not None  # left empty, it stays
    client.post(edit, form(name="store", source=watch.source_id, forget="on"))
    watch.refresh_from_db()
    assert watch.secret is None
    client.post(reverse("watch-enable", args=[watch.pk]), {"enabled": "0"})
    page = client.post(reverse("watch-run", args=[watch.pk]), follow=True).content.decode()
    assert "enable it first" in page
    client.post(reverse("watch-enable", args=[watch.pk]), {"enabled": "1"})
    client.post(reverse("watch-run", args=[watch.pk]))
    assert sent[-1] == ("apps.center.tasks.watch", ())
    page = client.post(reverse("watch-delete", args=[watch.pk]), follow=True).content.decode()
    assert "no longer watched" in page
    assert not Watch.objects.exists()


def test_what_a_hostile_page_says_stays_text(world: World, enter: Enter) -> None:
    watch = made(name="<script>alert(1)</script>")
    Watch.objects.filter(pk=watch.pk).update(
        last_error="<script>alert(2)</script>", last_notes=["<script>alert(3)</script>"]
    )
    for name, args in (("watches", []), ("watch", [watch.pk])):
        page = enter(world.analyst).get(reverse(name, args=args)).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_a_first_run_is_not_called_no_change(world: World, enter: Enter) -> None:
    watch = made()
    client = enter(world.analyst)
    for baselines, word in ((3, "first seen"), (0, "no change")):
        Watch.objects.filter(pk=watch.pk).update(
            last_at=timezone.now(), last_baselines=baselines, claimed_at=None
        )
        for name, args in (("watches", []), ("watch", [watch.pk])):
            assert word in client.get(reverse(name, args=args)).content.decode()


def test_what_is_due_goes_to_the_workers_once(db: None, sent: Sent) -> None:
    watch = made()
    assert watching.start_due() == 1
    assert watching.start_due() == 0
    [(task, (watch_id, _claim))] = sent
    assert (task, watch_id) == ("apps.center.tasks.collect", watch.pk)


def test_a_broker_that_is_away_costs_time_and_no_claim(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from celery.app.task import Task
    from kombu.exceptions import OperationalError

    def away(self: object, *said: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(Task, "delay", away)
    watch = made()
    watching.start_due()
    watch.refresh_from_db()
    assert watch.claimed_at is None


def test_a_page_is_fetched_stored_and_sent_down_the_pipeline(db: None, sent: Sent) -> None:
    from apps.center.tasks import collect

    with site() as (url, _server):
        watch = made(target=url, networks=["127.0.0.0/8"])
        watching.start_due()
        _task, said = sent.pop()
        collect(*said)
    batches = Batch.objects.filter(source=watch.source)
    assert {batch.protocol for batch in batches} == {"file", "observed"}
    assert sorted(str(args[0]) for _task, args in sent) == sorted(str(b.pk) for b in batches)
    watch.refresh_from_db()
    assert (watch.last_error, watch.last_records) == ("", 4)  # two views, and the script of each


def test_the_page_of_a_watch_says_what_the_last_run_saw(
    world: World, enter: Enter, sent: Sent
) -> None:
    from apps.center.tasks import collect

    client = enter(world.analyst)
    with site() as (url, _server):
        watch = made(target=url, networks=["127.0.0.0/8"])
        page = ""
        for words in ("The baseline: later runs", "no change"):
            Watch.objects.update(next_at=watch.created_at)
            watching.start_due()
            collect(*next(said for task, said in sent if task.endswith("collect")))
            sent.clear()
            watch.refresh_from_db()
            services.parse(watch.last_batch)
            page = client.get(reverse("watch", args=[watch.pk])).content.decode()
            assert f"{url} answered 200 to a browser" in page
            assert words in page
    assert "The baseline" not in page
    asked = made(name="inward", target="http://127.0.0.1:9/")
    watching.start_due()
    collect(*next(said for task, said in sent if task.endswith("collect")))
    page = client.get(reverse("watch", args=[asked.pk])).content.decode()
    assert "inside a private network. If that is meant, name it under" in page


def test_the_queue_of_slow_work_is_the_one_that_collects(db: None) -> None:
    from tocsin.celery import app

    route = app.amqp.router.route({}, "apps.center.tasks.collect")
    assert route["queue"].name == "scan"


def test_a_host_that_is_not_registered_is_a_sentence(db: None) -> None:
    from apps.acquisition.collecting import Uncollected

    with pytest.raises(Uncollected, match="No host called nowhere"), watching.on_host("nowhere"):
        pass


def test_an_interval_is_said_in_words() -> None:
    assert [pace(n) for n in (60, 300, 3600, 86400, 90, 45)] == [
        "1 minute", "5 minutes", "1 hour", "1 day", "90 seconds", "45 seconds",
    ]  # fmt: skip


def test_only_interfaces_the_operator_names_can_be_captured(
    world: World, enter: Enter, sent: Sent, settings: Any
) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "capture": ["eth7"]}
    client = enter(world.administrator)
    address = reverse("watch-new") + "?kind=capture"
    page = client.get(address).content.decode()
    assert "eth7" in page
    assert "How often" not in page
    asked = {"name": "uplink", "option_seconds": "60", "option_megabytes": "9"}
    asked |= {"option_snaplen": "1500", "option_filter": ""}
    assert client.post(address, {**asked, "target": "lo"}).status_code == 200
    client.post(address, {**asked, "target": "eth7"})
    watch = Watch.objects.get()
    assert (watch.target, watch.every, watch.options["promiscuous"]) == ("eth7", 60, False)
    assert (
        reverse("watch-run", args=[watch.pk])
        not in client.get(reverse("watch", args=[watch.pk])).content.decode()
    )


def test_a_watch_that_no_worker_takes_and_one_that_fails_show_in_the_health(
    world: World, enter: Enter
) -> None:
    from datetime import timedelta

    from apps.center import health

    assert health._watches()[0] == "waiting"
    watch = made()
    assert health._watches() == ("good", "1 watched, 0 late, 0 failed last")
    long_ago = timezone.now() - timedelta(minutes=20)
    Watch.objects.filter(pk=watch.pk).update(next_at=long_ago)
    assert health._watches()[0] == "bad"
    Watch.objects.filter(pk=watch.pk).update(claimed_at=long_ago)  # by a worker that is not there
    assert health._watches()[0] == "bad"
    Watch.objects.filter(pk=watch.pk).update(claimed_at=timezone.now(), last_error="No answer.")
    assert health._watches() == ("waiting", "1 watched, 0 late, 1 failed last")


def test_a_form_without_anything_to_choose_says_what_is_missing(world: World, enter: Enter) -> None:
    from apps.assistance.models import Host

    Host.objects.all().delete()
    client = enter(world.administrator)
    for kind, why in (("host", "No host is registered yet"), ("capture", "in TOCSIN_CAPTURE")):
        page = client.get(reverse("watch-new") + f"?kind={kind}").content.decode()
        assert why in page
