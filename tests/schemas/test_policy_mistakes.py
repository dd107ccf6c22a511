"""What a policy file may not say, and the sentence that tells what to do about it."""

from pathlib import Path

import pytest

from schemas.policy import PolicyInvalid, parse_policy
from streams.errors import ConfigurationError
from streams.policies import load_policy, policy_of

ONE = '[[version]]\nid = "a"\n'


def one(entries: str) -> str:
    """A policy of one version that says this."""
    return ONE + entries + "\n"


def override(entries: str, version: str = "") -> str:
    """A policy of one version with one override."""
    return one(f"{version}\noverride = [{{ {entries} }}]")


def feeds(*entries: str, named: str = "f", version: str = "") -> str:
    """A policy of one version with feeds, one of which an override names."""
    return override(
        f'municipality = "0301", feed = "{named}"', f"{version}\nfeed = [{', '.join(f'{{ {e} }}' for e in entries)}]"
    )


def services(*members: str) -> str:
    """A policy of one version with services, each by its members: municipality numbers, with a / districts."""
    listed = []
    for number, numbers in enumerate(members, start=1):
        receivers = [
            f'{{ municipality = "{municipality}"' + (f', district = "{district}" }}' if district else " }")
            for municipality, _, district in (member.partition("/") for member in numbers.split())
        ]
        listed.append(f'{{ id = "s{number}", receivers = [{", ".join(receivers)}] }}')
    return one(f"service = [{', '.join(listed)}]")


DURATION = 'must be an ISO 8601 duration of weeks, days or less, as "PT2H".'
SOME = 'must be longer than nothing, as "PT2H".'
F, G = 'id = "f", patience = "PT6H"', 'id = "g", patience = "PT6H"'
BEHIND = 'valid_from = 2026-01-01T00:00:00Z\n[[version]]\nid = "b"\nvalid_from = '

