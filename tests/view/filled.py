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
    decided,
    missing,
    played,
    recovered,
    report_id,
    state,
    word,
)

LOSS = {
    "topic": "reports.sent", "from_offset": 1, "to_offset": 5, "cause": "deleted_by_retention", "since": after(),
    "until": None,
}  # fmt: skip


def fill(desk: Desk) -> None:
    made = played(60)
    spoken = [
        coverage(
            0,
            after(days=1),
            losses=[LOSS],
            gap={"since": after(), "cause": "no_marks"},
            first_complete=after(days=-40),
            feeds={"flyt-bergen": word(600, 610, proofs=2), "nightly": word()},
        ),
        books(stored=7),
    ]
    closed = state(902, "missing", outcome="handled", closed_at=after(minutes=1102), decision_id=report_id(70_000_000))
    rows = (
        *made.states,
        bare(900),
        state(901, "recovered"),
        closed,
        bare(903, status="erased"),
        state(904, feed="flyt-bergen"),
    )
    said = (
        *made.events,
        missing(901),
        recovered(901),
        missing(902),
        decided(902),
        decided(902, None),
        decided(902, at=201),
    )
    desk.store.apply(changes(rows, said, [*spoken, books(None, unexpected=9)]))


def ask(store: Store, query: str) -> list[Any]:
    with store.reading() as cursor:
        return cursor.execute(query).fetchall()
