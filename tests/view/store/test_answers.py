"""Answers are worked out once while nothing changes; a crowd gets the last one while the next is worked out."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import duckdb
import httpx
import pytest

from streams.data import municipalities
from streams.view import services
from streams.view.store import cache, kept
from streams.view.store.cache import Answers
from streams.view.store.store import Store


class Work:
    """Counts how often it is done, and takes as long as it is told."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.done, self.ended, self.seconds, self.fails = 0, 0, seconds, False
        self._lock = threading.Lock()

    def __call__(self, cursor: duckdb.DuckDBPyConnection) -> int:
        with self._lock:
            self.done += 1
            number = self.done
        time.sleep(self.seconds)
        if self.fails:
            raise ValueError("the table is on fire")
        self.ended = number
        return number


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(None, "200MB", threads=1)
    yield opened
    opened.close()


@pytest.fixture
def answers(store: Store) -> Iterator[Answers]:
    made = Answers(store)
    yield made
    made.close()


async def test_nothing_is_worked_out_twice_while_nothing_changes(answers: Answers) -> None:
    work = Work()
    assert [(await answers.get("q", work)).found for _ in range(3)] == [1, 1, 1]


async def test_a_change_is_seen_at_once_where_little_is_asked(answers: Answers, store: Store) -> None:
    work = Work()
    first = await answers.get("q", work)
    store.version += 1
    for known in answers._kept.values():
        known.took_seconds = 0.001  # whatever a busy machine needed
    await asyncio.sleep(0.05)
    second = await answers.get("q", work)
    assert (first.found, second.found) == (1, 2)
    assert first.tag != second.tag == store.tag


async def test_those_who_ask_at_once_wait_for_the_same_answer(answers: Answers) -> None:
    work = Work(0.05)
    found = await asyncio.gather(*(answers.get("q", work) for _ in range(20)))
    assert {answer.found for answer in found} == {1}


async def test_different_questions_have_different_answers(answers: Answers) -> None:
    one, other = Work(), Work()
    other.done = 10
    assert (await answers.get("one", one)).found == 1
    assert (await answers.get("other", other)).found == 11


async def test_an_answer_carries_the_coverage_of_its_own_moment(answers: Answers) -> None:
    answer = await answers.get("q", Work())
    assert answer.coverage == (None, (), 0)


async def test_who_goes_away_does_not_take_the_answer_from_the_others(answers: Answers) -> None:
    work = Work(0.1)
    leaving = asyncio.create_task(answers.get("q", work))
    staying = asyncio.create_task(answers.get("q", work))
    await asyncio.sleep(0.02)
    leaving.cancel()
    assert (await staying).found == 1


async def test_a_failure_is_told_and_not_kept(answers: Answers) -> None:
    work = Work()
    work.fails = True
    with pytest.raises(ValueError, match="on fire"):
        await answers.get("q", work)
    work.fails = False
    assert (await answers.get("q", work)).found == 2


async def test_a_crowd_gets_the_last_answer_while_the_next_is_worked_out(
    answers: Answers, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "PATIENCE_SECONDS", 2.0)
    monkeypatch.setattr(cache, "SOON_SECONDS", 0.5)
    dear = Work(0.5)
    await answers.get("q", dear)
    store.version += 1
    assert (await answers.get("q", dear)).found == 1, "it is younger than what it took, twice over"
    await asyncio.sleep(1.25)
    assert (await answers.get("q", dear)).found == 1
    assert dear.ended == 1, "it is given while the next is worked out"
    await asyncio.sleep(1.5)
    assert (await answers.get("q", dear)).found == 2


async def test_only_so_many_answers_are_kept(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 3)
    work: Any = Work()
    for number in range(5):
        await answers.get(number, work)
    await answers.get(4, work)
    assert work.done == 5
    await answers.get(0, work)
    assert work.done == 6


async def test_only_so_many_bytes_of_answers_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT_BYTES", 40_000)
    answers, done = Answers(store), []

    def work(name: str, rows: int) -> Any:
        def found(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, str]]:
            done.append(name)
            return [{"text": "x" * 1_000}] * rows

        return found

    for name, rows in (("a", 7), ("b", 7), ("c", 7), ("all", 30), ("d", 7), ("e", 7), ("b", 7), ("all", 30), ("a", 7)):
        assert len((await answers.get(name, work(name, rows))).found) == rows
    # Thirty rows are more than a share, and the first ones had to go for the others.
    assert "".join(done) == "abcalldeall" + "a"
    assert answers._kept.size <= 40_000
    answers.close()


async def test_pages_are_made_once_for_all_who_ask_at_once_and_kept_within_their_bytes() -> None:
    pages = kept.Pages()
    made: list[float] = []

    def make() -> bytes:
        made.append(time.monotonic())
        time.sleep(0.05)
        return b"page"

    assert await asyncio.gather(*(pages.get("k", make) for _ in range(9))) == [b"page"] * 9
    assert (await pages.get("k", make), len(made)) == (b"page", 1)
    assert (await pages.once(make), len(made)) == (b"page", 2)
    for n in range(30):
        await pages.get(n, lambda: bytes(2 << 20))
    assert pages._kept.size <= kept.PAGES_BYTES
    pages.close()


async def test_a_page_that_fails_is_made_anew() -> None:
    pages = kept.Pages()

    def fail() -> bytes:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await pages.get("k", fail)
    assert await pages.get("k", lambda: b"page") == b"page"
    pages.close()


async def test_a_crowd_of_different_questions_looks_up_once_what_all_of_them_need(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Work(0.2)
    monkeypatch.setattr(services, "watched_since", lambda cursor: watched(cursor) and None)
    asked = [f"/api/v1/summary?receiver={municipality.code}" for municipality in municipalities()[:40]]
    answers = await asyncio.gather(*map(client.get, asked))
    assert {answer.status_code for answer in answers} == {200}
    assert watched.done == 1
