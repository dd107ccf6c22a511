"""The history check finds nothing in an honest history, and names each thing that was tampered with."""

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, get_args

import orjson
import pytest

from schemas.policy import parse_policy
from streams.core.books import Books
from streams.core.rules import Rules
from streams.data import municipalities, succession
from streams.engine.batch import Batch, Span
from streams.engine.processor import Processor
from streams.engine.rows import PackedRows
from streams.policies import policy_of
from streams.records.coverage import Applied, Coverage, Loss
from streams.records.decode import FEED_HEADER
from streams.records.record import HEADER
from streams.settings import Settings
from streams.simulation.traffic import generate
from tests.engine.processing import Appended
from tests.system.faults.check import check
from tests.system.faults.delivery import encoded, feed_mark, is_of_feed, odd_mark
from tests.system.faults.frozen import MIX, SPAN, START
from tests.system.faults.history import History, Unseen
from tests.system.faults.truth import Record, home, murmur2
from tests.system.faults.workload import FEED, POLICY, Planned, plan

SETTINGS = Settings()
ORACLE = (
    *(f"tests.system.faults.{name}" for name in ("check", "history", "sight", "truth", "values")),
    *(f"tests.core.{name}" for name in ("answers", "law", "oracle", "report", "vouched", "windows")),
)
PARTITIONS = 2
OUTPUTS = ("missing", "state", "coverage", "rejected")


