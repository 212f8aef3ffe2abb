"""What the `tocsin` command does once Django is up. Each function is one command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import django
from django.core.management import call_command
from django.db import OperationalError

from tocsin.home import engines


class CommandError(Exception):
    """A command could not do its work: one line for the operator."""


def run(options: argparse.Namespace) -> int:
    name = "_".join(filter(None, (options.command, getattr(options, "action", "")))).replace(
        "-", "_"
    )
    command: Callable[[argparse.Namespace], int] = COMMANDS[name]
    django.setup()
    from apps.contracts import Refused

    try:
        return command(options)
    except Refused as refusal:
        raise CommandError(str(refusal)) from refusal
    except OperationalError as problem:
        first = str(problem).strip().splitlines()[0]
        raise CommandError(
            f"the database cannot be reached ({first}); is `tocsin up` running in this TOCSIN_HOME?"
        ) from problem


def analyse(options: argparse.Namespace) -> int:
    from apps.center.analyse import analyse_files

    return analyse_files(
        [Path(name) for name in options.files], as_json=options.json, host=options.host
    )


def explain(options: argparse.Namespace) -> int:
    from apps.center.explain import LONGEST_TEXT, explain_text
    from apps.center.report import show_lines

    try:
        with open(0 if options.file == "-" else options.file, "rb") as file:  # noqa: PTH123 - 0 is stdin
            content = file.read(LONGEST_TEXT)
    except OSError as problem:
        raise CommandError(f"{options.file}: {problem.strerror}") from problem
    name = "" if options.file == "-" else options.file
    explained = explain_text(content, file_name=name)
    show_lines(explained, as_json=options.json)
    return 0 if explained.lines else 1


def parsers_check(options: argparse.Namespace) -> int:
    from apps.acquisition.written import store

    if options.files:
        kept = store.checked((name, _read(name)) for name in options.files)
    else:
        kept = store.of_home()
    for parser in kept.parsers:
        print(f"✓ {parser.name}: {parser.dataset}")
    for problem in kept.problems:
        print(f"✗ {problem}")
    if not kept.parsers and not kept.problems:
        print(f"no parser in {store.folder()}")
    return 1 if kept.problems else 0


def verify(options: argparse.Namespace) -> int:
    from apps.center.verification import problems, removals
    from apps.protection import selectors

    found = list(problems(options.head))
    for problem in found:
        print(f"✗ {problem}")
    counted, heads = selectors.counts(), selectors.heads()
    if not found:
        print(f"✓ {counted['seal']} seals and {counted['auditentry']} audit entries hold.")
    print(f"{removals()} sealed things were removed, each with a seal of its own")
    print(f"head of the seals: {heads['seal']}")
    print(f"head of the audit trail: {heads['auditentry']}")
    return 1 if found else 0


def demo_play(options: argparse.Namespace) -> int:
    import httpx

    from apps.center import demonstration

    if options.if_empty and not demonstration.is_empty():
        return 0
    address = engines().get("web", "http://127.0.0.1:8000")
    try:
        sent = demonstration.play(address, lambda line: print(line, flush=True))
    except httpx.HTTPError as problem:
        raise CommandError(f"the recording could not be played to {address}: {problem}") from None
    print(f"{sent} batches of the recording are in; see the incidents page")
    return 0


def demo_remove(options: argparse.Namespace) -> int:
    from apps.center import demonstration

    gone = demonstration.remove(actor=_me())
    print("removed " + ", ".join(f"{what}: {count}" for what, count in gone.items()))
    return 0


def host_add(options: argparse.Namespace) -> int:
    from apps.assistance import services

    services.register_host(
        name=options.name,
        address=options.address,
        port=options.port,
        user=options.user,
        host_key=_read(options.host_key),
        private_key_pem=_read(options.key),
        relay=options.relay,
        actor=_me(),
    )
    print(f"{options.name} may now be repaired; open plans for it were previewed again")
    return 0


def host_remove(options: argparse.Namespace) -> int:
    from apps.assistance import services

    services.forget_access(name=options.name, actor=_me())
    print(f"{options.name} can no longer be reached from here")
    return 0


def user_add(options: argparse.Namespace) -> int:
    from apps.center import accounts
    from apps.protection.permissions import Role

    _, password = accounts.create(name=options.name, role=Role(options.role), actor=_me())
    print(password)
    return 0


def user_reset(options: argparse.Namespace) -> int:
    from django.contrib.auth.models import User

    from apps.center import accounts

    user = User.objects.filter(username=options.name).first()
    if user is None:
        raise CommandError(f"there is no account called {options.name}")
    print(accounts.reset_password(user=user, actor=_me()))
    return 0


def source_add(options: argparse.Namespace) -> int:
    from apps.acquisition import services
    from apps.acquisition.models import Source

    _, token = services.create_source(
        name=options.name, kind=Source.Kind.SHIPPER, actor=_me(), host_name=options.host
    )
    print(token)
    return 0


def source_listen(options: argparse.Namespace) -> int:
    from django.conf import settings

    from apps.acquisition import listening
    from apps.acquisition.models import Source

    source = Source.objects.filter(name=options.name).first()
    if source is None:
        raise CommandError(f"there is no source called {options.name}")
    listening.listen_for(
        source=source,
        networks=options.network,
        certificates=options.certificate,
        files=options.file,
        folder=options.folder,
        allowed=[Path(folder) for folder in settings.TOCSIN["listen"]["tail"]],
        actor=_me(),
    )
    print(f"{options.name} now takes in exactly this without a token")
    return 0


def listen(options: argparse.Namespace) -> int:
    from asgiref.sync import async_to_sync
    from django.conf import settings

    from apps.acquisition.listeners.options import WrongSetting
    from apps.acquisition.listeners.options import options as listening_options
    from apps.acquisition.listeners.process import run as listen_until_told
    from apps.center import pipeline

    try:
        listen_until_told(
            listening_options(settings.TOCSIN, settings.HOME),
            on_batch=async_to_sync(pipeline.start),
            say=lambda line: print(line, flush=True),
        )
    except WrongSetting as problem:
        raise CommandError(str(problem)) from problem
    return 0


def capture(options: argparse.Namespace) -> int:
    import signal
    from threading import Event

    from asgiref.sync import async_to_sync
    from django.conf import settings

    from apps.acquisition.capturing import Captures
    from apps.center import pipeline

    interfaces = settings.TOCSIN["capture"]
    if not interfaces:
        raise CommandError("nothing may be captured: name interfaces in TOCSIN_CAPTURE")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *said: stop.set())
    captures = Captures(settings.HOME, interfaces, async_to_sync(pipeline.start))
    print(f"capturing {', '.join(interfaces)} as the watches say", flush=True)
    captures.run(stop)
    print("stopped: all that was captured is stored or in the ring", flush=True)
    return 0


def responder_add(options: argparse.Namespace) -> int:
    from apps.assistance import services

    _, secret = services.register_responder(
        name=options.name, webhook_url=options.webhook, actor=_me()
    )
    print(secret)
    return 0


def migrate(options: argparse.Namespace) -> int:
    call_command("migrate", verbosity=0, interactive=False)
    return 0


def first_account(options: argparse.Namespace) -> int:
    """Prints the administrator's password the first time, nothing ever after."""
    from django.contrib.auth.models import User

    from apps.center import accounts
    from apps.protection.permissions import Role

    if not User.objects.exists():
        _, password = accounts.create(name="admin", role=Role.ADMINISTRATOR, actor=_me())
        print(password)
    return 0


def _me() -> str:
    return f"terminal:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.geteuid()}"


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text()
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{name} cannot be read: {problem}") from problem


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    function.__name__: function
    for function in (
        analyse,
        explain,
        parsers_check,
        verify,
        demo_play,
        demo_remove,
        host_add,
        host_remove,
        user_add,
        user_reset,
        source_add,
        source_listen,
        listen,
        capture,
        responder_add,
        migrate,
        first_account,
    )
}
