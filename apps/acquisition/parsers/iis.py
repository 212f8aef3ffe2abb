"""W3C extended logs: IIS, HTTP.sys, the Windows firewall, and others with `#Fields:` headers.

Formats: W3C working draft "Extended Log File Format"; IIS and HTTPERR logs; `pfirewall.log`.
Headers change while a log grows, so each row is cut by the header above it. Shippers drop the
headers; rows of the two commonest layouts are known without.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from apps.acquisition.frames import INSTANT, instants
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsers._http import through_proxies
from apps.acquisition.parsers._lines import told
from apps.acquisition.parsing import LONGEST_HEADER, Context, Parsed, below_headers, share

_HEADER = r"^#Fields: *\S"
_DIRECTIVE = r"^#(?:Software|Version|Fields|Date|Time Format|Start-Date|End-Date|Remark): ?"
_ACCESS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)
_FIREWALL = (
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn "
    "tcpack tcpwin icmptype icmpcode info path pid"
)
_TIME = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
_HEADERLESS = {
    _ACCESS: _TIME + r"[0-9a-fA-F:.%]+ [A-Z_]+ \S+ \S+ \d+ \S+ [0-9a-fA-F:.%]+ \S+ \S+ \d{3} \d+ \d+ \d+$",
    _FIREWALL: _TIME
    + r"(?:ALLOW|DROP|OPEN|CLOSE|INFO-EVENTS-LOST|OPEN-INBOUND) \S+ [0-9a-fA-F:.-]+ [0-9a-fA-F:.-]+(?: \S+){10} (?:SEND|RECEIVE|FORWARD|UNKNOWN|-)(?: \d+)?$",
}  # fmt: skip
_NAMES = {
    "source.ip": ("c-ip", "src-ip"),
    "source.port": ("c-port", "src-port"),
    "source.bytes": ("cs-bytes",),
    "destination.ip": ("s-ip", "dst-ip"),
    "destination.port": ("s-port", "dst-port"),
    "destination.bytes": ("sc-bytes",),
    "host.name": ("s-computername",),
    "user.name": ("cs-username",),
    "http.request.method": ("cs-method",),
    "http.request.referrer": ("cs(referer)",),
    "http.response.status_code": ("sc-status",),
    "user_agent.original": ("cs(user-agent)",),
    "network.bytes": ("size",),
    "process.pid": ("pid",),
}
_OWN = ("date", "time", "cs-uri-stem", "cs-uri-query", "cs-uri", "cs-host", "cs(host)")
_MORE = ("time-taken", "action", "protocol", "path", "s-reason", "cs-version")
_ADDRESS = r"^(?:-|[0-9a-fA-F:.%\[\]]+(?::\d+)?)$"
_NUMBER = r"^(?:-|\d+(?:[.,]\d+)?)$"
_SHAPES = {
    "date": r"^\d{4}-\d\d-\d\d$",
    "time": r"^\d\d:\d\d(?::\d\d(?:\.\d+)?)?$",
    **dict.fromkeys(("c-ip", "s-ip", "src-ip", "dst-ip"), _ADDRESS),
    **dict.fromkeys(("c-port", "s-port", "src-port", "dst-port", "sc-status", "size"), _NUMBER),
}
"""Column → what its cells look like."""
_PATHS = {"SEND": "outbound", "RECEIVE": "inbound"}
_ALLOWED = {
    **dict.fromkeys(("ALLOW", "OPEN", "OPEN-INBOUND"), "success"),
    "DROP": "failure",
}


class Iis:
    name = "iis"

    def sniff(self, lines: pl.Series) -> float:
        headed = any(map(_names, lines.filter(_headers(lines)).to_list()))
        bare = [share(lines.str.contains(pattern)) for pattern in _HEADERLESS.values()]
        return 0.99 if headed else 0.97 * sum(bare)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        height = lines.len()
        directive = lines.str.contains(_DIRECTIVE)
        structure = pl.Series([False], dtype=pl.Boolean).new_from_index(0, height)
        at = _headers(lines).arg_true()
        headers = dict(zip(at.to_list(), lines.gather(at).to_list(), strict=True))
        parts = [pl.DataFrame(schema={"_row": pl.UInt32(), "event.dataset": pl.String()})]
        owned = structure.clone()
        if any(map(_names, headers.values())):
            dates = lines.str.extract(r"^#(?:Start-)?Date: *(\d{4}-\d\d-\d\d)", 1).forward_fill()
            first = min(row for row, text in headers.items() if _names(text))
            before = pl.Series(range(height), dtype=pl.Int64) < first
            structure = directive & before
            for header, below in below_headers(height, headers):
                if not (names := _names(header)):
                    continue
                structure = structure.scatter(below.filter(directive.gather(below)), True)
                rows = below.filter(~lines.gather(below).str.starts_with("#"))
                part = _cut(lines.gather(rows), names, dates.gather(rows), rows, context)
                parts.append(part)
                owned = owned.scatter(rows, True)
            ours = [row for row, text in headers.items() if _names(text)]
            structure = structure.scatter(pl.Series(ours, dtype=pl.UInt32), True)
        for header, pattern in _HEADERLESS.items():
            rows = (~owned & ~directive & lines.str.contains(pattern)).arg_true()
            if rows.len():
                nothing = pl.Series([None], dtype=pl.String).new_from_index(0, rows.len())
                parts.append(_cut(lines.gather(rows), _names(header), nothing, rows, context))
        whole = pl.concat(parts, how="diagonal_relaxed")
        rows = whole["_row"]
        return Parsed.of(_syslog.place(whole.drop("_row"), rows, height), structure)


def _headers(lines: pl.Series) -> pl.Series:
    return lines.str.contains(_HEADER) & (lines.str.len_bytes() < LONGEST_HEADER)


@lru_cache(maxsize=128)
def _names(header: str) -> tuple[str, ...]:
    """Names of the columns, in lower case; none where the log says nothing we could use."""
    names = tuple(header.partition(":")[2].lower().split())
    timed = "time" in names or "date" in names
    return names if timed and {"c-ip", "src-ip", "cs-method"} & set(names) else ()


def _cut(
    lines: pl.Series,
    names: tuple[str, ...],
    dates: pl.Series,
    rows: pl.Series,
    context: Context,
) -> pl.DataFrame:
    """Rows of one layout → records; a row with another number of cells is left to others."""
    tabbed = share(lines.str.contains("\t", literal=True)) > 0.5
    cells = lines.str.strip_chars_end(" ").str.split("\t" if tabbed else " ")
    # the firewall leaves out the last column where it was not asked for
    fits = cells.list.len().is_between(len(names) - 1, len(names))
    for place, name in enumerate(names):  # as many words alone are no row of this table
        if pattern := _SHAPES.get(name):
            cell = cells.list.get(place, null_on_oob=True)
            fits &= cell.str.contains(pattern).fill_null(True)
    lines, cells, dates, rows = (s.filter(fits) for s in (lines, cells, dates, rows))
    columns = {
        name: told(cells.list.get(place, null_on_oob=True), ("-", "", "(empty)"))
        for place, name in enumerate(names)
    }
    frame = _records(columns, dates, lines.len()).with_columns(rows.cast(pl.UInt32).alias("_row"))
    if "x-forwarded-for" in columns:
        plain = columns["x-forwarded-for"].str.replace_all("+", "", literal=True)
        frame = frame.with_columns(pl.col("source.port").cast(pl.Int64, strict=False))
        frame = through_proxies(frame, plain, context.proxies).drop("proxy")
    return frame.filter(frame["@timestamp"].is_not_null())


def _records(columns: dict[str, pl.Series], dates: pl.Series, height: int) -> pl.DataFrame:
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)

    def cell(*names: str) -> pl.Series:
        return next((columns[name] for name in names if name in columns), nothing)

    date, time = columns.get("date", dates), cell("time")
    time = instants(date + "T" + time) if "time" in columns else instants(date)
    stem = cell("cs-uri-stem").fill_null(cell("cs-uri").str.extract(r"^([^?]*)", 1))
    query = cell("cs-uri-query").fill_null(cell("cs-uri").str.extract(r"\?(.*)$", 1))
    status = cell("sc-status").cast(pl.Int64, strict=False)
    action, user = cell("action"), cell("cs-username")
    dataset, category = _kind(columns)
    seconds = 1_000_000 if dataset != "w3c.access" else 1_000_000_000
    taken = cell("time-taken").cast(pl.Float64, strict=False)
    taken = taken.set((~taken.is_between(0, 1e9)).fill_null(False), None)
    known = {name for names in _NAMES.values() for name in names} | {*_OWN, *_MORE}
    agents = ("http.request.referrer", "user_agent.original")
    texts = {name: cell(*names) for name, names in _NAMES.items()}
    for name in agents:  # a space became a plus
        plus = texts[name].str.contains(" ", literal=True).fill_null(False)
        plain = texts[name].str.replace_all("+", " ", literal=True)
        texts[name] = plain.zip_with(~plus, texts[name])
    web = dataset != "windows.firewall"
    return pl.DataFrame(
        {
            **texts,
            "@timestamp": time.cast(INSTANT),
            "event.duration": (taken * seconds).cast(pl.Int64, strict=False),
            "user.name": user.str.replace(r"^.*\\", ""),
            "user.domain": user.str.extract(r"^(.*)\\", 1),
            "url.path": stem,
            "url.query": query,
            "url.original": stem + ("?" + query).fill_null(""),
            "url.domain": cell("cs-host", "cs(host)").str.replace(r":\d+$", ""),
            "network.transport": nothing if web else cell("protocol").str.to_lowercase(),
            "network.direction": cell("path").replace_strict(
                _PATHS, default=None, return_dtype=pl.String
            ),
            "message": cell("s-reason"),
            "labels": _labels.of(
                pl.DataFrame({name: columns[name] for name in columns if name not in known})
            )
            if set(columns) - known
            else nothing,
            "event.outcome": _outcome(status) if web else action.replace_strict(
                _ALLOWED, default=None, return_dtype=pl.String
            ),
            "_action": action.str.to_lowercase().str.replace_all("-", "_", literal=True),
        }
    ).with_columns(
        pl.lit(dataset).alias("event.dataset"),
        pl.lit(category).alias("event.category"),
        pl.lit("http_request").alias("event.action") if web
        else ("firewall_" + pl.col("_action")).alias("event.action"),
        pl.lit("http" if web else None, dtype=pl.String).alias("network.protocol"),
        pl.lit("tcp").alias("network.transport") if web else pl.col("network.transport"),
    ).drop("_action")  # fmt: skip


def _kind(columns: dict[str, pl.Series]) -> tuple[str, str]:
    """Whose layout it is: the data set and the category."""
    if "src-ip" in columns and "action" in columns:
        return "windows.firewall", "network"
    if "s-reason" in columns:
        return "iis.error", "web"
    # IIS alone tells milliseconds, and its own second status
    return ("iis.access" if "sc-win32-status" in columns else "w3c.access"), "web"


def _outcome(status: pl.Series) -> pl.Series:
    lit = pl.lit(status)
    good = pl.when(lit < 400).then(pl.lit("success")).when(lit >= 400).then(pl.lit("failure"))
    return pl.select(good.alias("outcome")).to_series()


PARSER = Iis()
