"""How much somebody may see: single reports or counts, and whose."""

import hashlib
from typing import NamedTuple

from streams.data import todays_number

ALL_SCHEMA = "main"
OWN_PREFIX = "own_"


class ReceiverScope(NamedTuple):
    """A municipality by today's number, or a part of it: a district, a unit."""

    municipality: str
    district: str | None = None
    unit: str | None = None

    @property
    def whole(self) -> bool:
        """True if it is the whole municipality."""
        return self.district is None and self.unit is None


class Reach(NamedTuple):
    """`rows`: single reports, else counts only and none under 5. `receivers`: whose; None for everybody's."""

    rows: bool
    receivers: frozenset[ReceiverScope] | None = None
    sql: bool = True

    @property
    def schema(self) -> str:
        """The schema in which its questions are asked."""
        if self.receivers is None:
            return ALL_SCHEMA
        names = "\n".join(sorted(map(repr, self.receivers)))
        return OWN_PREFIX + hashlib.sha256(names.encode()).hexdigest()[:16]

    def has(self, municipality: str) -> bool:
        """True if a municipality, or a part of it, is within reach, under today's number or a former one."""
        numbers = (municipality, todays_number(municipality))
        return self.receivers is None or any(one.municipality in numbers for one in self.receivers)

    def has_whole(self, municipality: str) -> bool:
        """True if all of a municipality is within reach."""
        return self.receivers is None or ReceiverScope(todays_number(municipality)) in self.receivers


EVERYTHING = Reach(rows=True)
COUNTS = Reach(rows=False)
