"""What may be said of a picture and of a selection of reports: one place decides, whatever is asked.

That nothing is missing is only said of everything, by a checker that has seen it, in a picture that is whole. Whoever
searches in vain is told what was searched, and nobody is told of a time at which nobody watched, or whose rows are
erased.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import duckdb

from streams.presentation.times import norwegian_day
from streams.view.store.freshness import Picture

# `hidden`: how many are missing is not shown. `behind`: none is known to be missing, but the picture is not whole.
Says = Literal["building", "missing", "hidden", "nothing_received", "undetermined", "behind", "confirmed"]
SaysOfList = Literal[Says, "found", "nothing_found"]
SaysOfDay = Literal[
    "missing", "incomplete", "unwatched", "erased", "none_sent", "undetermined", "pending", "confirmed"
]  # fmt: skip
# `unheard`, `unvouched`: in some partition at least. `hidden`: how many reports wait for it is not shown.
SaysOfFeed = Literal["undetermined", "building", "unheard", "unvouched", "waiting", "behind", "hidden", "vouched"]
Refusal = Literal["not_begun", "not_watched", "erased"]


class Watch(NamedTuple):
    """`since`: from when on the checker knows all that arrived, None if that is not known; `kept_since`: what is older
    may be erased.
    """

    since: datetime | None
    kept_since: datetime

    def refusal_of(self, first: date, now: datetime) -> Refusal | None:
        """Why nothing can be certified of a time that begins on this day in Norway; None where it can."""
        if first > norwegian_day(now):
            return "not_begun"
        if first <= norwegian_day(self.kept_since):
            return "erased"
        return "not_watched" if self.since is None or not self._watched(first) else None

    def _watched(self, day: date) -> bool:
        """True if the checker knows all of a day: also its first minute."""
        return self.since is not None and norwegian_day(self.since) < day


def watched_since(cursor: duckdb.DuckDBPyConnection) -> datetime | None:
    """From when on every partition's inputs are known whole: from their beginning, or from when this checker began."""
    row = cursor.execute(
        """SELECT CASE WHEN count(first_complete) = max(partitions) THEN max(COALESCE(inputs_begin,
            LEAST(first_complete, (SELECT min(sent_arrived) FROM main.reports)))) END FROM coverage"""
    ).fetchone()
    since: datetime | None = row[0] if row else None
    return since


def says_of(picture: Picture, counts: Mapping[str, int | None]) -> Says:
    """Of all reports within reach, by their counts; None is a count that is hidden."""
    missing, untold = counts["missing"], counts["undetermined"]
    if missing is None or missing > 0:
        return "hidden" if missing is None else "missing"
    if picture.complete_until is None:
        return "building"
    if counts["reports"] == 0:
        return "nothing_received" if picture.whole else "behind"
    if not picture.whole:
        return "behind"
    return "undetermined" if untold is None or untold > 0 else "confirmed"


def says_of_list(picture: Picture, total: int, counts: Mapping[str, int | None], *, filtered: bool) -> SaysOfList:
    """Of a list of so many reports, out of all that are counted."""
    if total:
        return "found"
    if filtered:
        return "nothing_found"
    says = says_of(picture, counts)
    return "building" if says == "missing" else says  # they came while the list was made


def says_of_day(day: date, counts: Mapping[str, Any], picture: Picture, watch: Watch) -> SaysOfDay:
    """Of the reports that were sent on a day in Norway."""
    if counts["missing"] is None or counts["missing"] > 0:
        return "missing"
    until = picture.complete_until
    if until is None or day > norwegian_day(until):
        return "incomplete"
    refusal = watch.refusal_of(day, until)
    if refusal is not None:
        return "erased" if refusal == "erased" else "unwatched"
    return _says_of_watched(counts)


def says_of_moment(
    begins: datetime, ends: datetime, counts: Mapping[str, Any], picture: Picture, watch: Watch
) -> SaysOfDay:
    """Of the reports that were sent in an hour or a minute; where that was watched only in part, at its beginning or
    its end, of the rest nothing is known.
    """
    if counts["missing"] is None or counts["missing"] > 0:
        return "missing"
    until = picture.complete_until
    if until is None or begins > until:
        return "incomplete"
    if begins <= watch.kept_since:
        return "erased"
    if watch.since is None or begins < watch.since:
        return "unwatched"
    says = _says_of_watched(counts)
    return "incomplete" if until < ends and says in ("none_sent", "confirmed") else says


def _says_of_watched(counts: Mapping[str, Any]) -> SaysOfDay:
    if counts["reports"] == 0:
        return "none_sent"
    if counts["undetermined"] is None or counts["undetermined"] > 0:
        return "undetermined"
    return "pending" if counts["pending"] else "confirmed"


def says_of_feed(picture: Picture, feed: Mapping[str, Any]) -> SaysOfFeed:
    """Of a feed over all partitions: that nothing waits for its word is said of a whole picture only."""
    if feed["undetermined"]:
        return "undetermined"
    if picture.complete_until is None:
        return "building"
    if feed["vouched_in"] < feed["partitions"]:
        return "unheard" if feed["heard_in"] < feed["partitions"] else "unvouched"
    if feed["waiting"]:
        return "waiting"
    if not picture.whole:
        return "behind"
    return "hidden" if feed["waiting"] is None or feed["undetermined"] is None else "vouched"


def watch_of(since: datetime | None, keep: timedelta, now: datetime) -> Watch:
    """At this moment."""
    return Watch(since, now - keep)
