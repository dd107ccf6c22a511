"""Worlds of their own for the commands' tests too."""

from tests.engine.conftest import make_world

__all__ = ["make_world"]
