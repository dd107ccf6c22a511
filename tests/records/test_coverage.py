"""Losses on coverage: joined where nothing lies between them, never too many, and back as they were written."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from schemas import coverage as published
from streams.core.feeds import Feeds, Word
from streams.core.sight import Lost
from streams.records.coverage import MOST_LOSSES, SEVERAL, Coverage, Loss, read_coverage

START = datetime(2026, 1, 1, tzinfo=UTC)


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


def loss(begin: int, end: int | None, at: int, cause: str = "deleted_by_retention", topic: str = "stored") -> Loss:
    return Loss(topic, begin, end, cause, hour(at), hour(at))


def covering(*losses: Loss) -> Coverage:
    coverage = Coverage(0, 1, {})
    for one in losses:
        coverage.lose(one)
    return coverage


def test_losses_that_follow_one_another_are_one() -> None:
    coverage = covering(loss(3, 5, 1), loss(5, 9, 2))
    assert coverage.losses == [Loss("stored", 3, 9, "deleted_by_retention", hour(1), hour(2))]


@pytest.mark.parametrize(
    "second", [loss(6, 9, 2), loss(5, 9, 2, cause="unreadable_batch"), loss(5, 9, 2, topic="sent")]
)
def test_losses_with_something_between_them_or_of_another_kind_stay_apart(second: Loss) -> None:
    assert covering(loss(3, 5, 1), second).losses == [loss(3, 5, 1), second]


def test_what_was_made_anew_is_followed_by_nothing() -> None:
    anew = loss(7, None, 1, cause="topic_recreated")
    assert covering(anew, loss(0, 2, 2)).losses == [anew, loss(0, 2, 2)]


def test_too_many_losses_become_fewer_where_they_lie_closest_and_hide_nothing() -> None:
    apart = [loss(10 * number, 10 * number + 1, 10 * number) for number in range(MOST_LOSSES)]
    close = loss(10 * MOST_LOSSES, 10 * MOST_LOSSES + 1, 10 * MOST_LOSSES - 9, cause="unreadable_batch")
    coverage = covering(*apart, close)
    assert len(coverage.losses) == MOST_LOSSES
    assert coverage.losses[:-1] == apart[:-1]
    assert coverage.losses[-1] == Loss(
        "stored", apart[-1].from_offset, close.to_offset, SEVERAL, apart[-1].since, close.until
    )


def test_a_coverage_with_many_thousand_losses_stays_small() -> None:
    coverage = covering(*(loss(2 * number, 2 * number + 1, number) for number in range(6_000)))
    assert len(orjson.dumps(coverage.value())) < 50_000
    assert all(
        any(one.from_offset <= 2 * number < (one.to_offset or 0) for one in coverage.losses) for number in range(6_000)
    )


def test_a_loss_ends_with_the_next_record_of_its_topic() -> None:
    coverage = covering(loss(3, 5, 1)._replace(until=None), loss(3, 5, 1, topic="sent")._replace(until=None))
    coverage.goes_on("stored", hour(4))
    coverage.goes_on("stored", hour(5))
    assert [one.until for one in coverage.losses if one.topic == "stored"] == [hour(4)]
    assert [one.until for one in coverage.losses if one.topic == "sent"] == [None]


@pytest.mark.parametrize("until", [None, hour(3)])
def test_losses_are_read_as_they_were_written(until: datetime | None) -> None:
    coverage = covering(loss(3, None, 1)._replace(until=until))
    assert read_coverage(orjson.loads(orjson.dumps(coverage.value()))).losses == coverage.losses


def test_what_feeds_have_said_is_read_as_it_was_written() -> None:
    words = {"familia": Word(hour(1), hour(2), hour(3), 7), "flyt": Word(heard=hour(4)), "counted": Word(proofs=3)}
    coverage = covering()
    coverage.feeds = Feeds(words)
    value = orjson.loads(orjson.dumps(coverage.value()))
    assert read_coverage(value).feeds.words == words
    assert published.Coverage.model_validate_json(orjson.dumps(value)).feeds["flyt"].vouched_until is None


def test_losses_of_proofs_and_of_receipts_blind_different_witnesses() -> None:
    coverage = covering(loss(3, 5, 1), loss(0, 2, 2, topic="receipt"), loss(0, 2, 3, topic="sent"))
    sight = coverage.sight("stored", "receipt")
    assert (sight.lost, sight.lost_receipts) == ((Lost(hour(1), hour(1)),), (Lost(hour(2), hour(2)),))
    assert sight.feeds is coverage.feeds
