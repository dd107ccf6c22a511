"""Every state that a release has left behind is read by this one, and goes on as if nothing had happened."""

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.core.books import Books
from streams.core.events import MISSING_TYPE, RECOVERED_TYPE, event_id
from streams.engine.processor import Processor
from streams.engine.snapshot import Restored
from streams.errors import StateUnreadable
from streams.records.coverage import Applied
from streams.settings import Settings
from tests.engine.conftest import MakeWorld
from tests.system.faults.frozen import FOLDER, Frozen, announcements, go_on, read_frozen, rules_of, write_frozen

OF_BEFORE = FOLDER / "state-v1.json.gz"  # whose rows know no windows: it is refused
STATES = sorted(set(FOLDER.glob("*.json.gz")) - {OF_BEFORE})


@pytest.fixture(params=STATES, ids=[path.name.removesuffix(".json.gz") for path in STATES])
def frozen(request: pytest.FixtureRequest) -> Frozen:
    """One frozen state after the other."""
    return read_frozen(request.param)


STATE, COVERAGE = TopicPartition("reports.state", 0), TopicPartition("reports.coverage", 0)


def _records(values: dict[str, str]) -> Any:
    return [
        SimpleNamespace(offset=n, key=key.encode(), value=value.encode())
        for n, (key, value) in enumerate(values.items())
    ]


async def test_a_frozen_state_goes_on_as_its_own_release_did(frozen: Frozen) -> None:
    restored = Restored(STATE, COVERAGE)
    restored.take(STATE, _records(frozen.state))
    restored.take(COVERAGE, _records(frozen.coverage))
    rules = rules_of(frozen.policy)
    assert restored.coverage is not None
    restored.coverage.applied.setdefault(Settings().decisions, Applied(0))  # as a restore does: it is of before them
    deadlines = await restored.deadlines(rules)  # raises unless the books count exactly these rows
    one = Processor(Settings(), rules, restored.rows, Books(restored.books.items()), restored.coverage, deadlines)
    assert announcements(go_on(one, frozen.next_lines)) == frozen.announced


@pytest.mark.parametrize(("place", "name"), [(STATE, "state"), (COVERAGE, "coverage")])
def test_state_of_before_is_refused_with_one_sentence(place: TopicPartition, name: str) -> None:
    records = _records(getattr(read_frozen(OF_BEFORE), name))
    with pytest.raises(StateUnreadable, match="start anew under another application id"):
        Restored(STATE, COVERAGE).take(place, records)


def test_a_frozen_state_holds_rows_of_every_status_and_of_those_on_their_way(frozen: Frozen) -> None:
    rows = [orjson.loads(value) for value in frozen.state.values()]
    assert {row["status"] for row in rows} >= {"pending", "stored", "missing", "recovered"}
    assert any(row["held"] for row in rows)
    kinds = {orjson.loads(value)["type"] for value in frozen.announced}
    assert kinds == {MISSING_TYPE, RECOVERED_TYPE}


def test_there_is_a_frozen_state_and_none_is_ever_written_anew() -> None:
    assert STATES
    with pytest.raises(FileExistsError, match="is frozen"):
        write_frozen(STATES[0])


@pytest.mark.kafka
async def test_a_worker_takes_a_frozen_state_over_and_recovers_its_missing_reports(
    frozen: Frozen, make_world: MakeWorld
) -> None:
    world = await make_world(partitions=1)
    Path(world.environment["MELDINGSVAKT_POLICY"]).write_text(frozen.policy)
    async with AIOKafkaProducer(bootstrap_servers=world.kafka.brokers) as producer:
        for key, text in frozen.state.items():
            await producer.send(f"{world.name}.state", _elsewhere(text, world.name), key=key.encode(), partition=0)
        for key, text in frozen.coverage.items():
            await producer.send(f"{world.name}.coverage", _elsewhere(text, world.name), key=key.encode(), partition=0)
        await producer.flush()
    await world.worker().ready(60)
    missing = [row for row in map(orjson.loads, frozen.state.values()) if row["status"] == "missing"]
    async with world.announcements() as announced:
        for row in missing:
            await world.stored(row["report_id"])
        wanted = {row["report_id"]: row for row in missing}
        found: dict[str, Any] = {}
        while set(found) != set(wanted):
            event = await announced.next()
            if event["type"] == RECOVERED_TYPE and event["report_id"] in wanted:
                found[event["report_id"]] = event
    for report_id, event in found.items():
        alarm_at = datetime.fromisoformat(wanted[report_id]["alarm_at"])
        assert event["missing_event_id"] == wanted[report_id]["missing_event_id"]
        assert event["event_id"] == event_id(report_id, RECOVERED_TYPE, alarm_at)


def _elsewhere(text: str, name: str) -> bytes:
    """A record of the frozen topics on topics of another name, whose inputs begin anew."""
    value = orjson.loads(text.replace('"reports.', f'"{name}.'))
    if value.get("kind") == "coverage":
        value["applied"] = {
            topic: applied | {"next_offset": 0, "last_record": None} for topic, applied in value["applied"].items()
        }
    return orjson.dumps(value)
