"""Where analysts' SQL runs: one SELECT, read-only for certain, limited in rows, memory and time."""

from streams.view.sandbox.errors import Refused
from streams.view.sandbox.sandbox import Answer, Ground, Limits, Sandbox, lock_down

__all__ = ["Answer", "Ground", "Limits", "Refused", "Sandbox", "lock_down"]
