"""Who reports are sent to: municipalities, their districts, case systems, versions and channels."""

from datetime import date
from itertools import accumulate
from random import Random
from typing import NamedTuple

from streams.data import municipalities
from streams.simulation.steps import Dispatch, random_uuid

_DISTRICTS = {"0301": 15, "4601": 8, "5001": 4}
# fmt: off
_LARGEST = (
    "Oslo", "Bergen", "Trondheim", "Stavanger", "Bærum", "Kristiansand", "Drammen", "Asker",
    "Lillestrøm", "Fredrikstad", "Sandnes", "Tromsø", "Sandefjord", "Nordre Follo", "Sarpsborg", "Skien",
    "Ålesund", "Bodø", "Moss", "Tønsberg", "Arendal", "Larvik", "Haugesund", "Karmøy",
)
# fmt: on
# Channels with the running sum of their shares.
_CHANNELS = {
    "MANUELL_MOTTAK": (("MANUELL_MOTTAK", 0.9), ("PRINT", 1.0)),
    "UKJENT": (("PRINT", 1.0),),
}
_WITH_CASE_SYSTEM = (("FIKS_IO", 0.88), ("SVARINN", 0.98), ("PRINT", 1.0))
DAYS_A_VERSION = 150


class Profile(NamedTuple):
    """One receiver. `former`: the number that it had before, if it is known by it still.

    `host`: under whose number its reports are stored, if it belongs to a service of another municipality.
    """

    municipality: str
    former: str | None
    districts: tuple[str, ...]
    unit_ids: tuple[str, ...]  # one a district, or one
    case_system: str
    major: int
    patched_late_days: int
    weight: float
    host: str | None = None

    def version(self, day: int) -> str:
        """The case system's version on a day of the script: each municipality patches on its own day."""
        minor = max(0, day - self.patched_late_days) // DAYS_A_VERSION
        return f"{self.major}.{minor}.{self.patched_late_days % 7}"

    def channel(self, rng: Random) -> str:
        """How one report travels to it."""
        draw = rng.random()
        shares = _CHANNELS.get(self.case_system, _WITH_CASE_SYSTEM)
        return next(channel for channel, up_to in shares if draw < up_to)


class Chooser:
    """Chooses receivers by their weights."""

    def __init__(self, profiles: list[Profile]) -> None:
        self._profiles = profiles
        self._weights = list(accumulate(profile.weight for profile in profiles))

    def choose(self, rng: Random) -> Profile:
        """One receiver; the big ones more often."""
        return rng.choices(self._profiles, cum_weights=self._weights)[0]

    def elsewhere(self, rng: Random, sent_to: Dispatch) -> dict[str, str]:
        """Where a report lies by mistake: in another municipality, or in another district of the same one."""
        receiver = sent_to.receiver
        if "district" in receiver and rng.random() < 0.5:
            count = _DISTRICTS[receiver["municipality"]]
            return {
                "municipality": receiver["municipality"],
                "district": f"{int(receiver['district']) % count + 1:02d}",
            }
        while (other := self.choose(rng)).municipality == receiver["municipality"]:
            pass
        return {"municipality": other.municipality}


def in_force(begin: date, end: date) -> list[tuple[str, str]]:
    """The numbers and names that were valid on every day from `begin` to `end`."""
    return [
        (one.code, one.name)
        for one in municipalities()
        if (one.valid_from is None or one.valid_from <= begin) and (one.valid_to is None or one.valid_to > end)
    ]


def former_numbers() -> dict[str, str]:
    """For each number one that it descends from."""
    return {new: one.code for one in municipalities() for new in one.successors if new != one.code}


def profiles(rng: Random, begin: date, end: date, shares: dict[str, float]) -> list[Profile]:
    """All receivers, the largest first, with case systems in exactly these shares."""
    former = former_numbers()
    places = sorted(in_force(begin, end), key=lambda place: _size_rank(rng, place[1]))
    systems = _apportioned(rng, shares, len(places))
    return [
        _profile(rng, code, former.get(code), system, weight=1 / (rank + 3))
        for rank, ((code, _), system) in enumerate(zip(places, systems, strict=True))
    ]


def _apportioned(rng: Random, shares: dict[str, float], count: int) -> list[str]:
    """`count` names by their shares, rounded, in random order; the first takes what rounding leaves."""
    rest = [name for name, share in list(shares.items())[1:] for _ in range(round(share * count))]
    systems = [next(iter(shares))] * (count - len(rest)) + rest
    rng.shuffle(systems)
    return systems


def _size_rank(rng: Random, name: str) -> float:
    short = name.partition(" - ")[0]
    return _LARGEST.index(short) if short in _LARGEST else len(_LARGEST) + rng.random()


def _profile(rng: Random, code: str, former: str | None, case_system: str, weight: float) -> Profile:
    districts = tuple(f"{number:02d}" for number in range(1, _DISTRICTS.get(code, 0) + 1))
    units = tuple(random_uuid(rng) for _ in districts or ("",))
    return Profile(code, former, districts, units, case_system, rng.randint(3, 6), rng.randrange(400), weight)


def dispatch(rng: Random, profile: Profile, *, day: int, form: str, channel: str = "") -> Dispatch:
    """Send a report to a receiver, on one of its channels unless one is given."""
    index = rng.randrange(len(profile.unit_ids))
    receiver = {"municipality": profile.municipality}
    if profile.districts:
        receiver["district"] = profile.districts[index]
    sent_to = {**receiver, "unit_id": profile.unit_ids[index]}
    return Dispatch(
        report_id=random_uuid(rng),
        receiver=sent_to,
        channel=channel or profile.channel(rng),
        case_system=profile.case_system,
        case_system_version=profile.version(day),
        form=form,
        stored_as={"municipality": profile.host} if profile.host else _stored_as(rng, profile, receiver),
        served=profile.host is not None,
    )


def _stored_as(rng: Random, profile: Profile, receiver: dict[str, str]) -> dict[str, str] | None:
    """Proofs name the receiver in full, by its number alone, by its former number, or not at all."""
    draw = rng.random()
    if draw < 0.3:
        return None
    if draw < 0.35 and profile.former:
        return {"municipality": profile.former}
    return receiver if draw < 0.7 else {"municipality": profile.municipality}
