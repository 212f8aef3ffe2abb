"""KDD Cup 1999 and NSL-KDD records, and which class each of their attacks belongs to.

They tell neither addresses nor packets nor times. A duration of 0 says "less than a second", not
how long: null, with the rates. The counts over the last two seconds and the last hundred
connections have no place among CICFlowMeter's columns.
"""

from __future__ import annotations

import polars as pl

from ml_core.readers.flags import from_state
from ml_core.readers.frames import Table
from ml_core.readers.told import Told, protocol

COLUMNS = (
    "duration", "protocol_type", "service", "flag", "src_bytes", "dst_bytes", "land",
    "wrong_fragment", "urgent", "hot", "num_failed_logins", "logged_in", "num_compromised",
    "root_shell", "su_attempted", "num_root", "num_file_creations", "num_shells",
    "num_access_files", "num_outbound_cmds", "is_host_login", "is_guest_login", "count",
    "srv_count", "serror_rate", "srv_serror_rate", "rerror_rate", "srv_rerror_rate",
    "same_srv_rate", "diff_srv_rate", "srv_diff_host_rate", "dst_host_count",
    "dst_host_srv_count", "dst_host_same_srv_rate", "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate", "dst_host_srv_diff_host_rate", "dst_host_serror_rate",
    "dst_host_srv_serror_rate", "dst_host_rerror_rate", "dst_host_srv_rerror_rate",
    "label", "difficulty",
)  # fmt: skip

UNTOLD = "attack"  # one of no class told here: users who become root, most intruders from outside

_ATTACKS = {
    "Normal": ("normal",),
    "DoS": (
        "apache2", "back", "land", "mailbomb", "neptune", "pod", "processtable", "smurf",
        "teardrop", "udpstorm",
    ),
    "Portscan": ("ipsweep", "mscan", "nmap", "portsweep", "saint", "satan"),
    "BruteForce": ("guess_passwd", "snmpguess"),
    UNTOLD: (
        "buffer_overflow", "ftp_write", "httptunnel", "imap", "loadmodule", "multihop", "named",
        "perl", "phf", "ps", "rootkit", "sendmail", "snmpgetattack", "spy", "sqlattack",
        "warezclient", "warezmaster", "worm", "xlock", "xsnoop", "xterm",
    ),
}  # fmt: skip
ATTACKS = {attack: cls for cls, attacks in _ATTACKS.items() for attack in attacks}


def read(table: Table) -> Told | None:
    """None if the table holds no KDD records."""
    if not table.has("duration", "protocol_type", "flag", "src_bytes", "dst_bytes"):
        return None
    kind, state = protocol(table, "protocol_type"), table.text("flag")
    seconds, forward, backward = map(table.number, ("duration", "src_bytes", "dst_bytes"))
    assert state is not None
    assert seconds is not None
    assert forward is not None
    assert backward is not None
    duration = pl.when(seconds > 0).then(seconds * 1e6)
    features = {
        "Flow Duration": duration,
        "Total Length of Fwd Packet": forward,
        "Total Length of Bwd Packet": backward,
        "Flow Bytes/s": (forward + backward) / duration * 1e6,
        **from_state(state, kind == 6),
    }
    for way, size in (("Fwd", forward), ("Bwd", backward)):
        for what in ("Max", "Min", "Mean", "Std"):
            features[f"{way} Packet Length {what}"] = pl.when(size == 0).then(0.0)
    for what in ("Max", "Min", "Mean", "Std"):
        features[f"Packet Length {what}"] = pl.when(forward + backward == 0).then(0.0)
    features["Fwd Act Data Pkts"] = pl.when(forward == 0).then(0.0)
    return Told(features=features, protocol=kind)


def class_name(label: str) -> str:
    """Our class of a KDD label ("smurf." is "DoS"); the label itself where it is none of KDD's."""
    return ATTACKS.get(label.strip().rstrip(".").lower(), label)