MISTAKES = [
    ("version = [", "The policy is not TOML: "),
    ("", "The policy lacks version: add it."),
    ("[[version]]\n", "The policy lacks version.1.id: add it."),
    (one('grase = "PT5M"'), "The policy has an unknown entry version.1.grase: remove it or correct its name."),
    # lengths of time
    (one('grace = "P1M"'), f"The policy is wrong at version.1.grace: {DURATION}"),
    (one('grace = "-PT1S"'), f"The policy is wrong at version.1.grace: {DURATION}"),
    (one("default = 5"), f"The policy is wrong at version.1.default: {DURATION}"),
    (one('default = "soon"'), f"The policy is wrong at version.1.default: {DURATION}"),
    (one('default = "P99999999999999D"'), f"The policy is wrong at version.1.default: {DURATION}"),
    (one('allowance = { PRINT = "-P1D" }'), f"The policy is wrong at version.1.allowance.PRINT: {DURATION}"),
    (one('grace = "P999999999D"'), "must be at most ten years."),
    (f'portal_retention = "P3650000D"\n{ONE}', "must be at most ten years."),
    (f'portal_retention = "PT0S"\n{ONE}', f"The policy is wrong at portal_retention: {SOME}"),
    (f'loss_patience = "PT0S"\n{ONE}', f"The policy is wrong at loss_patience: {SOME}"),
    (feeds('id = "f", patience = "PT0S"'), f"The policy is wrong at version.1.feed.1.patience: {SOME}"),
    (one('escalation = [{ after = "PT0S" }]'), f"The policy is wrong at version.1.escalation.1.after: {SOME}"),
    (one("escalation = [{}]"), "The policy lacks version.1.escalation.1.after: add it."),
    # working time
    (one("default = {}"), "at version.1.default: needs working_days, working_hours or both, as { working_days = 2 }."),
    (one("default = { working_days = 0 }"), "The policy is wrong at version.1.default.working_days: "),
    (one("default = { working_hours = 1.5 }"), "The policy is wrong at version.1.default.working_hours: "),
    (one("default = { working_days = 1001 }"), "The policy is wrong at version.1.default.working_days: "),
    (one("default = { days = 2 }"), "has an unknown entry version.1.default.days: remove it or correct its name."),
    (
        one("default = { working_days = 2 }"),
        'The policy is wrong: version a has working time, but the policy no calendar: add calendar = "NO".',
    ),
    (override('channel = "X", allowance = { working_hours = 2 }'), 'add calendar = "NO".'),
    (one("allowance = { X = { working_hours = 2 } }"), 'add calendar = "NO".'),
    (one("escalation = [{ after = { working_hours = 2 } }]"), 'add calendar = "NO".'),
    (
        f'calendar = "SE"\n{ONE}',
        'The policy is wrong at calendar: is no calendar that is known here: write "NO", or leave it out.',
    ),
    (f"calendar = []\n{ONE}", "is no calendar that is known here"),
    # the last call and the portal's retention
    (
        f'last_call = "P30D"\n{ONE}',
        "The policy is wrong: version a: last_call reaches the portal's retention, so that it would come before its "
        "report: shorten it.",
    ),
    ('last_call = "P8D"\n' + one('portal_retention = "P8D"'), "version a: last_call reaches the portal's retention"),
    (one('last_call = "P31D"'), "version a: last_call reaches the portal's retention"),
    (
        f'last_call = "PT0S"\n{ONE}',
        "version a: last_call must be longer than nothing, or something would stay unsaid until the portal has deleted "
        "its copy: lengthen it.",
    ),
    (one('last_call = "PT0S"'), "version a: last_call must be longer than nothing"),
    (f'last_call = "-P1D"\n{ONE}', f"The policy is wrong at last_call: {DURATION}"),
    (
        one('default = "P30D"'),
        "version a, default: allowance and grace together reach the portal's retention, so that the alarm would come "
        "when the portal has deleted its copy: shorten them.",
    ),
    (one('allowance = { PRINT = "P29DT23H55M" }'), "version a, allowance.PRINT: allowance and grace together reach"),
    (override('channel = "X", allowance = "P40D"'), "version a, override 1: allowance and grace together reach"),
    (
        one('default = "P22DT23H55M"'),
        "version a, default: allowance and grace together do not end before the last call: shorten them, or last_call.",
    ),
    (one('last_call = "P29D"'), "version a, default: allowance and grace together do not end before the last call"),
    (override('channel = "X", grace = "P22D"'), "version a, override 1: allowance and grace together do not end"),
    (
        override('municipality = "0301", grace = "P3D"', 'allowance = { X = "P20D" }'),
        "version a, override 1: allowance and grace together do not end",
    ),
    (
        'calendar = "NO"\n' + one("default = { working_days = 11 }"),
        "version a, default: allowance and grace together do not end before the last call: shorten them, or last_call "
        "(with weekends and public holidays, this working time may take 24.1 days).",
    ),
    (
        'calendar = "NO"\n' + override('channel = "X", allowance = { working_days = 15 }'),
        "version a, override 1: allowance and grace together reach the portal's retention, so that the alarm would "
        "come when the portal has deleted its copy: shorten them (with weekends and public holidays, this working time "
        "may take 30.5 days).",
    ),
    (
        feeds('id = "f", patience = "P21DT23H55M"'),
        "version a, override 1: allowance, grace and the patience of the feed f together do not end before the last "
        "call: shorten them, or last_call.",
    ),
    # feeds
    (feeds(F, F), "The policy is wrong at version.1: two feeds have the id f: give each its own."),
    (
        feeds(F, G),
        "The policy is wrong at version.1: nothing names the feed g: name it in an override, or remove it.",
    ),
    (feeds(F, 'id = "g", patience = "PT6H", successor = "f"'), "nothing names the feed g"),
    (one(f"feed = [{{ {F} }}]"), "nothing names the feed f"),
    (
        feeds('id = "f", patience = "PT6H", announce_after = "PT5H"'),
        "The policy is wrong at version.1.feed.1: announce_after is shorter than patience: make it at least as long.",
    ),
    (
        feeds('id = "f", patience = "PT6H", successor = "h"'),
        "The policy is wrong at version.1: the feed f names the successor h, which the version lacks: add it, or "
        "correct its name.",
    ),
    (
        feeds('id = "f", patience = "PT6H", successor = "f"'),
        "The policy is wrong at version.1: the successors of the feed f lead back to it: leave one of them out.",
    ),
    (
        feeds('id = "f", patience = "PT6H", successor = "g"', 'id = "g", patience = "PT6H", successor = "f"'),
        "the successors of the feed f lead back to it",
    ),
    (
        feeds(
            'id = "f", patience = "PT6H", successor = "g"',
            'id = "g", patience = "PT6H", successor = "h"',
            'id = "h", patience = "PT6H", successor = "g"',
        ),
        "the successors of the feed g lead back to it",
    ),
    (
        feeds(F, named="h"),
        "The policy is wrong at version.1: override 1 names the feed h, which the version lacks: add it, or correct "
        "its name.",
    ),
    (
        feeds(F, version='proof = "receipt"'),
        'The policy is wrong at version.1: override 1 names a feed, but asks for no proof: add proof = "stored", or '
        "remove the feed.",
    ),
    (feeds(F, version='proof = "none"'), "override 1 names a feed, but asks for no proof"),
    (
        override('channel = "X", proof = "none", feed = "f"', f"feed = [{{ {F} }}]"),
        "override 1 names a feed, but asks for no proof",
    ),
    (override('channel = "X", proof = "perhaps"'), "The policy is wrong at version.1.override.1.proof: "),
    (feeds("id = 'f', patience = 'PT6H', announce = 'P1D'"), "has an unknown entry version.1.feed.1.announce"),
    (feeds('id = "Kari Nordmann", patience = "PT6H"'), "The policy is wrong at version.1.feed.1.id: "),
    # services
    (
        one('service = [{ id = "s", receivers = [{ municipality = "4601" }] }]'),
        "The policy is wrong at version.1.service.1: a service needs at least two receivers: list the others, or "
        "remove the service.",
    ),
    (one('service = [{ id = "s", receivers = [] }]'), "a service needs at least two receivers"),
    (
        services("4601 4631", "3907 3909").replace("s2", "s1"),
        "The policy is wrong at version.1: two services have the id s1: give each its own.",
    ),
    (
        services("4601 4631", "3907 4631"),
        "The policy is wrong at version.1: the receiver 4631 is in two services, s1 and s2: leave it in one of them.",
    ),
    (services("0301/03 4601", "0301 3907"), "the receiver 0301 is in two services, s1 and s2"),
    (services("0301/03 4601", "0301/03 3907"), "the receiver 0301 is in two services, s1 and s2"),
    (
        services("4601 4631 4601"),
        "The policy is wrong at version.1: the service s1 lists the receiver 4601 twice: leave it in one place.",
    ),
    (services("0301/00 4601"), "00 says that there is no district: leave it out."),
    (
        override('service = "s"'),
        "The policy is wrong at version.1: override 1 names the service s, which the version lacks: add it, or correct "
        "its name.",
    ),
    # overrides
    (
        override('allowance = "PT1H"'),
        "The policy is wrong at version.1.override.1: needs at least one of municipality, service, unit_id, "
        "case_system and channel.",
    ),
    (override('district = "03"'), "at version.1.override.1: a district needs its municipality: add it."),
    (override('municipality = "0301", district = "00"'), "00 says that there is no district: leave it out."),
    (override('municipality = "301"'), "The policy is wrong at version.1.override.1.municipality: "),
    # versions
    (
        one("[[version]]\nid = 'a'\nvalid_from = 2026-01-01T00:00:00Z"),
        "two versions have the same id: give each its own.",
    ),
    (one("[[version]]\nid = 'b'"), "only the first version may leave out valid_from."),
    (one("valid_from = 2026-01-01T00:00:00"), "The policy is wrong at version.1.valid_from: "),
    (one(f"{BEHIND}2025-01-01T00:00:00Z"), "versions must be in order of valid_from, each with a later one."),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES)
