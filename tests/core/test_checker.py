"""The checker as a whole: what it remembers, and what it needs to go on."""

from collections.abc import Callable

from streams.core.checker import Checker, Effect, MemoryRows
from streams.core.deadlines import Deadlines
from streams.core.facts import ReceiptCode
from streams.core.fold import Step
from streams.core.row import Row, Status
from tests.core.world import BERGEN, NAMED_NOTHING, OTHER, REPORT, RULES, Story, at, copy_of


def test_it_rebuilds_its_deadlines_from_the_rows() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("09:00", report=OTHER)
    checker = copy_of(story.checker)
    assert checker.deadlines.first() == at("10:05")
    assert [one.status for one in checker.advance(at("10:06"))] == [Status.MISSING]
    assert copy_of(checker).deadlines.first() == at("2026-03-03T09:00")
    assert len(copy_of(checker).deadlines) == 1


def test_it_takes_the_deadlines_that_it_is_given() -> None:
    story = Story()
    story.sent("08:00")
    blind = Checker(RULES, story.checker.rows, story.checker.books, Deadlines())
    assert list(blind.advance(at("11:00"))) == []
    seeing = Checker(RULES, story.checker.rows, story.checker.books, Deadlines([(at("10:05"), REPORT)]))
    assert [one.report_id for one in seeing.advance(at("11:00"))] == [REPORT]


def test_it_notes_one_deadline_for_a_report_however_many_facts_it_learns() -> None:
    story = Story()
    story.sent("08:00")
    story.receipt("08:05")
    story.receipt("08:10", ReceiptCode.FEILET)
    story.sent("08:15")
    story.sent("08:20", message="m2")
    story.stored("08:25", BERGEN)
    story.stored("09:00")
    story.stored("09:05")
    assert len(story.checker.deadlines) == 1


def test_it_notes_one_deadline_for_a_proof_without_a_sent_however_many_more_come() -> None:
    story = Story()
    story.stored("08:00")
    story.stored("08:05", BERGEN)
    story.receipt("08:10")
    assert len(story.checker.deadlines) == 1


class _Counted(MemoryRows):
    """Rows that count how often one was put back."""

    puts = 0

    def put(self, row: Row) -> None:
        self.puts += 1
        super().put(row)


def test_it_puts_a_row_back_only_when_a_fact_has_told_it_something() -> None:
    story = Story()
    rows = _Counted()
    story.checker = Checker(RULES, rows)
    steps: tuple[tuple[Callable[[], Effect], bool], ...] = (
        (lambda: story.sent("08:00"), True),
        (lambda: story.sent("08:01"), False),
        (lambda: story.sent("08:02", message="m2"), True),
        (lambda: story.receipt("08:03"), True),
        (lambda: story.receipt("08:04"), False),
        (lambda: story.receipt("08:05", ReceiptCode.FEILET), True),
        (lambda: story.stored("08:06", BERGEN), True),
        (lambda: story.stored("08:07"), True),
        (lambda: story.stored("08:08"), False),
        (lambda: story.receipt("23:00"), False),
    )
    for tell, changes in steps:
        before = rows.puts
        tell()
        assert (rows.puts > before) is changes


def test_it_puts_a_row_back_whose_names_a_repeated_sent_fills_in() -> None:
    story = Story()
    story.checker = Checker(RULES, rows := _Counted())
    story.sent("08:00", NAMED_NOTHING, unreadable=["receiver"])
    before = rows.puts
    story.sent("08:01")
    assert rows.puts == before + 1
    assert story.book(None).sent_records == 0
    assert story.book().sent_records == 2


def test_it_holds_back_what_comes_before_the_sent_even_if_it_was_said_before() -> None:
    story = Story()
    story.receipt("08:00")
    story.receipt("08:30", ReceiptCode.FEILET)
    assert story.receipt("09:00").step is Step.HELD
    assert (story.row.receipt, story.row.touched) == (ReceiptCode.MOTTATT, at("09:00"))


def test_it_has_rows_in_memory_that_can_be_kept_and_forgotten() -> None:
    rows = MemoryRows([Row(OTHER, touched=at("08:00"))])
    rows.put(Row(REPORT, touched=at("09:00")))
    assert sorted(row.report_id for row in rows) == [REPORT, OTHER]
    rows.erase(OTHER)
    rows.erase(OTHER)
    assert rows.get(OTHER) is None
    assert len(list(rows)) == 1


def test_it_causes_no_event_by_anything_but_time_and_recovery() -> None:
    story = Story()
    assert story.receipt("07:00") == Effect(Step.HELD)
    assert story.sent("08:00") == Effect(Step.OPENED)
    assert story.sent("08:01") == Effect(Step.DUPLICATE)
    assert story.stored("08:02") == Effect(Step.STORED)


def test_it_goes_on_after_a_restart_at_every_point_of_a_story() -> None:
    story = Story()
    for tell in (
        lambda: story.stored("07:00", report=OTHER),
        lambda: story.receipt("07:30"),
        lambda: story.sent("08:00"),
        lambda: story.sent("08:00", report=OTHER),
        lambda: story.stored("10:06"),
        lambda: story.tick("10:30"),
        lambda: story.tick("10:30"),
    ):
        tell()
        story.restart()
    assert story.events == [story.missing, story.recovered]
    assert {row.report_id: row.status for row in story.checker.rows} == {
        OTHER: Status.STORED,
        REPORT: Status.RECOVERED,
    }


def test_it_decides_in_the_order_of_alarms_though_an_older_look_stands_for_one_of_them() -> None:
    story = Story()
    story.stored("08:00", BERGEN)  # perhaps unexpected at 08:00 on the next day
    story.stored("08:30", BERGEN, report=OTHER)  # and this half an hour later
    story.sent("2026-03-03T07:50")  # now its alarm is at 08:50
    assert [one.report_id for one in story.checker.advance(at("2026-03-04T00:00"))] == [OTHER, REPORT]


def test_it_looks_at_no_more_than_it_is_told_and_leaves_what_is_to_come() -> None:
    story = Story()
    story.stored("08:00", BERGEN)
    story.sent("2026-03-03T07:50")
    assert list(story.checker.advance(at("2026-03-04T00:00"), 1)) == []
    assert story.checker.deadlines.first() == at("2026-03-03T08:50")
    assert len(list(story.checker.advance(at("2026-03-04T00:00"), 1))) == 1
