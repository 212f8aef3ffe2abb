"""Network flows: windows of numeric records."""

from __future__ import annotations

from ml_core.kinds.kind import Kind

# Paper 1's seven classes (its table 5) and port scans, which CSE-CIC-IDS2018 does not name.
FLOW_CLASSES = (
    "Normal",
    "DDoS",
    "Bot",
    "Infiltration",
    "BruteForce",
    "DoS",
    "WebAttack",
    "Portscan",
)
# A scan from inside ("Infiltration - Portscan") is Infiltration: `commands.judging.from_inside`.
_ALIASES = {
    "Normal": ("benign", "background", "0"),
    "DDoS": (
        "ddos",
        "ddos-hoic",
        "ddos-loic-http",
        "ddos-loic-udp",
        "ddos attack-hoic",
        "ddos attack-loic-udp",
        "ddos attacks-loic-http",
        "ddos_attack-hoic",
        "ddos_attack-loic-udp",
        "ddos_attacks-loic-http",
    ),
    "Bot": ("bot", "botnet", "botnet ares"),
    "Infiltration": (
        "infiltration",
        "infilteration",
        "infiltration - portscan",
        "infiltration - nmap portscan",
    ),
    "BruteForce": (
        "bruteforce",
        "brute force",
        "ftp-patator",
        "ssh-patator",
        "ssh-bruteforce",
        "ssh_brute_force",
        "ftp_brute_force",
        "ftp-bruteforce",
    ),
    "DoS": (
        "dos",
        "dos hulk",
        "dos goldeneye",
        "dos slowloris",
        "dos slowhttptest",
        "heartbleed",
        "dos attacks-goldeneye",
        "dos attacks-hulk",
        "dos attacks-slowhttptest",
        "dos attacks-slowloris",
        "dos_attacks-goldeneye",
        "dos_attacks-hulk",
        "dos_attacks-slowhttptest",
        "dos_attacks-slowloris",
        "flood",
        "slow_http",
    ),
    "WebAttack": (
        "webattack",
        "web attack - brute force",
        "web attack - xss",
        "web attack - sql injection",
        "brute force -web",
        "brute force -xss",
        "sql injection",
        "brute_force_-web",
        "brute_force_-xss",
        "sql_injection",
        "web_injection",
        "web_shell",
    ),
    "Portscan": ("portscan", "port_scan", "reconnaissance"),
}
# UNSW-NB15's and Bot-IoT's attacks that are of no class here
_UNTOLD = (
    "analysis", "backdoor", "backdoors", "exploits", "fuzzers", "generic", "shellcode", "theft",
    "worms",
)  # fmt: skip
KIND = Kind("flows", FLOW_CLASSES, _ALIASES, untold=_UNTOLD)
