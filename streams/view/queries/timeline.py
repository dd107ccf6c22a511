"""A report's time line: each deciding fact with its place in the log, its windows, what was announced and decided.

Each missing event tells of the window that it closed; of a window that is open, or closed otherwise, the row tells.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

_FACTS = (("sent", "sent_at", None), ("receipt", None, "receipt"), ("stored", "stored_at", "evidence"))
_PLACE = ("topic", "partition", "offset")
_MORE = ("episode", "channel", "feed", "vouched_until", "decision_id")
# At one moment: what was vouched for until due settles what was due.
_RANK = ("sent", "receipt", "stored", "due", "vouched", "alarm", "missing", "recovered", "closed", "reopened")


class _Window(NamedTuple):
    """One window: its number, None where that is not known, its last route and its times."""

    episode: int | None
    channel: str | None
    due_at: datetime
    alarm_at: datetime


def timeline(
    report: Mapping[str, Any],
    announcements: Sequence[Mapping[str, Any]],
    topic: str,
    word: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Moments in order of time; `report` as in the API, `announcements` as in the table, of the topic `topic`.

    `word`: what the feed that the report waits for has said in its partition.
    """
    moments = [moment for fact in _FACTS if (moment := _fact(report, *fact)) is not None]
    windows = [*_announced(announcements), *_last(report, announcements)]
    for window in windows:
        of = {"episode": window.episode, "channel": window.channel}
        moments += [_moment(window.due_at, "due") | of, _moment(window.alarm_at, "alarm") | of]
    if word is not None and word["vouched_until"] is not None:
        of = {"feed": word["feed"], "episode": windows[-1].episode if windows else None}
        moments.append(_moment(word["vouched_until"], "vouched", word["since"]) | of)
    for event in announcements:
        moments += _said(event, topic)
    return sorted(moments, key=lambda moment: (moment["at"], _RANK.index(moment["what"])))


def _announced(announcements: Sequence[Mapping[str, Any]]) -> Iterator[_Window]:
    for event in announcements:
        if event["type"] == "missing":
            yield _Window(event["episode"], event["channel"], event["due_at"], event["alarm_at"])


def _last(report: Mapping[str, Any], announcements: Sequence[Mapping[str, Any]]) -> Iterator[_Window]:
    """The last window, unless it is one that was announced.

    Where the announcement of the last alarm is not here any more, it may be that one's, or the next.
    """
    if not (report["due_at"] and report["alarm_at"]):
        return
    due, alarm = _time(report["due_at"]), _time(report["alarm_at"])
    if (due, alarm) in [(one.due_at, one.alarm_at) for one in _announced(announcements)]:
        return
    known = {str(event["event_id"]) for event in announcements} | {None}
    episode = report["episode"] + 1 if report["missing_event_id"] in known else None
    yield _Window(episode, report["channel"], due, alarm)


def _said(event: Mapping[str, Any], topic: str) -> Iterator[dict[str, Any]]:
    """An announcement, and the word of the feed by which a report was judged."""
    kind = event["type"]
    at = event["alarm_at"] if kind == "missing" else event["arrived_at"]
    more = {"episode": event["episode"], "decision_id": event["decision_id"]}
    if kind == "missing":
        more |= {"channel": event["channel"], "feed": event["feed"], "vouched_until": event["feed_vouched_until"]}
        if event["feed_vouched_until"] is not None:
            of = {"feed": event["feed"], "episode": event["episode"]}
            yield _moment(event["feed_vouched_until"], "vouched") | of
    place = {"topic": topic, "partition": event["partition"], "offset": event["offset"]}
    yield _moment(at, kind, event["recorded_at"], _says(event)) | place | more


def _says(event: Mapping[str, Any]) -> str | None:
    """What is new in an event: those that follow a missing one repeat its reason."""
    says: str | None = event["outcome"] or event["cause"]
    return says or (event["reason"] if event["type"] == "missing" else None)


def _fact(report: Mapping[str, Any], name: str, time: str | None, says: str | None) -> dict[str, Any] | None:
    arrived = report[f"{name}_arrived"]
    if arrived is None:
        return None
    at = report[time] if time and report[time] else arrived
    place = {part: report[f"{name}_{part}"] for part in _PLACE}
    return _moment(_time(at), name, _time(arrived), report[says] if says else None) | place


def _moment(at: datetime, what: str, arrived: datetime | None = None, says: str | None = None) -> dict[str, Any]:
    return {"at": at, "what": what, "arrived": arrived, "says": says} | dict.fromkeys((*_PLACE, *_MORE))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
