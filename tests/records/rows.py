"""Rows as the checker may come to keep them, for tests that hold for any of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from streams.core.facts import Names, Outcome, Place, ReceiptCode, Receiver, Stored
from streams.core.policy import Asks
from streams.core.row import NAMELESS, Alarm, Flag, Reason, Row, Status, Window

REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"
_FIRST, _LAST = datetime(1970, 1, 1), datetime(2999, 12, 31)  # noqa: DTZ001 - hypothesis puts the zone on
_WORDS = st.from_regex(r"[A-Z_]{1,12}", fullmatch=True)
_NAMES = st.from_regex(r"[a-z]{1,8}(-[0-9]{1,4})?", fullmatch=True)
_DIGITS = st.from_regex(r"[0-9]{4}", fullmatch=True)
_ids = st.uuids(version=4).map(str)
_times = st.datetimes(_FIRST, _LAST, timezones=st.just(UTC)) | st.datetimes(_FIRST, _LAST, timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=0)
)
_receivers = st.builds(
    Receiver,
    _DIGITS,
    st.none() | st.from_regex(r"[0-9]{2}", fullmatch=True),
    st.none() | _NAMES,
    st.none() | st.from_regex(r"[0-9]{9}", fullmatch=True),
)
_places = st.builds(Place, _times, st.just("reports.sent"), st.integers(0, 99), st.integers(0, 2**53))
_unread = st.lists(st.sampled_from(["sent_at", "channel", "receiver.district"]), max_size=2, unique=True).map(tuple)
_proofs = st.builds(
    Stored, st.just(REPORT), _places, _times, st.none() | _WORDS, st.none() | _receivers, st.just(()), st.none()
)
_held = st.builds(
    Stored, st.just(REPORT), _places, _times, st.none() | _WORDS, st.none() | _receivers, _unread, st.none()
)
_claims = st.none() | st.tuples(st.sampled_from(ReceiptCode), _places)
_flags = st.sets(st.sampled_from([word for name, word in vars(Flag).items() if name.isupper()][:-1]), max_size=4)
_alarms = st.builds(
    Alarm,
    _ids,
    _times,
    _times,
    _times,
    st.sampled_from(Reason),
    st.none() | _WORDS,
    st.none() | st.sampled_from(Outcome),
    st.none() | _times,
)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A row of a report that was sent, or of which only other things are known, or nothing any more."""
    kind = draw(st.sampled_from(["sent", "sent", "sent", "unsent", "erased"]))
    return draw({"sent": sent_rows(), "unsent": unsent_rows(), "erased": erased_rows()}[kind])


@st.composite
def unsent_rows(draw: st.DrawFn) -> Row:
    """A row whose sent is not known."""
    row = Row(REPORT, draw(_times), draw(st.sampled_from([Status.PENDING, Status.UNEXPECTED])), NAMELESS)
    row.receipt, row.receipt_place = draw(_claims) or (None, None)
    row.held_stored = draw(st.lists(_held, max_size=3))
    row.copies = draw(_copies)
    return row


@st.composite
def erased_rows(draw: st.DrawFn) -> Row:
    """What is left of a row that was erased by decision."""
    return Row(REPORT, draw(_times), Status.ERASED, decisions=tuple(draw(st.lists(_ids, max_size=2))))


_copies = st.lists(st.from_regex(r"(sent|receipt|stored)/[0-9]{1,3}/[0-9]{1,6}", fullmatch=True), max_size=2).map(tuple)
_SETTLED = [status for status in Status if status not in (Status.UNEXPECTED, Status.ERASED)]


@st.composite
def sent_rows(draw: st.DrawFn) -> Row:
    """A row of a report that was sent, with any of its windows, alarms and decisions."""
    sent: Place = draw(_places)
    later = st.just(sent.arrived) | st.timedeltas(timedelta(0), timedelta(days=90)).map(
        lambda more: sent.arrived + more
    )
    channels = tuple(draw(st.lists(_WORDS, max_size=3, unique=True)))
    routes = draw(st.lists(st.sampled_from(channels), min_size=1, unique=True)) if channels else []
    message_ids = draw(st.lists(_ids | _NAMES, max_size=3, unique=True))
    receipt, receipt_place = draw(_claims) or (None, None)
    words: list[Any] = [draw(st.none() | _WORDS), draw(st.none() | _NAMES), draw(st.sampled_from([None, "PRIVAT"]))]
    return Row(
        REPORT,
        draw(_times),
        draw(st.sampled_from(_SETTLED)),
        Names(draw(st.none() | _receivers), channels[0] if channels else None, *words),
        sent,
        draw(_times),
        draw(_NAMES),
        draw(st.sampled_from(Window)),
        draw(_times),
        draw(_times),
        draw(st.sampled_from(Asks)),
        draw(st.none() | _NAMES),
        draw(later),
        tuple(routes),
        draw(st.integers(0, len(message_ids))),
        draw(st.none() | _times),
        draw(st.none() | _times),
        draw(later),
        channels,
        message_ids,
        receipt,
        receipt_place,
        draw(st.none() | _proofs),
        draw(st.none() | _held),
        tuple(draw(st.lists(_alarms, max_size=3))),
        draw(st.none() | _times),
        tuple(draw(st.lists(_ids, max_size=3))),
        draw(_flags),
        [],
        draw(_unread),
        draw(_copies),
    )
