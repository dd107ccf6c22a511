"""Do two receivers name the same one? Municipality numbers have ancestors and successors."""

from collections.abc import Iterable, Mapping

from streams.core.facts import Receiver

NO_DISTRICT = "00"  # the portal's own way of saying that a municipality has no districts


class Municipalities:
    """Municipality numbers and which of them descend from which.

    `successors` maps every known number to the numbers that came after it (none, one, or several after a split).
    """

    def __init__(self, successors: Mapping[str, Iterable[str]]) -> None:
        self._known = frozenset(successors)
        self._descendants = {code: _descendants(code, successors) for code in successors}

    def knows(self, code: str) -> bool:
        """True for every number that exists or has existed."""
        return code in self._known

    def agree(self, one: str, other: str) -> bool:
        """True if the numbers are equal or one descends from the other; the halves of a split do not agree."""
        return (
            one == other
            or other in self._descendants.get(one, frozenset())
            or one in self._descendants.get(other, frozenset())
        )

    def same_receiver(self, one: Receiver | None, other: Receiver | None) -> bool:
        """Compare only the levels that both give: municipality and district, never the unit."""
        if one is None or other is None:
            return True
        if not self.agree(one.municipality, other.municipality):
            return False
        district, other_district = _district(one), _district(other)
        return district is None or other_district is None or district == other_district


def _district(receiver: Receiver) -> str | None:
    return None if receiver.district == NO_DISTRICT else receiver.district


def _descendants(code: str, successors: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    queue = list(successors.get(code, ()))
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue.extend(successors.get(current, ()))
    return frozenset(found)
