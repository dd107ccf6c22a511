"""The incident's numbers, counted from its own data."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas.inputs import ReportReceipt, ReportSent, ReportStored
from schemas.policy import parse_policy
from streams.data import portal_outages
from streams.simulation.incident import BEGIN, FOUND, Compressed, Virtual, compressed, outage_windows, virtual
from streams.simulation.script import ScriptLine, Truth
from streams.simulation.story import StoryStep
from tests.simulation.oracle import oracle

NOW = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)
ALLOWANCE = {"FIKS_IO": 6.0, "SVARINN": 8.0, "MANUELL_MOTTAK": 10.0, "PRINT": 12.0}
GRACE = 2.0
MODELS: dict[str, TypeAdapter[Any]] = {
    "sent": TypeAdapter(ReportSent),
    "receipt": TypeAdapter(ReportReceipt),
    "stored": TypeAdapter(ReportStored),
}


@cache
def own_time(seed: int = 1) -> Virtual:
    return virtual(3000, seed)


@cache
def in_seconds(seed: int = 1) -> Compressed:
    return compressed(2000, seed)


@cache
def steps_by_report() -> dict[str, list[StoryStep]]:
    found: dict[str, list[StoryStep]] = defaultdict(list)
    for step in in_seconds().steps:
        found[step.report_id].append(step)
    return found


def places(truth: list[Truth], outcome: str) -> Counter[str]:
    return Counter(each.municipality for each in truth if each.outcome == outcome)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_63_reports_are_lost_in_22_municipalities(seed: int) -> None:
    lost = places(compressed(400, seed).truth, "missing")
    assert lost == places(virtual(400, seed).truth, "missing")
    assert sum(lost.values()) == 63
    assert len(lost) == 22
    assert (lost["4601"], lost["4204"]) == (21, 12)
    assert sum(count == 1 for count in lost.values()) >= 10


def test_the_lost_were_receipted_and_never_stored() -> None:
    script = own_time()
    lost = {each.report_id for each in script.truth if each.outcome == "missing"}
    topics: dict[str, set[str]] = defaultdict(set)
    last_receipt, systems = {}, set()
    for line in script.lines:
        if (report_id := line.value["report_id"]) in lost:
            topics[report_id].add(line.topic)
            if line.topic == "receipt":
                last_receipt[report_id] = line.value["receipt"]
            if line.topic == "sent":
                systems.add(line.value["case_system"])
                assert BEGIN <= line.at <= FOUND + timedelta(days=2)
    assert all(seen == {"sent", "receipt"} for seen in topics.values())
    assert set(last_receipt.values()) == {"MOTTATT"}
    assert systems == {"VISMA_FAMILIA"}
    assert {each.reason for each in script.truth if each.outcome == "missing"} == {"receipted_not_stored"}


def test_losses_come_in_bursts() -> None:
    script = own_time()
    bergen = {each.report_id for each in script.truth if each.outcome == "missing" and each.municipality == "4601"}
    first = {line.value["report_id"]: line.at for line in reversed(script.lines) if line.topic == "sent"}
    times = sorted(first[report_id] for report_id in bergen)
    close = [after - before < timedelta(hours=20) for before, after in pairwise(times)]
    assert 2 * sum(close) > len(close)


def test_all_356_receivers_get_reports_and_some_are_idle() -> None:
    counts = Counter(each.municipality for each in own_time().truth)
    assert len(counts) == 356
    assert sum(count == 1 for count in counts.values()) >= 10
    assert counts["0301"] > 20 * sorted(counts.values())[178]


def test_only_sandefjords_seven_have_no_receipt_and_are_stored_in_time() -> None:
    for truth, records in (
        (own_time().truth, [(line.topic, line.value["report_id"]) for line in own_time().lines]),
        (in_seconds().truth, [(step.topic, step.report_id) for step in in_seconds().steps]),
    ):
        receipted = {report_id for topic, report_id in records if topic == "receipt"}
        unreceipted = [each for each in truth if each.report_id not in receipted and each.outcome == "stored"]
        assert [each.municipality for each in unreceipted] == ["3804"] * 7


def test_seven_others_are_recovered_for_both_causes() -> None:
    for form in (own_time(), in_seconds()):
        recovered = [each for each in form.truth if each.outcome == "recovered"]
        assert len(recovered) == len({each.municipality for each in recovered}) == 7
        assert {each.cause for each in recovered} == {"stored_late", "confirmed_late"}
        assert not {each.municipality for each in recovered} & ({"3804"} | set(places(form.truth, "missing")))


def test_both_renderings_tell_of_the_same_reports() -> None:
    forms = (virtual(400, 5), compressed(400, 5))
    fates = [{each.report_id: (each.municipality, each.outcome, each.cause) for each in form.truth} for form in forms]
    assert fates[0] == fates[1]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    encoded = [b"".join(line.encoded() for line in virtual(300, seed).lines) for seed in (7, 7, 8)]
    assert encoded[0] == encoded[1] != encoded[2]
    assert compressed(300, 7) == compressed(300, 7) != compressed(300, 8)


def test_lines_and_steps_come_in_order() -> None:
    times = [line.at for line in own_time().lines]
    assert times == sorted(times)
    assert times[-1] <= own_time().until
    offsets = [step.offset_seconds for step in in_seconds().steps]
    assert offsets == sorted(offsets)
    assert offsets[0] >= 0


@pytest.mark.parametrize("seed", [1, 2])
def test_the_truth_of_the_three_years_is_what_the_rules_say(seed: int) -> None:
    script = own_time(seed)
    assert {each.report_id: each for each in script.truth} == oracle(script.lines, script.policy_toml, script.until)


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_the_truth_of_the_demo_holds_when_every_record_is_up_to_a_second_late(jitter: float) -> None:
    demo = in_seconds()
    lines = []
    for number, step in enumerate(demo.steps):
        at = NOW + timedelta(seconds=step.offset_seconds + jitter * (number % 11) / 10)
        lines.append(ScriptLine(at, step.topic, step.value_at(at)))
    lines.sort(key=lambda line: line.at)
    known = oracle(lines, demo.policy_toml, NOW + timedelta(seconds=demo.settled_seconds + 3))
    assert {each.report_id: each for each in demo.truth} == known


def test_each_proof_of_the_demo_is_well_before_half_the_allowance_or_well_after_the_alarm() -> None:
    recovered = {each.report_id: each.cause for each in in_seconds().truth if each.outcome == "recovered"}
    for report_id, own in steps_by_report().items():
        sent = next(step for step in own if step.topic == "sent")
        allowance = ALLOWANCE[sent.body["channel"]]
        proofs = [step for step in own if step.topic == "stored"]
        for proof in proofs:
            after = proof.offset_seconds - sent.offset_seconds
            if report_id not in recovered:
                assert after <= allowance / 2
                continue
            assert after > allowance + GRACE + 4
            stored_after = after - proof.back_seconds
            late = recovered[report_id] == "stored_late"
            assert stored_after > allowance + 4 if late else stored_after < allowance - 2


def test_the_demos_first_sent_is_sent_at_the_moment_of_production() -> None:
    for own in steps_by_report().values():
        sent = next(step for step in own if step.topic == "sent")
        assert sent.value_at(NOW)["sent_at"] == "2026-03-29T00:59:30.000000Z"


def test_the_demo_is_over_soon_after_its_duration() -> None:
    demo = compressed(500, 3, duration_seconds=40)
    handed_over: dict[str, float] = {}
    for step in demo.steps:
        if step.topic == "sent":
            handed_over.setdefault(step.report_id, step.offset_seconds)
    assert max(handed_over.values()) <= 42
    assert demo.steps[-1].offset_seconds <= demo.settled_seconds <= 40 + 25


def test_nothing_is_sent_while_the_portal_is_down_and_each_outage_ends_in_a_backlog() -> None:
    sent_at: dict[str, datetime] = {}
    for line in own_time().lines:
        if line.topic == "sent":
            sent_at.setdefault(line.value["report_id"], datetime.fromisoformat(line.value["sent_at"]))
    down = [outage for outage in portal_outages() if outage.end < FOUND]
    assert not [at for at in sent_at.values() for outage in down if outage.start <= at < outage.end]
    longest = max(down, key=lambda outage: outage.end - outage.start)
    assert sum(longest.end <= at <= longest.end + timedelta(minutes=20) for at in sent_at.values()) >= 2


def test_the_demo_too_has_its_outages_and_backlogs() -> None:
    first = [own[0].offset_seconds for own in steps_by_report().values() if own[0].topic == "sent"]
    windows = outage_windows(100.0)
    assert len(windows) == 9
    for begin, end in windows:
        assert not [offset for offset in first if begin <= offset < end]
    begin, end = max(windows, key=lambda window: window[1] - window[0])
    backlog = sum(end <= offset < end + 0.2 * (end - begin) for offset in first)
    assert backlog > 2 * sum(begin - 0.2 * (end - begin) <= offset < begin for offset in first)


def test_there_are_duplicates_resends_and_proofs_before_the_sent() -> None:
    lines = own_time().lines
    sents: dict[str, list[str]] = defaultdict(list)
    seen_stored, stored_first = set(), 0
    for line in lines:
        report_id = line.value["report_id"]
        if line.topic == "stored":
            seen_stored.add(report_id)
        if line.topic == "sent":
            stored_first += report_id in seen_stored and report_id not in sents
            sents[report_id].append(line.value["message_id"])
    resent = sum(len(set(ids)) > 1 for ids in sents.values())
    duplicated = sum(len(set(ids)) < len(ids) for ids in sents.values())
    assert min(resent, duplicated, stored_first) > 20


def test_every_value_is_what_the_contract_says() -> None:
    for line in own_time().lines[::7]:
        MODELS[line.topic].validate_python(line.value)
    for step in in_seconds().steps[::7]:
        MODELS[step.topic].validate_python(step.value_at(NOW))


def test_the_policies_are_valid() -> None:
    demo = parse_policy(in_seconds().policy_toml)
    assert demo.version[0].id == "demo"
    assert demo.version[0].allowance == {channel: timedelta(seconds=seconds) for channel, seconds in ALLOWANCE.items()}
    years = parse_policy(own_time().policy_toml)
    assert years.version[0].allowance["PRINT"] == timedelta(days=12)
    assert years.version[0].grace == timedelta(minutes=5)


@pytest.mark.parametrize("reports", [0, 1, 30])
def test_a_small_background_changes_nothing_about_the_incident(reports: int) -> None:
    assert Counter(each.outcome for each in virtual(reports, 1).truth) == Counter(
        {"stored": reports + 7, "missing": 63, "recovered": 7}
    )
