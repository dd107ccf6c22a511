"""The policy file: what it says, and what the core makes of it."""

import json
import re
import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from schemas.durations import at_most
from schemas.generate import schema_of
from schemas.policy import DEFAULT_POLICY, parse_policy
from streams.core.facts import Names, Receiver
from streams.core.policy import Asks, Feed, Terms, Version, fingerprint
from streams.core.receivers import Service
from streams.core.working import WorkingTime
from streams.data import public_holidays, succession
from streams.errors import ConfigurationError
from streams.policies import load_policy, norway, policy_of

ROOT = Path(__file__).parents[2] / "schemas"
EXAMPLE = (ROOT / "examples" / "policy.toml").read_text(encoding="utf-8")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def version_of(text: str) -> Version:
    """The last version of a policy, as the core has it."""
    return policy_of(parse_policy(text)).versions[-1]


VERSION = version_of(EXAMPLE)
FAMILIA = Feed("familia-3907", 6 * HOUR, 3 * DAY, "flyt-3907")


@pytest.mark.parametrize(
    ("of", "terms"),
    [
        (Names(Receiver("3907"), "FIKS_IO", "VISMA_FAMILIA"), Terms(30 * MINUTE, 0 * MINUTE, Asks.STORED, FAMILIA)),
        (Names(Receiver("3907"), "FIKS_IO", "UKJENT"), Terms(2 * HOUR, 5 * MINUTE, Asks.RECEIPT)),
        (
            Names(Receiver("4631"), "MANUELL_MOTTAK", "UKJENT"),
            Terms(WorkingTime(2), 5 * MINUTE, Asks.STORED, Feed("flyt-bergen", 30 * HOUR)),
        ),
        (Names(Receiver("0301", "03"), "PRINT", "UKJENT"), Terms(12 * DAY, 5 * MINUTE, Asks.NONE)),
        (Names(None, None, None), Terms(DAY, 5 * MINUTE, Asks.RECEIPT)),
    ],
)
def test_the_example_becomes_the_cores_policy(of: Names, terms: Terms) -> None:
    assert VERSION.terms(of, succession()) == terms


def test_whatever_the_example_says_is_in_the_cores_policy() -> None:
    assert (VERSION.id, VERSION.valid_from) == ("2026-01", datetime(2026, 1, 1, tzinfo=UTC))
    assert (VERSION.portal_retention, VERSION.last_call, VERSION.loss_patience) == (30 * DAY, 7 * DAY, DAY)
    assert VERSION.feeds == (FAMILIA, Feed("flyt-3907", 6 * HOUR), Feed("flyt-bergen", 30 * HOUR))
    assert VERSION.services == (Service("bergen", (Receiver("4601"), Receiver("4631"))),)
    assert VERSION.calendar == norway()


def test_a_version_has_what_the_file_says_where_it_says_nothing_else() -> None:
    text = """
        portal_retention = "P20D"
        last_call = "P5D"
        loss_patience = "P2D"
        [[version]]
        id = "a"
        allowance = { PRINT = "P12D" }
        [[version]]
        id = "b"
        valid_from = 2026-01-01T00:00:00Z
        portal_retention = "P40D"
        last_call = "P6D"
        loss_patience = "P3D"
    """
    kept = [(v.portal_retention, v.last_call, v.loss_patience) for v in policy_of(parse_policy(text)).versions]
    assert kept == [(20 * DAY, 5 * DAY, 2 * DAY), (40 * DAY, 6 * DAY, 3 * DAY)]


def test_the_readme_and_the_schema_know_the_example() -> None:
    assert f"```toml\n{EXAMPLE}```" in (ROOT / "README.md").read_text(encoding="utf-8")
    written = json.loads(json.dumps(tomllib.loads(EXAMPLE), default=datetime.isoformat))
    Draft202012Validator(schema_of("policy")).validate(written)


def test_every_entry_is_in_the_tables_of_the_readme_and_in_the_example() -> None:
    schema = schema_of("policy")
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The policy")[2].partition("\n## ")[0]
    for name, model in {"PolicyFile": schema, **schema["$defs"]}.items():
        for entry in model["properties"]:
            assert f"`{entry}`" in readme or f"{{ {entry} = " in readme, (name, entry)
            assert re.search(rf"\b{entry}\b", EXAMPLE) or (name, entry) == ("PolicyOverride", "unit_id"), (name, entry)


PLAIN = """
calendar = "NO"
[[version]]
id = "a"
valid_from = 2026-01-01T00:00:00Z
allowance = { FIKS_IO = "PT2H", PRINT = "P12D" }
feed = [{ id = "f", patience = "PT6H" }, { id = "g", patience = "PT6H" }]
service = [{ id = "s", receivers = [{ municipality = "4601" }, { municipality = "4631", district = "01" }] },
           { id = "t", receivers = [{ municipality = "0301" }, { municipality = "3907" }] }]
override = [{ service = "s", feed = "f" }, { channel = "PRINT", feed = "g", allowance = { working_hours = 4 } }]
"""


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"),
        ("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"'),
        ("2026-01-01T00:00:00Z", "2026-01-01 00:00:00Z"),
        ('FIKS_IO = "PT2H", PRINT = "P12D"', 'PRINT = "PT288H", FIKS_IO = "PT120M"'),
        ('{ id = "f", patience = "PT6H" }, { id = "g", patience = "PT6H" }',
         '{ id = "g", patience = "PT6H" }, { id = "f", patience = "PT360M" }'),
        ('{ municipality = "4601" }, { municipality = "4631", district = "01" }',
         '{ district = "01", municipality = "4631" }, { municipality = "4601" }'),
        ('id = "a"', 'id = "a"\nproof = "stored"\nlast_call = "P7D"\ngrace = "PT300S"'),
        ('calendar = "NO"', 'calendar = "NO"\nloss_patience = "PT24H"'),
        ('id = "a"', 'id = "a"\nescalation = [{ after = { working_days = 1 } }]'),  # judges nothing
    ],
)  # fmt: skip
def test_the_same_said_otherwise_has_the_same_fingerprint(plain: str, other: str) -> None:
    assert plain in PLAIN
    assert fingerprint(version_of(PLAIN.replace(plain, other))) == fingerprint(version_of(PLAIN))


