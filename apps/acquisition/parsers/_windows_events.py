"""What the numbers of Windows events mean: Security, System, PowerShell, and Sysmon."""

from __future__ import annotations

from collections.abc import Mapping

_AUTH, _PROCESS, _FILE, _CONFIG = "authentication", "process", "file", "configuration"

EVENTS: Mapping[str, tuple[str, str, str | None]] = {
    "security:1102": ("host", "log_cleared", "success"),
    "security:4624": (_AUTH, "windows_logon", "success"),
    "security:4625": (_AUTH, "windows_logon", "failure"),
    "security:4634": (_AUTH, "logoff", None),
    "security:4647": (_AUTH, "logoff", None),
    "security:4648": (_AUTH, "explicit_credentials", None),
    "security:4672": (_AUTH, "special_privileges", "success"),
    "security:4768": (_AUTH, "kerberos_logon", None),
    "security:4769": (_AUTH, "kerberos_ticket", None),
    "security:4771": (_AUTH, "kerberos_logon", "failure"),
    "security:4776": (_AUTH, "ntlm_logon", None),
    "security:4778": (_AUTH, "session_reconnected", None),
    "security:4779": (_AUTH, "session_disconnected", None),
    "security:4740": (_AUTH, "account_locked", None),
    "security:4767": (_AUTH, "account_unlocked", None),
    "security:4720": (_CONFIG, "user_added", "success"),
    "security:4722": (_CONFIG, "user_enabled", "success"),
    "security:4723": (_CONFIG, "password_changed", None),
    "security:4724": (_CONFIG, "password_reset", None),
    "security:4725": (_CONFIG, "user_disabled", "success"),
    "security:4726": (_CONFIG, "user_deleted", "success"),
    "security:4738": (_CONFIG, "user_changed", "success"),
    **dict.fromkeys(
        ("security:4728", "security:4732", "security:4756"),
        (_CONFIG, "group_member_added", "success"),
    ),
    **dict.fromkeys(
        ("security:4729", "security:4733", "security:4757"),
        (_CONFIG, "group_member_removed", "success"),
    ),
    "security:4719": (_CONFIG, "audit_policy_changed", "success"),
    "security:4657": (_CONFIG, "registry_changed", None),
    "security:4697": (_CONFIG, "service_installed", "success"),
    "security:4698": (_CONFIG, "task_created", "success"),
    "security:4699": (_CONFIG, "task_deleted", "success"),
    "security:4702": (_CONFIG, "task_changed", "success"),
    "security:4946": (_CONFIG, "firewall_rule_added", None),
    "security:4688": (_PROCESS, "process_started", "success"),
    "security:4689": (_PROCESS, "process_ended", None),
    **dict.fromkeys(
        ("security:4656", "security:4663", "security:4660"), (_FILE, "object_accessed", None)
    ),
    "security:5140": (_FILE, "share_accessed", None),
    "security:5145": (_FILE, "share_accessed", None),
    "security:5156": ("network", "connection_allowed", "success"),
    "security:5152": ("network", "connection_blocked", "failure"),
    "security:5157": ("network", "connection_blocked", "failure"),
    "system:104": ("host", "log_cleared", "success"),
    "system:7045": (_CONFIG, "service_installed", "success"),
    "system:7036": ("host", "service_changed", None),
    "powershell:4103": (_PROCESS, "powershell_command", None),
    "powershell:4104": (_PROCESS, "script_block", None),
    "powershell:400": (_PROCESS, "powershell_started", None),
    "sysmon:1": (_PROCESS, "process_started", "success"),
    "sysmon:2": (_FILE, "file_time_changed", None),
    "sysmon:3": ("network", "network_connection", None),
    "sysmon:5": (_PROCESS, "process_ended", None),
    "sysmon:6": (_PROCESS, "driver_loaded", None),
    "sysmon:7": (_PROCESS, "image_loaded", None),
    "sysmon:8": (_PROCESS, "remote_thread", None),
    "sysmon:9": (_FILE, "raw_disk_read", None),
    "sysmon:10": (_PROCESS, "process_accessed", None),
    "sysmon:11": (_FILE, "file_created", None),
    **dict.fromkeys(("sysmon:12", "sysmon:13", "sysmon:14"), (_CONFIG, "registry_changed", None)),
    "sysmon:15": (_FILE, "file_stream_created", None),
    "sysmon:17": (_PROCESS, "pipe_created", None),
    "sysmon:18": (_PROCESS, "pipe_connected", None),
    **dict.fromkeys(("sysmon:19", "sysmon:20", "sysmon:21"), (_CONFIG, "wmi_subscription", None)),
    "sysmon:22": ("dns", "dns_query", None),
    "sysmon:23": (_FILE, "file_deleted", None),
    "sysmon:25": (_PROCESS, "process_tampered", None),
    "sysmon:26": (_FILE, "file_deleted", None),
}
"""Log and number → category, action and, where the number itself says it, outcome."""

LOGONS = ("4624", "4625", "4634", "4647", "4768", "4769", "4771", "4776", "4740", "4767")
"""Events whose target is the account that logs on; in others the subject acts on the target."""

TRANSPORTS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp"}

LEVELS = {"0": "information", "1": "critical", "2": "error", "3": "warning", "4": "information",
          "5": "verbose"}  # fmt: skip
