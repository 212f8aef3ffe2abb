"""What an intruder leaves on a host, and how it shows in the records of a watch.

Each sign is an expression over the columns that `tools.host_changes` makes: `host`, `dataset`,
`action`, `path`, `user`, `command`, `program`, `transport`, `port`, those of `LABELS`, and what was
changed beside it: `own_package`, `any_package`, `moved`, `written`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from apps.contracts import Risk

LABELS = {
    "changed": "changed",
    "package": "package.name",
    "mode": "file.mode",
    "was_mode": "was.file.mode",
    "uid": "user.id",
    "shell": "user.shell",
    "was_shell": "was.user.shell",
    "groups": "user.groups",
    "was_groups": "was.user.groups",
    "unit": "service.name",
    "state": "service.state",
    "module": "module.name",
    "taints": "module.taints",
    "address": "socket.address",
}
"""Column → what the record says of it in its labels."""

_SETUID = r"^[2467]\d{3}$"
_PROGRAMS = r"^/(?:usr/)?(?:s?bin|libexec)/"
_LIBRARIES = r"^/(?:usr/)?lib(?:32|64|x32)?/.*\.so(?:\.|$)"
_LOCAL = r"^/usr/local/s?bin/"
_LOGIN = r"^/etc/(?:pam\.d/|pam\.conf$|security/|ssh/sshd_config)"
_PROFILE = (
    r"^/etc/(?:profile$|profile\.d/|bash\.bashrc$|rc\.local$)"
    r"|^/(?:root|home/[^/]+)/\.(?:bashrc|bash_profile|profile|zshrc)$"
)
_UPLOADED = r"(?i)/(?:uploads?|images?|img|media)/.*\.(?:php\d?|phtml|phar|jspx?|aspx?|ashx|cgi)$"
_ENTRANCE = (
    r"(?i)/(?:www|htdocs|html|public_html|public|webroot|wwwroot)/(?:.*/)?"
    r"(?:index\.\w+|\.htaccess|\.user\.ini|wp-config\.php|web\.config)$"
)
_DROPS = (
    r"(?:curl|wget)\b.*\|\s*(?:ba|da|z)?sh\b|/dev/tcp/|/(?:var/)?tmp/|/dev/shm/"
    r"|base64\s+(?:-d|--decode)|\bnc(?:at)?\b.*\s-\w*e\b|python\d?\s+-c|perl\s+-e|bash\s+-i"
)
_RULES = r"(?:^|\s)(?:root|sudo|wheel|admin|docker|lxd|disk|shadow)(?:\s|$)"
_NO_LOGIN = r"/(?:nologin|false|sync|halt|shutdown)$"
_OWN_ALONE = r"^(?:127\.|\[?::1\]?:|\[?::ffff:127\.)"
_A_DEPLOYMENT = 10  # files written at once, from which on somebody rolled something out


@dataclass(frozen=True, slots=True)
class Sign:
    """`when` a record shows it; `told` is the column that names what it is about; `words` name one
    and several."""

    name: str
    severity: int
    technique: str
    words: tuple[str, str]
    when: pl.Expr
    told: str
    risk: Risk = Risk.INTRUSION


def _of(dataset: str) -> pl.Expr:
    return pl.col("dataset") == f"host.{dataset}"


def _fits(column: str, pattern: str) -> pl.Expr:
    return pl.col(column).str.contains(pattern)


_ADDED, _CHANGED = pl.col("action") == "added", pl.col("action") == "changed"
_NOT_OF_PACKAGES = ~pl.col("own_package") & ((pl.col("package") != "") | ~pl.col("any_package"))
_NO_PACKAGE = ~pl.col("any_package")
_REWRITTEN = _of("file") & _CHANGED & _fits("changed", r"file\.(?:hash\.sha256|size|target_path)")
_WRITTEN = _REWRITTEN | (_of("file") & _ADDED)
_MODE_CHANGED = _CHANGED & _fits("changed", r"file\.mode")
_OF_SYSTEM = pl.col("uid").cast(pl.Int64, strict=False).fill_null(0) < 1000
_LOGS_IN = (pl.col("shell") != "") & ~_fits("shell", _NO_LOGIN)

SIGNS = (
    Sign(
        "account_root",
        90,
        "T1136.001",
        ("account with the rights of root", "accounts with the rights of root"),
        _of("account")
        & (pl.col("uid") == "0")
        & (pl.col("user") != "root")
        & (_ADDED | _fits("changed", r"user\.id")),
        "user",
    ),
    Sign(
        "preload",
        90,
        "T1574.006",
        ("library that every program loads", "libraries that every program loads"),
        _WRITTEN & (pl.col("path") == "/etc/ld.so.preload"),
        "path",
        Risk.TROJAN,
    ),
    Sign(
        "setuid",
        80,
        "T1548.001",
        ("new file that runs as its owner", "new files that run as their owners"),
        _of("file")
        & _fits("mode", _SETUID)
        & (_ADDED | (_MODE_CHANGED & ~_fits("was_mode", _SETUID)))
        & _NOT_OF_PACKAGES,
        "path",
    ),
    Sign(
        "cron_dropper",
        80,
        "T1053.003",
        (
            "job that fetches or runs what it should not",
            "jobs that fetch or run what they should not",
        ),
        _of("schedule") & _ADDED & _fits("command", _DROPS),
        "command",
        Risk.TROJAN,
    ),
    Sign(
        "binary_changed",
        75,
        "T1554",
        ("program changed without its package", "programs changed without their packages"),
        _REWRITTEN & (_fits("path", _PROGRAMS) | _fits("path", _LIBRARIES)) & _NOT_OF_PACKAGES,
        "path",
        Risk.TROJAN,
    ),
    Sign(
        "odd_process",
        70,
        "T1036",
        ("program that runs from where none should", "programs that run from where none should"),
        _of("process") & (pl.col("action") != "removed"),
        "program",
        Risk.TROJAN,
    ),
    Sign(
        "ssh_key",
        70,
        "T1098.004",
        ("new key that may log in", "new keys that may log in"),
        (_of("key") & _ADDED) | (_WRITTEN & _fits("path", r"/\.ssh/authorized_keys")),
        "path",
    ),
    Sign(
        "kernel_module",
        65,
        "T1547.006",
        ("new foreign module of the kernel", "new foreign modules of the kernel"),
        _of("module") & _ADDED & _fits("taints", "[OEF]") & _NO_PACKAGE,
        "module",
        Risk.TROJAN,
    ),
    Sign(
        "web_script",
        65,
        "T1505.003",
        ("program in a folder of uploads", "programs in folders of uploads"),
        _WRITTEN & _fits("path", _UPLOADED),
        "path",
        Risk.TROJAN,
    ),
    Sign(
        "account_rights",
        60,
        "T1098",
        ("account with more rights than before", "accounts with more rights than before"),
        _of("account")
        & _CHANGED
        & (
            (_fits("groups", _RULES) & ~_fits("was_groups", _RULES) & _fits("changed", "groups"))
            | (_LOGS_IN & _fits("was_shell", _NO_LOGIN))
        ),
        "user",
    ),
    Sign(
        "sudo_rules",
        60,
        "T1548.003",
        ("changed rule of sudo", "changed rules of sudo"),
        _WRITTEN & _fits("path", r"^/etc/sudoers(?:\.d/|$)") & ~pl.col("own_package"),
        "path",
    ),
    Sign(
        "login_rules",
        55,
        "T1556.003",
        ("changed rule of who may log in", "changed rules of who may log in"),
        _WRITTEN & _fits("path", _LOGIN) & _NOT_OF_PACKAGES,
        "path",
    ),
    Sign(
        "program_added",
        50,
        "T1036.005",
        (
            "program among those of the system that no package brought",
            "programs among those of the system that no package brought",
        ),
        _of("file") & _ADDED & _fits("path", _PROGRAMS) & _NOT_OF_PACKAGES,
        "path",
        Risk.TROJAN,
    ),
    Sign(
        "cron_job",
        45,
        "T1053.003",
        ("new scheduled job", "new scheduled jobs"),
        _of("schedule") & _ADDED & (_fits("path", r"^/var/spool/") | _NO_PACKAGE),
        "command",
    ),
    Sign(
        "unit",
        45,
        "T1543.002",
        ("new unit that starts by itself", "new units that start by themselves"),
        _of("unit") & _ADDED & (pl.col("state") == "enabled") & _NO_PACKAGE,
        "unit",
    ),
    Sign(
        "shell_profile",
        45,
        "T1546.004",
        ("changed script of every login", "changed scripts of every login"),
        _WRITTEN & _fits("path", _PROFILE) & _NOT_OF_PACKAGES,
        "path",
    ),
    Sign(
        "hosts_file",
        45,
        "T1565.001",
        ("names led elsewhere by the host itself", "names led elsewhere by the host itself"),
        _WRITTEN & (pl.col("path") == "/etc/hosts"),
        "path",
        Risk.DOMAIN_HIJACK,
    ),
    Sign(
        "listener",
        45,
        "T1571",
        ("new listening program", "new listening programs"),
        _of("socket")
        & _ADDED
        & (pl.col("transport") == "tcp")
        & ~_fits("address", _OWN_ALONE)
        & ~_fits("program", r"^rpc\.")
        & ~pl.col("moved")
        & _NO_PACKAGE,
        "address",
    ),
    Sign(
        "account_added",
        40,
        "T1136.001",
        ("new account that can log in", "new accounts that can log in"),
        _of("account") & _ADDED & _LOGS_IN & ~(_OF_SYSTEM & pl.col("any_package")),
        "user",
    ),
    Sign(
        "web_entrance",
        35,
        "T1491.002",
        ("changed entrance of a site", "changed entrances of sites"),
        _REWRITTEN
        & _fits("path", _ENTRANCE)
        & _NOT_OF_PACKAGES
        & (pl.col("written") < _A_DEPLOYMENT),
        "path",
        Risk.WEB_TAMPERING,
    ),
    Sign(
        "local_program",
        30,
        "T1036.005",
        ("program beside those of packages", "programs beside those of packages"),
        _WRITTEN & _fits("path", _LOCAL) & _fits("mode", r"[157]"),
        "path",
    ),
)
"""The gravest first: a record shows the first that it fits, and no other."""

BY_NAME = {sign.name: sign for sign in SIGNS}
