"""When is a report due, and when is its alarm?"""

import re
from datetime import timedelta

import pytest

from streams.core.facts import Names
from streams.core.policy import EVER, Asks, Override, Policy, Terms, Version, fingerprint
from tests.core.world import BERGEN, NAMED_NOTHING, OSLO, RULES, Story, at, names

VISMA = "VISMA_FAMILIA"
UNASKED = BERGEN._replace(municipality="1507")


@pytest.mark.parametrize(
    ("channel", "due", "alarm"),
    [
        ("FIKS_IO", "10:00", "10:05"),
        ("SVARINN", "2026-03-03T08:00", "2026-03-03T08:05"),
        ("MANUELL_MOTTAK", "2026-03-07T08:00", "2026-03-07T08:05"),
        ("PRINT", "2026-03-14T08:00", "2026-03-14T08:05"),
        ("CARRIER_PIGEON", "2026-03-03T08:00", "2026-03-03T08:05"),
        (None, "2026-03-03T08:00", "2026-03-03T08:05"),
    ],
)
def test_it_is_due_by_its_channel_and_by_the_default_otherwise(channel: str | None, due: str, alarm: str) -> None:
    story = Story()
    story.sent("08:00", names(channel=channel))
    assert (story.row.due_at, story.row.alarm_at) == (at(due), at(alarm))


@pytest.mark.parametrize(
    ("of", "due", "alarm", "asked"),
    [
        (names(BERGEN, "FIKS_IO", VISMA), "08:30", "08:31", True),
        (names(BERGEN, "PRINT", VISMA), "08:30", "08:31", True),
        (names(BERGEN._replace(district="02"), "FIKS_IO", VISMA), "08:30", "08:31", True),
        (names(BERGEN, "FIKS_IO", "OTHER"), "10:00", "10:05", True),
        (names(OSLO, "FIKS_IO", VISMA), "10:00", "10:05", True),
        (names(None, "FIKS_IO", VISMA), "10:00", "10:05", True),
        (names(BERGEN._replace(municipality="1201"), "FIKS_IO", VISMA), "10:00", "10:05", True),
        (names(UNASKED, "FIKS_IO"), "10:00", "10:05", False),
        (names(OSLO, "SVARINN", "UKJENT"), "2026-03-03T08:00", "2026-03-03T08:00", True),
        (
            names(UNASKED, "SVARINN", "UKJENT"),
            "2026-03-03T08:00",
            "2026-03-03T08:05",
            False,
        ),
    ],
)
def test_it_is_due_by_the_first_override_that_matches(of: Names, due: str, alarm: str, asked: bool) -> None:
    story = Story()
    story.sent("08:00", of)
    assert (story.row.due_at, story.row.alarm_at, story.row.asks is Asks.STORED) == (at(due), at(alarm), asked)


@pytest.mark.parametrize(
    ("arrived", "version", "due", "alarm"),
    [
        ("11:59:59.999999", "2026-01", "13:59:59.999999", "14:04:59.999999"),
        ("12:00", "2026-03", "13:00", "13:00"),
        ("12:00:00.000001", "2026-03", "13:00:00.000001", "13:00:00.000001"),
    ],
)
def test_it_is_judged_by_the_version_in_force_when_it_arrived(arrived: str, version: str, due: str, alarm: str) -> None:
    story = Story()
    story.sent(arrived)
    assert story.row.policy_version == version
    assert (story.row.due_at, story.row.alarm_at) == (at(due), at(alarm))


def test_it_is_judged_by_arrival_though_it_was_sent_under_another_version() -> None:
    story = Story()
    story.sent("12:00", sent_at="11:30")
    assert story.row.policy_version == "2026-03"
    assert story.row.due_at == at("12:30")


def test_it_keeps_the_version_of_its_first_sent() -> None:
    story = Story()
    story.sent("11:00")
    story.sent("12:30", message="m2")
    assert story.row.policy_version == "2026-01"
    assert story.row.due_at == at("13:00")


@pytest.mark.parametrize(
    ("arrived", "due", "alarm"),
    [
        ("08:00", "10:00", "10:05"),
        ("10:00", "10:00", "10:05"),
        ("10:00:00.000001", "10:00", "10:05:00.000001"),
        ("11:00", "10:00", "11:05"),
    ],
)
def test_it_gives_a_sent_that_arrived_after_it_was_due_the_grace_from_its_arrival(
    arrived: str, due: str, alarm: str
) -> None:
    story = Story()
    story.sent(arrived, sent_at="08:00")
    assert (story.row.due_at, story.row.alarm_at) == (at(due), at(alarm))


