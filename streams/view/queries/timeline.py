"""A report's time line: each deciding fact with its place in the log, its deadlines, what was announced and decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

_FACTS = (("sent", "sent_at", None), ("receipt", None, "receipt"), ("stored", "stored_at", "evidence"))
_PLACE = ("topic", "partition", "offset")
_RANK = ("sent", "receipt", "stored", "due", "alarm", "missing", "recovered", "closed", "reopened")  # at one moment


def timeline(report: Mapping[str, Any], announcements: Sequence[Mapping[str, Any]], topic: str) -> list[dict[str, Any]]:
    """Moments in order of time; `report` as in the API, `announcements` as in the table, of the topic `topic`."""
    moments = [moment for fact in _FACTS if (moment := _fact(report, *fact)) is not None]
    moments += [_moment(_time(report[f"{name}_at"]), name) for name in ("due", "alarm") if report[f"{name}_at"]]
    for event in announcements:
        at = event["alarm_at"] if event["type"] == "missing" else event["arrived_at"]
        moments.append(
            _moment(at, event["type"], event["recorded_at"], _says(event))
            | {"topic": topic, "partition": event["partition"], "offset": event["offset"]}
        )
    return sorted(moments, key=lambda moment: (moment["at"], _RANK.index(moment["what"])))


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
    return {"at": at, "what": what, "arrived": arrived, "says": says} | dict.fromkeys(_PLACE)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
