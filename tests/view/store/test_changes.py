"""What is taken from the topics, and what is refused, named by its place."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from streams.errors import StateUnreadable
from streams.view.store.changes import Changes, TopicPlace
from streams.view.store.store import Store
from tests.view.stock import (
    COVERAGE,
    MISSING,
    STATE,
    Record,
    books,
    changes,
    coverage,
    event_record,
    missing,
    report_id,
    state,
    state_record,
    tombstone,
)

ID = report_id(1).encode()
ALIEN = b'{"version":2,"report_id":"x"}'


def without(value: dict[str, Any], name: str) -> bytes:
    return orjson.dumps({key: field for key, field in value.items() if key != name})


def test_the_last_record_of_a_report_is_what_is_said_of_it() -> None:
    made = changes([state(1), state(2), state(1, "stored")], gone=[2])
    assert made.states[ID].offset == 2
    assert made.states[report_id(2).encode()].value is None


def test_nothing_taken_is_nothing_to_do() -> None:
    assert not Changes()
    assert changes([state(1)])
    assert changes(spoken=[coverage()])


def test_the_last_coverage_of_a_partition_and_the_last_books_of_a_receiver_hold() -> None:
    made = changes(spoken=[coverage(0), coverage(1), books(stored=1), books(stored=2), books(None), coverage(0)])
    assert made.coverage.keys() == {0, 1}
    assert made.books[0, "0301"]["stored"] == 2
    assert (0, None) in made.books


UNREADABLE: list[tuple[str, Callable[[Changes, TopicPlace, list[Any]], None], Record]] = [
    (STATE, Changes.take_states, Record(7, None, orjson.dumps(state(1)))),
    (STATE, Changes.take_states, Record(7, ID, ALIEN)),
    (STATE, Changes.take_states, Record(7, ID, b"")),
    (STATE, Changes.take_states, Record(7, ID, orjson.dumps(state(2)))),
    (STATE, Changes.take_states, Record(7, b"none of ours", None)),
    (STATE, Changes.take_states, Record(7, b"\xff" * 36, None)),
    (MISSING, Changes.take_events, Record(7, ID, None)),
    (MISSING, Changes.take_events, Record(7, ID, b"{")),
    (MISSING, Changes.take_events, Record(7, ID, without(missing(1), "alarm_at"))),
    (MISSING, Changes.take_events, event_record(missing(1), 7, recorded="yesterday")),
    (MISSING, Changes.take_events, Record(7, ID, orjson.dumps(missing(1)), [("ce_recordedtime", b"\xff")])),
    (COVERAGE, Changes.take_coverage, Record(7, b"0", None)),
    (COVERAGE, Changes.take_coverage, Record(7, b"0", b"[]")),
    (COVERAGE, Changes.take_coverage, Record(7, b"0", b'{"kind":"coverage","partition":0}')),
    (COVERAGE, Changes.take_coverage, Record(7, b"0", without(books(), "stored"))),
]


@pytest.mark.parametrize(("topic", "take", "record"), UNREADABLE)
def test_a_record_that_cannot_be_read_is_named_by_its_place(topic: str, take: Any, record: Record) -> None:
    with pytest.raises(StateUnreadable, match=f"^{topic}-3 offset 7 cannot be read .*: run the view in the version"):
        take(Changes(), TopicPlace(topic, 3), [record])


BROKEN = {
    "no status": without(state(2), "status"),
    "an unknown status": orjson.dumps(state(2) | {"status": "lost"}),
    "an unknown reason": orjson.dumps(state(2) | {"reason": "mice"}),
    "no time": orjson.dumps(state(2) | {"sent_at": "noon"}),
    "no number": orjson.dumps(state(2) | {"attempts": "many"}),
    "no list": orjson.dumps(state(2) | {"flags": "x"}),
    "no receiver": orjson.dumps(state(2) | {"receiver": 301}),
    "cut off": orjson.dumps(state(2))[:-20],
    "no text": orjson.dumps(state(2)).replace(b"FIKS_IO", b"FIKS\xff\xfe"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_batch_with_one_row_that_cannot_be_read_changes_nothing(store: Store, broken: bytes) -> None:
    store.apply(changes([state(1)]))
    batch, place, tag = changes([state(1, "stored")], at=1), TopicPlace(STATE, 0), store.tag
    batch.take_states(place, [Record(8, report_id(2).encode(), broken)])
    batch.positions[place] = 9
    with pytest.raises(StateUnreadable, match=r"^reports\.state-0 offset 8 cannot be read"):
        store.apply(batch)
    with store.reading() as cursor:
        assert cursor.execute("SELECT status FROM reports").fetchall() == [("pending",)]
    assert (store.positions(), store.tag) == ({place: 1}, tag)
    store.apply(changes([state(3)], at=1))
    assert store.positions() == {place: 2}


def test_what_comes_after_an_erased_row_is_a_row_again(store: Store) -> None:
    batch = Changes()
    batch.take_states(
        TopicPlace(STATE, 0), [state_record(state(1)), tombstone(1, 1), state_record(state(1, "stored"), 2)]
    )
    store.apply(batch)
    with store.reading() as cursor:
        assert cursor.execute("SELECT status FROM reports").fetchall() == [("stored",)]
