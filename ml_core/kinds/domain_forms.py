"""Names made by machines, for learning: as malware makes them, and as harmless machines do.

A data set holds a few families of generated names; the next malware's are made in another way. So
names are made here in every way in which such generators draw them (letters of an alphabet,
hexadecimal, base 32, syllables, words), each "family" with its own alphabet, lengths and endings;
and, so that not every machine-made name is called an attack, names as content networks, clouds,
access providers, directories and reverse zones give them; and addresses of pages
(`address_forms`). Learning only; never scoring.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from ml_core.kinds import account_forms as accounts
from ml_core.kinds import address_forms as addresses
from ml_core.kinds.words import COMMON as WORDS

# fmt: off
ENDINGS = (
    "com", "com", "com", "com", "net", "net", "org", "org", "info", "biz", "ru", "cn", "in", "co",
    "us", "eu", "de", "cc", "me", "tv", "ws", "su", "pw", "xyz", "top", "club", "online", "site",
    "space", "icu", "work", "live", "tk", "ml", "ga", "cf", "gq", "uk", "co.uk", "com.br", "fr",
    "it", "pl", "nl", "ua", "kz", "to", "la", "sx", "ac", "io", "bid", "win", "loan", "men", "click",
    "link", "shop", "store", "website", "tech", "pro", "mobi", "name", "be", "at", "ch", "cz", "hk",
    "jp", "kr", "tw", "ir", "vn", "id", "my", "ph", "sg", "th", "ro", "hu", "gr", "se", "no", "fi",
)
DYNAMIC = (
    "ddns.net", "dyndns.org", "duckdns.org", "no-ip.org", "hopto.org", "mooo.com", "zapto.org",
    "sytes.net", "myftp.org", "dynserv.com", "yi.org", "chickenkiller.com", "servebeer.com",
)
HOSTS = (
    "api", "app", "apps", "assets", "auth", "backup", "blog", "build", "cache", "cdn", "cdn1", "ci",
    "cloud", "config", "connect", "data", "db", "dev", "dns", "docs", "download", "edge", "events",
    "files", "forum", "ftp", "gateway", "git", "go", "help", "images", "img", "img2", "imap", "intranet",
    "jira", "link", "lists", "live", "login", "m", "mail", "mail2", "media", "metrics", "mobile", "mx",
    "mx1", "my", "news", "ns1", "ns2", "ntp", "old", "play", "pop", "portal", "proxy", "push", "s1",
    "s3", "search", "secure", "server", "shop", "smtp", "sso", "stage", "static", "stats", "status",
    "store", "support", "sync", "test", "time", "track", "update", "upload", "vpn", "web", "webmail",
    "wiki", "ws", "www2", "telemetry", "tracking", "t", "e", "click", "email", "autodiscover",
)
REGIONS = ("us-east-1", "eu-west-1", "eu-central-1", "ap-south-1", "westeurope", "eastus2", "fra1", "ams02", "lhr", "sin6")
LETTERS, VOWELS, CONSONANTS = "abcdefghijklmnopqrstuvwxyz", "aeiou", "bcdfghjklmnpqrstvwxz"
LIST = 300  # words that a family has at most
HEX, BASE32, DIGITS = "0123456789abcdef", "abcdefghijklmnopqrstuvwxyz234567", "0123456789"
HARMLESS = (  # {h} hexadecimal, {b} letters and digits, {n} a number, {o} an octet, {w} a word, {s} a host, {r} a region, {e} an ending, {l} a letter
    "d{b13}.cloudfront.net", "e{n5}.{l}.akamaiedge.net", "a{n4}.{l}{n2}.akamai.net", "{w}-{h8}.{r}.elb.amazonaws.com",
    "ec2-{o}-{o}-{o}-{o}.{r}.compute.amazonaws.com", "{b10}.execute-api.{r}.amazonaws.com", "{w}-{w}.s3.{r}.amazonaws.com",
    "{b20}.{w}cdn.net", "r{d}---sn-{b8}.{w}video.com", "{h32}.{w}.{e}", "{h8}.{s}.{w}{w}.{e}", "{b12}.{w}cdn.{e}",
    "{w}{n3}.blob.core.windows.net", "{w}-{w}.azurewebsites.net", "{h8}-{h4}-{h4}-{h4}-{h12}.{w}.{e}", "{w}-{b6}.{w}app.com",
    "{w}-{w}-{h6}.herokuapp.com", "{b16}.{s}.{w}.{e}", "{o}-{o}-{o}-{o}.{w}.{e}", "host-{o}-{o}-{o}-{o}.{w}net.{e}",
    "static.{o}.{o}.{o}.{o}.{w}-{w}.{e}", "{o}.{o}.{o}.{o}.in-addr.arpa", "{o}.{o}.{o}.in-addr.arpa", "pool-{o}-{o}-{o}-{o}.{r}.{w}.net",
    "cpe-{h12}.{w}.{e}", "{s}{n2}.{w}.local", "{w}-pc.local", "desktop-{b7}.local", "win-{b11}.{w}.local", "_ldap._tcp.{s}.{w}.local",
    "_kerberos._tcp.dc._msdcs.{w}.internal", "{s}-{n2}.{r}.{w}.internal", "ip-{o}-{o}-{o}-{o}.{r}.compute.internal", "{s}{n2}.corp.{w}.{e}",
    "{s}.{w}{w}.{e}", "{s}.{s}.{w}.{e}", "{s}-{s}.{w}.{e}", "{s}{n2}.{r}.{w}{w}.{e}", "{w}{n2}", "{s}", "{w}-{s}", "xn--{w}-{b4}.{e}", "xn--{b8}.{e}",
    "xn--{w}{w}-{b5}.{e}", "{w}{w}.xn--p1ai", "{w}.{w}", "{s}.{w}.cloud", "{w}-{w}.web.app", "{w}{n4}.github.io", "{w}.pages.dev", "{w}-{h9}-{w}.vercel.app",
    "{h40}._domainkey.{w}.{e}", "{b32}.{s}.{w}.com", "{o}.{o}.{o}.{o}.zen.{w}bl.org", "{h16}.{h4}.ip6.arpa", "_sip._udp.{w}.{e}", "time{n2}.{w}.{e}",
    "{s}.{l}{l}{l}.{e}", "{l}{l}{l}{l}.{e}", "{l}{l}{n2}.{e}", "{n4}.{e}", "{n3}{w}.{e}", "{w}{n2}.{e}", "my{w}.{e}", "{w}4{w}.{e}", "{w}-{w}-{w}.{e}",
)
LISTS = {"w": WORDS, "s": HOSTS, "r": REGIONS, "e": ENDINGS, **addresses.LISTS, **accounts.LISTS}
# fmt: on


class Forms:
    """Names and addresses drawn by one seed; `words` are put together beside those of WORDS,
    accounts are on the `hosts`, too."""

    def __init__(self, seed: int, words: Sequence[str] = (), hosts: Sequence[str] = ()) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - learning material, not a secret
        self.words = words if len(words) >= LIST else WORDS
        self.lists = LISTS | {"K": hosts or addresses.SITES}

    def harmless(self) -> str:
        """A name that a harmless machine, or its owner, gave."""
        return self._filled(self.draw.choice(HARMLESS))

    def page(self, phishing: bool) -> str:
        """An address as a phishing campaign lays it out, or as a harmless site does."""
        scheme = self.draw.choice(("http://", "https://"))
        forms = addresses.PHISHING if phishing else addresses.HARMLESS
        text = self._filled(self.draw.choice(forms))
        if phishing and not text.partition("/")[2]:
            # a bare host would teach that other harmless-looking names are phishing, too
            text = f"{text.rstrip('/')}/{self._filled('{L}')}"
        return scheme + text

    def account(self, phishing: bool) -> str:
        """An address that asks for an account or holds a shared thing, or a copy of such a page."""
        return "https://" + self._filled(
            self.draw.choice(accounts.PHISHING if phishing else accounts.HARMLESS)
        )

    def family(self, size: int) -> list[str]:
        """`size` names of one made-up family: one way, one range of lengths, a few endings."""
        draw = self.draw
        make = draw.choices(
            (self._letters, self._alphabet, self._mixed, self._coded, self._syllables, self._words),
            weights=(3, 2, 2, 3, 4, 5),
        )[0]()
        endings = [draw.choice(ENDINGS) for _ in range(draw.choice((1, 1, 2, 4, 8)))]
        if draw.random() < 0.12:
            endings = [draw.choice(DYNAMIC) for _ in range(2)]
        if draw.random() < 0.08:
            return [make() for _ in range(size)]  # without an ending, as some lists hold them
        return [f"{make()}.{draw.choice(endings)}" for _ in range(size)]

    def ending(self) -> str:
        return self.draw.choice(ENDINGS)

    def host(self) -> str:
        return self.draw.choice(HOSTS)

    def _filled(self, form: str) -> str:
        parts = form.split("{")
        return parts[0] + "".join(self._fill(*part.split("}", 1)) for part in parts[1:])

    def _fill(self, what: str, rest: str) -> str:
        draw, size = self.draw, int(what[1:] or 1)
        if what[0] == "h":
            text = self._of(HEX, size)
        elif what[0] == "b":
            text = self._of(LETTERS + DIGITS, size)
        elif what[0] in "nd":
            text = str(draw.randrange(10**size))
        elif what[0] == "o":
            text = str(draw.randrange(256))
        elif what[0] == "l":
            text = draw.choice(LETTERS)
        elif what[0] == "y":
            text = str(draw.randint(2003, 2025))
        elif what[0] == "m":
            text = f"{draw.randint(1, 28):02}"
        else:
            text = self._filled(draw.choice(self.lists[what[0]]))
        return text + rest

    def _of(self, alphabet: str, size: int) -> str:
        return "".join(self.draw.choices(alphabet, k=size))

    def _range(self, least: int, most: int) -> Callable[[], int]:
        """Lengths of a family: fixed, or within a few of each other."""
        low = self.draw.randint(least, most)
        high = min(low + self.draw.choice((0, 0, 2, 4, 8, 12)), most + 8)
        return lambda: self.draw.randint(low, high)

    def _letters(self) -> Callable[[], str]:
        size = self._range(6, 24)
        return lambda: self._of(LETTERS, size())

    def _alphabet(self) -> Callable[[], str]:
        """Part of the letters only, or some more often than others, as poor generators draw."""
        size, some = self._range(7, 24), self.draw.sample(LETTERS, self.draw.randint(9, 20))
        alphabet = "".join(some) + "".join(some[: self.draw.randint(0, 8)])
        return lambda: self._of(alphabet, size())

    def _mixed(self) -> Callable[[], str]:
        size, digits = self._range(7, 28), self.draw.choice((1, 1, 2, 3))
        return lambda: self.draw.choice(LETTERS) + self._of(LETTERS + DIGITS * digits, size() - 1)

    def _coded(self) -> Callable[[], str]:
        size = self._range(8, 34)
        alphabet = self.draw.choice((HEX, HEX, BASE32, LETTERS + DIGITS))
        if self.draw.random() < 0.2:
            mark = self._of(LETTERS, self.draw.randint(1, 5))
            return lambda: mark + self._of(alphabet, size())
        return lambda: self._of(alphabet, size())

    def _syllables(self) -> Callable[[], str]:
        """Consonants and vowels in turn: pronounced, but words of no language."""
        draw = self.draw
        consonants = "".join(draw.sample(CONSONANTS, draw.randint(10, len(CONSONANTS))))
        forms = draw.sample(("CV", "CVC", "VC", "CVV", "V", "CV", "CVC"), draw.randint(1, 4))
        count = self._range(3, 5)
        kinds = {"C": consonants, "V": draw.choice((VOWELS, VOWELS + "y"))}

        def name() -> str:
            shape = "".join(draw.choice(forms) for _ in range(count()))
            return "".join(draw.choice(kinds[kind]) for kind in shape).ljust(6, "o")

        return name

    def _words(self) -> Callable[[], str]:
        """Words of a list of its own put together, three or more of them or two long ones."""
        draw = self.draw
        words = draw.sample(draw.choice((WORDS, self.words, self.words)), draw.randint(60, LIST))
        count, mark = draw.choice((2, 3, 3, 4, 4, 5)), draw.choice(("", "", "", "", "", "-"))
        words = [word for word in words if count > 2 or len(word) > 6]
        tail = draw.choice((0, 0, 0, 0, 2))
        return lambda: mark.join(draw.sample(words, count)) + self._of(DIGITS, tail)
