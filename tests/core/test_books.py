"""The books: nothing vanishes and nothing is invented."""

from collections.abc import Callable

import pytest

from streams.core.books import Account, Book, Books, BooksUnbalanced, account
from streams.core.row import Row, Status
from tests.core.world import BERGEN, OTHER, REPORT, THIRD, Story, at, names


def test_it_counts_sent_on_its_own() -> None:
    book = Book(sent_records=10, duplicates=2, resends=3, pending=1, stored=1, missing=1, recovered=1, erased=1)
    assert book.sent == 5
    assert book.accounted == 5
    assert book.balanced


@pytest.mark.parametrize("term", ["pending", "stored", "missing", "recovered", "unproven", "undetermined", "erased"])
def test_it_is_unbalanced_if_any_term_is_wrong(term: str) -> None:
    book = Book(sent_records=1, unexpected=7)
    assert not book.balanced
    setattr(book, term, 1)
    assert book.balanced
    setattr(book, term, 2)
    assert not book.balanced


def test_it_adds_books_up() -> None:
    one = Book(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    one.add(Book(10, 20, 30, 40, 50, 60, 70, 80, 90, 100))
    assert one == Book(11, 22, 33, 44, 55, 66, 77, 88, 99, 110)


def test_it_totals_all_receivers() -> None:
    books = Books([("0301", Book(sent_records=1, pending=1)), (None, Book(sent_records=2, stored=2))])
    assert books.total() == Book(sent_records=3, pending=1, stored=2)
    assert Books().total() == Book()
    assert books.changed == set()


def test_it_names_the_receivers_whose_books_do_not_balance() -> None:
    books = Books()
    books.of("0301").pending = 1
    books.of(None).stored = 1
    books.of("4601")
    with pytest.raises(BooksUnbalanced, match=r"^The books of 0301, unknown do not balance\.$"):
        books.ensure_balanced()


def test_it_names_no_more_than_five_receivers() -> None:
    books = Books()
    for number in range(9):
        books.of(f"100{number}").pending = 1
    with pytest.raises(BooksUnbalanced, match=r"of 1000, 1001, 1002, 1003, 1004 do not"):
        books.ensure_balanced()


def test_it_checks_only_what_changed() -> None:
    books = Books([("0301", Book(pending=1))])
    books.ensure_balanced()
    books.of("0301")
    with pytest.raises(BooksUnbalanced):
        books.ensure_balanced()


@pytest.mark.parametrize(
    ("before", "after", "oslo", "bergen"),
    [
        (None, ("0301", Status.PENDING), Book(5, pending=6), Book(5, pending=5)),
        (("0301", Status.PENDING), None, Book(5, pending=4, erased=1), Book(5, pending=5)),
        (("0301", Status.UNEXPECTED), None, Book(5, pending=5, unexpected=-1), Book(5, pending=5)),
        (("0301", Status.PENDING), ("0301", Status.PENDING), Book(5, pending=5), Book(5, pending=5)),
        (("0301", Status.PENDING), ("0301", Status.STORED), Book(5, pending=4, stored=1), Book(5, pending=5)),
        (("0301", Status.PENDING), ("4601", Status.STORED), Book(4, pending=4), Book(6, pending=5, stored=1)),
        (("0301", Status.UNEXPECTED), ("4601", Status.PENDING), Book(5, pending=5, unexpected=-1), Book(5, pending=6)),
        (None, None, Book(5, pending=5), Book(5, pending=5)),
    ],
)
def test_it_moves_a_report_between_statuses_and_receivers(
    before: Account, after: Account, oslo: Book, bergen: Book
) -> None:
    books = Books([("0301", Book(5, pending=5)), ("4601", Book(5, pending=5))])
    books.move(before, after)
    assert books.by_receiver == {"0301": oslo, "4601": bergen}


def test_it_counts_no_report_that_was_not_sent_unless_it_is_unexpected() -> None:
    row = Row(REPORT, touched=at("08:00"))
    assert account(None) is None
    assert account(row) is None
    row.status = Status.UNEXPECTED
    assert account(row) == (None, Status.UNEXPECTED)


def test_it_balances_through_a_reports_whole_life() -> None:
    story = Story()
    lives: list[tuple[Callable[[], object], Book]] = [
        (lambda: story.sent("08:00"), Book(1, pending=1)),
        (lambda: story.sent("08:01"), Book(2, duplicates=1, pending=1)),
        (lambda: story.sent("08:02", message="m2"), Book(3, duplicates=1, resends=1, pending=1)),
        (lambda: story.tick("10:06"), Book(3, duplicates=1, resends=1, missing=1)),
        (lambda: story.stored("11:00"), Book(3, duplicates=1, resends=1, recovered=1)),
        (lambda: story.tick("2027-01-01T00:00"), Book(3, duplicates=1, resends=1, erased=1)),
    ]
    for step, expected in lives:
        step()
        assert story.book() == expected
        story.restart()


def test_it_counts_each_receiver_apart() -> None:
    story = Story()
    story.sent("08:00", report=REPORT)
    story.sent("08:00", names(BERGEN), report=OTHER)
    story.sent("08:00", names(None), report=THIRD)
    story.stored("08:10", report=OTHER)
    assert (story.book("0301"), story.book("4601"), story.book(None)) == (
        Book(1, pending=1),
        Book(1, stored=1),
        Book(1, pending=1),
    )
    assert story.checker.books.changed == {"0301", "4601", None}
    assert story.checker.books.total() == Book(3, pending=2, stored=1)
