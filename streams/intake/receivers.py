"""Whose a proof may be: it carries a receiver, which is one of those that the sender acts for."""

from typing import NamedTuple

from streams.access.scope import ReceiverScope
from streams.data import todays_number
from streams.intake.items import NOT_YOURS, UnreadableItem

NO_DISTRICT = "00"


class Whose(NamedTuple):
    """A receiver as a record names it."""

    municipality: str
    district: str | None = None
    unit_id: str | None = None

    def value(self) -> dict[str, str]:
        """As in a record."""
        return {name: part for name, part in self._asdict().items() if part is not None}


def whose(municipality: str | None, district: str | None, own: frozenset[ReceiverScope] | None) -> Whose | str:
    """The receiver of an item; a verdict where it has none, or another's.

    `own`: those that the sender acts for; None where nobody is asked who it is.
    """
    district = None if district == NO_DISTRICT else district
    if own is None:
        return UnreadableItem("municipality").verdict if municipality is None else Whose(municipality, district)
    if municipality is None:
        if len(own) != 1:
            return UnreadableItem("municipality").verdict
        (only,) = own
        return _within([only], only.municipality, district)
    numbers = {municipality, todays_number(municipality)}
    return _within([one for one in own if one.municipality in numbers], municipality, district)


def _within(scopes: list[ReceiverScope], municipality: str, district: str | None) -> Whose | str:
    """The narrowest that is certain: a district where the sender acts for that alone, a unit likewise."""
    fitting = [one for one in scopes if district is None or one.district in (None, district)]
    if not fitting:
        return NOT_YOURS
    districts = {one.district for one in fitting}
    if district is None and None not in districts:
        if len(districts) > 1:
            return UnreadableItem("district").verdict
        (district,) = districts
    units = {one.unit for one in fitting}
    return Whose(municipality, district, units.pop() if len(units) == 1 else None)
