"""Whole requests around bare parameter values, so that a network does not learn a data set's form.

Data sets of injections hold values (`1' or '1'='1`); a platform sees requests. Every value is put
into requests as sites really receive them: query strings, form and JSON bodies, path segments,
percent-encoded or plain, alone or among harmless parameters. Small attack classes and the harmless
texts that look like attacks are written out here, as grammars. Learning only; never scoring.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Sequence
from urllib.parse import quote, quote_plus

import numpy as np
import numpy.typing as npt

from ml_core.kinds.kind import UNTOLD
from ml_core.kinds.requests.grammar import (
    ATTACKS,
    COMMANDS,
    ENDINGS,
    FOLDERS,
    HARMLESS,
    IDENTIFIERS,
    NAMES,
    PAGES,
    PEOPLE,
    STATIC,
    WORDS,
)
from ml_core.kinds.requests.languages import LANGUAGES
from ml_core.kinds.requests.other_attacks import FAMILIES, PIECES, Family

_WHOLE = ("GET /", "POST /", "PUT /", "PATCH /", "MOVE /")  # forms of whole requests


class Forms:
    """Requests from values, drawn by one seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - learning material, not a secret

    def attack(self, name: str) -> str:
        """A value of the attack class `name`, from the grammar."""
        return self._fill(self.draw.choice(ATTACKS[name]))

    def harmless(self) -> str:
        """A harmless value, often with the words and signs of an attack."""
        return self._fill(self.draw.choice(HARMLESS))

    def disguised(self, value: str) -> str:
        """SQL as it gets past filters, now and then: comments or line breaks for its spaces."""
        if self.draw.random() > 0.15:
            return value
        return value.replace(" ", self.draw.choice(("/**/", "/**/", "\n", "\t", "/*x*/", "()")))

    def asset(self) -> str:
        """A request for a static file or a page without parameters."""
        draw = self.draw
        path = draw.choice((self._path, self._file, self._rest))()
        if draw.random() < 0.1:
            path = draw.choice(
                (
                    "/",
                    f"/?{draw.randint(1, 10**8)}",
                    "/?id=1",
                    "/*",
                    f"/{draw.choice(FOLDERS)}/?C={draw.choice('NMSD')};O={draw.choice('AD')}",
                )
            )
        return f"{draw.choice(('GET', 'GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'DELETE'))} {path}"

    def request(self, value: str, others: Sequence[str], name: str = "") -> str:
        """A whole request that carries `value`, with up to three of `others` around it."""
        draw = self.draw
        pairs = [(draw.choice(NAMES), other) for other in others[: draw.randint(0, 3)]]
        pairs.insert(draw.randint(0, len(pairs)), (name or draw.choice(NAMES), value))
        way = draw.random()
        if way < 0.3:
            return self._bare(value, pairs)
        if way < 0.58:
            query = quote(value) if draw.random() < 0.05 else self._pairs(pairs)
            line = f"{self._path()}?{query}"
            return line if draw.random() < 0.2 else f"GET {line}"
        if way < 0.67:
            method = draw.choice(("GET", "GET", "DELETE", "PUT"))
            return f"{method} /{draw.choice(FOLDERS)}/{quote(value, safe=draw.choice(('', '/')))}"
        if way < 0.81:
            tail = f"?{draw.choice(NAMES)}={draw.choice(WORDS)}" if draw.random() < 0.2 else ""
            return f"POST {self._path()}{tail}\n{self._pairs(pairs)}"
        if way < 0.88:
            return f"POST {self._path()}\n{self._multipart(pairs)}"
        fields: dict[str, object] = dict(pairs)
        if draw.random() < 0.4:
            fields["items"] = [{"id": draw.randint(1, 99), "count": 1} for _ in range(2)]
        if draw.random() < 0.3:
            fields = {draw.choice(NAMES): fields}
        content = json.dumps(fields, ensure_ascii=draw.random() < 0.5)
        return f"{draw.choice(('POST', 'PUT', 'PATCH'))} {self._path()}\n{content}"

    def _bare(self, value: str, pairs: Sequence[tuple[str, str]]) -> str:
        """A value as data sets of payloads hold it, or the parameters alone."""
        way = self.draw.random()
        if way < 0.7:
            return value
        if way < 0.85:
            return self.draw.choice((quote, quote_plus))(value)
        return self._pairs(pairs)

    def shell(self, others: Sequence[str]) -> str:
        """A command to a web shell."""
        name = self.draw.choice(("cmd", "c", "exec", "command", "0", "e", "x", "execute"))
        return self.request(self._fill("{x}"), others, name)

    def other(self, family: Family, attack: bool) -> str:
        """A request of a family of attacks that no class names, or a harmless one alike."""
        draw = self.draw
        form = self._fill(draw.choice(family.attacks if attack else family.harmless))
        if form.startswith(_WHOLE):
            return form
        name = draw.choice(family.names if draw.random() < 0.5 else NAMES)
        if not form.startswith("&"):
            return self.request(form, [self.harmless() for _ in "123"], name)
        if draw.random() < 0.5:
            form = f"&{name}={draw.choice(WORDS)}{form}"
        way = draw.choice(("{0}?{1}", "GET {0}?{1}", "GET {0}?{1}", "POST {0}\n{1}", "{1}"))
        return way.format(self._path(), form[1:])

    def _pairs(self, pairs: Sequence[tuple[str, str]]) -> str:
        encode: Callable[[str], str] = self.draw.choice((quote, quote_plus, _as_typed))
        return "&".join(f"{name}={encode(value)}" for name, value in pairs)

    def _multipart(self, pairs: Sequence[tuple[str, str]]) -> str:
        draw = self.draw
        edge = "-" * draw.randint(4, 28) + draw.randbytes(6).hex()
        parts = []
        for name, value in pairs:
            file = f'; filename="{draw.choice(WORDS)}.{draw.choice(STATIC)}"'
            file = f"{file}\r\nContent-Type: text/plain" if draw.random() < 0.5 else ""
            head = f'Content-Disposition: form-data; name="{name}"{file}'
            parts.append(f"--{edge}\r\n{head}\r\n\r\n{value}\r\n")
        return "".join(parts) + f"--{edge}--"

    def _path(self) -> str:
        draw = self.draw
        folders = "".join(f"/{draw.choice(FOLDERS)}" for _ in range(draw.randint(0, 3)))
        if draw.random() < 0.15:
            folders += f"/{draw.randint(1, 99999)}"
        return f"{folders}/{draw.choice(PAGES)}{draw.choice(ENDINGS)}"

    def _rest(self) -> str:
        steps = []
        for _ in range(self.draw.randint(1, 3)):
            steps += [self.draw.choice(FOLDERS), self._fill(self.draw.choice(IDENTIFIERS))]
        return "/" + "/".join(steps)

    def _file(self) -> str:
        draw = self.draw
        stem = self._fill(draw.choice(("{w}", "{w}-{w}", "{w}.min", "{w}.{hex6}", "{uuid}", "{n}")))
        tail = draw.choice(
            (
                "",
                "",
                f"?{draw.choice(WORDS)}[]={draw.choice('SML')}&size[]=XL",
                f"?v={draw.randint(1, 99)}",
                f"?ver={draw.random():.3f}",
                f"?ver={draw.randint(0, 20)}.{draw.randint(0, 40)}.{draw.randint(0, 9)}",
                f"?ver={draw.randbytes(16).hex()}",
            )
        )
        folders = "/".join(draw.choice(FOLDERS) for _ in range(draw.randint(0, 3)))
        return f"/{folders}{'/' if folders else ''}{stem}.{draw.choice(STATIC)}{tail}"

    def _fill(self, form: str) -> str:
        draw = self.draw
        for name, pieces in PIECES.items():
            while name in form:
                form = form.replace(name, draw.choice(pieces), 1)
        if "{x}" in form:
            form = form.replace("{x}", draw.choice(COMMANDS))
        while "{w}" in form:  # every word its own
            form = form.replace("{w}", draw.choice(WORDS), 1)
        number, number2 = draw.randint(0, 9999), draw.randint(0, 99)
        token = draw.randbytes(24)
        return form.format(
            n=number, m=number2, d=draw.randint(1, 9), y=draw.randint(1990, 2030),
            q=draw.choice("''''\"\"`"), c=draw.choice((" --", "-- ", "--", "-- -", "#", " /*", "")),
            s=draw.choice((";", "|", "||", "&&", "&", " ; ", " | ", "\n")), l=draw.choice("abcxyz"), b=draw.choice(("", "'", "'", '"', "%'", '%"')) + ")" * draw.choice((0, 0, 1, 1, 2, 3)),
            up=draw.choice(
                ("../", "../", "..\\", "....//", "..%2f", "..%252f", "/..", "..;/", ".././", "0x2e0x2e/")
            )
            * draw.randint(2, 8) + draw.choice(("", "", "/")),
            nulls=",".join([draw.choice(("null", str(number2), str(number)))] * draw.randint(1, 8)),
            W=draw.choice(WORDS).capitalize(), p=draw.choice(PEOPLE), hex=token[:16].hex(),
            hex6=token[:3].hex(), b64=base64.b64encode(token).decode(),
            jwt=f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(token).decode()}.{token[:20].hex()}",
            uuid="-".join((token[:4].hex(), token[4:6].hex(), token[6:8].hex(), token[8:14].hex())),
        )  # fmt: skip


