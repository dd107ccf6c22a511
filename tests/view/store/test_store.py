"""The tables: what is applied, what is refused, and what one reads meanwhile."""

import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streams.errors import ConfigurationError
from streams.view.store.changes import TopicPlace
from streams.view.store.store import Store
from tests.view.conftest import MEMORY
from tests.view.filled import LOSS, ask
from tests.view.stock import (
    COVERAGE,
    MISSING,
    STATE,
    after,
    bare,
    books,
    changes,
    coverage,
    decided,
    event_id,
    filled,
    missing,
    recovered,
    report_id,
    state,
)


def statuses(store: Store) -> dict[str, str]:
    return {str(identity): status for identity, status in ask(store, "SELECT report_id, status FROM reports")}


def test_a_row_takes_the_place_of_the_one_before_it(store: Store) -> None:
    filled(store, changes([state(1), state(2)]), changes([state(1, "missing")], at=2))
    assert statuses(store) == {report_id(1): "missing", report_id(2): "pending"}


def test_a_tombstone_erases_here_too(store: Store) -> None:
    filled(store, changes([state(1), state(2)]), changes(gone=[1, 3], at=2))
    assert statuses(store) == {report_id(2): "pending"}


def test_missing_and_recovered_are_announced_in_order(store: Store) -> None:
    filled(store, changes(events=[missing(1), missing(2)]), changes(events=[recovered(1)], at=2))
    rows = ask(store, 'SELECT type, CAST(report_id AS VARCHAR), "offset" FROM announcements ORDER BY "offset"')
    assert rows == [("missing", report_id(1), 0), ("missing", report_id(2), 1), ("recovered", report_id(1), 2)]


def test_of_a_report_that_was_erased_by_decision_nothing_is_left(store: Store) -> None:
    """Neither a row nor what was announced of it, whichever of the two is read first."""
    erased = bare(1, status="erased", touched_at=after(days=1))
    filled(store, changes([state(1, "missing"), state(2, "missing")], [missing(1), missing(2)], at=0))
    filled(store, changes([erased], [decided(1)], at=10))
    assert ask(store, "SELECT count(*) FROM reports") == ask(store, "SELECT count(*) FROM announcements") == [(1,)]
    filled(store, changes([], [recovered(1), recovered(2)], at=20))
    assert ask(store, "SELECT DISTINCT CAST(report_id AS VARCHAR) FROM announcements") == [(report_id(2),)]
    filled(store, changes(gone=[1], at=30))
    assert ask(store, "SELECT count(*) FROM erased_reports") == [(0,)]


def test_an_event_id_that_is_known_already_says_nothing_new(store: Store) -> None:
    row = state(1, "missing")
    filled(store, changes([row], [missing(1), missing(1)]), changes([row], [missing(1), recovered(1)], at=2))
    assert ask(store, 'SELECT "offset" FROM announcements ORDER BY "offset"') == [(0,), (3,)]
    assert ask(store, "SELECT count(*) FROM missing_now") == [(1,)]


def test_announcements_that_kafka_has_dropped_are_dropped(store: Store) -> None:
    filled(store, changes(events=[missing(number) for number in range(5)]))
    tag = store.tag
    store.forget_announcements({TopicPlace(MISSING, 0): 3, TopicPlace(MISSING, 1): 9})
    assert ask(store, 'SELECT "offset" FROM announcements ORDER BY "offset"') == [(3,), (4,)]
    assert store.tag != tag


def test_coverage_and_losses_are_those_of_the_last_record_of_their_partition(store: Store) -> None:
    gap = {"since": after(minutes=1), "cause": "no_marks"}
    filled(
        store,
        changes(spoken=[coverage(0, after(), partitions=2, losses=[LOSS], gap=gap)]),
        changes(spoken=[coverage(1, after(hours=1), partitions=2)], at=1),
    )
    assert ask(store, "SELECT complete_until = TIMESTAMPTZ '2026-03-02 09:00Z', gaps, losses FROM trust") == [
        (True, 1, 1)
    ]
    filled(store, changes(spoken=[coverage(0, after(hours=2), partitions=2)], at=2))
    assert ask(store, "SELECT complete_until = TIMESTAMPTZ '2026-03-02 10:00Z', gaps, losses FROM trust") == [
        (True, 0, 0)
    ]


