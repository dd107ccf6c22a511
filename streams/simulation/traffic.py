"""Traffic as a whole country makes it, in bounded memory, with its truth."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from streams.data import Outage
from streams.simulation.flow import TimedStory, handed_over, lines, moments, truths
from streams.simulation.paces import OWN_TIME, policy_toml
from streams.simulation.receivers import Chooser, dispatch, profiles
from streams.simulation.script import ScriptLine, Truth
from streams.simulation.story import Habits, Kind, Pace, tell

_SHARES = {
    "VISMA_FLYT_BARNEVERN": 0.55,
    "NETCOMPANY_MODULUS_BARN": 0.20,
    "VISMA_FAMILIA": 0.15,
    "MANUELL_MOTTAK": 0.07,
    "UKJENT": 0.03,
}


@dataclass(frozen=True, slots=True)
class Mix:
    """How reports fare and what happens on the way, as rates of all reports. The rest is stored in time."""

    stored_unreceipted: float = 0.01
    stored_late: float = 0.002
    confirmed_late: float = 0.002
    receipt_only: float = 0.001
    nothing: float = 0.001
    rejected: float = 0.0005
    transport_failed: float = 0.0005
    elsewhere: float = 0.0005
    letter: float = 0.0005
    lost_again: float = 0.0002
    duplicated: float = 0.03
    resent: float = 0.02
    stored_first: float = 0.03
    sent_delayed: float = 0.001

    def kinds(self) -> dict[Kind, float]:
        """Each kind and its rate. Raises ValueError if they are no rates."""
        rates: dict[Kind, float] = {kind: float(getattr(self, kind.value)) for kind in Kind if kind is not Kind.STORED}
        stored = 1.0 - sum(rates.values())
        if stored < 0 or min(rates.values()) < 0:
            raise ValueError("The rates of a mix must not be negative or add up to more than 1.")
        return {Kind.STORED: stored, **rates}

    def habits(self, rng: Random) -> Habits:
        """What happens to one report on the way."""
        return Habits(
            duplicated=rng.random() < self.duplicated,
            resent=rng.random() < self.resent,
            stored_first=rng.random() < self.stored_first,
            sent_delayed=rng.random() < self.sent_delayed,
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """A recipe for traffic: `lines` and `truth` make it anew at each call, always the same.

    `until`: where the clock ends, for both; None: when everything is over.
    """

    reports: int
    seed: int
    start: datetime
    span: timedelta
    mix: Mix = field(default_factory=Mix)
    pace: Pace = OWN_TIME
    outages: tuple[Outage, ...] = ()
    until: datetime | None = None

    @property
    def policy_toml(self) -> str:
        """The policy by which the truth holds."""
        return policy_toml(self.pace, "simulated")

    def lines(self) -> Iterator[ScriptLine]:
        """The records in order of arrival."""
        return lines(self._placed(), self.until)

    def truth(self) -> Iterator[Truth]:
        """What is true of each report whose sent arrived by `until`, in the order in which they were written."""
        return truths(self._placed(), self.until)

    def _placed(self) -> Iterator[TimedStory]:
        rng = Random(self.seed)  # noqa: S311 - a simulation, no secret
        chooser = Chooser(profiles(rng, self.start.date(), (self.start + self.span).date(), _SHARES))
        rates = self.mix.kinds()
        kinds, weights = list(rates), list(accumulate(rates.values()))
        for moment in moments(rng, self.reports, self.start, self.span):
            profile = chooser.choose(rng)
            day = (moment.at - self.start).days
            sent = dispatch(rng, profile, day=day, form=moment.form)
            kind = rng.choices(kinds, cum_weights=weights)[0]
            if kind is Kind.ELSEWHERE:
                sent = sent._replace(elsewhere=chooser.elsewhere(rng, sent))
            story = tell(rng, sent, kind, self.mix.habits(rng), self.pace)
            yield TimedStory(moment.at, handed_over(rng, moment.at, self.outages), story)


def generate(reports: int, seed: int, start: datetime, span: timedelta, mix: Mix | None = None) -> Traffic:
    """Traffic of `reports` reports written within `span` from `start` (UTC)."""
    return Traffic(reports, seed, start, span, mix or Mix())
