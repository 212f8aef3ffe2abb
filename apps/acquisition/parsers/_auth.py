"""What the programs that decide who may do what on a Linux host say: PAM, sudo, su, login, shadow's
tools, cron, polkit, doas, systemd-logind.

Messages: Linux-PAM pam_unix; sudo's "eventlog"; util-linux su and login; shadow-utils; cron; polkit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Rule:
    """Messages that hold the text `mark` and match `pattern`.

    Groups of the pattern: those of `sshd.FIELDS`, which become columns, and those of
    `sshd.LABELS`, which become labels.
    """

    mark: str
    pattern: str
    action: str
    outcome: str | None = None
    sshd: bool | None = False  # said by sshd, by the others, or (None) by all
    category: str = "authentication"


_SUDO = (
    r"TTY=(?P<tty>\S+) ; PWD=(?P<cwd>.*?) ; USER=(?P<target>\S+) ;"
    r"(?: (?:GROUP|TSID|ENV|CHROOT|CWD)=.*? ;)* COMMAND=(?P<command>(?s:.*))$"
)
_SUDO_WHO = r"^(?P<user>\S+) : (?:HOST=\S+ ; )?"
_POLKIT = (
    r"\[USER=(?P<target>[^\]]*)\] \[TTY=(?P<tty>[^\]]*)\] \[CWD=(?P<cwd>.*?)\] "
    r"\[COMMAND=(?P<command>.*)\]$"
)
_SERVICE = r"(?:pam_\w+\((?P<service>[^:)]*)[^)]*\): )?"

_PAM = (
    Rule(
        "uthentication failure",
        # services hand on as ruser what a client called itself: rhost is the last one
        rf"^{_SERVICE}.*authentication failures?;.* tty=(?P<tty>\S*) ruser=(?P<ruser>.*) "
        r"rhost=(?P<address>\S*)(?:\s+user=(?P<user>\S+))?\s*$",
        "pam_authentication",
        "failure",
    ),
    Rule(
        "uthentication failure",
        r"authentication failures?;.* rhost=(?P<address>\S*)(?:\s+user=(?P<user>\S+))?",
        "pam_authentication",
        "failure",
    ),
    Rule(
        "session opened for",
        rf"^{_SERVICE}.*session opened for user (?P<user>[^\s(]+)(?:.* by (?P<by>[^\s(]+)?\()?",
        "session_opened",
        "success",
    ),
    Rule(
        "session closed for",
        rf"^{_SERVICE}.*session closed for user (?P<user>[^\s(]+)",
        "session_closed",
        "success",
    ),
    Rule(
        "password changed for",
        rf"^{_SERVICE}.*password changed for (?P<target>\S+)$",
        "password_changed",
        "success",
    ),
    Rule(
        "account ",
        rf"^{_SERVICE}account (?P<user>\S+) has (?P<reason>expired|password changed in future)",
        "account_expired",
        "failure",
    ),
)
_SUDO_SU = (
    Rule("COMMAND=", _SUDO_WHO + _SUDO, "sudo_command", "success"),
    Rule("COMMAND=", _SUDO_WHO + r"(?P<reason>[^;]*) ; " + _SUDO, "sudo_command", "failure"),
    Rule("FAILED SU", r"^FAILED SU \(to (?P<target>\S+)\) (?P<user>\S+) on ", "su", "failure"),
    Rule("(to ", r"^\(to (?P<target>\S+)\) (?P<user>\S+) on (?P<tty>\S+)$", "su", "success"),
    Rule(
        "uccessful su",
        r"^Successful su for (?P<target>\S+) by (?P<user>\S+)",
        "su",
        "success",
    ),
    Rule("FAILED su", r"^FAILED su for (?P<target>\S+) by (?P<user>\S+)", "su", "failure"),
    Rule("+ ", r"^\+ (?P<tty>\S+) (?P<user>[^\s:]+):(?P<target>\S+)$", "su", "success"),
    Rule("- ", r"^- (?P<tty>\S+) (?P<user>[^\s:]+):(?P<target>\S+)$", "su", "failure"),
    Rule("xecuting command", rf"^(?P<user>\S+): Executing command {_POLKIT}", "pkexec", "success"),
    Rule(
        "executing command as another user",
        rf"^(?P<user>\S+): Error executing command as another user: (?P<reason>[^\[]*) {_POLKIT}",
        "pkexec",
        "failure",
    ),
    Rule(
        " ran command ",
        r"^(?P<user>\S+) ran command (?P<command>.*) as (?P<target>\S+) from (?P<cwd>/.*)$",
        "doas",
        "success",
    ),
    Rule(
        "command not permitted for",
        r"^command not permitted for (?P<user>\S+): (?P<command>.*)$",
        "doas",
        "failure",
    ),
    Rule("failed auth for", r"^failed auth for (?P<user>\S+)$", "doas", "failure"),
)
_LOGIN = (
    Rule(
        "FAILED LOGIN",
        r"^FAILED LOGIN (?:SESSION )?\(?\d*\)? ?(?:on|ON|FROM|from) '?(?P<tty>[^\s']+)'? FOR "
        r"'?(?P<user>.*?)'?, (?P<reason>[^,']*)$",
        "login",
        "failure",
    ),
    Rule(
        "ROOT LOGIN", r"^(?P<reason>ROOT) LOGIN +(?:on|ON) '?(?P<tty>[^\s']+)", "login", "success"
    ),
    Rule("LOGIN ON", r"^LOGIN ON (?P<tty>\S+) BY (?P<user>\S+)", "login", "success"),
    Rule(
        "uthentication failed from",
        r"^Authentication failed from (?P<address>[0-9a-fA-F.:]+) \([^)]*\): (?P<reason>.*)$",
        "login",
        "failure",
    ),
    Rule(
        "ew session",
        r"^New session '?(?P<session>[^\s']+)'? of user '?(?P<user>[^\s']+?)'?(?: with .*)?\.$",
        "session_new",
    ),
    Rule("emoved session", r"^Removed session '?(?P<session>[^\s']+?)'?\.$", "session_removed"),
    Rule(
        "uthenticate",
        r"^Operator of (?P<session>\S+) (?P<reason>FAILED) to authenticate",
        "polkit_authentication",
        "failure",
    ),
    Rule(
        "uthenticated as",
        r"^Operator of (?P<session>\S+) successfully authenticated as unix-user:(?P<user>\S+)",
        "polkit_authentication",
        "success",
    ),
)
_ACCOUNTS = (
    Rule(
        "new user: name=",
        r"^new user: name=(?P<target>[^,\s]+)(?:, UID=(?P<uid>\d+))?(?:, GID=(?P<gid>\d+))?"
        r"(?:, home=(?P<home>[^,]*))?(?:, shell=(?P<shell>[^,\s]*))?",
        "user_added",
        "success",
    ),
    Rule(
        "failed adding user",
        r"^failed adding user '(?P<target>[^']*)'",
        "user_added",
        "failure",
    ),
    Rule("delete user", r"^delete user '(?P<target>[^']*)'", "user_deleted", "success"),
    Rule(
        "new group: name=",
        r"^new group: name=(?P<group>[^,\s]+)(?:, GID=(?P<gid>\d+))?",
        "group_added",
        "success",
    ),
    Rule("removed group", r"^removed group '(?P<group>[^']*)'", "group_deleted", "success"),
    Rule(
        " to ",
        r"^add '(?P<target>[^']*)' to (?:shadow )?group '(?P<group>[^']*)'",
        "group_member_added",
        "success",
    ),
    Rule(
        " added by ",
        r"^user (?P<target>\S+) added by (?P<user>\S+) to group (?P<group>\S+)$",
        "group_member_added",
        "success",
    ),
    Rule(
        " from ",
        r"^delete '(?P<target>[^']*)' from (?:shadow )?group '(?P<group>[^']*)'",
        "group_member_removed",
        "success",
    ),
    Rule(
        " removed by ",
        r"^user (?P<target>\S+) removed by (?P<user>\S+) from group (?P<group>\S+)$",
        "group_member_removed",
        "success",
    ),
    Rule(
        "change user", r"^change user '(?P<target>[^']*)' password", "password_changed", "success"
    ),
    Rule("hange", r"^changed? user '(?P<target>[^']*)' (?P<reason>.*)$", "user_changed", "success"),
    Rule(
        "lock user", r"^(?P<reason>(?:un)?lock) user '(?P<target>[^']*)'", "user_changed", "success"
    ),
    Rule(
        "password expiry for",
        r"^changed password (?P<reason>expiry) for (?P<target>\S+)$",
        "user_changed",
        "success",
    ),
)
_CRON = (
    Rule(
        " CMD (",
        r"^\((?P<user>[^)]*)\) CMD \( *(?P<command>.*)\)$",
        "cron_command",
        category="process",
    ),
    Rule(
        ") ",
        r"^\((?P<user>[^)]*)\) (?P<reason>REPLACE|DELETE|BEGIN EDIT|END EDIT|LIST|RELOAD|"
        r"ORPHAN|AUTH) \((?P<target>[^)]*)\)$",
        "crontab",
        category="configuration",
    ),
)
RULES = (*(replace(rule, sshd=None) for rule in _PAM), *_SUDO_SU, *_LOGIN, *_ACCOUNTS, *_CRON)
