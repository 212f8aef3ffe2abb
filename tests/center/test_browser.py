"""The dashboard in a real browser: wide and narrow, light and dark, and a plan approved by hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from apps.analysis.models import Incident, Remedy, Step
from tests.acquisition.samples import FAILED, ZEEK, ZEEK_HEADER
from tests.acquisition.written.test_written import GATE
from tests.center import world as made
from tests.center.world import PASSWORD, World

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
    pytest.mark.django_db(transaction=True),
]

Sent = list[tuple[str, tuple[object, ...]]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright's own loop runs in this thread; our queries here are not async.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield chromium
        chromium.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
    if before is not None:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def scene(transactional_db: None) -> World:
    return made.world()


@pytest.fixture
def look(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """Opens the dashboard as someone, at a width, in the light or in the dark.

    Whatever the browser complains about fails the test.
    """
    complaints: list[str] = []
    pages: list[Page] = []

    def opened(user: str, width: int = 1440, scheme: str = "light") -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            base_url=live_server.url,
        )
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(60_000)  # a shared machine may be slow
        page.goto("/login/")
        page.fill("#id_username", user)
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Log in").click()
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


def walked(scene: World) -> dict[str, str]:
    package = made.handover(scene.incident)
    record = scene.batch.records.get(user_name="deploy", event_outcome="success")
    finding = scene.incident.memberships.first()
    assert finding is not None
    watch = made.watches(scene)
    return {
        "overview": "/",
        "incidents": reverse("incidents"),
        "incident": reverse("incident", args=[scene.incident.pk]),
        "evidence": reverse("clue-records", args=[scene.incident.pk, "0"]),
        "finding": reverse("finding", args=[finding.finding_id]),
        "record": reverse("record", args=[record.pk]),
        "records": reverse("records"),
        "batches": reverse("batches"),
        "batch": reverse("batch", args=[scene.batch.pk]),
        "sources": reverse("sources"),
        "source": reverse("source", args=[scene.source.pk]),
        "source-limits": reverse("source-limits", args=[scene.source.pk]),
        "source-new": reverse("source-new"),
        "source-listening": reverse("source-listening", args=[scene.source.pk]),
        "source-logs": reverse("source-logs", args=[scene.source.pk]),
        "parsers": reverse("parsers"),
        "parser-new": reverse("parser-new"),
        "explain": reverse("explain"),
        "watches": reverse("watches"),
        "watch": reverse("watch", args=[watch.pk]),
        "watch-edit": reverse("watch-edit", args=[watch.pk]),
        "watch-kinds": reverse("watch-new"),
        "watch-new": reverse("watch-new") + "?kind=host",
        "upload": reverse("upload"),
        "hosts": reverse("hosts"),
        "host": reverse("host", args=[scene.host.pk]),
        "host-new": reverse("host-new"),
        "responders": reverse("responders"),
        "handovers": reverse("handovers"),
        "handover": reverse("handover", args=[package.pk]),
        "knowledge": reverse("knowledge"),
        "knowledge-record": reverse("knowledge-record", args=["web-shell"]),
        "audit": reverse("audit"),
        "status": reverse("status"),
        "accounts": reverse("accounts"),
        "profile": reverse("profile"),
        "api": reverse("api-docs"),
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_fits_the_screen(
    width: int,
    scheme: str,
    scene: World,
    look: Callable[..., Page],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    page = look("ada", width, scheme)
    pictures = tmp_path_factory.mktemp(f"{scheme}-{width}")
    for name, path in walked(scene).items():
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, name
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} pixels wide"
        page.screenshot(path=pictures / f"{name}.png", full_page=True)
    print(f"screenshots: {pictures}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_lines_are_explained_and_a_parser_is_tried(
    width: int,
    scheme: str,
    scene: World,
    look: Callable[..., Page],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pictures = tmp_path_factory.mktemp(f"parsers-{scheme}-{width}")
    page = look("ada", width, scheme)

    def seen(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.screenshot(path=pictures / f"{name}.png", full_page=True)

    page.goto(reverse("explain"))
    page.get_by_label("Lines", exact=True).fill(f"{FAILED}\n{ZEEK_HEADER}\n{ZEEK}\n{'what? ' * 60}")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("Login brute force", exact=True)).to_be_visible()
    expect(page.get_by_text("no parser reads it")).to_be_visible()
    seen("explained")
    page.goto(reverse("parser-new"))
    page.get_by_label("Parser", exact=True).fill(
        GATE.replace("category: auth", "category: doors #")
    )
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_role("alert")).to_contain_text("line 4, category")
    seen("refused")
    page.get_by_label("Parser", exact=True).fill(GATE)
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_text("It works")).to_be_visible()
    seen("tried")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="acme_gate")).to_be_visible()
    seen("parsers")
    page.get_by_role("link", name="acme_gate").click()
    expect(page.get_by_text("Last changed by ada")).to_be_visible()
    seen("parser")
    print(f"screenshots: {pictures}")


def test_a_plan_is_read_and_approved(scene: World, look: Callable[..., Page], sent: Sent) -> None:
    page = look("otto")
    page.get_by_role("link", name="Review the plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("left a web shell")
    step = page.locator(".step").first
    step.locator("summary").click()
    expect(step.get_by_text("/usr/sbin/nft --stateless list ruleset")).to_be_visible()
    page.get_by_text("Approve …").click()
    page.get_by_role("checkbox", name="I have read the commands").check()
    page.get_by_role("button", name="Approve and carry out").click()
    expect(page.get_by_text("approved and on its way")).to_be_visible()
    scene.remedy.refresh_from_db()
    assert scene.remedy.state == Remedy.State.APPROVED
    assert sent == [("apps.assistance.tasks.apply_remedy", (scene.remedy.pk,))]


def test_the_page_follows_a_repair_by_itself(scene: World, look: Callable[..., Page]) -> None:
    Remedy.objects.filter(pk=scene.remedy.pk).update(state=Remedy.State.APPLYING)
    page = look("ana")
    page.goto(reverse("incident", args=[scene.incident.pk]))
    expect(page.locator("#plan").get_by_text("being applied").first).to_be_visible()
    Incident.objects.filter(pk=scene.incident.pk).update(state=Incident.State.REPAIRED)
    scene.remedy.steps.update(state=Step.State.APPLIED)
    Remedy.objects.filter(pk=scene.remedy.pk).update(state=Remedy.State.APPLIED)
    expect(page.locator("#plan").get_by_text("applied and verified").first).to_be_visible(
        timeout=10_000
    )
    expect(page.locator(".incident-head").get_by_text("repaired")).to_be_visible(timeout=10_000)


def test_an_undo_is_followed_from_the_click_to_its_end(
    scene: World, look: Callable[..., Page], sent: Sent
) -> None:
    Remedy.objects.filter(pk=scene.remedy.pk).update(state=Remedy.State.APPLIED)
    scene.remedy.steps.filter(order=1).update(state=Step.State.APPLIED)
    page = look("otto")
    page.goto(reverse("incident", args=[scene.incident.pk]))
    page.get_by_text("Undo …").click()
    page.get_by_role("button", name="Undo the plan").click()
    expect(page.get_by_text("The plan is being taken back", exact=True)).to_be_visible()
    expect(page.locator("#plan").get_by_text("being undone")).to_be_visible()
    assert sent == [("apps.assistance.tasks.undo_remedy", (scene.remedy.pk, "otto"))]
    scene.remedy.steps.filter(order=1).update(state=Step.State.UNDONE)
    Remedy.objects.filter(pk=scene.remedy.pk).update(state=Remedy.State.UNDONE)
    expect(page.get_by_text("The plan is being taken back", exact=True)).to_be_hidden(
        timeout=10_000
    )


def test_the_chosen_theme_is_kept(scene: World, look: Callable[..., Page]) -> None:
    page = look("ana", scheme="light")
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_the_menu_opens_on_a_narrow_screen_and_closes_with_escape(
    scene: World, look: Callable[..., Page]
) -> None:
    page = look("ana", 390)
    menu = page.get_by_role("button", name="Menu")
    link = page.get_by_role("link", name="Incidents", exact=True)
    expect(link).to_be_hidden()
    menu.click()
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(menu).to_be_focused()


def test_a_script_in_a_log_does_not_run(scene: World, look: Callable[..., Page]) -> None:
    page = look("ana")
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.goto(reverse("clue-records", args=[scene.incident.pk, "0-2-0"]))
    expect(page.get_by_text("<script>alert('owned')</script>")).to_be_visible()
    assert alerts == []


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_records_are_searched_and_a_hold_is_set(
    width: int,
    scheme: str,
    scene: World,
    look: Callable[..., Page],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pictures = tmp_path_factory.mktemp(f"records-{scheme}-{width}")
    page = look("ada", width, scheme)

    def seen(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.screenshot(path=pictures / f"{name}.png", full_page=True)

    page.goto(reverse("records"))
    page.get_by_text("How a search works").click()
    expect(page.get_by_text("words that begin so")).to_be_visible()
    seen("help")
    page.get_by_placeholder("Words in the line").fill("passw* deploy")
    page.get_by_placeholder("User").fill("deploy")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".raw > li")).to_have_count(3)
    seen("found")
    page.get_by_placeholder("Words in the line").fill("nowhere")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Nothing found: everything that is kept was searched.")).to_be_visible()
    seen("nothing")
    page.goto(reverse("incident", args=[scene.incident.pk]))
    page.get_by_text("Legal hold …").click()
    page.get_by_label("Why are its records to be kept?").fill("Case 2026-117")
    page.get_by_role("button", name="Keep its records").click()
    expect(page.get_by_text("Under legal hold.")).to_be_visible()
    seen("held")
    print(f"screenshots: {pictures}")
