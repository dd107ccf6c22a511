"""What the evidence covers: for whom, and from when to when."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import NamedTuple

from streams.audit.schema import Untold
from streams.core.receivers import Municipalities


class Stretch(NamedTuple):
    """What one source covers. None: not limited. Times: from inclusive, to exclusive."""

    municipality: str | None
    case_system: str | None
    since: datetime
    to: datetime


class EvidenceCoverage:
    """All stretches of one kind of evidence, put together."""

    def __init__(self, stretches: Iterable[Stretch], municipalities: Municipalities) -> None:
        self._stretches = list(stretches)
        self._municipalities = municipalities
        self._whole = cache(self._pieces)

    def untold(
        self, municipality: str | None, case_system: str | None, since: datetime, until: datetime
    ) -> Untold | None:
        """Why it cannot be told whether a proof came between two times; None if it can."""
        pieces = self._whole(municipality, case_system)
        if not pieces:
            return self._uncovered(municipality)
        at = bisect_right(pieces, since, key=lambda piece: piece[0]) - 1
        if at < 0:
            return "begins_later"
        if pieces[at][1] > until:
            return None
        if pieces[at][1] <= since:
            return "has_gap" if at + 1 < len(pieces) else "ends_earlier"
        return "has_gap" if at + 1 < len(pieces) and pieces[at + 1][0] <= until else "ends_earlier"

    def _uncovered(self, municipality: str | None) -> Untold:
        if municipality is None:
            return "receiver_unknown"
        return (
            "case_system_not_covered"
            if any(self._is_for(one, municipality) for one in self._stretches)
            else "not_covered"
        )

    def _pieces(self, municipality: str | None, case_system: str | None) -> list[tuple[datetime, datetime]]:
        """The covered times of one receiver and case system, in order, what touches joined."""
        fitting = sorted(
            (one.since, one.to)
            for one in self._stretches
            if self._is_for(one, municipality) and one.case_system in (None, case_system)
        )
        joined: list[tuple[datetime, datetime]] = []
        for since, to in fitting:
            if joined and since <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], to))
            else:
                joined.append((since, to))
        return joined

    def _is_for(self, stretch: Stretch, municipality: str | None) -> bool:
        if stretch.municipality is None:
            return True
        return municipality is not None and self._municipalities.agree(stretch.municipality, municipality)
