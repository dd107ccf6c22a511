"""What `explain` says of a report's windows is what the checker did with them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.policy import parse_policy
from streams.commands.windows import is_judged_by, window_moves
from streams.core.facts import FactOrMark, FeedMark, Names, Place, Receiver, Sent
from streams.core.fold import open_row
from streams.core.policy import Policy
from streams.core.row import Row
from streams.core.rules import Rules
from streams.data import succession
from streams.policies import policy_of
from streams.records.coverage import Coverage
from streams.records.state import state_value

REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
TOPICS = ("reports.stored", "reports.receipt")
POLICY = """
[[version]]
id = "a"
grace = "PT5M"
[version.allowance]
FIKS_IO = "PT2H"
PRINT = "P5D"
[[version.feed]]
id = "nightly"
patience = "PT6H"
[[version.override]]
municipality = "4601"
proof = "stored"
feed = "nightly"
"""


def _policy(text: str = POLICY) -> Policy:
    return policy_of(parse_policy(text))


def _at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def _sent(hours: float, channel: str, message: str, municipality: str = "0301") -> Sent:
    place = Place(_at(hours), "reports.sent", 0, int(10 * hours))
    return Sent(REPORT, place, _at(hours), Names(Receiver(municipality), channel, "UKJENT"), message)


def _moves(*inputs: FactOrMark) -> list[tuple[int, str]]:
    coverage = Coverage(0, 1, {}).value()
    moves = window_moves(inputs, Rules(_policy(), succession()), coverage, TOPICS)
    return [(place.offset, str(move)) for place, move in moves.items()]


def test_an_attempt_on_another_channel_re_routes_and_a_repeated_one_does_not() -> None:
    moves = _moves(_sent(0, "FIKS_IO", "m1"), _sent(1, "FIKS_IO", "m2"), _sent(1.5, "PRINT", "m3"))
    assert moves == [
        (0, "window opened: due 2026-01-05T11:00:00.000000Z, alarm 2026-01-05T11:05:00.000000Z"),
        (15, "re-routed: due 2026-01-10T10:30:00.000000Z, alarm 2026-01-10T10:35:00.000000Z"),
    ]


def test_an_attempt_after_a_missing_event_opens_a_new_window() -> None:
    moves = _moves(_sent(0, "FIKS_IO", "m1"), _sent(3, "FIKS_IO", "m2"))
    assert moves[-1] == (30, "new window: due 2026-01-05T14:00:00.000000Z, alarm 2026-01-05T14:05:00.000000Z")


@pytest.mark.parametrize(("vouched", "opened"), [(2, True), (1.9, False)])
def test_a_feeds_marks_decide_when_the_last_window_had_closed(vouched: float, opened: bool) -> None:
    mark = FeedMark("nightly", Place(_at(2.5), "reports.stored", 0, 0), _at(vouched))
    moves = _moves(_sent(0, "FIKS_IO", "m1", "4601"), mark, _sent(3, "FIKS_IO", "m2", "4601"))
    assert (len(moves) == 2) is opened


def _judged(policy: Policy) -> tuple[dict[str, Any], dict[str, Any]]:
    sent, row = _sent(0, "FIKS_IO", "m1"), Row(REPORT, START)
    open_row(row, sent, Rules(policy, succession()))
    return state_value(row), Coverage(0, 1, {}, policy=policy.judged_by(START)).value()


def test_only_the_policy_that_a_report_is_judged_by_says_what_became_of_its_windows() -> None:
    state, coverage = _judged(_policy())
    assert is_judged_by(_policy(), state, coverage)
    assert not is_judged_by(_policy(POLICY.replace("PT2H", "PT3H")), state, coverage)
    assert not is_judged_by(_policy(POLICY.replace('id = "a"', 'id = "b"')), state, coverage)
    assert not is_judged_by(_policy(), None, coverage)
    assert not is_judged_by(_policy(), state, None)
    assert not is_judged_by(_policy(), state | {"sent_record": None}, coverage)
