"""A report's time line, of rows as the API gives them."""

from typing import Any

from streams.view.queries.timeline import timeline
from streams.view.services import Desk
from tests.view.stock import (
    START,
    after,
    bare,
    changes,
    coverage,
    decided,
    event_id,
    missing,
    place,
    recovered,
    report_id,
    state,
    word,
)


async def told(desk: Desk, client: Any, row: dict[str, Any], *events: dict[str, Any]) -> list[dict[str, Any]]:
    desk.store.apply(changes([row], events))
    answer = await client.get(f"/api/v1/reports/{row['report_id']}")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["timeline"]
    return found


async def test_of_a_report_of_which_nothing_is_known_there_is_nothing_to_tell(desk: Desk, client: Any) -> None:
    assert await told(desk, client, bare(1)) == []


async def test_it_tells_each_deciding_fact_with_its_place_and_arrival(desk: Desk, client: Any) -> None:
    line = await told(
        desk, client, state(1, "stored", receipt="MOTTATT", receipt_record=place("receipt", 7, after(minutes=2)))
    )
    assert [moment["what"] for moment in line] == ["sent", "receipt", "stored", "due", "alarm"]
    by_what = {moment["what"]: moment for moment in line}
    assert by_what["receipt"] == {
        "at": after(minutes=2), "what": "receipt", "arrived": after(minutes=2), "says": "MOTTATT",
        "topic": "reports.receipt", "partition": 0, "offset": 7, "episode": None, "channel": None, "feed": None,
        "vouched_until": None, "decision_id": None,
    }  # fmt: skip
    assert (by_what["stored"]["says"], by_what["stored"]["arrived"]) == ("READ_BACK", after(minutes=3))
    assert (by_what["due"]["topic"], by_what["due"]["arrived"]) == (None, None)


async def test_it_tells_what_was_announced_and_where_that_lies(desk: Desk, client: Any) -> None:
    line = await told(desk, client, state(1, "recovered"), missing(1), recovered(1))
    announced = [moment for moment in line if moment["topic"] == "reports.missing"]
    assert [(moment["what"], moment["at"], moment["offset"], moment["says"]) for moment in announced] == [
        ("missing", after(minutes=126), 0, "no_receipt"),
        ("recovered", after(minutes=301), 1, "stored_late"),
    ]


async def test_it_is_in_the_order_of_time_and_at_one_moment_in_the_order_of_cause(desk: Desk, client: Any) -> None:
    line = await told(desk, client, state(1, "recovered"), missing(1), recovered(1))
    assert [moment["at"] for moment in line] == sorted(moment["at"] for moment in line)
    assert [moment["what"] for moment in line][-3:] == ["alarm", "missing", "recovered"]


async def test_it_tells_what_people_decided_and_that_it_is_still_missing(desk: Desk, client: Any) -> None:
    row = state(1, "missing", outcome="handled", closed_at=after(minutes=401))
    events = missing(1), decided(1), decided(1, None, at=300), decided(1, at=400)
    line = await told(desk, client, row, *events)
    assert [(moment["what"], moment["at"], moment["says"]) for moment in line][-4:] == [
        ("missing", after(minutes=126), "no_receipt"),
        ("closed", after(minutes=201), "handled"),
        ("reopened", after(minutes=301), None),
        ("closed", after(minutes=401), "handled"),
    ]
    report = (await client.get(f"/api/v1/reports/{row['report_id']}")).json()["report"]
    assert (report["status"], report["outcome"], report["episode"]) == ("missing", "handled", 1)


def test_where_the_time_of_a_fact_cannot_be_read_its_arrival_stands() -> None:
    row: dict[str, Any] = dict.fromkeys(
        ("sent_at", "stored_at", "receipt", "evidence", "due_at", "alarm_at", "receipt_arrived", "stored_arrived")
    )
    row |= {"sent_arrived": after(), "sent_topic": "t", "sent_partition": 0, "sent_offset": 3}
    (moment,) = timeline(row, [], "reports.missing")
    assert (moment["at"], moment["what"], moment["offset"]) == (START, "sent", 3)


