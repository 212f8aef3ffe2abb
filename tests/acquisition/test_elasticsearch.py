"""The clients people already run, against the real server: elasticsearch-py and opensearch-py."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch import helpers as elastic
from opensearchpy import OpenSearch
from opensearchpy import helpers as opensearch

from apps.acquisition.models import Batch, Record, Source
from tests.acquisition.conftest import Platform
from tests.acquisition.samples import ACCESS, FAILED

MANY = 10_000


def documents() -> list[dict[str, Any]]:
    return [
        {
            "_index": "logs",
            "@timestamp": "2026-11-22T09:00:00Z",
            "message": FAILED.replace("51022", str(number))
            if number % 2
            else ACCESS + f" {number}",
        }
        for number in range(MANY)
    ]


def all_arrived_once(platform: Platform) -> bool:
    platform.parse_all()
    assert Record.objects.filter(event_dataset="sshd.auth").count() == MANY / 2
    assert Record.objects.filter(event_dataset="nginx.access").count() == MANY / 2
    lines = Record.objects.values_list("event_original", flat=True)
    assert len(set(lines)) == len(lines) == MANY
    source = Source.objects.get()
    assert (source.received, source.stored, source.unparsed) == (MANY, MANY, 0)
    return True


def test_10_000_documents_of_the_elasticsearch_client_arrive_once(platform: Platform) -> None:
    client = Elasticsearch(platform.address, api_key=("tocsin", platform.token))
    assert client.info()["tagline"]
    assert client.ping()
    done, errors = elastic.bulk(client, documents(), chunk_size=1000)
    assert (done, errors) == (MANY, [])
    again, _ = elastic.bulk(client, documents(), chunk_size=1000)  # a shipper that was cut off
    assert again == MANY
    assert all_arrived_once(platform)
    assert Source.objects.get().doubled == MANY


def test_10_000_documents_of_the_opensearch_client_arrive_once(platform: Platform) -> None:
    client = OpenSearch(platform.address, http_auth=("anyone", platform.token), http_compress=True)
    done, errors = opensearch.bulk(client, documents(), chunk_size=2500)
    assert (done, errors) == (MANY, [])
    assert all_arrived_once(platform)


def test_bad_documents_fail_alone_and_are_counted(platform: Platform) -> None:
    actions = [
        {"index": {"_index": "logs", "_id": "7"}},
        {"message": ACCESS},
        {"create": {}},
        "{broken",
        {"delete": {"_id": "7"}},
        {"update": {"_id": "7"}},
        {"doc": {"message": "x"}},
        {"index": {}},
        {"source": {"ip": "192.0.2.1"}},
        {"index": {}},
    ]
    body = "\n\n".join(a if isinstance(a, str) else json.dumps(a) for a in actions)  # as rsyslog
    with platform.client() as client:
        answer = client.post("/things/_bulk", content=body.encode())
        assert answer.status_code == 200
        assert answer.headers["x-elastic-product"] == "Elasticsearch"
        reply = answer.json()
    assert reply["errors"] is True
    items = [(action, item["status"]) for entry in reply["items"] for action, item in entry.items()]
    assert items == [
        *[("index", 201), ("create", 400), ("delete", 400)],
        *[("update", 400), ("index", 201), ("index", 400)],
    ]
    assert reply["items"][0]["index"]["_id"] == "7"
    assert reply["items"][4]["index"]["_index"] == "things"
    platform.parse_all()
    batch = Batch.objects.get()
    assert (batch.items, batch.stored, batch.rejected) == (6, 2, 4)


@pytest.mark.parametrize("scheme", ["ApiKey", "Bearer", "Basic"])
def test_a_shipper_finds_what_it_probes_for(platform: Platform, scheme: str) -> None:
    pair = base64.b64encode(f"id:{platform.token}".encode()).decode()
    headers = {"Authorization": f"{scheme} {platform.token if scheme == 'Bearer' else pair}"}
    vendor = "application/vnd.elasticsearch+json; compatible-with=8"
    with platform.client() as client:
        product = client.get("/", headers={**headers, "Accept": vendor})
        assert product.headers["content-type"].endswith("compatible-with=8")
        assert product.json()["version"]["number"]
        assert client.head("/", headers=headers).content == b""
        assert client.get("/_license", headers=headers).json()["license"]["status"] == "active"
        assert client.put("/_ilm/policy/x", headers=headers).status_code == 404
        assert client.get("/_bulk", headers=headers).status_code == 405
        malformed = client.post("/_bulk", headers=headers, content=b'{"what":1}\n{}\n')
        assert "line [1]" in malformed.json()["error"]["reason"]
        assert malformed.status_code == 400
        assert client.post("/_bulk", content=b"", headers=headers).status_code == 400
        assert client.get("/", headers={"Authorization": "ApiKey wrong"}).status_code == 401
    assert not Batch.objects.exists()
