"""Which receivers are the same one?"""

import pytest

from streams.core.facts import Receiver
from streams.core.receivers import Municipalities, Service
from streams.core.row import Status
from tests.core.world import RULES, SUCCESSORS, Story, names


def receiver(text: str) -> Receiver | None:
    """`0301/03/unit`: municipality, district, unit."""
    if not text:
        return None
    municipality, district, unit = (*text.split("/"), "", "")[:3]
    return Receiver(municipality, district or None, unit or None)


SAME = [
    ("", "", True),
    ("0301", "", True),
    ("0301/03", "0301/03", True),
    ("0301", "0301/03", True),
    ("0301/00", "0301/03", True),
    ("0301/00", "0301/00", True),
    ("0301/03", "0301/04", False),
    ("0301/03/a", "0301/03/b", True),
    ("0301//a", "0301//b", True),
    ("0301/03/a", "0301/04/a", False),
    ("0301", "4601", False),
    ("1201", "4601", True),
    ("1201/03", "4601/03", True),
    ("1201/03", "4601/04", False),
    ("1613", "5012", True),
    ("5012", "5059", True),
    ("1613", "5059", True),
    ("1507", "1508", True),
    ("1507", "1580", True),
    ("1508", "1580", False),
    ("9999", "9999", True),
    ("9999", "0301", False),
    ("", "9999", True),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_it_compares_the_levels_that_both_give(one: str, other: str, same: bool) -> None:
    assert RULES.municipalities.same_receiver(receiver(one), receiver(other)) is same
    assert RULES.municipalities.same_receiver(receiver(other), receiver(one)) is same


@pytest.mark.parametrize(("sent", "stored", "same"), SAME)
@pytest.mark.parametrize("sent_first", [True, False])
def test_it_counts_a_proof_that_names_no_other_receiver(sent: str, stored: str, same: bool, sent_first: bool) -> None:
    story = Story()
    if sent_first:
        story.sent("08:00", names(receiver(sent)))
    story.stored("08:10", receiver(stored))
    if not sent_first:
        story.sent("08:00", names(receiver(sent)))
    assert story.row.status is (Status.STORED if same else Status.PENDING)
    assert (story.row.elsewhere is None) is same


def test_it_ignores_the_organisation_number() -> None:
    one = Receiver("0301", "03", None, "974778874")
    other = Receiver("0301", "03", None, "974778882")
    assert RULES.municipalities.same_receiver(one, other)


@pytest.mark.parametrize("code", SUCCESSORS)
def test_it_knows_every_number_that_has_existed(code: str) -> None:
    assert RULES.municipalities.knows(code)


def test_it_does_not_know_other_numbers() -> None:
    assert not RULES.municipalities.knows("9999")


def test_it_lets_each_number_agree_with_all_that_came_after_it_and_no_more() -> None:
    lineage = Municipalities({"1": ["2"], "2": ["3", "4"], "3": ["5"], "4": ["5"], "5": [], "6": ["5"]})
    assert [lineage.agree("1", other) for other in "123456"] == [True, True, True, True, True, False]
    assert [lineage.agree("5", other) for other in "123456"] == [True, True, True, True, True, True]
    assert [lineage.agree("3", other) for other in "123456"] == [True, True, True, False, True, False]


def test_it_lets_a_number_agree_with_a_later_one_that_is_listed_nowhere_else() -> None:
    lineage = Municipalities({"1": ["2"], "2": ["3"]})
    assert [lineage.agree("1", other) for other in "234"] == [True, True, False]
    assert not lineage.knows("3")


def test_its_fingerprint_is_what_it_says_in_whatever_order() -> None:
    said = Municipalities({"1": ["2", "3"], "2": [], "3": []}).fingerprint
    assert said == Municipalities({"3": [], "2": [], "1": ["3", "2"]}).fingerprint
    others = [{"1": ["2"], "2": [], "3": []}, {"1": ["2", "3"], "2": []}, {"1": ["2", "3"], "2": ["3"], "3": []}]
    assert said not in [Municipalities(other).fingerprint for other in others]


def test_it_does_not_run_in_circles() -> None:
    lineage = Municipalities({"1": ["2"], "2": ["1"]})
    assert lineage.agree("1", "2")
    assert lineage.agree("2", "1")


@pytest.mark.parametrize(("code", "flags"), [("0301", set()), ("1201", set()), ("9999", {"unknown_municipality"})])
def test_it_flags_a_municipality_that_never_existed(code: str, flags: set[str]) -> None:
    story = Story()
    story.sent("08:00", names(Receiver(code)))
    assert story.row.flags == flags


def test_it_flags_no_municipality_where_none_is_given() -> None:
    story = Story()
    story.sent("08:00", names(None))
    assert story.row.flags == set()


@pytest.mark.parametrize("stored", ["", "0301", "0301/04", "4601", "9999"])
def test_it_lets_every_proof_match_a_receiver_that_could_not_be_read(stored: str) -> None:
    story = Story()
    story.sent("08:00", names(None), unreadable=["receiver"])
    story.stored("08:10", receiver(stored))
    assert story.row.status is Status.STORED


@pytest.mark.parametrize("stored", ["0301", "4601"])
def test_it_lets_every_proof_match_even_after_a_name_was_filled_in(stored: str) -> None:
    story = Story()
    story.sent("08:00", names(None), unreadable=["receiver"])
    story.sent("08:05", names(receiver("0301")), message="m2")
    story.stored("08:10", receiver(stored))
    assert story.row.status is Status.STORED


SERVICES = (
    Service("bergen", (Receiver("4601"), Receiver("5059"), Receiver("0301", "03"))),
    Service("others", (Receiver("1508"), Receiver("1580"))),
)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("4601", "5059", True),
        ("1201", "1613", True),  # by what they became
        ("4601/02", "5059/07", True),
        ("4601", "0301/03", True),
        ("4601/03", "0301/03", True),
        ("4601", "0301/04", False),
        ("4601", "0301", True),  # a receiver without a district fits any
        ("4601", "0301/00", True),
        ("4601/02", "4601/03", False),  # within one member the ordinary rule holds
        ("4601/02", "4601/02", True),
        ("0301/03", "0301/04", False),
        ("4601", "1508", False),  # each in a service of its own
        ("1508", "1580", True),
        ("1507", "1580", True),
        ("4601", "9999", False),
        ("", "4601", True),
    ],
)
def test_it_lets_two_different_members_of_one_service_agree(one: str, other: str, same: bool) -> None:
    agree = RULES.municipalities.same_receiver
    assert agree(receiver(one), receiver(other), SERVICES) is same
    assert agree(receiver(other), receiver(one), SERVICES) is same
    assert agree(receiver(other), receiver(one), tuple(reversed(SERVICES))) is same


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_it_compares_others_as_if_there_were_no_service(one: str, other: str, same: bool) -> None:
    services = (Service("far", (Receiver("3907"), Receiver("3909"))),)
    assert RULES.municipalities.same_receiver(receiver(one), receiver(other), services) is same


@pytest.mark.parametrize(
    ("of", "member"),
    [("4601", True), ("1201/02", True), ("0301/03", True), ("0301", True), ("0301/00", True), ("0301/04", False)],
)
def test_it_knows_the_members_of_a_service(of: str, member: bool) -> None:
    asked = receiver(of)
    assert asked is not None
    assert RULES.municipalities.belongs(asked, SERVICES[0]) is member
