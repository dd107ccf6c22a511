"""A world a test, as the engine's tests have them."""

from tests.engine.conftest import make_world

__all__ = ["make_world"]