def test_a_wrong_policy_is_refused_in_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        parse_policy(text)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"policy\.toml: The policy"):
        load_policy(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (services("1201 4601"), "1201 in the service s1 and 4601 in the service s1 are one receiver"),
        (services("4601 4631", "1201 3907"), "4601 in the service s1 and 1201 in the service s2 are one receiver"),
        (services("1507 1508"), "1507 in the service s1 and 1508 in the service s1 are one receiver"),
    ],
)
def test_a_receiver_with_two_of_its_numbers_in_services_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    document = parse_policy(text)
    with pytest.raises(
        PolicyInvalid, match=rf"^The policy is wrong at version a: {sentence}: leave it in one place\.$"
    ):
        policy_of(document)
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=sentence):
        load_policy(tmp_path / "policy.toml")


@pytest.mark.parametrize(
    "text",
    [
        one('default = "PT0S"\ngrace = "PT0S"'),
        one('allowance = { X = "PT0S" }'),
        override('channel = "X", allowance = "PT0S", grace = "PT0S"'),
        one('default = "P22DT23H54M"'),
        override('channel = "X", grace = "P10D"', 'allowance = { X = "P2D", Y = "P20D" }'),  # only of its channel
        'calendar = "NO"\n' + one("default = { working_days = 10 }"),
        'calendar = "NO"\n' + one("default = { working_days = 1, working_hours = 4 }"),
        f'calendar = "NO"\n{ONE}',
        feeds('id = "f", patience = "P21DT23H54M"'),
        feeds('id = "f", patience = "PT6H", announce_after = "PT6H"'),
        feeds('id = "f", patience = "PT6H", successor = "g"', G),
        override('channel = "X", proof = "stored", feed = "f"', f'proof = "none"\nfeed = [{{ {F} }}]'),
        services("0301/03 4601", "0301/04 3907"),
        services("0301/03 0301/04"),
        services("1508 1580"),  # the halves of a split are two receivers
        override('unit_id = "u1"'),
        override('service = "s1", district = "03"', services("0301/03 0301/04").removeprefix(ONE)),
        one('escalation = [{ after = "P1D" }, { after = "PT4H" }]'),
        one('last_call = "P28DT23H54M"'),
    ],
)
def test_what_only_looks_wrong_is_accepted(text: str) -> None:
    assert policy_of(parse_policy(text)).versions[0].id == "a"
