"""The incident's numbers, counted from its own data."""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas.inputs import FeedMark, ReportReceipt, ReportSent, ReportStored
from schemas.policy import parse_policy
from streams.commands.replay import Replay, read_script
from streams.core.rules import Rules
from streams.data import portal_outages, succession
from streams.policies import policy_of
from streams.records.events import event_value
from streams.simulation.incident import Compressed, Virtual, compressed, outage_windows, virtual
from streams.simulation.plan import BEGIN, FOUND, SILENT_FROM
from streams.simulation.script import ScriptLine, Truth
from streams.simulation.steps import StoryStep
from streams.simulation.verdict import judge
from tests.simulation.oracle import oracle

NOW = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)
ALLOWANCE = {"FIKS_IO": 6.0, "SVARINN": 8.0, "MANUELL_MOTTAK": 10.0, "PRINT": 12.0}
GRACE = 2.0
MODELS: dict[str, TypeAdapter[Any]] = {
    "sent": TypeAdapter(ReportSent),
    "receipt": TypeAdapter(ReportReceipt),
    "stored": TypeAdapter(ReportStored),
    "feed": TypeAdapter(FeedMark),
}


@cache
def own_time(seed: int = 1) -> Virtual:
    return virtual(3000, seed)


@cache
def in_seconds(seed: int = 1) -> Compressed:
    return compressed(2000, seed)


@cache
def records(seed: int = 1) -> list[ScriptLine]:
    """The three years without the feed's marks."""
    return [line for line in own_time(seed).lines if line.topic != "feed"]


def on_course(truth: list[Truth], course: str) -> dict[str, Truth]:
    return {each.report_id: each for each in truth if each.course == course}


@cache
def steps_by_report() -> dict[str, list[StoryStep]]:
    found: dict[str, list[StoryStep]] = defaultdict(list)
    for step in in_seconds().steps:
        if step.topic != "feed":
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
    for line in records():
        if (report_id := line.value["report_id"]) in lost:
            topics[report_id].add(line.topic)
            if line.topic == "receipt":
                last_receipt[report_id] = line.value["receipt"]
            if line.topic == "sent":
                systems.add(line.value["case_system"])
                assert BEGIN <= line.at <= FOUND + timedelta(days=3)
    assert all(seen == {"sent", "receipt"} for seen in topics.values())
    assert set(last_receipt.values()) == {"MOTTATT"}
    assert systems == {"VISMA_FAMILIA"}
    assert {each.reason for each in script.truth if each.outcome == "missing"} == {"receipted_not_stored"}


def test_losses_come_in_bursts() -> None:
    script = own_time()
    bergen = {each.report_id for each in script.truth if each.outcome == "missing" and each.municipality == "4601"}
    first = {line.value["report_id"]: line.at for line in reversed(records()) if line.topic == "sent"}
    times = sorted(first[report_id] for report_id in bergen)
    close = [after - before < timedelta(hours=20) for before, after in pairwise(times)]
    assert 2 * sum(close) > len(close)


def test_all_356_receivers_get_reports_and_some_are_idle() -> None:
    counts = Counter(each.municipality for each in own_time().truth)
    assert len(counts) == 356
    assert sum(count == 1 for count in counts.values()) >= 10
    assert counts["0301"] > 20 * sorted(counts.values())[178]


def test_only_sandefjords_seven_have_no_receipt_and_are_stored_in_time() -> None:
    for truth, lines in (
        (own_time().truth, [(line.topic, line.value["report_id"]) for line in records()]),
        (in_seconds().truth, [(step.topic, step.report_id) for step in in_seconds().steps]),
    ):
        receipted = {report_id for topic, report_id in lines if topic == "receipt"}
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
    later = on_course(in_seconds().truth, "letter").keys() | behind_the_feed()
    for report_id, own in steps_by_report().items():
        if report_id in later:
            continue
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
    for line in own_time(2).lines:
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
    lines = records()
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
        {"stored": reports + 7 + 12 + 24 + 9, "missing": 63, "recovered": 7}
    )


def behind_the_feed() -> set[str]:
    """The demo's reports whose proof the feed held back for the silent day, undetermined or not."""
    demo = in_seconds()
    marks = [step.offset_seconds for step in demo.steps if step.topic == "feed"]
    since, until = max(pairwise(marks), key=lambda pair: pair[1] - pair[0])
    modulus = {
        step.report_id
        for step in demo.steps
        if step.topic == "sent" and step.body["case_system"] == "NETCOMPANY_MODULUS_BARN"
    }
    proofs = [step for step in demo.steps if step.topic == "stored" and step.report_id in modulus]
    return {step.report_id for step in proofs if since + 24 <= step.offset_seconds < until}