@pytest.mark.parametrize(
    "unreadable",
    ["receiver", "receiver.district", "receiver.unit_id", "case_system", "case_system_version", "form", "message_id"],
)
def test_it_moves_no_deadline_for_another_field_that_could_not_be_read(unreadable: str) -> None:
    story = Story()
    story.sent("08:00", sent_at="07:00", unreadable=[unreadable])
    assert story.row.sent_at == at("07:00")
    assert (story.row.due_at, story.row.alarm_at) == (at("09:00"), at("09:05"))
    assert story.row.flags == {f"unreadable_{unreadable.replace('.', '_')}"}


def test_it_counts_from_the_arrival_where_the_time_could_not_be_read() -> None:
    story = Story()
    story.sent("08:00", unreadable=["sent_at"])
    assert (story.row.sent_at, story.row.due_at, story.row.alarm_at) == (at("08:00"), at("10:00"), at("10:05"))
    assert story.row.flags == {"unreadable_sent_at"}


def test_it_gives_a_sent_whose_channel_could_not_be_read_the_default_allowance_from_when_it_was_sent() -> None:
    story = Story()
    story.sent("08:00", sent_at="07:00", unreadable=["channel"])
    assert (story.row.due_at, story.row.alarm_at) == (at("2026-03-03T07:00"), at("2026-03-03T07:05"))
    assert story.row.flags == {"unreadable_channel"}


@pytest.mark.parametrize(
    ("of", "unreadable", "due", "alarm", "asked"),
    [
        (names(BERGEN, "FIKS_IO", VISMA), ["form"], "08:30", "08:31", True),
        (names(BERGEN, "FIKS_IO", VISMA), ["channel"], "08:30", "08:31", True),
        (names(BERGEN, "FIKS_IO", VISMA), ["case_system"], "10:00", "10:05", True),
        (names(BERGEN, "FIKS_IO", VISMA), ["receiver"], "10:00", "10:05", True),
        (names(UNASKED, "FIKS_IO"), ["channel", "case_system"], "2026-03-03T08:00", "2026-03-03T08:05", False),
        (names(UNASKED, "FIKS_IO"), ["receiver"], "10:00", "10:05", True),
        (names(OSLO, "SVARINN", "UKJENT"), ["receiver"], "2026-03-03T08:00", "2026-03-03T08:00", True),
        (names(OSLO, "SVARINN", "UKJENT"), ["channel"], "2026-03-03T08:00", "2026-03-03T08:05", True),
    ],
)
def test_it_is_matched_by_overrides_of_what_could_be_read(
    of: Names, unreadable: list[str], due: str, alarm: str, asked: bool
) -> None:
    story = Story()
    story.sent("08:00", of, unreadable=unreadable)
    assert (story.row.due_at, story.row.alarm_at, story.row.asks is Asks.STORED) == (at(due), at(alarm), asked)


HOUR, NOTHING = timedelta(hours=1), timedelta(0)


def test_it_takes_the_terms_of_the_version_where_nothing_overrides_them() -> None:
    version = Version("v", grace=NOTHING, default=HOUR)
    assert version.terms(NAMED_NOTHING, RULES.municipalities) == Terms(HOUR, NOTHING)


def test_it_lets_an_override_without_levels_match_everything() -> None:
    version = Version("v", grace=HOUR, default=HOUR, overrides=(Override(allowance=NOTHING, grace=NOTHING),))
    assert version.terms(NAMED_NOTHING, RULES.municipalities) == Terms(NOTHING, NOTHING)


@pytest.mark.parametrize(
    ("arrived", "version"),
    [("07:59:59.999999", "one"), ("08:00", "one"), ("08:59", "one"), ("09:00", "two"), ("2030-01-01T00:00", "two")],
)
def test_it_has_the_first_version_in_force_before_it_begins(arrived: str, version: str) -> None:
    one = Version("one", NOTHING, HOUR, valid_from=at("08:00"))
    two = Version("two", NOTHING, HOUR, valid_from=at("09:00"))
    policy = Policy((two, one))
    assert policy.in_force(at(arrived)).id == version


