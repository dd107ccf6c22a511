"""The log: the same for the same seed, of the mix that the page tells, with deadlines that can be told apart."""

from collections import Counter, defaultdict

import orjson
import pytest

from tests.programs.bench import mix
from tests.programs.bench.mix import Planned, plan, thinned

CLAIMED = "2026-01-01T12:00:00.000000Z"


@pytest.fixture(scope="module")
def records() -> list[Planned]:
    return plan(20_000, 1, CLAIMED)


def by_report(records: list[Planned]) -> dict[int, list[Planned]]:
    found: dict[int, list[Planned]] = defaultdict(list)
    for record in records:
        found[record.report].append(record)
    return found


def test_the_same_seed_makes_the_same_log_and_another_one_another(records: list[Planned]) -> None:
    assert plan(20_000, 1, CLAIMED) == records
    assert plan(20_000, 2, CLAIMED) != records


def test_it_has_about_as_many_events_as_were_asked_for(records: list[Planned]) -> None:
    assert len(records) == pytest.approx(20_000, rel=0.03)


def test_it_comes_in_order_of_time(records: list[Planned]) -> None:
    assert [record.at for record in records] == sorted(record.at for record in records)


def test_four_fifths_of_the_reports_are_confirmed_with_a_receipt_before_the_deadline(records: list[Planned]) -> None:
    def confirmed(told: list[Planned]) -> bool:
        first = {kind: next((one.at for one in told if one.kind == kind), None) for kind in mix.KINDS}
        sent, receipt, stored = (first[kind] for kind in mix.KINDS)
        if sent is None or receipt is None or stored is None:
            return False
        return 0 < stored - sent < mix.DEADLINE_SECONDS

    reports = by_report(records)
    assert sum(confirmed(told) for told in reports.values()) / len(reports) == pytest.approx(0.80, abs=0.02)


def test_a_proof_comes_well_before_or_well_after_the_deadline(records: list[Planned]) -> None:
    margins = []
    for told in by_report(records).values():
        sent = next(one.at for one in told if one.kind == "sent")
        margins += [one.at - sent - mix.DEADLINE_SECONDS for one in told if one.kind == "stored"]
    assert min(abs(margin) for margin in margins) > 0.5
    assert min(margins) < 0 < max(margins)


def test_some_records_come_twice(records: list[Planned]) -> None:
    values = Counter(record.value for record in records)
    assert (values.total() - len(values)) / len(values) == pytest.approx(mix.DUPLICATED, abs=0.01)


def test_a_key_is_the_report_id_of_its_value(records: list[Planned]) -> None:
    for record in records[:500]:
        assert orjson.loads(record.value)["report_id"].encode() == record.key


def test_a_thinned_log_keeps_whole_reports_at_their_times(records: list[Planned]) -> None:
    some = thinned(records, 10)
    assert len(some) == pytest.approx(len(records) / 10, rel=0.1)
    assert {record.report for record in some} == set(range(0, max(by_report(records)) + 1, 10))
    assert set(some) <= set(records)
