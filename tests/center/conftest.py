"""A world to look at, and doors to walk through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from apps.center import health
from tests.center import world as made


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing that is slow on purpose would be most of what these tests do."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db: None) -> made.World:
    return made.world()


@pytest.fixture
def enter() -> Callable[[User], Client]:
    """A browser in which this person is logged in."""

    def entered(user: User) -> Client:
        client = Client()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return client

    return entered


@pytest.fixture(autouse=True)
def no_stale_look() -> Iterator[None]:
    health.forget()
    yield
    health.forget()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """Tasks that were given to the broker, and not to a real one."""
    from celery.app.task import Task
    from celery.canvas import _chain

    tasks: list[tuple[str, tuple[object, ...]]] = []
    monkeypatch.setattr(Task, "delay", lambda self, *args: tasks.append((self.name, args)))
    monkeypatch.setattr(
        _chain, "delay", lambda self: tasks.append((self.tasks[0].task, self.tasks[0].args))
    )
    return tasks