class _Log:
    """What two ledgers write, as the topics keep it."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.rules = Rules(policy_of(parse_policy(policy)), succession())
        self.records: dict[str, list[Record]] = defaultdict(list)
        self.unseen: dict[tuple[str, int], Unseen] = {}
        self.ledgers = [
            Processor(
                SETTINGS, self.rules, PackedRows(), Books(),
                Coverage(p, PARTITIONS, {topic: Applied(0) for topic in SETTINGS.inputs}),
            )
            for p in range(PARTITIONS)
        ]  # fmt: skip

    def put(self, topic: str, partition: int, timestamp: int, key: bytes, value: bytes | None, *headers: Any) -> None:
        """Append an input record and apply it at once."""
        offset = sum((one.topic, one.partition) == (topic, partition) for one in self.records["inputs"])
        record = Record(topic, partition, offset, timestamp, key, value, headers)
        self.records["inputs"].append(record)
        self._apply(record)

    def _apply(self, record: Record) -> None:
        _, partition, offset, timestamp, key, value, headers = record
        one = self.ledgers[partition]
        spans = {
            name: Span(one.position(name), one.position(name) + (name == record.topic)) for name in SETTINGS.inputs
        }
        batch = Batch(partition, 0, spans, {record.topic: [Appended(offset, timestamp, key, value, headers)]})
        for write in one.apply(batch).records:
            if write.topic in SETTINGS.inputs:  # the copy of what was misplaced
                self.put(write.topic, write.partition, timestamp, write.key, write.value, *write.headers or ())
                continue
            output = write.topic.removeprefix("reports.")
            where = self.records[output]
            where.append(
                Record(
                    write.topic, partition, len(where), timestamp, write.key, write.value, tuple(write.headers or ())
                )
            )

    def mark(self, timestamp: int) -> None:
        """Marks in every partition."""
        for one in self.ledgers:
            header = (HEADER, one.marks.new_set())
            for topic in SETTINGS.inputs:
                self.put(topic, one.partition, timestamp, b"", None, header)

    def delete(self, topic: str, partition: int, timestamp: int, key: bytes, value: bytes) -> None:
        """Append a record that is gone before it is read, with all that lies behind what was applied of that input.

        What a start finds of it is said; the other inputs are fetched again.
        """
        one, where = self.ledgers[partition], (topic, partition)
        if one.log.inputs[topic].waiting:
            self.mark(timestamp)
        offset = sum((record.topic, record.partition) == where for record in self.records["inputs"])
        self.records["inputs"].append(Record(topic, partition, offset, timestamp, key, value))
        applied = one.coverage.applied[topic]
        first = self.unseen.get(where, Unseen(applied.next_offset, offset)).from_offset
        self.unseen[where] = Unseen(first, offset + 1)
        if first == 0:
            one.coverage.beginnings[topic] = None
        else:
            since = applied.latest or START
            one.coverage.lose(Loss(topic, applied.next_offset, offset + 1, "deleted_by_retention", since))
        one.coverage.applied[topic] = Applied(offset + 1, latest=applied.latest)
        one.begin_anew()
        for record in [some for some in self.records["inputs"] if some.partition == partition]:
            if record.offset >= one.applied(record.topic):
                self._apply(record)

    def history(self) -> History:
        """Everything so far."""
        return History(
            "reports.", "reports", PARTITIONS, self.policy,
            {one.code: tuple(one.successors) for one in municipalities()},
            self.records["inputs"], *(self.records[output] for output in OUTPUTS),  # type: ignore[arg-type]
        )._replace(unseen=self.unseen)  # fmt: skip


def _honest(seed: int, *, unread: range = range(0)) -> History:
    """What a checker says of some traffic; the proofs among some of its lines are deleted before they are read."""
    traffic = generate(80, seed, START, SPAN, MIX)
    log = _Log(traffic.policy_toml)
    for number, line in enumerate(traffic.lines()):
        at = int(line.at.timestamp() * 1000)
        key = line.value["report_id"].encode()
        put = log.delete if line.topic == "stored" and number in unread else log.put
        put(f"reports.{line.topic}", home(line.value["report_id"], PARTITIONS), at, key, orjson.dumps(line.value))
        if number % 25 == 24 and number not in unread:  # else no worker runs
            log.mark(at + 1)
            log.put("reports.stored", 0, at + 1, b"", b"\xff{")
    log.mark(at + 1)
    return log.history()


def _played(seed: int, *, feed_until: float = 60) -> History:
    """What an honest checker says of the suite's own reports, of all kinds; the feed vouches until it falls silent."""
    log, made, proofs = _Log(POLICY), plan(Random(seed), seconds=20, per_second=8), Counter[int]()
    pulse = [Planned(at / 2, "", b"", None) for at in range(1, 80)]
    for record in sorted([*made.records, *pulse], key=lambda one: one.at):
        now = START + timedelta(seconds=record.at)
        at = int(now.timestamp() * 1000)
        if not record.topic:
            if record.at < feed_until:
                marks = [(p, (FEED, feed_mark(now, proofs.pop(p, 0)))) for p in range(PARTITIONS)]
                for p, (feed, value) in [*marks, (at // 500 % 2, odd_mark(now, at // 1_000))]:
                    log.put("reports.stored", p, at, b"", value, (FEED_HEADER, feed.encode()))
            log.mark(at)
            continue
        partition = home((record.key or b"").decode(), PARTITIONS)
        proofs[partition] += is_of_feed(record)
        if not is_of_feed(record) or record.at < feed_until:
            key = record.key if record.key is not None else b"nobody's"
            log.put(f"reports.{record.topic}", partition ^ record.misplaced, at, key, encoded(record, now))
    return log.history()


@pytest.fixture(scope="module")
def honest() -> History:
    """A history in which everything is as it should be."""
    return _honest(7)


@pytest.mark.parametrize("seed", range(4))
def test_an_honest_history_has_no_anomaly(seed: int) -> None:
    findings = check(_honest(seed))
    assert findings.anomalies == ()
    assert findings.compared > 20
    assert {"missing", "recovered", "stored"} <= set(findings.counts)


@pytest.fixture(scope="module")
def played() -> History:
    """The suite's own reports, as they should be."""
    return _played(7)


@pytest.mark.parametrize("feed_until", [60, 8])
@pytest.mark.parametrize("seed", range(3))
def test_an_honest_history_of_the_suites_own_reports_has_no_anomaly(seed: int, feed_until: float) -> None:
    findings = check(_played(seed, feed_until=feed_until))
    assert findings.anomalies == ()
    assert {"missing", "recovered", "stored", "unproven"} <= set(findings.counts)
    assert ("undetermined" in findings.counts) is (feed_until < 20)


def _value(record: Record, **changes: Any) -> Record:
    return record._replace(value=orjson.dumps(orjson.loads(record.value or b"") | changes))


def _kind(record: Record) -> str:
    return str(orjson.loads(record.value or b"{}").get("kind"))


def _without(records: list[Record], number: int) -> list[Record]:
    return [*records[:number], *records[number + 1 :]]


def _first(records: Any, wanted: Callable[[Record], bool]) -> int:
    return next(number for number, record in enumerate(records) if wanted(record))


def _drop_missing(h: History) -> History:
    return h._replace(missing=_without(list(h.missing), _first(h.missing, lambda r: b"missing.v1" in (r.value or b""))))


def _drop_recovered(h: History) -> History:
    at = _first(h.missing, lambda r: b"recovered.v1" in (r.value or b"")[:60])
    return h._replace(missing=_without(list(h.missing), at))


def _announce_what_was_stored(h: History) -> History:
    stored = {orjson.loads(r.value or b"")["report_id"] for r in h.state if b'"status":"stored"' in (r.value or b"")}
    template = next(r for r in h.missing if b"missing.v1" in (r.value or b"")[:60])
    report_id = next(iter(sorted(one for one in stored if home(one, PARTITIONS) == template.partition)))
    event = _value(template, report_id=report_id, event_id="00000000-0000-4000-8000-000000000000")
    return h._replace(missing=[*h.missing, event._replace(key=report_id.encode(), offset=10**6)])


def _announce_twice(h: History) -> History:
    return h._replace(missing=[*h.missing, h.missing[0]._replace(offset=10**6)])


def _change_a_name(h: History) -> History:
    at = _first(h.missing, lambda r: b"missing.v1" in (r.value or b"")[:60])
    return h._replace(missing=[_value(r, channel="PIGEON") if n == at else r for n, r in enumerate(h.missing)])


def _change_a_header(h: History) -> History:
    changed = h.missing[0]._replace(headers=tuple(one for one in h.missing[0].headers if one[0] != "ce_type"))
    return h._replace(missing=[changed, *h.missing[1:]])


def _change_a_reason(h: History) -> History:
    at = _first(h.missing, lambda r: b'"reason":"no_receipt"' in (r.value or b""))
    return h._replace(missing=[_value(r, reason="rejected") if n == at else r for n, r in enumerate(h.missing)])


def _recover_first(h: History) -> History:
    at = _first(h.missing, lambda r: b"recovered.v1" in (r.value or b"")[:60])
    return h._replace(missing=[r._replace(offset=-1) if n == at else r for n, r in enumerate(h.missing)])


def _another_partition(h: History) -> History:
    return h._replace(missing=[h.missing[0]._replace(partition=1 - h.missing[0].partition), *h.missing[1:]])


def _change_a_book(h: History) -> History:
    at = _first(h.coverage, lambda r: _kind(r) == "books")
    return h._replace(coverage=[_value(r, stored=10**6) if n == at else r for n, r in enumerate(h.coverage)])


def _balanced_but_wrong_books(h: History) -> History:
    last = {(r.partition, r.key): n for n, r in enumerate(h.coverage) if _kind(r) == "books"}
    at = next(n for n in last.values() if orjson.loads(h.coverage[n].value or b"")["stored"] > 0)
    value = orjson.loads(h.coverage[at].value or b"")
    changed = _value(h.coverage[at], stored=value["stored"] - 1, pending=value["pending"] + 1)
    return h._replace(coverage=[changed if n == at else r for n, r in enumerate(h.coverage)])


def _claim_too_much(h: History) -> History:
    at = _first(h.coverage, lambda r: _kind(r) == "coverage")
    claimed = _value(h.coverage[at], complete_until="2026-06-01T00:00:00.000000Z")
    return h._replace(coverage=[claimed if n == at else r for n, r in enumerate(h.coverage)])


def _change_a_row(h: History) -> History:
    at = max(n for n, r in enumerate(h.state) if b'"status":"missing"' in (r.value or b""))
    key = h.state[at].key
    keep = [r for n, r in enumerate(h.state) if n <= at or r.key != key]
    return h._replace(state=[*keep, _value(h.state[at], status="stored")])


def _drop_a_rejected(h: History) -> History:
    return h._replace(rejected=h.rejected[1:])


def _reject_a_readable(h: History) -> History:
    return h._replace(rejected=[*h.rejected, _value(h.rejected[0], topic="reports.sent", partition=0, offset=0)])


def _say_nothing_is_unseen(h: History) -> History:
    changes = [_value(r, losses=[], beginnings={}) if _kind(r) == "coverage" else r for r in h.coverage]
    return h._replace(coverage=changes)


def _say_what_was_not_seen(h: History) -> History:
    at = _first(h.missing, lambda r: b'"reason":"unwatched"' in (r.value or b""))
    return h._replace(missing=[_value(r, reason="no_receipt") if n == at else r for n, r in enumerate(h.missing)])


def _forget_a_doubt(h: History) -> History:
    at = max(
        n for n, r in enumerate(h.state) if b"evidence_lost" in (r.value or b"") or b"before_the" in (r.value or b"")
    )
    keep = [r for r in h.state if r.key != h.state[at].key]
    return h._replace(state=[*keep, _value(h.state[at], flags=[])])


def _episode(h: History, number: int) -> int:
    return _first(h.missing, lambda r: b'"episode":%d,"previous' % number in (r.value or b""))


def _announce_an_episode_twice(h: History) -> History:
    again = _value(h.missing[_episode(h, 2)], event_id="00000000-0000-4000-8000-000000000000")
    return h._replace(missing=[*h.missing, again._replace(offset=10**6)])


def _drop_an_episode(h: History) -> History:
    return h._replace(missing=_without(list(h.missing), _episode(h, 2)))


def _take_the_due_of_another_window(h: History) -> History:
    at = _episode(h, 2)
    second = orjson.loads(h.missing[at].value or b"")
    values = (orjson.loads(r.value or b"") for r in h.missing)
    first = next(value for value in values if value["event_id"] == second["previous_event_id"])
    changed = _value(h.missing[at], due_at=first["due_at"])
    return h._replace(missing=[changed if n == at else r for n, r in enumerate(h.missing)])


def _forget_whose_receipt_it_was(h: History) -> History:
    at = _first(h.missing, lambda r: b'"receipt":{' in (r.value or b""))
    return h._replace(missing=[_value(r, receipt=None) if n == at else r for n, r in enumerate(h.missing)])


def _announce_the_second_episode_first(h: History) -> History:
    at = _episode(h, 2)
    return h._replace(missing=[r._replace(offset=-1) if n == at else r for n, r in enumerate(h.missing)])


def _announce_while_the_feed_is_silent(h: History) -> History:
    template = next(r for r in h.missing if b"missing.v1" in (r.value or b"")[:60])
    rows = {r.key: r for r in h.state}
    waiting = next(r for r in rows.values() if b'"status":"undetermined"' in (r.value or b""))
    row = orjson.loads(waiting.value or b"")
    names = "report_id", "receiver", "channel", "case_system", "sent_at", "due_at", "alarm_at", "message_ids"
    event = _value(template, **{name: row[name] for name in names}, feed={"id": "list", "vouched_until": None})
    event = event._replace(partition=waiting.partition, key=waiting.key, offset=10**6)
    return h._replace(missing=[*h.missing, event])


def _vouch_for_more(h: History) -> History:
    changes = [_value(r, feeds={}) if _kind(r) == "coverage" else r for r in h.coverage]
    return h._replace(coverage=changes)


def _forget_a_resend(h: History) -> History:
    last = {(r.partition, r.key): n for n, r in enumerate(h.coverage) if _kind(r) == "books"}
    at = next(n for n in last.values() if orjson.loads(h.coverage[n].value or b"")["resends"] > 0)
    value = orjson.loads(h.coverage[at].value or b"")
    changed = _value(h.coverage[at], resends=value["resends"] - 1, duplicates=value["duplicates"] + 1)
    return h._replace(coverage=[changed if n == at else r for n, r in enumerate(h.coverage)])


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (_announce_an_episode_twice, "announced_twice"),
        (_drop_an_episode, "lost"),
        (_take_the_due_of_another_window, "different_bytes"),
        (_forget_whose_receipt_it_was, "different_bytes"),
        (_announce_the_second_episode_first, "wrong_order"),
        (_vouch_for_more, "coverage_lied"),
        (_forget_a_resend, "books_unbalanced"),
        (_drop_a_rejected, "not_rejected"),
        (_reject_a_readable, "not_rejected"),
    ],
)
def test_what_was_tampered_with_in_a_later_window_is_named(
    played: History, tamper: Callable[[History], History], kind: str
) -> None:
    assert kind in {anomaly.kind for anomaly in check(tamper(played)).anomalies}


