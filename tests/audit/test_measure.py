"""What a source covers, where nobody declared it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from streams.audit.facts import TABLES, FactKind, NamesTable
from streams.audit.judge.coverage import Stretch
from streams.audit.judge.measure import EVER, stretches
from streams.audit.load.load import Found
from streams.audit.load.timestamps import microseconds
from streams.core.facts import Receiver
from streams.core.row import NAMELESS
from streams.sources.plan import Covers

T0 = datetime(2022, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return T0 + timedelta(days=number)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Proofs: Bergen's under its old number on day 1 and its new one on day 9, Oslo's on day 4, and one whose receiver
    only the sent tells, Stavanger, on day 5."""
    with duckdb.connect() as made:
        made.execute(TABLES)
        made.execute("CREATE TABLE sorted AS FROM facts")
        names = NamesTable(made)
        for report, kind, at, municipality in [
            (1, 2, 1, "1201"), (2, 2, 9, "4601"), (3, 2, 4, "0301"), (4, 0, 5, "1103"), (4, 2, 5, None),
        ]:  # fmt: skip
            number = names.id_of(NAMELESS._replace(receiver=Receiver(municipality) if municipality else None))
            us = microseconds(day(at))
            made.execute(
                "INSERT INTO sorted (report_id, kind, source, line, arrived, names) VALUES (?, ?, 0, ?, ?, ?)",
                [f"00000000-0000-4000-8000-{report:012}", kind, report, us, number],
            )
        names.write()
        yield made


def found(covers: Covers | None = None, *warnings: str) -> Found:
    first, last = microseconds(day(1)), microseconds(day(9))
    return Found(0, "stored", "s.csv", "csv", 4, 4, 0, False, first, last, list(warnings), covers=covers)


def of(connection: duckdb.DuckDBPyConnection, one: Found, until: datetime | None = None) -> set[Stretch]:
    return set(stretches(connection, FactKind.STORED, one, until))


def test_each_receiver_is_covered_from_its_first_proof_to_its_last_and_a_new_number_is_no_gap(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert of(connection, found()) == {
        Stretch("4601", None, day(1), day(9)), Stretch("0301", None, day(4), day(4)),
        Stretch("1103", None, day(5), day(5)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("covers", "stretch"),
    [
        (Covers(receivers="all"), Stretch(None, None, day(1), day(9))),
        (Covers(receivers=("4601",), case_systems=("X",)), Stretch("4601", "X", day(1), day(9))),
        (Covers(receivers="all", since=day(-9), to=day(99)), Stretch(None, None, day(-9), day(99))),
    ],
)
def test_what_is_declared_counts_and_what_is_not_is_measured(
    connection: duckdb.DuckDBPyConnection, covers: Covers, stretch: Stretch
) -> None:
    assert of(connection, found(covers)) == {stretch}


def test_times_may_be_declared_for_receivers_that_are_measured(connection: duckdb.DuckDBPyConnection) -> None:
    made = of(connection, found(Covers(since=day(0), to=day(10))))
    assert {(one.municipality, one.since, one.to) for one in made} == {
        (municipality, day(0), day(10)) for municipality in ("4601", "0301", "1103")
    }


def test_where_a_file_was_cut_off_nothing_after_its_end_is_covered(connection: duckdb.DuckDBPyConnection) -> None:
    declared = Covers(receivers="all", to=day(99))
    assert of(connection, found(declared, "cut_off")) == {Stretch(None, None, day(1), day(9))}
    assert of(connection, found(Covers(receivers="all", to=day(5)), "cut_off")) == {Stretch(None, None, day(1), day(5))}


def test_claims_need_no_measuring_by_receiver(connection: duckdb.DuckDBPyConnection) -> None:
    assert list(stretches(connection, FactKind.RECEIPT, found(), None)) == [Stretch(None, None, day(1), day(9))]


def test_topics_are_covered_by_their_offsets(connection: duckdb.DuckDBPyConnection) -> None:
    topic = found()._replace(certain=True, covers=None, to=microseconds(day(8)))
    assert of(connection, topic) == {Stretch(None, None, EVER, day(8))}
    assert of(connection, topic._replace(since=microseconds(day(2)))) == {Stretch(None, None, day(2), day(8))}
    assert of(connection, topic, day(20)) == {Stretch(None, None, EVER, day(20))}
    assert of(connection, topic._replace(to=None)) == set()


def test_a_source_without_facts_covers_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    assert of(connection, found(Covers(receivers="all"))._replace(first=None, last=None)) == set()
