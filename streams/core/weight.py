"""How many bytes a row may come to: it is one record of the state topic, and a record has to fit into a batch."""

from streams.core.facts import Stored
from streams.core.row import Row

ROW_BYTES = 800_000  # a thousand proofs for as many receivers: more than there are, with their districts
_FIXED_BYTES = 8_000  # all that is there once, and ten missing events
_PROOF_BYTES = 760  # a held proof with the longest topic and words that it may have


def has_room(row: Row, more: Stored | str) -> bool:
    """True if the row may take in another held proof, message id, channel, decision or origin of a copy.

    Half of its room is for proofs alone: what only tells reasons must not keep them out.
    """
    if isinstance(more, Stored):
        return weight(row) + _PROOF_BYTES <= ROW_BYTES
    return weight(row) + _texts((more,)) <= ROW_BYTES // 2


def weight(row: Row) -> int:
    """At least the bytes that a row takes as it is published."""
    proofs = _PROOF_BYTES * len(row.held_stored)
    return (
        _FIXED_BYTES + proofs + sum(_texts(one) for one in (row.message_ids, row.channels, row.copies, row.decisions))
    )


def _texts(texts: list[str] | tuple[str, ...]) -> int:
    return sum(map(len, texts)) + 3 * len(texts)  # with quotes and a comma
