"""A small real site, and a browser of it without JavaScript."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from server.settings import ServerSettings
from tests.tiny_site import Site


@pytest.fixture
def site(settings: ServerSettings) -> Site:
    return Site(settings)


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(site.app(), base_url="http://localhost") as client:
        yield client
