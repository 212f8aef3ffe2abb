"""Live capture of an interface of this machine, without end: see `apps.acquisition.capturing`."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Annotated

import msgspec
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as noop
from msgspec import Meta

from apps.acquisition.collecting import Collected, Reach, Uncollected
from apps.contracts import Refused

_FILTER = re.compile(r"^[A-Za-z0-9 .:/()\[\]&|!<>=+*-]*$")


class Options(msgspec.Struct, frozen=True):
    filter: Annotated[
        str,
        Meta(
            max_length=1000,
            title=noop("Filter"),
            description=noop("Which packets, as tcpdump has it: not port 22."),
        ),
    ] = ""
    seconds: Annotated[int, Meta(ge=5, le=3600, title=noop("A batch every so many seconds"))] = 30
    megabytes: Annotated[int, Meta(ge=1, le=200, title=noop("… or megabytes"))] = 32
    snaplen: Annotated[int, Meta(ge=64, le=65535, title=noop("Bytes of a packet"))] = 65535
    promiscuous: Annotated[
        bool, Meta(title=noop("Packets for others too, as at a mirror port"))
    ] = True


class LiveCapture:
    name = "capture"
    title = _("Live capture")
    description = _("Captures an interface of this machine; flows and HTTP requests come of it.")
    target = _("Interface")
    secret = ""
    options = Options
    continuous = True

    def check(self, target: str, options: Options) -> str:
        allowed = settings.TOCSIN["capture"]
        if target not in allowed:
            raise Refused(
                _("The operator of this machine lets %(interfaces)s be captured (TOCSIN_CAPTURE).")
                % {"interfaces": ", ".join(allowed) or _("no interface")}
            )
        filter_program(options)
        return target

    def collect(self, target: str, options: Options, reach: Reach) -> Collected:
        raise Uncollected("A capture runs without end: `tocsin capture` does it.")


def filter_program(options: Options) -> str:
    """The filter as instructions of BPF; empty where there is none. Raises `Refused`."""
    words = options.filter.strip()
    if not words:
        return ""
    if not _FILTER.match(words):
        raise Refused("The filter has signs that no filter has.")
    tcpdump = shutil.which("tcpdump", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if tcpdump is None:
        raise Refused("A filter is translated by tcpdump, which is not installed here.")
    try:
        done = subprocess.run(
            [tcpdump, "-y", "EN10MB", "-s", str(options.snaplen), "-ddd", "--", words],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused("The filter could not be translated in 10 seconds.") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it is not understood"]
        raise Refused(f"The filter: {last[0].removeprefix('tcpdump: ')[:300]}.")
    return done.stdout


COLLECTOR = LiveCapture()
