"""Every parser: no input makes it raise, no line is lost, and what a well-formed line says is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.acquisition import frames
from apps.acquisition.parsing import Context, Parsed, parse_lines, parsers
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES, ORIGINAL_NAMES
from tests.acquisition.samples import (
    ACCEPTED,
    ACCESS,
    FAILED,
    SUDO,
    ZEEK,
    ZEEK_HEADER,
    ZEEK_JSON,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEADER = ",".join(
    ["Src IP", "Src Port", "Dst IP", "Dst Port", "Protocol", "Timestamp", *FLOW_FEATURES]
)
FLOW = "192.0.2.1,40000,192.0.2.2,80,6,22/11/2026 09:58:49 AM," + ",".join(
    ["1.5"] * len(FLOW_FEATURES)
)
SAMPLES = [ACCESS, FAILED, ACCEPTED, SUDO, *ZEEK_HEADER.split("\n"), ZEEK, ZEEK_JSON, HEADER, FLOW]
SAMPLES.append(json.dumps({"@timestamp": "2026-11-22T09:00:00Z", "source": {"ip": "192.0.2.1"}}))

fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def records(*lines: str, parser: str = "", received: datetime = NOW) -> list[dict[str, object]]:
    """What each line became, without what it does not say."""
    only = (parser,) if parser else None
    parsed = parse_lines(pl.Series(lines), Context(received), only=only)
    rows = frames.conform(parsed.frame).to_dicts()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def one(line: str, received: datetime = NOW) -> dict[str, object]:
    return records(line, received=received)[0]


# ── For every parser ─────────────────────────────────────────────────────────────────────


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A real line, cut, spliced or sprinkled with anything."""
    line = draw(st.sampled_from(SAMPLES))
    at = draw(st.integers(0, len(line)))
    until = draw(st.integers(at, min(len(line), at + 30)))
    put = draw(st.text(alphabet=st.characters(codec="utf-8"), max_size=12))
    return (line[:at] + put + line[until:]).replace("\n", " ")


def check(parsed: Parsed, lines: list[str]) -> None:
    assert parsed.frame.height == parsed.structure.len() == len(lines)
    understood = parsed.frame["event.dataset"].is_not_null()
    assert not (understood & parsed.structure).any(), "a header is no record"
    conformed = frames.conform(parsed.frame)
    assert conformed.schema == frames.SCHEMA
    assert conformed.height == len(lines)


@pytest.mark.parametrize("name", sorted(parsers()))
@given(lines=st.lists(mutated() | st.text(st.characters(codec="utf-8"), max_size=80), max_size=12))
@fuzz
def test_no_line_makes_a_parser_raise_or_is_lost(name: str, lines: list[str]) -> None:
    series = pl.Series(lines, dtype=pl.String)
    parser = parsers()[name]
    assert 0 <= parser.sniff(series) <= 1
    check(parser.parse(series, Context(NOW)), lines)


@given(lines=st.lists(mutated(), max_size=20))
@fuzz
def test_together_they_lose_no_line_either(lines: list[str]) -> None:
    check(parse_lines(pl.Series(lines, dtype=pl.String), Context(NOW)), lines)


def test_in_a_mixed_file_every_line_finds_its_parser() -> None:
    lines = [
        ACCESS,
        FAILED,
        *ZEEK_HEADER.split("\n"),
        ZEEK,
        "what?",
        HEADER,
        FLOW,
        ZEEK_JSON,
        ACCEPTED,
    ]
    parsed = parse_lines(pl.Series(lines), Context(NOW))
    assert parsed.frame["event.dataset"].to_list() == [
        *("nginx.access", "sshd.auth", None, None, None, "zeek.conn", None),
        *(None, "network.flow", "zeek.conn", "sshd.auth"),
    ]
    assert parsed.structure.arg_true().to_list() == [2, 3, 4, 7]


# ── Access logs ──────────────────────────────────────────────────────────────────────────

words = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\[]'), min_size=1
)
addresses = st.ip_addresses().map(str)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))


@given(
    address=addresses,
    time=moments,
    method=st.sampled_from(["GET", "POST", "PROPFIND"]),
    path=words.map(lambda text: "/" + text.replace("?", "").replace("#", "")),
    query=words.map(lambda text: text.replace("#", "x")),
    status=st.integers(100, 599),
    size=st.integers(0, 10**12),
    agent=words,
)
@fuzz
def test_what_an_access_log_says_is_kept(
    address: str,
    time: datetime,
    method: str,
    path: str,
    query: str,
    status: int,
    size: int,
    agent: str,
) -> None:
    time = time.replace(microsecond=0)
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000")
    line = (
        f'{address} - - [{stamp}] "{method} {path}?{query} HTTP/1.1" {status} {size} "-" "{agent}"'
    )
    said = records(line, parser="access_log")[0]
    assert said["@timestamp"] == time
    assert frames.addresses(pl.Series([address])).to_list() == [said["source.ip"]]
    assert (said["url.path"], said["url.query"]) == (path, query)
    assert (said["http.request.method"], said["http.response.status_code"]) == (method, status)
    assert said["http.response.body.bytes"] == size
    assert said.get("user_agent.original") == (None if agent == "-" else agent)


def test_quotes_of_attackers_do_not_move_fields() -> None:
    stamp = "[22/Nov/2026:09:58:49 +0100]"
    escaped = one(rf'192.0.2.9 - - {stamp} "GET /a\x22 200 1 \x22b HTTP/1.1" 404 7 "-" "x\"y"')
    assert (escaped["url.original"], escaped["http.response.status_code"]) == ('/a" 200 1 "b', 404)
    assert escaped["user_agent.original"] == 'x"y'
    assert escaped["@timestamp"] == datetime(2026, 11, 22, 8, 58, 49, tzinfo=UTC)
    raw = one(f'192.0.2.9 - - {stamp} "GET /?q=" OR "1"="1 HTTP/1.1" 200 7 "-" "curl/8"')
    assert raw["url.query"] == 'q=" OR "1"="1'
    user = one(f'192.0.2.9 - a [x] b {stamp} "GET / HTTP/1.1" 401 7')
    assert (user["user.name"], user["http.response.status_code"]) == ("a [x] b", 401)


def test_access_logs_vary() -> None:
    stamp = "[22/Nov/2026:09:58:49 +0000]"
    hosted = one(
        f'shop.example:443 ::ffff:192.0.2.9 - - {stamp} "GET / HTTP/2.0" 200 - "-" "-" 0.01'
    )
    assert (hosted["url.domain"], hosted["source.ip"]) == ("shop.example", "192.0.2.9")
    noise = one(rf'192.0.2.9 - - {stamp} "\x16\x03\x01" 400 150 "-" "-"')
    assert noise["url.original"] == "\x16\x03\x01"
    assert "http.request.method" not in noise
    assert noise["event.outcome"] == "failure"
    absolute = one(f'192.0.2.9 - - {stamp} "GET http://other.example/x?y=1 HTTP/1.1" 200 1')
    assert (absolute["url.domain"], absolute["url.path"]) == ("other.example", "/x")
    told = parse_lines(pl.Series([ACCESS]), Context(NOW, file_name="/var/log/apache2/access.log"))
    assert told.frame["event.dataset"].to_list() == ["apache.access"]


# ── auth.log ─────────────────────────────────────────────────────────────────────────────


