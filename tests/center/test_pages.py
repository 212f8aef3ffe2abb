"""What the pages say, and that what an attacker wrote stays text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries, Settings

from apps.acquisition.models import Source
from apps.acquisition.services import create_source
from apps.acquisition.watches import create_watch
from apps.analysis.models import Incident, Remedy, Step
from apps.assistance.models import Host, Responder
from apps.assistance.services import register_responder
from apps.center import accounts, clues, selectors
from apps.contracts import Refused
from apps.protection.models import AuditEntry
from apps.protection.permissions import Role
from tests.center.world import ATTACKER, SCRIPT, World, handover

Enter = Callable[[User], Client]
Sent = list[tuple[str, tuple[object, ...]]]


def read(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, answer.content.decode()[:500]
    return answer.content.decode()


def test_the_overview_says_what_needs_a_decision(world: World, enter: Enter) -> None:
    page = read(enter(world.approver), "overview")
    assert "One plan waits for your decision" in page
    page = read(enter(world.analyst), "overview")
    assert "One plan waits for an approver" in page
    assert world.incident.title in page
    assert "demonstration recording" in page


def test_an_empty_platform_says_how_to_send_the_first_log(enter: Enter, db: None) -> None:
    from tests.center.world import person

    page = read(enter(person("first", "administrator")), "overview")
    assert "/api/v1/ingest/lines" in page
    assert reverse("source-new") in page


def test_an_incident_tells_its_story_in_one_sentence(world: World, enter: Enter) -> None:
    page = read(enter(world.analyst), "incident", world.incident.pk)
    said = re.sub(r"\s+", " ", page)
    assert (
        f"{ATTACKER} left a web shell on web-01, along with port scan, brute force "
        "and web injection, and got in as deploy." in said
    )


def test_every_clue_leads_to_its_raw_records(world: World, enter: Enter) -> None:
    client = enter(world.analyst)
    root = clues.tree(world.incident.clue_tree)
    assert root is not None
    for node in root.walk():
        page = client.get(reverse("clue-records", args=[world.incident.pk, node.place]))
        assert page.status_code == 200
        assert page.content.decode().count('class="where"') == node.count
    page = read(client, "clue-records", world.incident.pk, "0-1-0-0")
    assert "Accepted password for deploy" in page


def test_a_record_opens_with_its_fields_and_its_seal(world: World, enter: Enter) -> None:
    record = world.batch.records.get(user_name="deploy", event_outcome="success")
    page = read(enter(world.analyst), "record", record.pk)
    assert "event.outcome" in page
    assert world.batch.digest in page
    assert "Sealed" in page


def test_what_an_attacker_wrote_never_becomes_markup(world: World, enter: Enter) -> None:
    package = handover(world.incident)
    Incident.objects.filter(pk=world.incident.pk).update(title=f"Injection {SCRIPT}")
    record = world.batch.records.get(event_original__contains=SCRIPT)
    client = enter(world.administrator)
    for name, args in (
        ("overview", ()),
        ("incidents", ()),
        ("incident", (world.incident.pk,)),
        ("clue-records", (world.incident.pk, "0-2-0")),
        ("record", (record.pk,)),
        ("records", ()),
        ("handover", (package.pk,)),
    ):
        page = read(client, name, *args)
        assert SCRIPT not in page, name
        assert "&lt;script&gt;" in page, name


def test_a_plan_shows_each_command_and_its_digest(world: World, enter: Enter) -> None:
    page = read(enter(world.approver), "incident", world.incident.pk)
    assert "/usr/sbin/nft --stateless list ruleset" in page
    assert world.remedy.digest in page
    assert "disabling it would lock you out" in page
    assert "Approve and carry out" in page


def test_an_analyst_reads_the_plan_but_is_not_offered_to_approve_it(
    world: World, enter: Enter
) -> None:
    page = read(enter(world.analyst), "incident", world.incident.pk)
    assert "/usr/sbin/nft" in page
    assert "Approve and carry out" not in page
    assert "Only an approver or an administrator" in page


def test_a_recorded_host_says_why_nothing_can_be_applied(world: World, enter: Enter) -> None:
    Host.objects.filter(pk=world.host.pk).update(
        host_key="", private_key=None, is_demonstration=True
    )
    page = read(enter(world.approver), "incident", world.incident.pk)
    assert "It cannot be applied from this machine" in page
    assert "is a recording" in page
    assert "Approve and carry out" not in page
    assert "Refuse the plan" in page
    page = read(enter(world.approver), "overview")
    assert "No plan that waits can be carried out from here" in page
    assert "Nothing waits" not in page


def test_approving_names_the_commands_that_were_read(
    world: World, enter: Enter, sent: Sent
) -> None:
    client = enter(world.approver)
    approve = reverse("remedy-approve", args=[world.remedy.pk])
    client.post(approve, {"digest": "00" * 32, "read": "1"})
    world.remedy.refresh_from_db()
    assert world.remedy.state == Remedy.State.PROPOSED
    client.post(approve, {"digest": world.remedy.digest, "read": "1"})
    world.remedy.refresh_from_db()
    assert (world.remedy.state, world.remedy.decided_by) == (Remedy.State.APPROVED, "otto")
    assert sent == [("apps.assistance.tasks.apply_remedy", (world.remedy.pk,))]
    assert AuditEntry.objects.filter(actor="otto", action="remedy.approved").exists()


def test_an_analyst_cannot_approve_by_hand_made_request(
    world: World, enter: Enter, sent: Sent
) -> None:
    client = enter(world.analyst)
    asked = {"digest": world.remedy.digest, "read": "1"}
    assert client.post(reverse("remedy-approve", args=[world.remedy.pk]), asked).status_code == 403
    answer = client.post(f"/api/v1/remedies/{world.remedy.pk}/approve/", asked)
    assert answer.status_code == 403
    world.remedy.refresh_from_db()
    assert world.remedy.state == Remedy.State.PROPOSED
    assert sent == []


def test_refusing_needs_a_reason(world: World, enter: Enter) -> None:
    client = enter(world.approver)
    refuse = reverse("remedy-refuse", args=[world.remedy.pk])
    client.post(refuse, {"reason": ""})
    world.remedy.refresh_from_db()
    assert world.remedy.state == Remedy.State.PROPOSED
    client.post(refuse, {"reason": "That is our scanner."})
    world.remedy.refresh_from_db()
    assert world.remedy.state == Remedy.State.REFUSED
    assert "That is our scanner." in read(client, "incident", world.incident.pk)


def test_outcomes_appear_while_the_plan_is_carried_out(world: World, enter: Enter) -> None:
    from django.utils import timezone

    from apps.assistance.models import Outcome

    Remedy.objects.filter(pk=world.remedy.pk).update(state=Remedy.State.APPLYING)
    step = world.remedy.steps.first()
    Step.objects.filter(pk=step.pk).update(state=Step.State.APPLYING)
    client = enter(world.analyst)
    plan = read(client, "incident-plan", world.incident.pk)
    assert "data-still-moving" in plan
    command = step.commands["act"][0]
    now = timezone.now()
    Outcome.objects.create(
        step=step, phase="act", command=command, exit_status=1,
        stderr="Error: syntax error", started_at=now, ended_at=now,
    )  # fmt: skip
    plan = read(client, "incident-plan", world.incident.pk)
    assert "exit 1" in plan
    assert "Error: syntax error" in plan


def test_an_undo_is_watched_from_the_moment_it_is_asked_for(
    world: World, enter: Enter, sent: Sent
) -> None:
    from apps.assistance.models import Attempt

    Remedy.objects.filter(pk=world.remedy.pk).update(state=Remedy.State.APPLIED)
    world.remedy.steps.filter(order=1).update(state=Step.State.APPLIED)
    client = enter(world.approver)
    before = read(client, "incident-plan", world.incident.pk)
    assert "data-still-moving" not in before
    assert "1 of 3 steps applied" in before
    client.post(reverse("remedy-undo", args=[world.remedy.pk]))
    asked = read(client, "incident-plan", world.incident.pk)
    assert "data-still-moving" in asked
    assert "Undo the plan" not in asked
    attempt = Attempt.objects.create(remedy=world.remedy, kind=Attempt.Kind.UNDO)
    assert "data-still-moving" in read(client, "incident-plan", world.incident.pk)
    Attempt.objects.filter(pk=attempt.pk).update(ended_at=attempt.started_at, succeeded=False)
    assert "data-still-moving" not in read(client, "incident-plan", world.incident.pk)


def test_a_registered_host_is_no_recording(world: World, enter: Enter) -> None:
    client = enter(world.analyst)
    Host.objects.filter(pk=world.host.pk).update(is_demonstration=True)
    for name, args in (("hosts", ()), ("incident", (world.incident.pk,))):
        assert "recorded" not in read(client, name, *args), name


def test_a_step_for_an_unknown_host_is_a_sentence_and_says_where_to_register_it(
    world: World, enter: Enter
) -> None:
    world.remedy.steps.filter(order=1).update(
        host="web-02",
        effect="",
        commands={},
        parameters={"address": ATTACKER, "hours": 72},
    )
    world.remedy.steps.exclude(order=1).delete()
    client = enter(world.administrator)
    page = read(client, "incident", world.incident.pk)
    assert f"Block {ATTACKER} for 3 days on web-02." in page
    assert "Register web-02" in page
    form = client.get(reverse("host-new") + "?name=web-02").content.decode()
    assert 'value="web-02"' in form


def test_a_package_nobody_receives_is_not_called_on_its_way(
    world: World, enter: Enter, sent: Sent
) -> None:
    client = enter(world.analyst)
    from apps.assistance.models import Responder

    for told, made in (
        ("No responder is registered", {}),
        ("No responder has a webhook", {"name": "CERT"}),
        ("on its way to the responders", {"name": "CSIRT", "webhook_url": "https://cert.example/"}),
    ):
        if made:
            Responder.objects.create(**made)
        answer = client.post(
            reverse("incident-hand-over", args=[world.incident.pk]), {"reason": "Help"}, follow=True
        )
        assert told in answer.content.decode()


def test_a_note_is_kept_where_nobody_can_edit_it(world: World, enter: Enter) -> None:
    client = enter(world.analyst)
    client.post(reverse("incident-note", args=[world.incident.pk]), {"text": "Called the owner."})
    entry = AuditEntry.objects.get(action="incident.noted")
    assert (entry.actor, entry.detail["text"]) == ("ana", "Called the owner.")
    assert "Called the owner." in read(client, "incident", world.incident.pk)


def test_an_incident_is_assigned_closed_and_opened_again(world: World, enter: Enter) -> None:
    client, pk = enter(world.analyst), world.incident.pk
    client.post(reverse("incident-assign", args=[pk]), {"assignee": "otto"})
    client.post(reverse("incident-close", args=[pk]), {"reason": "Exercise."})
    world.incident.refresh_from_db()
    assert (world.incident.assignee, world.incident.state) == ("otto", Incident.State.CLOSED)
    client.post(reverse("incident-reopen", args=[pk]))
    world.incident.refresh_from_db()
    assert world.incident.state == Incident.State.OPEN


def test_no_incident_is_assigned_to_a_responder(world: World, enter: Enter) -> None:
    client, pk = enter(world.analyst), world.incident.pk
    answer = client.post(
        reverse("incident-assign", args=[pk]), {"assignee": world.responder.username}
    )
    world.incident.refresh_from_db()
    assert (answer.status_code, world.incident.assignee) == (404, "")


def test_a_task_is_ticked_and_unticked(world: World, enter: Enter) -> None:
    client, task = enter(world.analyst), world.remedy.tasks.first()
    client.post(reverse("task-tick", args=[task.pk]), {"done": "1"})
    task.refresh_from_db()
    assert task.done_by == "ana"
    client.post(reverse("task-tick", args=[task.pk]), {"done": "0"})
    task.refresh_from_db()
    assert (task.done_by, task.done_at) == ("", None)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 5),
        ("state=", 6),
        ("state=closed", 1),
        ("kind=flood", 1),
        ("level=critical", 2),
        (f"text={ATTACKER}", 1),
        ("text=SYN+flood", 1),
        ("text=nothing+like+it", 0),
    ],
)
def test_the_list_of_incidents_can_be_narrowed(
    query: str, count: int, world: World, enter: Enter
) -> None:
    page = enter(world.analyst).get(f"/incidents/?{query}").content.decode()
    assert page.count('class="incident-row') == count


def test_records_are_found_by_word_address_and_time(world: World, enter: Enter) -> None:
    client = enter(world.analyst)

    def count(query: str) -> int:
        return client.get(f"/records/?{query}").content.decode().count('class="where"')

    assert count("text=Accepted") == 1
    assert count(f"address={ATTACKER}") == world.batch.records.exclude(source_ip=None).count()
    assert count("dataset=sshd.auth") == 7
    assert count("since=2999-01-01T00:00") == 0
    assert "Enter a valid" in client.get("/records/?address=nonsense").content.decode()


def test_a_source_gets_a_token_that_is_shown_once(world: World, enter: Enter) -> None:
    client = enter(world.administrator)
    shown = client.post(reverse("source-new"), {"name": "mail", "kind": "shipper"})
    token = re.search(r"<pre data-copied>([\w-]{30,})</pre>", shown.content.decode())
    assert token
    assert "no-store" in shown.headers["Cache-Control"]
    source = Source.objects.get(name="mail")
    assert token[1] not in read(client, "source", source.pk)
    again = client.post(reverse("source-new"), {"name": "mail", "kind": "shipper"})
    assert "already" in again.content.decode()


def test_a_name_that_cannot_be_read_is_refused_wherever_one_is_given(
    world: World, enter: Enter
) -> None:
    client, name = enter(world.administrator), "web\u200bserver"
    page = {"target": "https://shop.example/", "every": "3600"}
    for address, asked in (
        (reverse("source-new"), {"kind": "shipper"}),
        (reverse("source-new"), {"kind": "shipper", "name": "web", "host_name": name}),
        (reverse("watch-new") + "?kind=page", page),
        (reverse("responders"), {}),
        (reverse("accounts"), {"role": "analyst", "name": "web\u3164"}),
    ):
        said = client.post(address, {"name": name, **asked}).content.decode()
        assert "cannot be seen (U+" in said, address
    for give in (
        lambda: create_source(name=name, actor="ada"),
        lambda: create_source(name="web", host_name=name, actor="ada"),
        lambda: create_watch(name=name, kind="page", actor="ada", target="https://a/", every=60),
        lambda: register_responder(name=name, webhook_url="", actor="ada"),
        lambda: accounts.create(name=name, role=Role.ANALYST, actor="ada"),
    ):
        with pytest.raises(Refused, match="cannot be seen"):
            give()


def test_an_upload_becomes_a_batch(world: World, enter: Enter, sent: Sent) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    line = (
        b"Nov 22 03:00:11 web-01 sshd[81]: Failed password for root from 203.0.113.66 port 1 ssh2\n"
    )
    for _ in range(2):
        file = SimpleUploadedFile("auth.log", line)
        answer = enter(world.analyst).post(
            reverse("upload"),
            {"file": file, "protocol": "auto", "host_name": "web-01"},
            headers={"X-Requested-With": "fetch"},
        )
        assert answer.status_code == 200, answer.content
    assert len(sent) == 1
    assert enter(world.analyst).get(answer.json()["batch"]).status_code == 200


def test_an_upload_that_cannot_be_taken_says_why(
    world: World, enter: Enter, settings: Settings, sent: Sent
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    def problem(name: str, content: bytes) -> str:
        answer = enter(world.analyst).post(
            reverse("upload"),
            {"file": SimpleUploadedFile(name, content), "protocol": "auto"},
            headers={"X-Requested-With": "fetch"},
        )
        assert answer.status_code == 400
        return str(answer.json()["problem"])

    assert "gzip" in problem("broken.log.gz", b"\x1f\x8b\x08 no more than a beginning")
    settings.TOCSIN = {**settings.TOCSIN, "max_body": 2**20}
    assert "at most 1 MB" in problem("large.log", b"x" * (2**20 + 1))
    assert sent == []


def test_the_shared_page_opens_for_strangers_and_takes_advice(world: World) -> None:
    from apps.assistance import services as assistance

    package = handover(world.incident)
    token = assistance.create_share(handover_id=package.pk, actor="ana")
    stranger = Client()
    page = stranger.get(reverse("shared", args=[token])).content.decode()
    assert "&lt;script&gt;" in page
    assert SCRIPT not in page
    assert "clues/" not in page  # no link leads inside
    assert re.search(r"The network says: [A-Z][\w ]+, >?\d+ %", page)
    stranger.post(reverse("shared", args=[token]), {"author": "CERT", "text": "Look at cron."})
    assert package.advice.get().text == "Look at cron."
    download = stranger.get(reverse("shared-download", args=[token]))
    assert download.content == bytes(package.package)
    assistance.revoke_share(share_id=package.shares.get().pk, actor="ana")
    assert stranger.get(reverse("shared", args=[token])).status_code == 404


def test_the_last_administrator_cannot_be_put_out(world: World, enter: Enter) -> None:
    client, ada = enter(world.administrator), world.administrator
    client.post(reverse("account-enable", args=[ada.pk]), {"enabled": "0"})
    client.post(reverse("account-role", args=[ada.pk]), {"role": "analyst"})
    ada.refresh_from_db()
    assert ada.is_active
    assert ada.groups.get().name == "administrator"


def test_a_new_account_can_log_in_with_the_password_shown_once(world: World, enter: Enter) -> None:
    shown = enter(world.administrator).post(
        reverse("accounts"), {"name": "nora", "role": "analyst"}
    )
    password = re.search(r"<pre data-copied>([\w-]+)</pre>", shown.content.decode())
    assert password
    answer = Client().post("/login/", {"username": "nora", "password": password[1]})
    assert answer.headers["Location"] == reverse("overview")


def test_a_failing_check_is_shown_and_does_not_break_the_page(world: World, enter: Enter) -> None:
    page = read(enter(world.analyst), "status")
    for title in ("Acquisition", "Detection", "Analysis", "Knowledge", "Assistance", "Protection"):
        assert title in page
    assert "PostgreSQL 18" in page


def test_lanes_begin_in_the_order_of_the_attack(world: World) -> None:
    lanes = clues.lanes(clues.tree(world.incident.clue_tree))
    assert [lane.tactic for lane in lanes] == [
        "reconnaissance",
        "credential-access",
        "initial-access",
        "persistence",
    ]
    assert all(
        0 <= mark.x <= mark.x + mark.width <= clues.LANE for lane in lanes for mark in lane.marks
    )


def test_the_last_day_counts_what_came_and_what_was_found(world: World) -> None:
    hours = selectors.last_day()
    assert len(hours) == 24
    assert sum(hour.total for hour in hours) == 4
    assert sum(hour.records for hour in hours) == 1204


def test_an_incident_takes_few_questions_however_much_it_holds(
    world: World, enter: Enter, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = enter(world.approver)
    with django_assert_max_num_queries(40):
        read(client, "incident", world.incident.pk)
    with django_assert_max_num_queries(25):
        read(client, "incidents")


def test_a_package_is_delivered_again_where_somebody_asks(
    world: World, enter: Enter, sent: Sent
) -> None:
    package = handover(world.incident)
    Responder.objects.create(name="cert", webhook_url="https://cert.example/in")
    client = enter(world.analyst)
    answer = client.post(reverse("handover-deliver", args=[package.pk]), follow=True)
    assert "on its way" in answer.content.decode()
    assert sent == [("apps.center.tasks.deliver", (package.pk,))]


def test_delivering_while_the_broker_is_away_is_told(
    world: World, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr("apps.center.tasks.deliver.delay", away)
    Responder.objects.create(name="cert", webhook_url="https://cert.example/in")
    answer = enter(world.analyst).post(
        reverse("handover-deliver", args=[handover(world.incident).pk]), follow=True
    )
    assert "The workers cannot be reached now" in answer.content.decode()


def test_absurd_numbers_are_no_fault_of_ours(world: World, enter: Enter) -> None:
    client, number = enter(world.analyst), "9" * 5000
    for asked in (
        reverse("batches") + f"?source={number}",
        reverse("incidents") + f"?text=%23{number}",
        reverse("clue-records", args=[world.incident.pk, f"0-{number}"]),
    ):
        assert client.get(asked).status_code in (200, 404), asked[:40]