def test_who_announces_what_a_silent_feed_has_not_vouched_for_is_named() -> None:
    tampered = _announce_while_the_feed_is_silent(_played(7, feed_until=8))
    assert "phantom" in {anomaly.kind for anomaly in check(tampered).anomalies}


BEFORE, AMID = range(60), range(200, 230)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("unread", [BEFORE, AMID], ids=["before the beginning", "amid"])
def test_an_honest_history_of_which_proofs_were_deleted_unread_has_no_anomaly(seed: int, unread: range) -> None:
    findings = check(_honest(seed, unread=unread))
    assert findings.anomalies == ()
    assert findings.counts["proven_unseen"] > 0
    assert findings.counts["doubted"] > 0
    assert "unknowable" not in findings.counts


@pytest.mark.parametrize("unread", [BEFORE, AMID], ids=["before the beginning", "amid"])
@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (_say_nothing_is_unseen, "coverage_lied"),
        (_say_what_was_not_seen, "wrong_reason"),
        (_forget_a_doubt, "wrong_state"),
    ],
)
def test_who_does_not_say_what_could_not_be_seen_is_named(
    unread: range, tamper: Callable[[History], History], kind: str
) -> None:
    assert kind in {anomaly.kind for anomaly in check(tamper(_honest(1, unread=unread))).anomalies}