@pytest.mark.parametrize(
    "spoken",
    [[], [coverage(0, after(), partitions=2)], [coverage(0, after(), partitions=2), coverage(1, None, partitions=2)]],
)
def test_it_is_not_known_to_be_complete_before_every_partition_is(store: Store, spoken: list[Any]) -> None:
    filled(store, changes(spoken=spoken))
    assert ask(store, "SELECT complete_until FROM trust") == [(None,)]


def test_books_of_a_receiver_are_added_up_over_the_partitions(store: Store) -> None:
    spoken = [books(stored=3, partition=0), books(stored=4, missing=1, partition=1), books(None, unexpected=2)]
    filled(store, changes(spoken=spoken), changes(spoken=[books(stored=5, partition=0)], at=3))
    rows = ask(store, "SELECT municipality, sent, stored, unexpected, difference FROM balance ORDER BY 1")
    assert rows == [("0301", 10, 9, 0, 0), (None, 0, 0, 2, 0)]


def test_positions_and_rows_are_there_again_after_reopening_a_file(file: Path) -> None:
    store = Store(file, MEMORY)
    store.begin("reports", "a cluster")
    filled(store, changes([state(1), state(2)], [missing(1)], [coverage(until=after())]))
    store.close()
    again = Store(file, MEMORY)
    assert again.positions() == {TopicPlace(STATE, 0): 2, TopicPlace(MISSING, 0): 1, TopicPlace(COVERAGE, 0): 1}
    assert statuses(again) == {report_id(1): "pending", report_id(2): "pending"}
    about = again.about()
    assert about is not None
    assert (about.application, about.cluster) == ("reports", "a cluster")
    assert isinstance(about.applied_at, datetime)
    again.close()


def test_tables_that_are_built_anew_are_as_new_ones(store: Store) -> None:
    store.begin("reports", "a cluster")
    filled(store, changes([state(1)], [missing(1)], [coverage(until=after()), books(stored=1)]))
    store.rebuild()
    for table in ("reports", "announcements", "coverage", "losses", "books", "positions", "about"):
        assert ask(store, f"SELECT count(*) FROM {table}") == [(0,)]
    assert ask(store, "SELECT count(*) > 300 FROM municipalities") == [(True,)]
    filled(store, changes([state(2)]))
    assert statuses(store) == {report_id(2): "pending"}


def test_tables_of_another_schema_are_made_anew(file: Path) -> None:
    store = filled(Store(file, MEMORY), changes([state(1)]))
    store.begin("reports", "a cluster")
    store.connection.execute("UPDATE about SET schema_version = 0; ALTER TABLE positions RENAME next_offset TO upto")
    store.close()
    again = filled(Store(file, MEMORY), changes([state(2)]))
    assert statuses(again) == {report_id(2): "pending"}
    assert again.about() is None
    again.close()


WRITER = """
import sys
from pathlib import Path
from streams.view.store.store import Store
from tests.view.stock import changes, event_id, missing, state
store = Store(Path(sys.argv[1]), "200MB", threads=1)
store.begin("reports", "a cluster")
for number in range(100_000):
    store.apply(changes([state(number), state(0, attempts=number)], [missing(number)], at=number))
    print(number, flush=True)
"""


def test_kill_9_in_the_middle_of_many_applies_leaves_rows_and_positions_that_belong_together(file: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(40)][-1]
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait()
    writer.stdout.close()
    said = int(rest[-1]) if rest else said
    store = Store(file, MEMORY)
    last = store.positions()[TopicPlace(MISSING, 0)] - 1
    assert last in (said, said + 1)
    assert store.positions()[TopicPlace(STATE, 0)] == last + 2
    assert ask(store, "SELECT count(*), max(attempts) FROM reports") == [(max(last, 1) + 1, last)]
    assert ask(store, "SELECT count(*) FROM announcements") == [(last + 1,)]
    store.close()


