"""Worlds on the session's broker, for what needs no cluster."""

from tests.engine.conftest import make_world

__all__ = ["make_world"]