def test_logins_say_who_from_where_and_whether_it_worked() -> None:
    failed, accepted, sudo = records(FAILED, ACCEPTED, SUDO)
    assert (failed["event.action"], failed["event.outcome"]) == ("ssh_login", "failure")
    assert (failed["user.name"], failed["source.ip"], failed["source.port"]) == (
        *("oracle", "203.0.113.9"),
        51022,
    )
    assert (failed["host.name"], failed["process.pid"]) == ("web", 812)
    assert (accepted["event.action"], accepted["event.outcome"]) == ("ssh_login", "success")
    assert (accepted["source.ip"], accepted["user.name"]) == ("2001:db8::5", "deploy")
    assert accepted["@timestamp"] == datetime(2026, 11, 22, 9, 58, 50, 250_000, tzinfo=UTC)
    assert (sudo["event.dataset"], sudo["event.action"]) == ("linux.auth", "sudo_command")


@given(
    user=st.text(st.characters(min_codepoint=32, max_codepoint=126)).map(str.strip)
    | st.just("root from 192.0.2.66 port 22 ssh2")
    | st.just("x from 192.0.2.66 port 22 ssh2: y"),
    address=addresses,
    port=st.integers(1, 65535),
)
@fuzz
def test_a_user_name_cannot_forge_an_address(user: str, address: str, port: int) -> None:
    lines = [
        f"Nov 22 09:58:49 web sshd[8]: Failed password for invalid user {user} from {address} port {port} ssh2",
        f"Nov 22 09:58:49 web sshd[8]: Invalid user {user} from {address} port {port}",
        f"Nov 22 09:58:49 web sshd[8]: Failed publickey for invalid user {user} from {address} port {port} ssh2: RSA SHA256:ab+/c",
        f"Nov 22 09:58:49 web sshd[8]: Disconnecting invalid user {user} {address} port {port}: Too many authentication failures [preauth]",
        f"Nov 22 09:58:49 web sshd[8]: Connection closed by invalid user {user} {address} port {port} [preauth]",
    ]
    for said in records(*lines, parser="sshd"):
        assert said["source.ip"] == frames.addresses(pl.Series([address]))[0]
        assert (said["user.name"], said["source.port"]) == (user, port)


def test_the_name_in_a_certificate_cannot_forge_an_address_either() -> None:
    name = "x from 192.0.2.66 port 2 ssh2: y"
    key = f"RSA-CERT SHA256:a ID {name} (serial 0) CA RSA SHA256:b"
    real = one(
        f"Nov 22 09:58:49 web sshd[8]: Failed publickey for root from ::1 port 1 ssh2: {key}"
    )
    assert (real["user.name"], real["source.ip"]) == ("root", "::1")
    line = f"Nov 22 09:58:49 web sshd[8]: Failed publickey for invalid user q from ::1 port 1 ssh2: {key}"
    assert "source.ip" not in one(line), "rather no address than a wrong one"


@pytest.mark.parametrize(
    ("message", "action", "address"),
    [
        (
            "Received disconnect from 192.0.2.9 port 4:11: Bye [preauth]",
            "ssh_disconnect",
            "192.0.2.9",
        ),
        ("Received disconnect from 192.0.2.9: 11: Bye", "ssh_disconnect", "192.0.2.9"),
        (
            "Disconnected from authenticating user root ::1 port 4 [preauth]",
            "ssh_disconnect",
            "::1",
        ),
        ("Connection reset by 192.0.2.9 port 4", "ssh_disconnect", "192.0.2.9"),
        (
            "error: maximum authentication attempts exceeded for root from 192.0.2.9 port 4 ssh2 [preauth]",
            *("ssh_too_many_attempts", "192.0.2.9"),
        ),
        (
            "message repeated 5 times: [ Failed password for root from 192.0.2.9 port 4 ssh2]",
            *("ssh_login", "192.0.2.9"),
        ),
        (
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=root",
            *("pam_authentication", "192.0.2.9"),
        ),
        ("Did not receive identification string from 192.0.2.9 port 4", "ssh_probe", "192.0.2.9"),
        ("Unable to negotiate with 192.0.2.9 port 4: no matching cipher", "ssh_probe", "192.0.2.9"),
    ],
)
def test_sshd_says_it_in_many_ways(message: str, action: str, address: str) -> None:
    said = one(f"Nov 22 09:58:49 web sshd[8]: {message}")
    assert (said["event.dataset"], said["event.action"]) == ("sshd.auth", action)
    assert said["source.ip"] == address


