"""The names of what is known of a flow: as formats tell it, and as the network reads it."""

from __future__ import annotations

# What is read of a flow on any site: no addresses, ports, protocol numbers, time-stamps; no field
# that tells one operating system or link from another (header and segment sizes), none that only
# repeats another (sub-flows, segment averages, variance), and none that extractors disagree about
# (bulk, active and idle periods). The initial window serves to tell alike flows, see `site`.
FLOW_COLUMNS = (
    "Flow Duration",
    "Total Fwd Packet",
    "Total Bwd packets",
    "Total Length of Fwd Packet",
    "Total Length of Bwd Packet",
    "Fwd Packet Length Max",
    "Fwd Packet Length Min",
    "Fwd Packet Length Mean",
    "Fwd Packet Length Std",
    "Bwd Packet Length Max",
    "Bwd Packet Length Min",
    "Bwd Packet Length Mean",
    "Bwd Packet Length Std",
    "Flow Bytes/s",
    "Flow Packets/s",
    "Flow IAT Mean",
    "Flow IAT Std",
    "Flow IAT Max",
    "Flow IAT Min",
    "Fwd IAT Mean",
    "Fwd IAT Std",
    "Fwd IAT Max",
    "Fwd IAT Min",
    "Bwd IAT Mean",
    "Bwd IAT Std",
    "Bwd IAT Max",
    "Bwd IAT Min",
    "Fwd PSH Flags",
    "Bwd PSH Flags",
    "Packet Length Min",
    "Packet Length Max",
    "Packet Length Mean",
    "Packet Length Std",
    "FIN Flag Count",
    "SYN Flag Count",
    "RST Flag Count",
    "PSH Flag Count",
    "ACK Flag Count",
    "Down/Up Ratio",
    "Fwd Act Data Pkts",
    "FWD Init Win Bytes",
)


# What one flow cannot show: how its source goes through ports and hosts, and how many sources
# turn to its destination. Shares, so that no address or port number reaches the network.
HOST_COLUMNS = ("Context Known", "New Port Share", "New Host Share", "Other Source Share")

SITE_COLUMNS = ("Site Known", "Alike Flows", "Alike Requests")

# A tool's request has the same size to the byte on every network. On one logarithmic scale 20
# bytes and 22 are all but the same number, on waves over it they are not.
FINE = "Fwd Bytes"  # what is told finely
WAVES = (0.5, 1.0, 2.0, 4.0, 8.0)  # for each doubling of the size
FINE_COLUMNS = tuple(f"{FINE} {wave} {n}" for n in WAVES for wave in ("sin", "cos"))

# What the network reads, of what all formats tell, and of what some do.
SIZES = (
    "Duration", "Fwd Packets", "Bwd Packets", "Fwd Bytes", "Bwd Bytes", "Fwd Bytes per Packet",
    "Bwd Bytes per Packet", "Packets per Second", "Bytes per Second", "Gap", "Packet Balance",
    "Byte Balance", "No Reply", "No Payload", "Payload Fwd Only", "Payload Bwd Only", "One Packet",
    "Three Packets",
)  # fmt: skip
LENGTHS = (
    "Fwd Largest", "Bwd Largest", "Fwd Smallest", "Bwd Smallest", "Fwd Length Spread",
    "Bwd Length Spread", "Length Spread", "Fwd Active Share",
)  # fmt: skip
GAPS = (
    "Largest Gap Share", "Gap Spread", "Smallest Gap", "Fwd Gap Share", "Bwd Gap Share",
    "Fwd Gap Spread", "Bwd Gap Spread", "Fwd Smallest Gap",
)  # fmt: skip
WAY_GAPS = ("Fwd Largest Gap", "Bwd Largest Gap", "Fwd Idle Share", "Bwd Idle Share")
FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK")
NUMBERS = (*SIZES, *LENGTHS, *GAPS, *WAY_GAPS, *FLAGS)
OPTIONAL = {
    "Lengths Told": LENGTHS,
    "Gaps Told": GAPS,
    "Way Gaps Told": WAY_GAPS,
    "Flags Told": FLAGS,
}

SERVICES: dict[str, frozenset[int]] = {
    "ssh": frozenset({22}),
    "ftp": frozenset({20, 21}),
    "telnet": frozenset({23, 2323}),
    "desktop": frozenset({3389, 5900}),
    "files": frozenset({137, 138, 139, 445}),
    "web": frozenset({80, 81, 5000, 8000, 8080, 8888}),
    "tls": frozenset({443, 465, 993, 995, 8443}),
    "names": frozenset({53, 5353, 5355}),
    "mail": frozenset({25, 110, 143, 587}),
    "database": frozenset({1433, 1521, 3306, 5432, 6379, 27017}),
    "infrastructure": frozenset({67, 68, 88, 111, 123, 135, 161, 389, 514, 1900, 3268}),
}
SERVICE_COLUMNS = tuple(f"Service {name}" for name in (*SERVICES, "low port", "high port"))
CONTEXT_COLUMNS = (
    *OPTIONAL,
    *SERVICE_COLUMNS,
    *FINE_COLUMNS,
    *SITE_COLUMNS,
    *HOST_COLUMNS,
)
INPUT_COLUMNS = (*NUMBERS, *CONTEXT_COLUMNS)