def test_it_orders_versions_by_when_they_begin_not_by_their_names() -> None:
    earlier, later = VERSION._replace(id="z", valid_from=at("08:00")), VERSION._replace(id="a", valid_from=at("09:00"))
    policy = Policy((later, earlier))
    assert policy.versions == (earlier, later)
    assert [policy.in_force(at(arrived)).id for arrived in ("08:59", "09:00")] == ["z", "a"]


def test_it_refuses_a_policy_without_versions() -> None:
    with pytest.raises(ValueError, match=r"^A policy needs at least one version\.$"):
        Policy(())


def test_it_refuses_two_versions_that_begin_together() -> None:
    told = r"^Two versions of the policy begin at the same time: give each its own valid_from\.$"
    with pytest.raises(ValueError, match=told):
        Policy((Version("a", NOTHING, HOUR), Version("b", NOTHING, HOUR, valid_from=EVER)))


VERSION = Version("v", NOTHING, HOUR, at("08:00"), {"A": HOUR, "B": NOTHING}, (Override("0301"),))


def test_it_has_the_same_fingerprint_for_the_same_version() -> None:
    again = VERSION._replace(allowance={"B": NOTHING, "A": HOUR})
    assert fingerprint(again) == fingerprint(VERSION)


def test_it_has_a_short_fingerprint() -> None:
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(VERSION))


@pytest.mark.parametrize(
    "changed",
    [
        VERSION._replace(id="w"),
        VERSION._replace(grace=HOUR),
        VERSION._replace(default=NOTHING),
        VERSION._replace(valid_from=at("08:00:00.000001")),
        VERSION._replace(allowance={"A": HOUR}),
        VERSION._replace(allowance={"A": HOUR, "B": HOUR}),
        VERSION._replace(overrides=()),
        VERSION._replace(overrides=(Override("0301", proof=Asks.NONE),)),
        VERSION._replace(overrides=(Override("0301", channel="A"),)),
        VERSION._replace(overrides=(Override("0301", grace=NOTHING),)),
        VERSION._replace(portal_retention=HOUR),
        VERSION._replace(last_call=HOUR),
        VERSION._replace(loss_patience=HOUR),
    ],
)
def test_it_has_another_fingerprint_for_anything_that_changed(changed: Version) -> None:
    assert fingerprint(changed) != fingerprint(VERSION)


@pytest.mark.parametrize(
    ("arrived", "begun"), [("07:00", ["v"]), ("08:59:59.999999", ["v"]), ("09:00", ["v", "w"]), ("10:00", ["v", "w"])]
)
def test_it_judges_what_has_arrived_by_the_versions_that_had_begun(arrived: str, begun: list[str]) -> None:
    policy = Policy((VERSION, VERSION._replace(id="w", valid_from=at("09:00"))))
    judged = policy.judged_by(at(arrived))
    assert list(judged) == begun
    assert all(judged[version.id] == fingerprint(version) for version in policy.versions if version.id in begun)


OTHER_VERSION = VERSION._replace(id="w", valid_from=at("09:00"))


@pytest.mark.parametrize(
    ("versions", "rewritten"),
    [
        ((VERSION, OTHER_VERSION), []),
        ((VERSION, OTHER_VERSION, VERSION._replace(id="x", valid_from=at("11:00"))), []),
        ((VERSION,), ["w"]),  # removed
        ((VERSION, OTHER_VERSION._replace(valid_from=at("12:00"))), ["w"]),  # postponed
        ((VERSION, OTHER_VERSION._replace(grace=HOUR)), ["w"]),
        ((VERSION._replace(portal_retention=HOUR), OTHER_VERSION), ["v"]),
        ((VERSION, OTHER_VERSION, VERSION._replace(id="x", valid_from=at("10:00"))), ["x"]),  # new, and too early
        ((OTHER_VERSION,), ["v"]),
    ],
)
def test_it_names_the_versions_that_are_not_what_was_judged_by(
    versions: tuple[Version, ...], rewritten: list[str]
) -> None:
    judged = Policy((VERSION, OTHER_VERSION)).judged_by(at("10:00"))
    assert Policy(versions).rewritten(judged, at("10:00")) == rewritten


def test_it_has_the_version_that_a_report_was_judged_by() -> None:
    policy = Policy((VERSION, OTHER_VERSION._replace(portal_retention=2 * HOUR)))
    assert policy.version("v") is VERSION
    assert policy.portal_retention == timedelta(days=30)
    with pytest.raises(KeyError):
        policy.version(None)