def test_around_new_year_lines_get_the_year_they_were_written_in() -> None:
    received = datetime(2027, 1, 2, 12, tzinfo=UTC)
    lines = [
        FAILED.replace("Nov 22", day) for day in ("Dec 31", "Jan  1", "Jan  2", "Jan  3", "Jan  5")
    ]
    years = [said["@timestamp"].year for said in records(*lines, received=received)]
    assert years == [2026, 2027, 2027, 2027, 2026], "a day ahead is a clock, more is last year"


def test_a_leap_day_takes_its_neighbours_along() -> None:
    lines = [FAILED.replace("Nov 22", day) for day in ("Feb 28", "Feb 29", "Mar  1", "Apr 31")]
    said = records(*lines)
    assert [row["@timestamp"].year for row in said[:3]] == [2024, 2024, 2024]
    assert "@timestamp" not in said[3], "no year has an April 31"


@given(received=moments, back=st.timedeltas(timedelta(0), timedelta(days=364)))
@fuzz
def test_lines_of_the_last_year_keep_their_time(received: datetime, back: timedelta) -> None:
    written = (received - back).replace(microsecond=0)
    if (written.month, written.day) == (2, 29):
        return
    stamp = f"{written:%b} {written.day:>2} {written:%H:%M:%S}"
    assert one(FAILED.replace("Nov 22 09:58:49", stamp), received)["@timestamp"] == written


# ── Zeek ─────────────────────────────────────────────────────────────────────────────────


def test_zeek_tells_flows_in_both_its_forms() -> None:
    tabbed = records(*ZEEK_HEADER.split("\n"), ZEEK)[-1]
    assert (tabbed["source.ip"], tabbed["destination.port"]) == ("203.0.113.9", 22)
    assert tabbed["@timestamp"] == datetime.fromtimestamp(1795341529.25, UTC)
    assert (tabbed["event.duration"], tabbed["event.outcome"]) == (1_500_000_000, "success")
    assert (tabbed["network.bytes"], tabbed["network.packets"]) == (1120, 18)
    assert (tabbed["network.direction"], tabbed["network.protocol"]) == ("inbound", "ssh")
    json_form = one(ZEEK_JSON)
    assert (json_form["event.outcome"], json_form["source.bytes"]) == ("failure", 60)
    other = records("#path\tprices", "#fields\tts\tquery", "1.0\texample")
    assert all("event.dataset" not in row for row in other)


# ── CICFlowMeter ─────────────────────────────────────────────────────────────────────────


@given(st.lists(st.floats(width=32) | st.integers(0, 2**31), min_size=81, max_size=81))
@fuzz
def test_features_keep_their_value_and_place(values: list[float]) -> None:
    spelled = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
    cells = ",".join(spelled.get(value, str(value)) for value in values)
    row = f"192.0.2.1,1,192.0.2.2,2,17,2026-11-22 09:58:49.5,{cells}"
    parsed = parse_lines(pl.Series([HEADER, row]), Context(NOW), only=("cicflowmeter",))
    kept = frames.unpack_features(parsed.frame["tocsin.features"].drop_nulls())
    expected = frames.unpack_features(
        frames.pack_features(
            pl.DataFrame({"v": values}, strict=False)["v"]
            .cast(pl.Float64)
            .to_numpy()
            .reshape(1, -1)
        )
    )
    np.testing.assert_array_equal(kept, expected)


