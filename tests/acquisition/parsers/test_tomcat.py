"""Tomcat's log and those of other Java programs, with the stack traces below their lines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.server_logs import claims, fuzz, holds, leaves_alone, mutated, told

AT = datetime(2026, 11, 22, 9, 58, 49, 123_000, tzinfo=UTC)
JULI = "22-Nov-2026 09:58:49.123 "
DEPLOY = (
    f"{JULI}INFO [main] org.apache.catalina.startup.HostConfig.deployWAR "
    "Deploying web application archive [/opt/tomcat/webapps/x.war]"
)
BAD = f"{JULI}INFO [http-1] org.apache.coyote.http11.Http11Processor.service Error parsing HTTP request header"
TRACE = [
    " Note: further occurrences of HTTP request parsing errors will be logged at DEBUG level.",
    "\tjava.lang.IllegalArgumentException: Invalid character found in the request target "
    "[/a?b={x} ]. The valid characters are defined in RFC 7230 and RFC 3986",
    "\t\tat org.apache.coyote.http11.Http11InputBuffer.parseRequestLine(Http11InputBuffer.java:502)",
    "Caused by: java.lang.NullPointerException",
    "\t... 12 more",
]
OTHER = [
    "2026-11-22 09:58:49,123 INFO  [main] org.example.App - hello [x] - y",
    "2026-11-22 09:58:49.123  INFO 1234 --- [main] org.example.App   : hello [x] - y",
    "2026-11-22T09:58:49.123+00:00  INFO 1234 --- [shop] [main] org.example.App : hello [x] - y",
    "2026-11-22 09:58:49,123 [main] INFO  org.example.App - hello [x] - y",
    "2026-11-22 09:58:49,123 INFO [main] org.example.App: hello [x] - y",
]
JDK = ["Nov 22, 2026 9:58:49 AM org.apache.catalina.core.StandardService startInternal", "INFO: Up"]
SAMPLES = [DEPLOY, BAD, *TRACE, *OTHER, *JDK]


def one(line: str, file_name: str = "") -> dict[str, object]:
    return told(line, parser="tomcat", file_name=file_name)[0]


def test_a_line_says_who_wrote_it_and_what_it_means() -> None:
    assert one(DEPLOY) == {
        "@timestamp": AT,
        "event.dataset": "tomcat.log",
        "event.category": "configuration",
        "event.action": "application_deploying",
        "event.provider": "org.apache.catalina.startup.HostConfig.deployWAR",
        "log.level": "info",
        "file.path": "/opt/tomcat/webapps/x.war",
        "message": "Deploying web application archive [/opt/tomcat/webapps/x.war]",
        "labels": '{"thread":"main"}',
    }
    login = one(
        f"{JULI}WARNING [http-1] org.apache.catalina.realm.LockOutRealm.filterLockedAccounts "
        "An attempt was made to authenticate the locked user [adm]in]"
    )
    assert (login["event.category"], login["event.outcome"]) == ("authentication", "failure")
    assert (login["event.action"], login["user.name"]) == ("tomcat_login", "adm]in")


def test_a_stack_trace_belongs_to_the_line_above() -> None:
    first, *below, alone = told(BAD, *TRACE, "nobody's", parser="tomcat")
    assert (first["event.action"], first["event.outcome"]) == ("invalid_request", "failure")
    assert alone == {}
    for line, said in zip(TRACE, below, strict=True):
        assert said["message"] == line
        assert said["event.action"] == "continuation"
        assert (said["@timestamp"], said["event.dataset"]) == (AT, "tomcat.log")
    assert below[1]["url.original"] == "/a?b={x} "
    assert told("nobody's", *TRACE, parser="tomcat") == [{}] * (len(TRACE) + 1)


@pytest.mark.parametrize("line", OTHER)
def test_other_java_programs_are_read_but_not_called_tomcat(line: str) -> None:
    said = one(line)
    assert (said["event.dataset"], said["event.category"]) == ("java.log", "process")
    assert (said["event.provider"], said["log.level"]) == ("org.example.App", "info")
    assert (said["message"], said["labels"]) == ("hello [x] - y", '{"thread":"main"}')
    assert said["@timestamp"] == AT
    assert one(line, "/opt/tomcat/logs/catalina.out")["event.dataset"] == "tomcat.log"


def test_the_two_lines_of_the_jdk_are_two_records() -> None:
    first, second = told(*JDK, parser="tomcat")
    assert first["event.provider"] == "org.apache.catalina.core.StandardService"
    assert (second["event.action"], second["log.level"]) == ("continuation", "info")
    assert second["@timestamp"] == first["@timestamp"] == AT.replace(microsecond=0)


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "tomcat") == 1
    leaves_alone("tomcat")


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("tomcat", lines)
