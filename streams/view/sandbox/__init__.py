"""Where analysts' SQL runs: one SELECT, read-only for certain, limited in rows, memory and time."""

from streams.view.sandbox.refused import Refused
from streams.view.sandbox.sandbox import Answer, Limits, Sandbox, lock_down

__all__ = ["Answer", "Limits", "Refused", "Sandbox", "lock_down"]
