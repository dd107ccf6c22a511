"""What people decided and what feeds vouch for, from files: few lines, so that each is read by itself."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
import pyarrow as pa

from schemas.content import Unreadable, content_of
from streams.audit.load.irregular import EARLIEST, NO_PARTITION, OddLines, time_in
from streams.audit.load.timestamps import EPOCH, time_of
from streams.core.events import written
from streams.core.facts import FeedMark, Place
from streams.records.decode import take_in_decision, take_in_mark
from streams.records.record import DECISION, Record, Refusal
from streams.sources.chunk import TIMES, Kind, Odd
from streams.sources.shaping import as_content

FEED_MARK: Kind = "feed_mark"
LISTED: frozenset[Kind] = frozenset({"decision", FEED_MARK})
_NO_ID = str(uuid5(NAMESPACE_URL, "a decision without an id"))
_SOMEBODY = {"subject": "-"}  # who decided is nothing that an audit asks
_OUT_OF_RANGE = Refusal("time", "out_of_range")
_OWN_TIME = {DECISION: "decided_at", FEED_MARK: "vouched_until"}
_HOUR = timedelta(hours=1)


class TakingLists:
    """Takes the lines of a list into the tables, through `odd`. `now`: nothing can have happened later.

    Of a time that may be one of several the last stands for the arrival: what people decide follows on an alarm, and a
    feed that was heard later has let more proofs come in time.
    """

    def __init__(self, odd: OddLines, now: datetime, max_value_bytes: int) -> None:
        self._odd = odd
        self._now = now
        self._most_bytes = max_value_bytes

    def take(self, kind: Kind, lines: pa.Table, odd: Iterable[Odd]) -> None:
        """Lines in columns, `<time>_us` beside those of times; and lines that fit into none."""
        for row in lines.to_pylist():
            told = {name: value for name, value in row.items() if value is not None}
            for name in TIMES & told.keys():
                us = told.get(f"{name}_us")
                told[name] = str(told[name]) if us is None else written(time_of(us))
            self._take(kind, row["line"], as_content(kind, told), within=row.get("within") or 0)
        for line in odd:
            self._take_odd(kind, line)

    def _take_odd(self, kind: Kind, odd: Odd) -> None:
        if odd.value is None:
            self._odd.refuse(odd.line, odd.refusal or Refusal("json", "tombstone"))
            return
        try:
            content = odd.value if isinstance(odd.value, dict) else content_of(odd.value)
        except Unreadable as error:
            self._odd.refuse(odd.line, Refusal(error.stage, error.reason))
            return
        arrived = {} if odd.arrived is None else {"arrived": odd.arrived}
        self._take(kind, odd.line, content | arrived)

    def _take(self, kind: Kind, line: int, content: dict[str, Any], *, within: int = 0) -> None:
        arrived = time_in(content.pop("arrived", None))
        own = arrived or time_in(content.get(_OWN_TIME[kind]))
        if own is not None and not EARLIEST <= own <= self._now:
            self._odd.refuse(line, _OUT_OF_RANGE)
            return
        at = EPOCH if own is None else min(own + within * _HOUR, self._now)
        place = Place(at, "", NO_PARTITION, line)
        refusal = self._read(kind, place, content, by_event=arrived is None)
        if refusal is not None:
            self._odd.refuse(line, refusal)

    def _read(self, kind: Kind, place: Place, content: dict[str, Any], *, by_event: bool) -> Refusal | None:
        """Take what a line says by the contract's own reader; why it cannot be read, where it cannot."""
        if kind == FEED_MARK:
            feed = content.get("feed")
            name = feed.encode() if isinstance(feed, str) else b""
            mark = take_in_mark(Record("stored", place, None, orjson.dumps(content)), name, self._most_bytes)
            if isinstance(mark, FeedMark):
                self._odd.add_mark(mark, by_event=by_event)
                return None
            return mark
        content.setdefault("decided_at", written(place.arrived))
        content.setdefault("decision_id", _NO_ID)
        content["actor"] = _SOMEBODY
        intake = take_in_decision(Record(DECISION, place, None, orjson.dumps(content)), self._most_bytes)
        if intake.fact is not None:
            named = intake.fact.decision_id != _NO_ID
            self._odd.add_decision(intake.fact if named else intake.fact._replace(decision_id=""), by_event=by_event)
        return intake.refusal
