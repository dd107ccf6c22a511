"""Six events of two reports in every order: alphabets so small that each is searched to its end with every test run."""

import pytest

from tests.virtual import exhaustive
from tests.virtual.exhaustive import Search

NONE = dict.fromkeys(exhaustive.KINDS, 0)


@pytest.mark.parametrize("kinds", [("sent", "receipt", "stored"), ("sent", "stored", "elsewhere")])
def test_every_story_of_six_events_holds_with_a_crash_at_every_point(
    kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each kind once a report; resends and repeated proofs are among the stories of four events.
    monkeypatch.setattr(exhaustive, "MOST", NONE | dict.fromkeys(kinds, 1))
    search = Search().run(6)
    print(f"{kinds}: {search.points} states, {search.merged} met again")
    assert search.points > 20_000
