"""The chains: nothing in them can be changed unseen, by us or by anyone with the database."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from apps.protection import selectors, services
from apps.protection.chain import GENESIS, breaks, link_hash
from apps.protection.models import AuditEntry, Seal

contents = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))


def linked(items: list[dict[str, str]]) -> list[tuple[int, str, str, dict[str, str]]]:
    previous, links = GENESIS, []
    for number, content in enumerate(items):
        links.append((number, previous, link_hash(previous, content), content))
        previous = links[-1][2]
    return links


@given(contents)
def test_an_untouched_chain_holds(items: list[dict[str, str]]) -> None:
    assert list(breaks(linked(items))) == []


@given(contents.filter(len), st.data())
def test_any_changed_content_shows(items: list[dict[str, str]], data: st.DataObject) -> None:
    links = linked(items)
    at = data.draw(st.integers(0, len(links) - 1))
    number, previous, found, content = links[at]
    links[at] = (number, previous, found, {**content, "forged": "yes"})
    assert f"link {number} was altered" in " ".join(breaks(links))


@given(contents.filter(lambda items: len(items) > 1), st.data())
def test_any_removed_link_but_the_last_shows(
    items: list[dict[str, str]], data: st.DataObject
) -> None:
    links = linked(items)
    del links[data.draw(st.integers(0, len(links) - 2))]
    assert "missing or moved" in " ".join(breaks(links))


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["protection_seal", "protection_auditentry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET hash = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_itself_refuses_to_alter_a_chain(table: str, statement: str) -> None:
    services.seal(kind="batch", subject="1", digest="a" * 64)
    services.audit(actor="ana", action="incident.closed", object="incident:1")
    with (
        pytest.raises(DatabaseError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))
    assert Seal.objects.count() == AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_a_row_forged_behind_the_triggers_back_is_found() -> None:
    for number in range(3):
        services.audit(actor="ana", action="incident.closed", object=f"incident:{number}")
    assert selectors.verify() == []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE protection_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE protection_auditentry SET actor = 'bob' WHERE object = 'incident:1'")
    assert len(selectors.verify()) == 1
    assert "altered" in selectors.verify()[0]


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain() -> None:
    def write() -> None:
        for number in range(10):
            services.seal(kind="batch", subject=str(number), digest="b" * 64)
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Seal.objects.count() == 40
    assert selectors.verify() == []


@pytest.mark.django_db
def test_sealing_an_altered_thing_again_hides_nothing_and_heads_are_of_either_chain() -> None:
    services.seal(kind="batch", subject="1", digest="a" * 64)
    services.seal(kind="batch", subject="1", digest="b" * 64)
    services.audit(actor="ana", action="incident.closed", object="incident:1")
    assert dict(selectors.sealed_digests("batch")) == {"1": "a" * 64}
    assert selectors.last_sealed("batch", "1") == "b" * 64
    assert selectors.last_sealed("batch", "2") == ""
    assert all(selectors.has_seal(head) for head in selectors.heads().values())
    assert not selectors.has_seal("c" * 64)