def test_services_in_another_order_have_the_same_fingerprint() -> None:
    ours = version_of(PLAIN)
    assert fingerprint(ours._replace(services=ours.services[::-1])) == fingerprint(ours)


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ('FIKS_IO = "PT2H"', 'FIKS_IO = "PT3H"'),
        ('FIKS_IO = "PT2H", ', ""),
        ('id = "a"', 'id = "a"\nproof = "stored"\nlast_call = "P6D"'),
        ('{ id = "f", patience = "PT6H" }', '{ id = "f", patience = "PT7H" }'),
        ('{ id = "f", patience = "PT6H" }', '{ id = "f", patience = "PT6H", announce_after = "P1D" }'),
        ('{ id = "f", patience = "PT6H" }', '{ id = "f", patience = "PT6H", successor = "g" }'),
        (', district = "01"', ""),
        ('municipality = "3907"', 'municipality = "3909"'),
        ('service = "s", feed = "f"', 'service = "t", feed = "f"'),
        ('service = "s", feed = "f"', 'service = "s", feed = "f", unit_id = "u"'),
        ('service = "s", feed = "f"', 'service = "s", feed = "f", district = "01"'),
        ('service = "s", feed = "f"', 'service = "s", feed = "f", grace = "PT0S"'),
        ("working_hours = 4", "working_hours = 8"),
        ("working_hours = 4", "working_days = 1"),
    ],
)
def test_anything_else_that_is_said_has_another_fingerprint(plain: str, other: str) -> None:
    assert plain in PLAIN
    assert fingerprint(version_of(PLAIN.replace(plain, other))) != fingerprint(version_of(PLAIN))


def test_a_calendar_is_part_of_a_version_that_has_working_time_and_of_no_other() -> None:
    without = PLAIN.replace(", allowance = { working_hours = 4 }", "")
    assert version_of(without).calendar is None
    assert fingerprint(version_of(without)) == fingerprint(version_of(without.replace('calendar = "NO"', "")))
    ours = version_of(PLAIN)
    assert ours.calendar is not None
    another = ours.calendar._replace(holidays=ours.calendar.holidays[1:])
    assert fingerprint(ours._replace(calendar=another)) != fingerprint(ours)


def test_the_calendar_of_norway_is_open_from_eight_to_four_but_not_on_public_holidays() -> None:
    assert norway()[:4] == ("NO", ZoneInfo("Europe/Oslo"), time(8), time(16))
    assert date(2026, 5, 17) in norway().holidays
    assert norway().end(datetime(2026, 3, 31, 13, 30, tzinfo=UTC), WorkingTime(2)) == datetime(
        2026, 4, 7, 13, 30, tzinfo=UTC
    )


# What begins as they close takes longest: it waits for the next opening, and loses no time of work before.
CLOSINGS = [
    datetime(2015, 1, 1, 16, tzinfo=norway().zone).astimezone(UTC) + days * DAY
    for days in range((public_holidays()[-1] - date(2015, 1, 1)).days)
]


@pytest.mark.parametrize(("days", "hours"), [(0, 1), (0, 8), (1, 0), (2, 0), (3, 7), (10, 0), (20, 0)])
def test_working_time_never_takes_longer_than_it_is_counted_for(days: int, hours: int) -> None:
    length = WorkingTime(days, timedelta(hours=hours))
    spans = [norway().end(closing, length) - closing for closing in CLOSINGS[:: 1 if days < 3 else 7]]
    assert max(spans) <= at_most(*length)


def test_no_number_of_working_days_takes_longer_than_it_is_counted_for() -> None:
    """By whole days: from the closing of one working day to the opening after so many more."""
    first, last = date(2015, 1, 1), public_holidays()[-1]
    every = (first + days * DAY for days in range((last - first).days))
    working = [day for day in every if day.weekday() < 5 and day not in public_holidays()]
    for days in (*range(60), *range(60, 1001, 47)):
        span = max(later - one for one, later in zip(working, working[days + 1 :], strict=False))
        assert span <= at_most(days, 0 * HOUR), days
        assert days > 25 or at_most(days, 0 * HOUR) <= span + 3 * DAY, days


def test_the_built_in_policy_is_valid() -> None:
    version = version_of(DEFAULT_POLICY)
    assert version.allowance == {"FIKS_IO": 2 * HOUR, "SVARINN": DAY, "MANUELL_MOTTAK": 5 * DAY, "PRINT": 12 * DAY}
    assert (version.proof, version.feeds, version.services, version.calendar) == (Asks.STORED, (), (), None)


def test_a_missing_policy_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MELDINGSVAKT_POLICY"):
        load_policy(tmp_path / "none.toml")
