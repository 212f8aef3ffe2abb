"""Password guessing in logs, and what only looks like it."""

from __future__ import annotations

from apps.contracts import Finding, Kind
from apps.detection.tools.login_brute_force import TOOL
from tests.detection.made import ALICE, BOB, MALLORY, Row, found, frame, login


def only(findings: list[Finding]) -> Finding:
    (one,) = findings
    return one


def test_guessing_names_source_host_counts_and_service() -> None:
    one = only(found(TOOL, (login(i * 2, f"user{i % 3}") for i in range(40))))
    assert one.kind is Kind.BRUTE_FORCE
    assert (one.subject, one.target, one.host) == (MALLORY, "shop", "shop")
    assert one.title == f"SSH password guessing from {MALLORY}: 40 failures, 3 accounts"
    assert one.techniques == ("T1110.001",)
    assert one.records == tuple(range(40))
    assert one.parameters["signs"] == ["ssh"]
    assert (one.parameters["failures"], one.parameters["accounts_taken"]) == (40, [])


def test_somebody_who_mistypes_and_then_gets_in_is_left_alone() -> None:
    mistyped = [login(i * 5, "anna", source=ALICE) for i in range(4)]
    assert not found(TOOL, mistyped, [login(30, "anna", "success", source=ALICE)])


def test_many_people_behind_one_address_are_left_alone_because_most_get_in() -> None:
    office = [
        login(i, f"user{i % 30}", "failure" if i % 4 == 0 else "success", source=BOB)
        for i in range(200)
    ]
    assert not found(TOOL, office)


def test_a_login_after_the_guessing_is_an_account_taken_and_graver() -> None:
    guesses = [login(i, "root") for i in range(30)]
    refused = only(found(TOOL, guesses))
    # Not within any window of failures: it came back an hour later with what it had found.
    taken = only(found(TOOL, guesses, [login(4000, "root", "success")]))
    assert taken.parameters["accounts_taken"] == ["root"]
    assert taken.title.endswith("root taken")
    assert "T1078" in taken.techniques
    assert taken.severity >= 90 > refused.severity
    assert 30 in taken.records


def test_a_login_with_a_key_proves_no_guessed_password() -> None:
    key = login(40, "anna", "success", **{"message": "Accepted publickey for anna from ..."})
    one = only(found(TOOL, [login(i, "root") for i in range(30)], [key]))
    assert one.parameters["accounts_taken"] == []


def test_one_password_on_many_accounts_is_spraying() -> None:
    one = only(found(TOOL, (login(i * 20, f"user{i}") for i in range(12))))
    assert "password spraying" in one.title
    assert one.techniques == ("T1110.003",)


def test_patient_guessing_is_found_in_the_long_window() -> None:
    slow = [login(i * 100, "root") for i in range(36)]
    assert only(found(TOOL, slow)).parameters["failures"] == 36


def test_more_failures_are_graver() -> None:
    few, many = (
        only(found(TOOL, (login(i / 10, "root") for i in range(n)))).severity for n in (12, 1200)
    )
    assert few < many


def test_an_attempt_that_pam_and_sshd_both_tell_of_counts_once() -> None:
    twice = [
        row
        for i in range(6)
        for row in (
            login(i, "root"),
            login(i, "root", **{"event.action": "pam_authentication", "source.port": None}),
            login(i, "root", **{"event.action": "ssh_invalid_user"}),
        )
    ]
    assert not found(TOOL, twice)


def test_unknown_users_who_were_never_asked_a_password_count() -> None:
    unknown = [login(i, f"u{i}", **{"event.action": "ssh_invalid_user"}) for i in range(15)]
    assert only(found(TOOL, unknown)).parameters["failures"] == 15


def test_ftp_failures_told_by_pam_are_ftp() -> None:
    rows = [
        login(
            i,
            "intern",
            **{
                "event.dataset": "linux.auth",
                "event.action": "pam_authentication",
                "process.name": "vsftpd",
                "network.protocol": None,
            },
        )
        for i in range(20)
    ]
    one = only(found(TOOL, rows))
    assert one.parameters["signs"] == ["ftp"]
    assert one.title.startswith("FTP password guessing")


def test_what_is_wholly_context_is_not_found_again() -> None:
    rows = [login(i, "root") for i in range(30)]
    assert not TOOL.detect(frame(rows, fresh=[False] * 30))
    again = TOOL.detect(frame(rows, fresh=[False] * 29 + [True]))
    assert len(only(again).records) == 30


def test_what_pam_and_audit_say_beside_a_service_s_own_log_counts_nothing_twice() -> None:
    own = [login(i, "root") for i in range(12)]
    pam = [login(i, "root", **{"event.action": "pam_authentication"}) for i in range(12)]
    audit = [
        login(i, "root", **{"event.dataset": "auditd.log", "event.action": action})
        for i in range(12)
        for action in ("user_auth", "user_login")
    ]
    more = {"event.dataset": "linux.auth", "process.name": "sshd"}
    one = only(found(TOOL, own, ({**row, **more} for row in pam), audit_of_sshd(audit)))
    assert one.parameters["failures"] == 12


def test_audit_alone_counts_each_wrong_password_once() -> None:
    audit = [
        login(i, "root", **{"event.dataset": "auditd.log", "event.action": action})
        for i in range(12)
        for action in ("user_auth", "user_login")
    ]
    one = only(found(TOOL, audit_of_sshd(audit)))
    assert (one.parameters["service"], one.parameters["failures"]) == ("ssh", 12)


def audit_of_sshd(rows: list[Row]) -> list[Row]:
    return [{**row, "process.name": "sshd"} for row in rows]
