"""What stands around every page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client


@pytest.fixture
def ada(client: Client) -> Client:
    user = User.objects.create_user("ada")
    user.groups.add(Group.objects.get(name="administrator"))
    client.force_login(user)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/incidents/?text=%00",
        "/incidents/?state=%00",
        "/api/v1/incidents/?kind=%00",
        "/audit/?actor=%00",
        "/api/v1/schema/?version=%00",
    ],
)
def test_a_nul_in_a_question_is_a_bad_request(ada: Client, address: str) -> None:
    assert ada.get(address).status_code == 400


@pytest.mark.django_db
def test_a_nul_in_a_form_is_a_bad_request(ada: Client) -> None:
    form = "application/x-www-form-urlencoded"
    answer = ada.post("/incidents/1/assign/", "assignee=a%00b", content_type=form)
    assert answer.status_code == 400
    assert ada.post("/incidents/1/assign/", {"assignee": "a\0b"}).status_code == 400  # in parts


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/incidents/?text=%C2%B2", "/batches/?source=%C2%B2"])
def test_a_digit_that_is_no_number_is_no_fault(ada: Client, address: str) -> None:
    assert ada.get(address).status_code == 200
