"""How many reports went missing at one receiver within the last hour, without saying at which."""

from collections import Counter, deque
from collections.abc import Mapping

HOUR = 60  # minutes


class LastHour:
    """Counts by receiver, minute by minute. `at` is any clock in seconds that never goes back."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, Counter[str]]] = deque()
        self._total: Counter[str] = Counter()

    def add(self, counts: Mapping[str, int], at: float) -> None:
        """So many went missing now."""
        if not counts:
            return
        minute = int(at // 60)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1].update(counts)
        self._total.update(counts)

    def most(self, at: float) -> int:
        """The most at any one receiver within the hour before now (and up to a minute more)."""
        while self._minutes and self._minutes[0][0] < at // 60 - HOUR:
            self._total -= self._minutes.popleft()[1]  # what comes to nothing leaves the sum
        return max(self._total.values(), default=0)