async def test_the_announcements_of_others_are_not_told(desk: Desk, client: Any) -> None:
    desk.store.apply(changes(events=[missing(2)]))
    line = await told(desk, client, state(1, "missing", missing_event_id=event_id(1)))
    assert "missing" not in [moment["what"] for moment in line]
    assert report_id(2) not in str(line)


AGAIN = {"event_id": event_id(70), "episode": 2, "previous_event_id": event_id(1), "channel": "PRINT"}
LATER = {"due_at": after(minutes=1500), "alarm_at": after(minutes=1505)}


def windows(line: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What closes when: number, route, time."""
    return [(one["episode"], one["channel"], one["at"]) for one in line if one["what"] == "alarm"]


async def test_it_tells_each_window_once_with_its_route(desk: Desk, client: Any) -> None:
    row = state(1, "missing", episode=2, missing_event_id=event_id(70), channel="PRINT", **LATER)
    line = await told(desk, client, row, missing(1), missing(1, **AGAIN, **LATER))
    assert windows(line) == [(1, "FIKS_IO", after(minutes=126)), (2, "PRINT", LATER["alarm_at"])]
    said = [(one["what"], one["episode"]) for one in line]
    assert said == [("sent", None), *((what, n) for n in (1, 2) for what in ("due", "alarm", "missing"))]


async def test_a_window_that_is_open_after_an_alarm_is_the_next(desk: Desk, client: Any) -> None:
    row = state(1, "missing", channel="PRINT", **LATER)
    line = await told(desk, client, row, missing(1))
    assert windows(line) == [(1, "FIKS_IO", after(minutes=126)), (2, "PRINT", LATER["alarm_at"])]
    assert [one["what"] for one in line][-2:] == ["due", "alarm"]


async def test_the_number_of_a_window_is_not_guessed_where_its_announcement_is_gone(desk: Desk, client: Any) -> None:
    row = state(1, "missing", episode=2, missing_event_id=event_id(70), **LATER)
    assert windows(await told(desk, client, row)) == [(None, "FIKS_IO", LATER["alarm_at"])]


async def test_it_tells_by_which_word_of_a_feed_a_report_was_judged(desk: Desk, client: Any) -> None:
    first = missing(1, feed={"id": "flyt-bergen", "vouched_until": after(minutes=123)})
    second = missing(1, **AGAIN, **LATER, reason="unwatched", feed={"id": "flyt-bergen", "vouched_until": None})
    row = state(1, "missing", episode=2, missing_event_id=event_id(70), feed="flyt-bergen", **LATER)
    desk.store.apply(changes(spoken=[coverage(0, after(days=2), feeds={"flyt-bergen": word(2000, 2010)})]))
    line = await told(desk, client, row, first, second)
    (mark,) = [one for one in line if one["what"] == "vouched"]
    assert (mark["at"], mark["feed"], mark["episode"]) == (after(minutes=123), "flyt-bergen", 1)
    assert [one["what"] for one in line][1:4] == ["due", "vouched", "alarm"]
    judged = [(one["feed"], one["vouched_until"]) for one in line if one["what"] == "missing"]
    assert judged == [("flyt-bergen", after(minutes=123)), ("flyt-bergen", None)]


async def test_of_a_report_that_waits_it_tells_the_word_in_its_own_partition(desk: Desk, client: Any) -> None:
    feeds = {"nightly": word(60, 70)}, {"nightly": word(90, 95)}
    spoken = [coverage(n, after(days=1), partitions=2, feeds=words) for n, words in enumerate(feeds)]
    desk.store.apply(changes(spoken=spoken))
    for number, status, times in ((1, "pending", 1), (2, "undetermined", 1), (3, "stored", 0), (4, "unproven", 0)):
        line = await told(desk, client, state(number, status, feed="nightly"))
        marks = [(one["at"], one["arrived"], one["episode"]) for one in line if one["what"] == "vouched"]
        assert marks == [(after(minutes=60), after(minutes=70), 1)] * times, status


async def test_a_decision_is_named_so_that_its_record_can_tell_who(desk: Desk, client: Any) -> None:
    line = await told(desk, client, state(1, "missing"), missing(1), decided(1), decided(1, None, at=300))
    named = {one["what"]: one["decision_id"] for one in line if one["decision_id"]}
    assert named == dict.fromkeys(("closed", "reopened"), report_id(70_000_000))
