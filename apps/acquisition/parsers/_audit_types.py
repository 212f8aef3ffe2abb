"""Types of audit records: their numbers, where the kernel writes those, and what they are about."""

from __future__ import annotations

NUMBERS = {
    "1006": "LOGIN",
    **{
        str(1100 + place): name
        for place, name in enumerate(
            (
                *("USER_AUTH", "USER_ACCT", "USER_MGMT", "CRED_ACQ", "CRED_DISP", "USER_START"),
                *("USER_END", "USER_AVC", "USER_CHAUTHTOK", "USER_ERR", "CRED_REFR"),
                *("USYS_CONFIG", "USER_LOGIN", "USER_LOGOUT", "ADD_USER", "DEL_USER"),
                *("ADD_GROUP", "DEL_GROUP", "DAC_CHECK", "CHGRP_ID", "TEST", "TRUSTED_APP"),
                *("USER_SELINUX_ERR", "USER_CMD", "USER_TTY", "CHUSER_ID", "GRP_AUTH"),
                *("SYSTEM_BOOT", "SYSTEM_SHUTDOWN", "SYSTEM_RUNLEVEL", "SERVICE_START"),
                *("SERVICE_STOP", "GRP_MGMT", "GRP_CHAUTHTOK", "MAC_CHECK", "ACCT_LOCK"),
                *("ACCT_UNLOCK", "USER_DEVICE", "SOFTWARE_UPDATE"),
            )
        )
    },
    **{"1300": "SYSCALL", "1302": "PATH", "1303": "IPC", "1304": "SOCKETCALL"},
    **{"1305": "CONFIG_CHANGE", "1306": "SOCKADDR", "1307": "CWD", "1309": "EXECVE"},
    **{"1318": "OBJ_PID", "1319": "TTY", "1320": "EOE", "1321": "BPRM_FCAPS", "1322": "CAPSET"},
    **{"1323": "MMAP", "1324": "NETFILTER_PKT", "1325": "NETFILTER_CFG", "1326": "SECCOMP"},
    **{"1327": "PROCTITLE", "1328": "FEATURE_CHANGE", "1330": "KERN_MODULE", "1331": "FANOTIFY"},
    **{"1334": "BPF", "1400": "AVC", "1403": "MAC_POLICY_LOAD", "1404": "MAC_STATUS"},
    **{"1405": "MAC_CONFIG_CHANGE", "1700": "ANOM_PROMISCUOUS", "1701": "ANOM_ABEND"},
    **{"1702": "ANOM_LINK", "2000": "KERNEL"},
}
"""Number → name, as `linux/audit.h` and libaudit have them."""

CATEGORIES = {
    **dict.fromkeys(
        (
            *("user_auth", "user_acct", "user_mgmt", "cred_acq", "cred_disp", "cred_refr"),
            *("user_start", "user_end", "user_chauthtok", "user_err", "user_login"),
            *("user_logout", "add_user", "del_user", "add_group", "del_group", "chgrp_id"),
            *("chuser_id", "grp_auth", "grp_mgmt", "grp_chauthtok", "acct_lock", "acct_unlock"),
            *("login", "anom_login_failures", "anom_login_time", "anom_login_sessions"),
            *("anom_login_acct", "anom_login_location", "anom_login_service"),
        ),
        "authentication",
    ),
    **dict.fromkeys(
        (
            *("user_cmd", "user_tty", "syscall", "execve", "proctitle", "bprm_fcaps", "capset"),
            *("tty", "seccomp", "anom_abend", "obj_pid", "mmap", "eoe", "anom_exec"),
        ),
        "process",
    ),
    **dict.fromkeys(("path", "cwd", "fanotify", "anom_link"), "file"),
    **dict.fromkeys(
        ("sockaddr", "socketcall", "netfilter_pkt", "anom_promiscuous"),
        "network",
    ),
    **dict.fromkeys(
        (
            *("config_change", "feature_change", "netfilter_cfg", "usys_config", "daemon_config"),
            *("mac_policy_load", "mac_status", "mac_config_change", "kern_module", "bpf"),
            "software_update",
        ),
        "configuration",
    ),
}
"""Type in lower case → `event.category`; of all others: host."""