HOLDER = """
import sys
from pathlib import Path
from streams.view.store.store import Store
store = Store(Path(sys.argv[1]), "200MB")
print("open", flush=True)
sys.stdin.read()
"""


def test_a_file_that_another_process_has_open_gives_one_clear_sentence(file: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(ConfigurationError) as error:
            Store(file, MEMORY)
        holder.kill()
    assert str(error.value) == (
        f"{file} is open in another process: end it, or set MELDINGSVAKT_VIEW_FILE to another file."
    )


def test_a_file_that_is_no_database_gives_one_clear_sentence(tmp_path: Path) -> None:
    file = tmp_path / "blocks.txt"  # a lock in its name is none
    file.write_text("what is this? " * 1000)
    with pytest.raises(ConfigurationError, match=r"cannot be opened \(.*not a valid DuckDB.*\): set MELDINGSVAKT_VIEW"):
        Store(file, MEMORY)


def test_a_file_in_no_folder_gives_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Store(tmp_path / "none" / "view.duckdb", MEMORY)


def test_readers_see_one_moment_while_a_writer_goes_on(store: Store) -> None:
    filled(store, changes([state(number, attempts=0) for number in range(50)]))
    done = threading.Event()

    def write() -> None:
        for turn in range(1, 30):
            store.apply(changes([state(number, attempts=turn) for number in range(50)], at=50 * turn))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        with store.reading() as cursor:
            first = cursor.execute("SELECT min(attempts), max(attempts), count(*) FROM reports").fetchall()
            again = cursor.execute("SELECT min(attempts), max(attempts), count(*) FROM reports").fetchall()
            positions = cursor.execute("SELECT next_offset FROM positions").fetchall()
        ((least, most, count),) = first
        assert (least, count, again) == (most, 50, first)
        assert positions == [(50 * (least + 1),)]
        seen.add(least)
    writer.join()
    assert len(seen) > 1


def test_a_reader_can_change_nothing(store: Store) -> None:
    with store.reading() as cursor, pytest.raises(duckdb.Error, match="read-only"):
        cursor.execute("DELETE FROM reports")


# Without shrinking: each example opens files.
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
BATCHES = st.lists(
    st.one_of(
        st.just("restart"),
        st.dictionaries(st.integers(0, 7), st.none() | st.sampled_from(["pending", "stored", "missing"]), max_size=5),
    ),
    max_size=8,
)


@settings(max_examples=12, deadline=None, phases=QUICK)
@given(batches=BATCHES)
def test_the_table_is_what_a_plain_dict_would_be(tmp_path_factory: pytest.TempPathFactory, batches: list[Any]) -> None:
    file = tmp_path_factory.mktemp("model") / "view.duckdb"
    store, model, at = Store(file, MEMORY, threads=1), dict[str, str | None](), 0
    store.begin("reports", "a cluster")
    for batch in batches:
        if batch == "restart":
            store.close()
            store = Store(file, MEMORY, threads=1)
            continue
        rows = [state(number, status) for number, status in batch.items() if status]
        gone = [number for number, status in batch.items() if status is None]
        store.apply(changes(rows, gone=gone, at=at))
        at += len(batch)
        model |= {report_id(number): status for number, status in batch.items()}
    assert statuses(store) == {identity: status for identity, status in model.items() if status}
    assert store.positions() == ({TopicPlace(STATE, 0): at} if at else {})
    store.close()


def test_an_event_knows_the_report_that_it_is_about(store: Store) -> None:
    filled(store, changes([state(1, "missing")], [missing(1)]))
    assert ask(store, "SELECT CAST(missing_event_id AS VARCHAR) FROM reports") == [(event_id(1),)]
