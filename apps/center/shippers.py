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
    """For the shippers people use most, ready to paste; `docs/api-ingest.md` says more."""
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
            f"""module(load="omelasticsearch")
template(name="raw" type="list" option.jsonf="on") {{
  property(outname="message" name="rawmsg" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
}}
action(type="omelasticsearch" server="{parts.scheme}://{host}" serverport="{port}"
       template="raw" uid="tocsin" pwd="{token}" searchType="" bulkmode="on"
       queue.type="linkedlist" queue.dequeuebatchsize="500" action.resumeretrycount="-1")""",
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
