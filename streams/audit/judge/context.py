"""What the reports of an audit are judged by: the policy, the end of time, and what the evidence covers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from streams.audit.facts import FactKind
from streams.audit.judge.coverage import EvidenceCoverage, Stretch
from streams.audit.judge.hearing import HeardMark, heard
from streams.audit.judge.verdict import JudgeContext, TopicSights
from streams.audit.load.timestamps import microseconds, time_of
from streams.core.facts import FeedMark, Place
from streams.core.policy import Policy
from streams.core.rules import Limits, Rules
from streams.core.sight import Lost, Sight
from streams.data import succession
from streams.policies import load_policy

TABLES = """
CREATE TABLE IF NOT EXISTS stretches (source SMALLINT, kind UTINYINT, municipality VARCHAR, case_system VARCHAR,
    since BIGINT, until BIGINT);
CREATE TABLE IF NOT EXISTS ends (until BIGINT);
"""


def keep(
    connection: duckdb.DuckDBPyConnection, found: Iterable[tuple[int, FactKind, Stretch]], until: datetime
) -> None:
    """Write down what the evidence covers and where time ends, for whoever judges."""
    connection.execute(TABLES)
    for source, kind, one in found:
        row: Sequence[Any] = (
            source, kind.value, one.municipality, one.case_system, microseconds(one.since), microseconds(one.to)
        )  # fmt: skip
        connection.execute("INSERT INTO stretches VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO ends VALUES (?)", [microseconds(until)])


def until_of(connection: duckdb.DuckDBPyConnection) -> datetime:
    """Where time ends: nothing that arrives from then on is known."""
    return time_of(connection.sql("SELECT until FROM ends").fetchall()[0][0])


def ground_of(connection: duckdb.DuckDBPyConnection, *, policy: Path | None, limits: Limits) -> JudgeContext:
    """What was written down, as the judge needs it."""
    rules = Rules(load_policy(policy), succession(), limits)
    rows = connection.sql("SELECT kind, municipality, case_system, since, until FROM stretches").fetchall()
    by_kind = {
        wanted: [
            Stretch(municipality, case_system, time_of(since), time_of(until))
            for kind, municipality, case_system, since, until in rows
            if kind == wanted.value
        ]
        for wanted in (FactKind.STORED, FactKind.RECEIPT)
    }
    stored, receipts = (
        EvidenceCoverage(by_kind[kind], rules.municipalities) for kind in (FactKind.STORED, FactKind.RECEIPT)
    )
    return JudgeContext(rules, until_of(connection), stored, receipts, topic_sights(connection, rules.policy))


def topic_sights(connection: duckdb.DuckDBPyConnection, policy: Policy) -> TopicSights | None:
    """What feeds say and what of the topics nobody can read; None where neither topics nor lists of marks were read.

    Of a list nobody knows the partitions: its marks count in all of them.
    """
    read = connection.sql("SELECT partitions FROM heard").fetchall()
    said, listed = _said(connection)
    if not read and not listed:
        return None
    lost: defaultdict[int, list[Lost]] = defaultdict(list)
    for partition, since, until in connection.sql(
        'SELECT "partition", since, until FROM losses ORDER BY ALL'
    ).fetchall():
        lost[partition].append(Lost(time_of(since), None if until is None else time_of(until)))
    everywhere = heard(listed, policy)
    sights = {}
    for number in {*lost, *said}:
        marks = sorted([*said[number], *listed], key=lambda one: one.mark.place.arrived)
        sights[number] = Sight(heard(marks, policy), tuple(lost[number]))
    if read:
        return TopicSights(read[0][0], sights, Sight(everywhere))
    return TopicSights(1, sights, Sight(everywhere), everywhere.vouching)


def _said(connection: duckdb.DuckDBPyConnection) -> tuple[defaultdict[int, list[HeardMark]], list[HeardMark]]:
    """The marks on topics by their partitions, in their order; and those of lists."""
    said: defaultdict[int, list[HeardMark]] = defaultdict(list)
    listed: list[HeardMark] = []
    for partition, offset, feed, arrived, until, claimed, proofs in connection.sql(
        "SELECT part, line, feed, arrived, vouched_until, claimed, proofs FROM marks ORDER BY part, line"
    ).fetchall():
        place = Place(time_of(arrived), "stored", partition, offset)
        into = listed if partition is None else said[partition]
        into.append(HeardMark(FeedMark(feed, place, time_of(until), claimed), proofs or 0))
    listed.sort(key=lambda one: one.mark.place.arrived)
    return said, listed