def test_what_was_lost_and_is_known_to_nobody_is_not_judged() -> None:
    findings = check(_honest(1, unread=AMID)._replace(unseen={}))
    assert findings.counts["unknowable"] > 0


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (_drop_missing, "lost"),
        (_drop_recovered, "lost"),
        (_announce_what_was_stored, "phantom"),
        (_announce_twice, "announced_twice"),
        (_change_a_name, "different_bytes"),
        (_change_a_header, "different_bytes"),
        (_change_a_reason, "wrong_reason"),
        (_recover_first, "wrong_order"),
        (_another_partition, "wrong_order"),
        (_change_a_book, "books_unbalanced"),
        (_balanced_but_wrong_books, "books_unbalanced"),
        (_claim_too_much, "coverage_lied"),
        (_change_a_row, "wrong_state"),
        (_drop_a_rejected, "not_rejected"),
        (_reject_a_readable, "not_rejected"),
    ],
)
def test_what_was_tampered_with_is_named(honest: History, tamper: Callable[[History], History], kind: str) -> None:
    assert kind in {anomaly.kind for anomaly in check(tamper(honest)).anomalies}


def _announced_early(h: History, seconds: float) -> History:
    """The first announcement, as if it had been appended so long before its alarm."""
    first = h.missing[_first(h.missing, lambda r: b"missing.v1" in (r.value or b""))]
    alarm_at = datetime.fromisoformat(orjson.loads(first.value or b"")["alarm_at"])
    early = first._replace(timestamp_ms=int((alarm_at.timestamp() - seconds) * 1000))
    return h._replace(missing=[early if one is first else one for one in h.missing])


