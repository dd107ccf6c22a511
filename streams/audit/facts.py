"""The facts of an audit as a table: what every source says, in few bytes a fact, for DuckDB to sort out of core."""

from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple, get_args

import duckdb
import orjson

from schemas.inputs import Form
from streams.core.facts import Fact, Names, Receipt, ReceiptCode, Receiver, Sent
from streams.core.sight import PROOF_BEFORE_SENT
from streams.sources.chunk import NAMES, RECEIVER

EVIDENCE = ("READ_BACK", "RECONCILIATION", "MANUAL")
FORMS: tuple[str, ...] = get_args(Form)
CODES: tuple[str, ...] = tuple(code.value for code in ReceiptCode)

# A proof may come before its sent; one from longer before, by a time of its own, cannot be right.
EARLY_US = PROOF_BEFORE_SENT // timedelta(microseconds=1)

_MOST_WORDS = 255

# `facts`: one row a fact. Times in microseconds since 1970 (UTC). `arrived` also orders the facts of one kind: within a
# partition it never goes back, because a record counts as arrived with the latest before it. `event_at`: the event's
# own time, NULL where it could not be read. `code`: of a receipt or an evidence, from 1; `words` has the evidence that
# the contract does not name. `by_event`: no arrival was
# known, the event's own time stands in. `within`: the hours, from its time on,
# in which it lies; 0 where the time is known.
# `loose` are facts that know only a message id, `nameless` proofs that know neither, `unjudged` what names a report but
# no time, and `accepted` reports that the portal took in. `doubtful` lines are
# refused and name no report. What a second look at such lines finds: `mentioned` ids that may be a
# report's, `worded` words that may be a message's, `scraps` what is left of an id. `strays`: proofs of messages that
# nobody knows; `number` where digits were lost, and how many are left (`digits`). `losses`: when proofs arrived
# in a topic that nobody can read. `marks`: what feeds vouch for, with how many proofs they claim and how many have
# come, neither of which a file tells. `heard`: how many partitions the topics have, no row where none were read.
# `decisions`: what people said of alarms.
TABLES = """
CREATE TABLE names (id INTEGER, municipality VARCHAR, district VARCHAR, unit_id VARCHAR, org_number VARCHAR,
    channel VARCHAR, case_system VARCHAR, case_system_version VARCHAR, form VARCHAR);
CREATE TABLE facts (report_id UUID, kind UTINYINT, source USMALLINT, part INTEGER, line BIGINT,
    arrived BIGINT, event_at BIGINT, names INTEGER, code UTINYINT, message_id VARCHAR, unread VARCHAR, by_event BOOLEAN,
    within UTINYINT);
CREATE TABLE loose AS FROM facts LIMIT 0;
CREATE TABLE nameless AS FROM facts LIMIT 0;
CREATE TABLE unjudged (report_id UUID, kind UTINYINT, source USMALLINT, part INTEGER, line BIGINT, names INTEGER);
CREATE TABLE doubtful (kind UTINYINT, source USMALLINT, line BIGINT);
CREATE TABLE mentioned AS FROM unjudged LIMIT 0;
CREATE TABLE worded (word VARCHAR, kind UTINYINT, source USMALLINT, line BIGINT);
CREATE TABLE scraps (scrap VARCHAR, of_message BOOLEAN, kind UTINYINT, source USMALLINT, line BIGINT);
CREATE TABLE strays (kind UTINYINT, source USMALLINT, line BIGINT, names INTEGER, event_at BIGINT, number DOUBLE,
    digits INTEGER);
CREATE TABLE accepted (report_id UUID, source USMALLINT, line BIGINT, names INTEGER, taken_at BIGINT);
CREATE TABLE marks (source USMALLINT, part INTEGER, line BIGINT, feed VARCHAR, arrived BIGINT, vouched_until BIGINT,
    claimed INTEGER, proofs INTEGER, by_event BOOLEAN);
CREATE TABLE decisions (report_id UUID, source USMALLINT, part INTEGER, line BIGINT, arrived BIGINT, decided_at BIGINT,
    names INTEGER, decision_id VARCHAR, missing_event_id VARCHAR, action VARCHAR, outcome VARCHAR,
    by_event BOOLEAN);
CREATE TABLE heard (partitions INTEGER);
CREATE TABLE losses ("partition" INTEGER, since BIGINT, until BIGINT);
CREATE TABLE words (number UTINYINT, word VARCHAR);
CREATE TABLE rejects (source SMALLINT, line BIGINT, "partition" INTEGER, reason VARCHAR);
"""


