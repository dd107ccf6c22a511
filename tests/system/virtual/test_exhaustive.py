"""Events of two reports in every order: alphabets so small that each can be searched to its end."""

import pytest

from tests.examples import first
from tests.system.virtual import exhaustive
from tests.system.virtual.exhaustive import Search

NONE = dict.fromkeys(exhaustive.KINDS, 0)


@pytest.mark.parametrize(("events", "points"), first(1, [(3, 900), (4, 4_000), (6, 20_000)]))
@pytest.mark.parametrize(
    "kinds", [("sent", "receipt", "stored"), pytest.param(("sent", "stored", "elsewhere"), marks=pytest.mark.long)]
)
def test_every_story_of_a_few_kinds_holds_with_a_crash_at_every_point(
    kinds: tuple[str, ...], events: int, points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each kind once a report; resends and repeated proofs are among the stories of four events.
    monkeypatch.setattr(exhaustive, "MOST", NONE | dict.fromkeys(kinds, 1))
    search = Search().run(events)
    print(f"{kinds}: {search.points} states, {search.merged} met again")
    assert search.points > points
