"""A client of the application in process, and phones of an owner and of a child."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from server.app import create_app
from tests.installation import Installation
from tests.server.calling import Phone
from tests.server.calling import phone as a_phone


@pytest.fixture
def client(home: Installation) -> Iterator[TestClient]:
    """Nobody's yet."""
    with TestClient(create_app(home.settings, clock=home.clock)) as test_client:
        yield test_client


@pytest.fixture
def phone(home: Installation, client: TestClient) -> Phone:
    """The owner's."""
    return a_phone(home, client)


@pytest.fixture
def child(home: Installation, client: TestClient) -> Phone:
    """Kim's, who asks and does not confirm."""
    return a_phone(home, client, member="Kim")