class FactKind(IntEnum):
    """The order in which a report's facts are judged: the topics may come in any, one of them is quickest."""

    SENT = 0
    RECEIPT = 1
    STORED = 2


# As statements have them.
SENT, RECEIPT, STORED = (kind.value for kind in FactKind)


class NamesTable:
    """All different names that facts give, by number; kept in memory and written as they come."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        rows = connection.execute(f"SELECT {', '.join(NAMES)}, id FROM names ORDER BY id").fetchall()
        self._ids = {tuple(row[:-1]): row[-1] for row in rows}
        self._written = len(self._ids)
        self._words = evidence_words(connection)
        self._words_written = len(self._words)

    def evidence(self, word: str | None) -> int | None:
        """The number of a word for evidence; None where there is none, and for more words than anybody uses."""
        if word is None:
            return None
        if word not in self._words and len(self._words) < _MOST_WORDS:
            self._words.append(word)
        return self._words.index(word) + 1 if word in self._words else None

    def id_of(self, names: Names) -> int:
        """The number of these names."""
        receiver = names.receiver or (None,) * len(RECEIVER)
        number: int = self._ids.setdefault((*receiver, *names[1:]), len(self._ids))
        return number

    def write(self) -> None:
        """Write what has come since."""
        fresh = list(self._ids.items())[self._written :]
        if fresh:
            rows = orjson.dumps([dict(zip((*NAMES, "id"), (*key, number), strict=True)) for key, number in fresh])
            shape = orjson.dumps([dict.fromkeys(NAMES, "VARCHAR") | {"id": "INTEGER"}]).decode()
            columns = ", ".join(("id", *NAMES))
            self._connection.execute(
                f"INSERT INTO names ({columns}) SELECT {columns} FROM (SELECT unnest(from_json(?, ?), max_depth := 2))",
                [rows.decode(), shape],
            )
            self._written = len(self._ids)
        words = list(enumerate(self._words, start=1))[self._words_written :]
        if words:
            self._connection.executemany("INSERT INTO words VALUES (?, ?)", words)
            self._words_written = len(self._words)


def evidence_words(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The words for evidence by their numbers, from 1: those of the contract, and what else was read."""
    return [*EVIDENCE, *(word for (word,) in connection.execute("SELECT word FROM words ORDER BY number").fetchall())]


def names_of(row: tuple[str | None, ...]) -> Names:
    """The names that stand in a row of the table `names` (without its number)."""
    municipality, district, unit_id, org_number, *rest = row
    if municipality is None:
        return Names(None, *rest)
    return Names(Receiver(municipality, district, unit_id, org_number), *rest)


class FactRow(NamedTuple):
    """One row of the table `facts`."""

    report_id: str | None
    kind: int
    source: int
    part: int | None
    line: int
    arrived: int
    event_at: int | None
    names: int
    code: int | None
    message_id: str | None
    unread: str | None
    by_event: bool
    within: int


COLUMNS = FactRow._fields


def kind_of(fact: Fact) -> FactKind:
    """Which kind a fact is."""
    if isinstance(fact, Sent):
        return FactKind.SENT
    return FactKind.RECEIPT if isinstance(fact, Receipt) else FactKind.STORED
