"""Where analysts' SQL runs: one SELECT, read-only for certain, limited in rows, memory and time."""

from streams.view.sandbox.errors import Refused
from streams.view.sandbox.sandbox import QueryLimits, QueryResult, QueryScope, Sandbox, lock_down

__all__ = ["QueryLimits", "QueryResult", "QueryScope", "Refused", "Sandbox", "lock_down"]
