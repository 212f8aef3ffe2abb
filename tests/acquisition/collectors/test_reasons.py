"""What went wrong is said in sentences, with what would help."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

from apps.acquisition.collectors import certificates, names
from apps.acquisition.fetching import _said, not_asked
from apps.protection import outbound


def test_this_machine_is_a_private_network_in_both_versions() -> None:
    for text in ("127.0.0.1", "::1"):
        assert outbound.obstacle(ip_address(text)) == outbound.PRIVATE
        assert outbound.obstacle(ip_address(text), private=True) == ""
        assert outbound.obstacle(ip_address(text), networks=outbound.networks_of([text])) == ""
    assert outbound.obstacle(ip_address("::7f00:1")) == "which may lead anywhere"


def test_only_what_may_be_allowed_is_said_to_be() -> None:
    inside = not_asked(outbound.Forbidden(f"x leads to ::1, {outbound.PRIVATE}"))
    assert inside.endswith("private network. If that is meant, name it under “Private networks it may enter”.")  # fmt: skip
    never = not_asked(outbound.Forbidden("x leads to 0.0.0.0, which is never a service's"))
    assert never == "x leads to 0.0.0.0, which is never a service's."


def test_openssl_is_put_into_words() -> None:
    wrong = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    wrong.reason = "WRONG_VERSION_NUMBER"
    assert certificates._said(wrong) == "It does not speak TLS as it should: wrong version number."
    assert _said(wrong, float("inf")) == "It cannot be fetched: wrong version number."


def test_questions_are_counted_as_people_count() -> None:
    server = names.server_of("192.0.2.1")
    for kinds, ending in ((["A"], "(1 question)"), (["A", "MX"], "(2 questions)")):
        asked = {("x.example", kind, server): names.Said(problem="No answer.") for kind in kinds}
        [note] = names.observed(asked).notes
        assert note.endswith(ending)
