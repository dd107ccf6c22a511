"""The image is built once for all of these tests."""

import pytest

from tests.system.docker.images.stack import build


@pytest.fixture(scope="session", autouse=True)
def image() -> None:
    """The image, as the files are now."""
    build()