@pytest.mark.parametrize(
    ("early", "apart", "found"), [(3, 0, True), (3, 600, False), (602, 600, True), (600, 600, False)]
)
def test_an_announcement_before_its_alarm_is_a_phantom_unless_the_clocks_were_that_far_apart(
    honest: History, early: float, apart: float, found: bool
) -> None:
    tampered = _announced_early(honest, early)._replace(clocks_apart_seconds=apart)
    assert ("phantom" in {anomaly.kind for anomaly in check(tampered).anomalies}) is found


def _is_plain(value: Any) -> bool:
    """True for a class of values without rules, or one of several."""
    return all(
        issubclass(kind, tuple | StrEnum | timedelta) or is_dataclass(kind) for kind in get_args(value) or (value,)
    )


def test_the_oracle_takes_nothing_but_plain_values_from_the_product() -> None:
    for name in ORACLE:
        tree = ast.parse(Path(str(import_module(name).__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & {"streams", "schemas", "tests"}
            elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(("streams", "schemas")):
                module = import_module(str(node.module))
                assert all(_is_plain(getattr(module, alias.name)) for alias in node.names), (name, node.module)
            elif isinstance(node, ast.ImportFrom):
                assert not str(node.module).startswith("tests") or node.module in ORACLE


def test_its_murmur2_is_kafkas() -> None:
    # From Kafka's own UtilsTest, made positive.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    for key, value in known.items():
        assert murmur2(key) == value & 0x7FFFFFFF


def test_every_sabotage_replaces_what_is_there() -> None:
    """One whose target has moved would leave the engine whole."""
    ruined = (
        "from tests.system.faults.sabotage import REPLACED, SABOTAGES\n"
        "before = [set(dir(one)) for one in REPLACED]\n"
        "[ruin() for ruin in SABOTAGES.values()]\n"
        "assert [set(dir(one)) for one in REPLACED] == before\n"
    )
    subprocess.run([sys.executable, "-c", ruined], check=True, timeout=60)
