"""Do two receivers name the same one? Municipality numbers have ancestors and successors."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from streams.core.facts import Receiver

NO_DISTRICT = "00"  # the portal's own way of saying that a municipality has no districts


class Service(NamedTuple):
    """Receivers that work as one: what one of them stored counts for all. A district is given where only it belongs."""

    id: str
    receivers: tuple[Receiver, ...]


class Municipalities:
    """Municipality numbers and which of them descend from which.

    `successors` maps every known number to the numbers that came after it (none, one, or several after a split).
    `fingerprint` is what they say, in short: whoever judges the same log by another table may judge otherwise.
    """

    def __init__(self, successors: Mapping[str, Iterable[str]]) -> None:
        self._known = frozenset(successors)
        self._descendants = {code: _descendants(code, successors) for code in successors}
        said = sorted((code, sorted(after)) for code, after in successors.items())
        self.fingerprint = sha256(repr(said).encode()).hexdigest()[:16]

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

    def same_receiver(self, one: Receiver | None, other: Receiver | None, services: Iterable[Service] = ()) -> bool:
        """Compare only the levels that both give: municipality and district, never the unit.

        Two different members of one of the services agree, too.
        """
        if one is None or other is None or one == other:
            return True
        return self._alike(one, other) or any(self._work_together(one, other, service) for service in services)

    def belongs(self, receiver: Receiver, service: Service) -> bool:
        """True for a member of the service: the same municipality, and no other district where both give one."""
        return any(self._alike(receiver, member) for member in service.receivers)

    def _alike(self, one: Receiver, other: Receiver) -> bool:
        (_, ours), (_, theirs) = compared(one), compared(other)
        return self.agree(one.municipality, other.municipality) and (None in (ours, theirs) or ours == theirs)

    def _work_together(self, one: Receiver, other: Receiver, service: Service) -> bool:
        """True for two different members: within one and the same, only `_alike` holds."""
        ours = {member for member in service.receivers if self._alike(one, member)}
        theirs = {member for member in service.receivers if self._alike(other, member)}
        return bool(ours) and bool(theirs) and len(ours | theirs) > 1


def compared(receiver: Receiver | None) -> tuple[str | None, str | None]:
    """What of a receiver decides whether a proof counts: its municipality and its district, None where not given."""
    if receiver is None:
        return None, None
    return receiver.municipality, None if receiver.district == NO_DISTRICT else receiver.district


def _descendants(code: str, successors: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    queue = list(successors.get(code, ()))
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue.extend(successors.get(current, ()))
    return frozenset(found)
