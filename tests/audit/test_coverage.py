"""What the evidence covers, and why it cannot be told where it does not reach."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.audit.judge.coverage import EvidenceCoverage, Stretch
from streams.data import succession

T0 = datetime(2022, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return T0 + timedelta(days=number)


def coverage(*stretches: Stretch) -> EvidenceCoverage:
    return EvidenceCoverage(stretches, succession())


def test_what_is_covered_from_before_to_after_can_be_told() -> None:
    assert coverage(Stretch("4601", None, day(0), day(9))).untold("4601", "ANY", day(1), day(2)) is None


@pytest.mark.parametrize(
    ("stretch", "untold"),
    [
        (Stretch("0301", None, day(0), day(9)), "not_covered"),
        (Stretch("4601", "OTHER", day(0), day(9)), "case_system_not_covered"),
        (Stretch("4601", None, day(1.5), day(9)), "begins_later"),
        (Stretch("4601", None, day(0), day(1.5)), "ends_earlier"),
        (Stretch("4601", None, day(0), day(2)), "ends_earlier"),  # a proof that arrives at the alarm is in time
        (Stretch("4601", None, day(0), day(0.5)), "ends_earlier"),
    ],
)
def test_what_is_not_covered_has_a_reason(stretch: Stretch, untold: str) -> None:
    assert coverage(stretch).untold("4601", "MINE", day(1), day(2)) == untold


def test_the_very_moments_of_beginning_and_end() -> None:
    found = coverage(Stretch(None, None, day(1), day(2) + timedelta(microseconds=1)))
    assert found.untold("4601", None, day(1), day(2)) is None
    assert found.untold("4601", None, day(1) - timedelta(microseconds=1), day(2)) == "begins_later"


def test_sources_that_touch_are_one_and_those_that_do_not_leave_a_gap() -> None:
    first, second = Stretch("4601", None, day(0), day(1.5)), Stretch("4601", "MINE", day(1.5), day(9))
    assert coverage(second, first).untold("4601", "MINE", day(1), day(2)) is None
    assert coverage(first, second).untold("4601", "OTHER", day(1), day(2)) == "ends_earlier"
    later = Stretch("4601", None, day(1.6), day(9))
    assert coverage(first, later).untold("4601", "MINE", day(1), day(2)) == "has_gap"
    assert coverage(Stretch("4601", None, day(0), day(0.5)), later).untold("4601", "MINE", day(1), day(2)) == "has_gap"


def test_a_municipalitys_former_number_is_the_same_receiver_and_half_of_a_split_is_not() -> None:
    assert coverage(Stretch("1201", None, day(0), day(9))).untold("4601", None, day(1), day(2)) is None
    assert coverage(Stretch("1508", None, day(0), day(9))).untold("1580", None, day(1), day(2)) == "not_covered"


def test_a_receiver_that_nobody_could_read_is_covered_by_what_covers_everybody_only() -> None:
    assert coverage(Stretch("4601", None, day(0), day(9))).untold(None, None, day(1), day(2)) == "receiver_unknown"
    assert coverage(Stretch(None, None, day(0), day(9))).untold(None, None, day(1), day(2)) is None


def test_no_evidence_at_all_covers_nobody() -> None:
    assert coverage().untold("4601", None, day(1), day(2)) == "not_covered"


HOURS = st.integers(0, 40)


@given(st.lists(st.tuples(HOURS, HOURS)), HOURS, HOURS)
def test_it_can_be_told_exactly_where_every_moment_is_covered(
    pieces: list[tuple[int, int]], one: int, other: int
) -> None:
    since, until = sorted((one, other))
    made = coverage(
        *(Stretch(None, None, day(min(piece)), day(max(piece))) for piece in pieces if min(piece) < max(piece))
    )
    whole = all(any(min(piece) <= hour < max(piece) for piece in pieces) for hour in range(since, until + 1))
    assert (made.untold("4601", None, day(since), day(until)) is None) == whole
