"""What does the policy ask for one attempt?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.facts import Names, Receiver
from streams.core.policy import Asks, Feed, Override, Policy, Terms, Version
from streams.core.receivers import Municipalities, Service
from streams.core.working import WorkingTime

MUNICIPALITIES = Municipalities({"0301": (), "1201": ("4601",), "4601": (), "4631": (), "3907": ()})
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta(0)

FLYT = Feed("bergen-flyt", 6 * HOUR)
NIGHTLY = Feed("familia-3907", 30 * HOUR, successor="bergen-flyt")
BERGEN = Service("bergen", (Receiver("4601"), Receiver("4631")))
OSLO = Service("oslo", (Receiver("0301", "03"), Receiver("0301", "04")))


def version(*overrides: Override, proof: Asks = Asks.STORED) -> Version:
    return Version(
        "v",
        5 * MINUTE,
        DAY,
        allowance={"FIKS_IO": 2 * HOUR, "MANUELL_MOTTAK": WorkingTime(2)},
        overrides=overrides,
        proof=proof,
        feeds=(FLYT, NIGHTLY),
        services=(BERGEN, OSLO),
    )


def names(municipality: str = "0301", **levels: str) -> Names:
    named = {level: levels.pop(level) for level in ("district", "unit_id") if level in levels}
    return Names(
        Receiver(municipality, **named), levels.get("channel", "FIKS_IO"), levels.get("case_system", "VISMA_FAMILIA")
    )


NAMELESS = Names(None, None, None)
OWN = Terms(2 * HOUR, 5 * MINUTE)


@pytest.mark.parametrize(
    ("of", "allowance"),
    [
        (names(), 2 * HOUR),
        (names(channel="MANUELL_MOTTAK"), WorkingTime(2)),
        (names(channel="CARRIER_PIGEON"), DAY),
        (NAMELESS, DAY),
    ],
)
@pytest.mark.parametrize("asked", Asks)
def test_it_takes_the_versions_own_terms_where_nothing_overrides_them(
    of: Names, allowance: timedelta, asked: Asks
) -> None:
    assert version(proof=asked).terms(of, MUNICIPALITIES) == Terms(allowance, 5 * MINUTE, asked)


@pytest.mark.parametrize(
    ("override", "of", "matches"),
    [
        (Override(), NAMELESS, True),
        (Override(), names(), True),
        (Override("0301"), names(), True),
        (Override("0301"), names("3907"), False),
        (Override("0301"), NAMELESS, False),
        (Override("4601"), names("1201"), False),  # an override is for the number that it names
        (Override(channel="FIKS_IO"), names(), True),
        (Override(channel="FIKS_IO"), names(channel="SVARINN"), False),
        (Override(channel="FIKS_IO"), NAMELESS, False),
        (Override(case_system="VISMA_FAMILIA"), names(), True),
        (Override(case_system="VISMA_FAMILIA"), names(case_system="UKJENT"), False),
        (Override(case_system="VISMA_FAMILIA"), NAMELESS, False),
        (Override(district="03"), names(district="03"), True),
        (Override(district="03"), names(district="04"), False),
        (Override(district="03"), names(), False),
        (Override(district="03"), NAMELESS, False),
        (Override(unit_id="u1"), names(unit_id="u1"), True),
        (Override(unit_id="u1"), names(unit_id="u2"), False),
        (Override(unit_id="u1"), names(), False),
        (Override(unit_id="u1"), NAMELESS, False),
        (Override("0301", district="03", unit_id="u1"), names(district="03", unit_id="u1"), True),
        (Override("0301", district="03", unit_id="u1"), names(district="03"), False),
        (Override("0301", "VISMA_FAMILIA", "FIKS_IO"), names(), True),
        (Override("0301", "VISMA_FAMILIA", "SVARINN"), names(), False),
        (Override(service="bergen"), names("4601"), True),
        (Override(service="bergen"), names("4631", district="02"), True),
        (Override(service="bergen"), names("1201"), True),  # what became a member is one
        (Override(service="bergen"), names("0301"), False),
        (Override(service="bergen"), NAMELESS, False),
        (Override(service="bergen", channel="SVARINN"), names("4601"), False),
        (Override("4631", service="bergen"), names("4631"), True),
        (Override("4631", service="bergen"), names("4601"), False),
        (Override("0301", service="bergen"), names("0301"), False),
        (Override(service="oslo"), names(district="03"), True),
        (Override(service="oslo"), names(district="05"), False),
        (Override(service="oslo"), names(district="00"), True),
        (Override(service="oslo"), names(), True),  # a receiver without a district fits any
        (Override(service="none"), names(), False),
    ],
)
def test_it_matches_an_override_whose_every_level_is_the_reports_own(
    override: Override, of: Names, matches: bool
) -> None:
    ours = version(override._replace(allowance=NOTHING))
    assert (ours.terms(of, MUNICIPALITIES).allowance == NOTHING) is matches


@pytest.mark.parametrize(
    ("override", "proof", "terms"),
    [
        (Override(allowance=MINUTE), Asks.STORED, OWN._replace(allowance=MINUTE)),
        (Override(allowance=NOTHING), Asks.STORED, OWN._replace(allowance=NOTHING)),
        (Override(allowance=WorkingTime(1)), Asks.STORED, OWN._replace(allowance=WorkingTime(1))),
        (Override(grace=NOTHING), Asks.STORED, OWN._replace(grace=NOTHING)),
        (Override(), Asks.RECEIPT, OWN._replace(asks=Asks.RECEIPT)),
        (Override(), Asks.NONE, OWN._replace(asks=Asks.NONE)),
        (Override(proof=Asks.NONE), Asks.STORED, OWN._replace(asks=Asks.NONE)),
        (Override(proof=Asks.STORED), Asks.RECEIPT, OWN),
        (Override(feed="familia-3907"), Asks.STORED, OWN._replace(feed=NIGHTLY)),
        (Override(proof=Asks.STORED, feed="bergen-flyt"), Asks.NONE, OWN._replace(feed=FLYT)),
    ],
)
def test_it_takes_from_an_override_what_it_says_and_the_rest_from_the_version(
    override: Override, proof: Asks, terms: Terms
) -> None:
    assert version(override, proof=proof).terms(names(), MUNICIPALITIES) == terms


def test_it_takes_the_first_override_that_matches_and_no_other() -> None:
    ours = version(
        Override("3907", allowance=MINUTE),
        Override(channel="FIKS_IO", grace=NOTHING),
        Override("0301", allowance=HOUR, feed="bergen-flyt"),
    )
    assert ours.terms(names(), MUNICIPALITIES) == OWN._replace(grace=NOTHING)
    assert ours.terms(names("3907"), MUNICIPALITIES) == OWN._replace(allowance=MINUTE)
    assert ours.terms(names(channel="SVARINN"), MUNICIPALITIES) == Terms(HOUR, 5 * MINUTE, Asks.STORED, FLYT)


NUMBERS = st.sampled_from(["0301", "1201", "4601", "4631", "3907"])
DISTRICTS = st.sampled_from([None, None, "03", "05"])
CHANNELS = st.sampled_from([None, None, "FIKS_IO", "SVARINN"])
OVERRIDES = st.builds(
    Override,
    municipality=st.none() | NUMBERS,
    channel=CHANNELS,
    allowance=st.sampled_from([None, MINUTE, HOUR]),
    district=DISTRICTS,
    service=st.sampled_from([None, None, "bergen", "oslo"]),
    feed=st.sampled_from([None, "bergen-flyt", "familia-3907"]),
)
NAMES = st.builds(Names, st.none() | st.builds(Receiver, NUMBERS, DISTRICTS), CHANNELS, st.none())


@given(st.lists(OVERRIDES, max_size=8), NAMES)
def test_it_is_no_other_for_a_policy_that_looks_only_at_what_concerns_a_municipality(
    overrides: list[Override], of: Names
) -> None:
    ours = version(*overrides)
    assert Policy((ours,)).terms(ours, of, MUNICIPALITIES) == ours.terms(of, MUNICIPALITIES)


def test_it_has_its_feeds_by_name() -> None:
    assert (version().feed("bergen-flyt"), version().feed("other"), version().feed(None)) == (FLYT, None, None)
