"""A view's tables with something in them, and a question to them."""

from typing import Any

from streams.view.services import Desk
from streams.view.store.store import Store
from tests.view.stock import (
    after,
    bare,
    books,
    changes,
    coverage,
    missing,
    played,
    recovered,
    state,
)

LOSS = {
    "topic": "reports.sent", "from_offset": 1, "to_offset": 5, "cause": "deleted_by_retention", "since": after(),
    "until": None,
}  # fmt: skip


def fill(desk: Desk) -> None:
    made = played(60)
    spoken = [
        coverage(
            0, after(days=1), losses=[LOSS], gap={"since": after(), "cause": "no_marks"}, first_complete=after(days=-40)
        ),
        books(stored=7),
    ]
    rows = (*made.states, bare(900), state(901, "recovered"))
    desk.store.apply(changes(rows, (*made.events, missing(901), recovered(901)), [*spoken, books(None, unexpected=9)]))


def ask(store: Store, query: str) -> list[Any]:
    with store.reading() as cursor:
        return cursor.execute(query).fetchall()
