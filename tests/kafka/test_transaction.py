"""A commit of which nobody knows whether it happened ends the worker with that sentence."""

from typing import Any

import pytest
from aiokafka.errors import IllegalOperation, KafkaError, ProducerFenced

from streams.errors import InDoubt
from streams.kafka.transaction import Transactions, Writes
from streams.settings import KafkaSettings, Settings


@pytest.mark.parametrize(
    "error",
    [
        ProducerFenced(), KafkaError("gone"), TimeoutError(), AssertionError(),
        IllegalOperation("Can't send messages while not in transaction"),  # fenced, and learned between two batches
    ],
)  # fmt: skip
async def test_whatever_a_commit_fails_of_its_outcome_is_in_doubt(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: Any) -> None:
        raise error

    transactions = Transactions(KafkaSettings(brokers="127.0.0.1:1"), Settings(), 3)
    monkeypatch.setattr(transactions._producer, "begin_transaction", failing)
    with pytest.raises(InDoubt, match=r"^Partition 3: the commit did not certainly succeed"):
        await transactions.commit(Writes(3))
    await transactions.stop()
