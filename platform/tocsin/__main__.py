"""The `tocsin` command."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
from collections.abc import Sequence

from tocsin import __version__


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="tocsin", description="Network-security emergency response, from alarm to repair."
    )
    top.add_argument("--version", action="version", version=f"tocsin {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start the whole platform; Ctrl-C stops it")
    up.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    up.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    up.add_argument(
        "--no-demonstration", action="store_true", help="do not play the demonstration recording"
    )

    analyse = commands.add_parser(
        "analyse",
        help="run captures or logs through the whole pipeline and print what was found",
        description="Reads captures (pcap, pcapng), logs, CICFlowMeter CSV or suspicious files, "
        "also compressed, and prints incidents with clue tree, attacker and proposed remedy. "
        "Needs no running platform and changes nothing.",
    )
    analyse.add_argument("files", nargs="+", metavar="FILE")
    analyse.add_argument("--json", action="store_true", help="print one JSON document")
    analyse.add_argument("--host", default="", metavar="NAME", help="host the files come from")

    explain = commands.add_parser(
        "explain",
        help="say which parser reads each line, what it becomes and which tools look at it",
        description="Reads the first lines of a log (or what is piped in) as an upload would be "
        "read, with the parsers of TOCSIN_HOME/parsers. Needs no running platform, keeps nothing.",
    )
    explain.add_argument("file", metavar="FILE|-")
    explain.add_argument("--json", action="store_true", help="print one JSON document")

    own = commands.add_parser("parsers", help="parsers of your own (docs/parsers.md)")
    actions = own.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="check files, or all there are in TOCSIN_HOME/parsers")
    check.add_argument("files", nargs="*", metavar="FILE")

    verify = commands.add_parser("verify", help="check every seal and the audit trail")
    verify.add_argument("--head", default="", help="a seal hash noted earlier that must be there")

    demo = commands.add_parser("demo", help="the demonstration recording")
    actions = demo.add_subparsers(dest="action", required=True, metavar="ACTION")
    play = actions.add_parser("play", help="send the recording to the ingest API")
    play.add_argument("--if-empty", action="store_true", help="only where nothing was stored yet")
    actions.add_parser("remove", help="remove all demonstration data")

    host = commands.add_parser("host", help="hosts that may be repaired over SSH")
    actions = host.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="register a host, its pinned key and our private key")
    add.add_argument("name")
    add.add_argument("--address", default="")
    add.add_argument("--port", type=int, default=22)
    add.add_argument("--user", default="tocsin")
    add.add_argument("--host-key", required=True, metavar="FILE", help="its public host key")
    add.add_argument("--key", required=True, metavar="FILE", help="our private key")
    add.add_argument("--relay", default="", metavar="SOCKET", help="unix socket to its SSH port")
    remove = actions.add_parser("remove", help="forget how to reach a host")
    remove.add_argument("name")

    user = commands.add_parser("user", help="accounts of the dashboard")
    actions = user.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="create an account; prints its first password")
    add.add_argument("name")
    add.add_argument(
        "--role", required=True, choices=("analyst", "approver", "administrator", "responder")
    )
    reset = actions.add_parser("reset", help="give an account a new first password")
    reset.add_argument("name")

    source = commands.add_parser("source", help="sources that may send data")
    actions = source.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="create a source; prints its token")
    add.add_argument("name")
    add.add_argument("--host", default="", metavar="NAME", help="host its records speak of")

    hear = actions.add_parser("listen", help="say who may write for a source without its token")
    hear.add_argument("name")
    hear.add_argument("--network", action="append", default=[], metavar="ADDRESS")
    hear.add_argument("--certificate", action="append", default=[], metavar="NAME")
    hear.add_argument("--file", action="append", default=[], metavar="PATTERN")
    hear.add_argument("--folder", default="", metavar="NAME", help="below TOCSIN_HOME/drop")
    commands.add_parser(
        "listen",
        help="take in syslog, NetFlow, files and a watched folder, as the settings say",
        description="Runs until SIGTERM; `tocsin up` starts it where one of TOCSIN_SYSLOG_UDP, "
        "TOCSIN_SYSLOG_TCP, TOCSIN_SYSLOG_TLS, TOCSIN_NETFLOW, TOCSIN_TAIL and TOCSIN_DROP is set.",
    )

    commands.add_parser(
        "capture",
        help="capture interfaces of this machine, as the watches say",
        description="Runs until SIGTERM and needs CAP_NET_RAW; `tocsin up` starts it where "
        "TOCSIN_CAPTURE names interfaces.",
    )

    responder = commands.add_parser("responder", help="remote responders")
    actions = responder.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="register a responder; prints the signing secret")
    add.add_argument("name")
    add.add_argument("--webhook", default="", metavar="URL", help="where packages are sent")

    commands.add_parser("migrate", help="bring the database up to date")
    commands.add_parser("first-account", help="make the administrator where no account exists")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough; Python would flush once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
    if options.command == "up":
        from tocsin.stack import Stack, StackError

        stack = Stack(
            host=options.host, port=options.port, say=lambda line: print(line, flush=True)
        )
        try:
            return stack.up(demonstration=not options.no_demonstration)
        except StackError as problem:
            print(f"tocsin: {problem}", file=sys.stderr)
            return 1
    if options.command in (
        "analyse",
        "explain",
        "parsers",
    ):  # it keeps nothing, so it needs no secrets of a home
        os.environ.setdefault("TOCSIN_SECRET_KEY", secrets.token_urlsafe())
        os.environ.setdefault("TOCSIN_VAULT_KEY", secrets.token_urlsafe())
    from django.core.exceptions import ImproperlyConfigured

    from tocsin import commands

    try:
        return commands.run(options)
    except (commands.CommandError, ImproperlyConfigured) as problem:
        print(f"tocsin: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tocsin: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