def whole_requests(
    values: Sequence[str],
    y: npt.NDArray[np.int64],
    names: Sequence[str],
    seed: int,
    least: int = 0,
) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Requests made of the values [N] and their classes [N]; every value is used at least once.

    With `least`, each attack class is raised to as many requests, a third of them at least from
    the grammar, the rest by repeating values in other requests; and harmless requests from the
    grammar are added, half as many again. Without, there is nothing but the values given and
    what is put around them: that is what a model is tested on.
    """
    forms = Forms(seed)
    draw = forms.draw
    harmless = [values[i] for i in np.flatnonzero(y == 0).tolist()]
    texts: list[str] = []
    labels: list[int] = []

    def others() -> list[str]:
        if not harmless:
            return [forms.harmless() for _ in range(3)]
        return [draw.choice(harmless) if draw.random() < 0.6 else forms.harmless() for _ in "123"]

    for c, name in enumerate(names[1:], start=1):
        used = [values[i] for i in np.flatnonzero(y == c).tolist()]
        if least:
            used += [forms.attack(name) for _ in range(max(least, len(used)) // 3)]
        used += [draw.choice(used) for _ in range(least - len(used))]
        if least and name == "sqli":
            used = [forms.disguised(value) for value in used]
        texts += [forms.request(value, others()) for value in used]
        if name == "cmdi":  # what a web shell is sent: a bare command under a telling name
            texts += [forms.shell(others()) for _ in range(least // 4)]
        labels += [c] * (len(texts) - len(labels))
    benign = list(harmless)
    if least:
        benign += [forms.harmless() for _ in range(max(len(harmless), len(texts)) // 2)]
        texts += [forms.asset() for _ in range(len(benign) // 5)]
    texts += [forms.request(value, others()) for value in benign]
    labels += [0] * (len(texts) - len(labels))
    return texts, np.asarray(labels, dtype=np.int64)


def other_attacks(count: int, seed: int) -> tuple[list[str], npt.NDArray[np.int64]]:
    """`count` requests of attacks that no class names (UNTOLD), twice as many harmless ones alike.

    As many would teach the signs that both share to be an attack's.
    """
    forms, families = Forms(seed), [*FAMILIES.values(), *LANGUAGES.values()]
    y = np.repeat([UNTOLD, 0], [count, 2 * count])
    return [forms.other(families[i % len(families)], c != 0) for i, c in enumerate(y)], y


def _as_typed(value: str) -> str:
    return value.replace(" ", "%20").replace("&", "%26").replace("#", "%23").replace("\n", "%0a")
