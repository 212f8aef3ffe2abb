"""Configurations an operator can copy: how the usual shippers reach this platform."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Config:
    name: str
    text: str


def first_curl(address: str) -> str:
    return (
        f'curl -H "Authorization: Bearer TOKEN" \\\n'
        f"     --data-binary @/var/log/nginx/access.log \\\n"
        f'     "{address}/api/v1/ingest/lines?host=$(hostname)"'
    )


def configs(address: str, token: str = "TOKEN") -> list[Config]:  # noqa: S107 - a placeholder
    """The shippers tried against the ingest API, ready to paste."""
    parts = urlsplit(address)
    host = parts.hostname or "127.0.0.1"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    tls = parts.scheme == "https"
    switch = "on" if tls else "off"
    return [
        Config("curl", first_curl(address).replace("TOKEN", token)),
        Config(
            "Filebeat",
            f"""filebeat.inputs:
  - type: filestream
    id: nginx
    paths: [/var/log/nginx/access.log]
output.elasticsearch:
  hosts: ["{address}"]
  headers:
    Authorization: "Bearer {token}"
setup.ilm.enabled: false
setup.template.enabled: false""",
        ),
        Config(
            "rsyslog",
            f"""module(load="omhttp")
template(name="tocsin" type="string" string="%rawmsg%")
action(type="omhttp" server="{host}" serverport="{port}" usehttps="{switch}"
       restpath="api/v1/ingest/lines" template="tocsin"
       httpheaderkey="Authorization" httpheadervalue="Bearer {token}"
       batch="on" batch.format="newline")""",
        ),
        Config(
            "Fluent Bit",
            f"""[OUTPUT]
    Name    http
    Match   *
    Host    {host}
    Port    {port}
    URI     /api/v1/ingest/ndjson
    Format  json_lines
    Header  Authorization Bearer {token}
    tls     {switch}""",
        ),
    ]
