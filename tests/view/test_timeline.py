"""A report's time line, of rows as the API gives them."""

from typing import Any

from streams.view.queries.timeline import timeline
from streams.view.services import Desk
from tests.view.stock import START, after, bare, changes, decided, event_id, missing, place, recovered, report_id, state


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
        "topic": "reports.receipt", "partition": 0, "offset": 7,
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
    row = dict.fromkeys(
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