def test_flow_tables_of_all_ages_are_read() -> None:
    old = {ours: theirs for theirs, ours in reversed(ORIGINAL_NAMES.items())}
    header = "Dst Port,Protocol,Timestamp," + ",".join(
        " " + old.get(name, name) for name in FLOW_FEATURES[:76]
    )
    row = "22,6,7/7/2017 3:30," + ",".join(["2"] * 76) + ""
    lines = [header, row, header, row.replace("7/7/2017 3:30", "20/02/2018 09:50:36"), "1,2,3"]
    parsed = parse_lines(pl.Series(lines), Context(NOW))
    assert parsed.structure.to_list() == [True, False, True, False, False]
    assert parsed.frame["@timestamp"].to_list()[1::2] == [
        datetime(2017, 7, 7, 3, 30, tzinfo=UTC),
        datetime(2018, 2, 20, 9, 50, 36, tzinfo=UTC),
    ]
    assert parsed.frame["event.dataset"].to_list()[-1] is None
    features = frames.unpack_features(parsed.frame["tocsin.features"][1:2])
    assert features[0, 0] == 2
    assert np.isnan(features[0, 76:]).all(), "what a table lacks is NaN"


# ── Documents ────────────────────────────────────────────────────────────────────────────


def test_ecs_fields_count_nested_or_dotted() -> None:
    nested = {"source": {"ip": "192.0.2.1", "port": "80"}, "http": {"request.method": "GET"}}
    dotted = {"source.ip": "192.0.2.1", "source.port": 80.0, "http.request.method": "GET"}
    for document in (nested, dotted):
        said = one(json.dumps(document))
        assert (said["source.ip"], said["source.port"]) == ("192.0.2.1", 80)
        assert (said["http.request.method"], said["event.dataset"]) == ("GET", "ecs")


def test_a_raw_line_inside_a_document_is_read_as_that_line() -> None:
    for document in (
        {"message": ACCESS, "host": {"name": "front"}},
        {"event": {"original": ACCESS + "\n"}, "host": "front"},
    ):
        said = one(json.dumps(document))
        assert (said["event.dataset"], said["host.name"]) == ("nginx.access", "front")
        assert (said["url.query"], said["event.original"]) == ("id=1", ACCESS)
    body = {"process": {"name": "sshd"}, "message": FAILED.partition("]: ")[2]}
    assert one(json.dumps(body))["user.name"] == "oracle"
    assert one(json.dumps(body | {"message": FAILED}))["user.name"] == "oracle"


def test_a_field_itself_goes_before_what_is_also_called_so() -> None:
    said = one(json.dumps({"source": {"address": "198.51.100.1", "ip": "192.0.2.1"}, "host": "h"}))
    assert (said["source.ip"], said["host.name"]) == ("192.0.2.1", "h")
    assert one(json.dumps({"client": {"ip": "192.0.2.7"}}))["source.ip"] == "192.0.2.7"


def test_a_document_that_says_nothing_we_know_is_unparsed() -> None:
    for document in ({"foo": 1}, {"message": "hello", "@timestamp": "2026-11-22T00:00:00Z"}):
        assert one(json.dumps(document))["event.dataset"] == "unparsed"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T09:58:49Z",
        "2026-11-22 09:58:49",
        "2026-11-22T10:58:49+0100",
        "1795341529",
        "1795341529000",
    ],
)
def test_times_are_read_in_the_forms_shippers_use(text: str) -> None:
    expected = datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)
    assert frames.instants(pl.Series([text])).to_list() == [expected]


def test_a_rare_format_among_many_lines_is_not_taken_for_ecs() -> None:
    failed = json.dumps(
        {
            "@timestamp": "2026-11-22T09:58:49.250Z",
            "winlog": {
                "channel": "Security",
                "provider_name": "Microsoft-Windows-Security-Auditing",
                "event_id": 4625,
                "event_data": {"TargetUserName": "ann", "IpAddress": "203.0.113.9"},
            },
        }
    )
    lines = pl.Series([ACCESS] * 3_000 + [failed])
    row = parse_lines(lines, Context()).frame.row(-1, named=True)
    assert (row["event.dataset"], row["source.ip"]) == ("windows.security", "203.0.113.9")