def test_one_feed_is_silent_for_a_day_and_none_of_the_lost_is_behind_it() -> None:
    script = own_time()
    marks = [line.at for line in script.lines if line.topic == "feed"]
    gaps = sorted((after - before for before, after in pairwise(marks)), reverse=True)
    assert gaps[0] >= timedelta(days=1) > gaps[1] == timedelta(hours=6)
    silent = on_course(script.truth, "silent_feed")
    assert len(silent) >= 24
    assert not {each.municipality for each in silent.values()} & set(places(script.truth, "missing"))
    assert len(on_course(in_seconds().truth, "silent_feed")) > len(silent)


def test_the_feed_brings_nothing_while_it_is_silent_and_keeps_its_word() -> None:
    proofs: dict[str, ScriptLine] = {}
    modulus = {
        line.value["report_id"]
        for line in records()
        if line.topic == "sent" and line.value["case_system"] == "NETCOMPANY_MODULUS_BARN"
    }
    vouched = datetime.min.replace(tzinfo=UTC)
    for line in own_time().lines:
        if line.topic == "feed":
            vouched = datetime.fromisoformat(line.value["vouched_until"])
        elif line.topic == "stored" and (report_id := line.value["report_id"]) in modulus:
            first = proofs.setdefault(report_id, line)
            if first is line and line.value["evidence"] != "MANUAL":
                assert datetime.fromisoformat(line.value["stored_at"]) >= vouched
    brought = [line.at for line in proofs.values() if line.value["evidence"] != "MANUAL"]
    assert not [at for at in brought if SILENT_FROM < at < SILENT_FROM + timedelta(days=1)]
    assert len(proofs) > 100


def test_letters_follow_a_refusal_and_are_stored_after_the_first_alarm_would_have_come() -> None:
    for form in (own_time(), in_seconds()):
        assert len(on_course(form.truth, "letter")) == 12
    letters = on_course(own_time().truth, "letter")
    own: dict[str, list[ScriptLine]] = defaultdict(list)
    for line in records():
        if line.value["report_id"] in letters:
            own[line.value["report_id"]].append(line)
    for lines in own.values():
        told = [line.value.get("channel") or line.value.get("receipt") or line.topic for line in lines]
        assert list(dict.fromkeys(told)) == ["FIKS_IO", "FEILET", "PRINT", "stored"]
        assert lines[-1].at > lines[0].at + timedelta(hours=2, minutes=5)


def test_a_service_stores_under_its_hosts_number() -> None:
    served = on_course(own_time().truth, "service")
    proofs = [line.value for line in records() if line.topic == "stored" and line.value["report_id"] in served]
    guests = {each.municipality for each in served.values()}
    hosts = {value["receiver"]["municipality"] for value in proofs}
    assert (len(guests), len(hosts)) == (2, 1)
    (service,) = parse_policy(own_time().policy_toml).version[0].service
    assert {member.municipality for member in service.receivers} == guests | hosts


@pytest.mark.parametrize(
    ("course", "words"),
    [
        ("silent_feed", r"\[\[version.feed\]\][^[]*\[\[version.override\]\][^[]*"),
        ("service", r"\[\[version.service\]\](?s:.*)"),
        ("letter", r"PRINT = .*\n"),
    ],
)
def test_who_is_not_told_of_a_course_announces_phantoms(course: str, words: str) -> None:
    script = virtual(0, 1)
    ignorant = re.sub(words, "", script.policy_toml)
    phantoms = set(judge(script.truth, announced(script, ignorant)).phantom)
    assert phantoms >= on_course(script.truth, course).keys() > set()


def test_who_is_told_of_all_of_it_announces_what_is_true() -> None:
    script = virtual(50, 1)
    assert judge(script.truth, announced(script, script.policy_toml)).exact


def announced(script: Virtual, policy_toml: str) -> list[dict[str, Any]]:
    replay = Replay(Rules(policy_of(parse_policy(policy_toml)), succession()))
    lines = read_script(line.encoded() for line in script.lines)
    return [event_value(event, positions=False) for event in replay.run(lines, script.until)]
