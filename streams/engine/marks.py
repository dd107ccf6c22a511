"""Marks: how far one partition's inputs are known completely.

A set of marks is one small record appended to each input of the partition that verdicts wait for. Once all of them
have come back, with everything before them applied, nothing that arrived before the earliest of their append times can
still be on its way. Only the broker's append times count, and only this worker's own marks.
"""

import secrets
from datetime import datetime

SEPARATOR = "/"


class Marks:
    """At most one outstanding set; it stays until it has been passed, however far behind the worker is."""

    def __init__(self, app_id: str, inputs: tuple[str, ...]) -> None:
        self._inputs = inputs
        # Random, so that a former owner's marks are not taken for ours.
        self._prefix = f"{app_id}{SEPARATOR}{secrets.token_hex(8)}{SEPARATOR}"
        self._number = 0
        self._seen: dict[str, datetime] | None = None
        self._passed: set[str] = set()

    @property
    def outstanding(self) -> bool:
        """True while a set is on its way."""
        return self._seen is not None

    @property
    def unseen(self) -> tuple[str, ...]:
        """The inputs whose mark has not come back yet."""
        return () if self._seen is None else tuple(topic for topic in self._inputs if topic not in self._seen)

    def new_set(self) -> bytes:
        """Begin a set and give the header value of its marks."""
        self._number += 1
        self._seen = {}
        return self._header()

    def abandon(self) -> None:
        """Give up the outstanding set: one of its marks was not appended for certain."""
        self._seen = None

    def saw(self, header: bytes, topic: str, arrived: datetime) -> None:
        """A mark has been passed; those of others and of abandoned sets mean nothing."""
        if self._is_ours(header):
            self._passed.add(topic)
        if self._seen is not None and header == self._header():
            self._seen[topic] = arrived

    def has_come(self, topic: str, header: bytes | None) -> bool:
        """True if one of ours, of any set, has come back from there, or this is one."""
        return topic in self._passed or (header is not None and self._is_ours(header))

    def take_complete(self) -> datetime | None:
        """The earliest append time of a set of which every mark has been passed; None while one is missing."""
        if self._seen is None or len(self._seen) < len(self._inputs):
            return None
        complete_until = min(self._seen.values())
        self._seen = None
        return complete_until

    def _is_ours(self, header: bytes) -> bool:
        return header.startswith(self._prefix.encode())

    def _header(self) -> bytes:
        return f"{self._prefix}{self._number}".encode()
