"""Traffic: order, rhythm, rates and a truth that the rules confirm."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

from streams.data import Outage, municipalities
from streams.simulation.receivers import profiles
from streams.simulation.steps import random_uuid
from streams.simulation.traffic import Mix, Traffic, generate
from tests.simulation.oracle import oracle

START = datetime(2026, 1, 5, tzinfo=UTC)
MONTH = timedelta(days=30)
LONG_AFTER = datetime(2026, 6, 1, tzinfo=UTC)
WILD = Mix(*[0.03] * 10, *[0.1] * 4)


def oslo(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZoneInfo("Europe/Oslo"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_truth_is_what_the_rules_say(seed: int) -> None:
    traffic = generate(2000, seed, START, MONTH, WILD)
    truth = {each.report_id: each for each in traffic.truth()}
    assert truth == oracle(traffic.lines(), traffic.policy_toml, LONG_AFTER)
    assert len(truth) == 2000
    assert len({(each.outcome, each.reason, each.cause) for each in truth.values()}) == 10
    assert (
        min(sum(each.course == "letter" for each in truth.values()), sum(each.lost_again for each in truth.values()))
        > 20
    )


@pytest.mark.parametrize("days", [3, 12, 29, 33])
def test_the_truth_holds_wherever_the_clock_ends(days: int) -> None:
    until = START + timedelta(days=days, hours=10)
    traffic = Traffic(2000, 4, START, MONTH, WILD, until=until)
    lines = list(traffic.lines())
    truth = {each.report_id: each for each in traffic.truth()}
    assert truth == oracle(lines, traffic.policy_toml, until)
    assert all(line.at <= until for line in lines)
    assert "pending" in {each.outcome for each in truth.values()}


def test_the_truth_holds_across_an_outage() -> None:
    down = Outage(START + timedelta(days=2), START + timedelta(days=3, hours=12))
    traffic = Traffic(1500, 5, START, timedelta(days=8), WILD, outages=(down,))
    lines = list(traffic.lines())
    assert {each.report_id: each for each in traffic.truth()} == oracle(lines, traffic.policy_toml, LONG_AFTER)
    sent = [datetime.fromisoformat(line.value["sent_at"]) for line in lines if line.topic == "sent"]
    backlog = [at for at in sent if down.end <= at <= down.end + timedelta(minutes=20)]
    usual = [at for at in sent if down.end - timedelta(days=3) <= at <= down.end - timedelta(days=3, minutes=-20)]
    assert len(backlog) > 20 * max(1, len(usual))


def test_lines_come_in_order_and_the_same_at_every_call() -> None:
    traffic = generate(1500, 6, START, MONTH, WILD)
    once = [line.encoded() for line in traffic.lines()]
    assert once == [line.encoded() for line in traffic.lines()]
    times = [line.at for line in traffic.lines()]
    assert times == sorted(times)
    assert once != [line.encoded() for line in generate(1500, 7, START, MONTH, WILD).lines()]


def test_endless_traffic_starts_at_once() -> None:
    lines = list(islice(generate(50_000_000, 1, START, timedelta(days=3650)).lines(), 100))
    assert len(lines) == 100
    assert lines[-1].at < START + timedelta(days=1)


def test_official_reports_come_on_working_days_and_nights_are_quiet() -> None:
    lines = list(generate(6000, 2, START, timedelta(days=28), Mix(resent=0, stored_first=0, sent_delayed=0)).lines())
    sent = [line for line in lines if line.topic == "sent"]
    weekend = [line for line in sent if oslo(line.value["sent_at"]).weekday() >= 5]
    assert {line.value["form"] for line in weekend} == {"PRIVAT", "UKJENT"}
    assert len(weekend) < len(sent) / 5
    by_hour = Counter(line.at.hour for line in sent)
    assert mean(by_hour[hour] for hour in range(1, 4)) < mean(by_hour[hour] for hour in range(8, 14)) / 5


def test_receivers_are_skewed_and_valid_throughout() -> None:
    sent = [line.value for line in generate(6000, 3, START, MONTH).lines() if line.topic == "sent"]
    counts = Counter(value["receiver"]["municipality"] for value in sent)
    valid = {one.code for one in municipalities() if one.valid_to is None}
    assert set(counts) <= valid
    assert counts.most_common(1)[0][0] == "0301"
    assert counts["0301"] > 20 * sorted(counts.values())[len(counts) // 2]
    assert {value["channel"] for value in sent} == {"FIKS_IO", "SVARINN", "MANUELL_MOTTAK", "PRINT"}
    assert len({(value["case_system"], value["case_system_version"]) for value in sent}) > 20


def test_the_rates_are_those_of_the_mix() -> None:
    truth = list(generate(8000, 1, START, MONTH, Mix(receipt_only=0.1, stored_late=0.05)).truth())
    counts = Counter((each.reason, each.cause) for each in truth if each.reason == "receipted_not_stored")
    assert counts["receipted_not_stored", None] == pytest.approx(800, rel=0.15)
    assert sum(each.cause == "stored_late" for each in truth) == pytest.approx(400, rel=0.2)


@pytest.mark.parametrize("mix", [Mix(receipt_only=0.8, nothing=0.3), Mix(nothing=-0.1)])
def test_rates_that_are_none_are_refused(mix: Mix) -> None:
    with pytest.raises(ValueError, match="rates of a mix"):
        list(generate(1, 1, START, MONTH, mix).lines())


def test_without_reports_there_is_nothing() -> None:
    assert list(generate(0, 1, START, MONTH).lines()) == []
    assert len(list(generate(1, 1, START, timedelta(0)).truth())) == 1


def test_ids_are_version_4_uuids_of_the_generator() -> None:
    from random import Random
    from uuid import UUID

    ids = [random_uuid(Random(seed)) for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert all(str(UUID(id)) == id and UUID(id).version == 4 for id in ids)
    assert len(profiles(Random(1), START.date(), START.date(), {"A": 1.0})) == 357
