"""What the demo tells while it plays: the month that it is, what is missing by now, and each thing that is new."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from streams.core.events import MISSING_TYPE, RECOVERED_TYPE
from streams.presentation.municipality_names import municipality_name
from streams.presentation.words import Words
from streams.simulation.plan import BEGIN, END
from streams.simulation.verdict import Watched

_WORDS = Words("en")


class Seen(NamedTuple):
    """Events as a consumer downstream sees them, each with the time at which it became visible (s since 1970); rows."""

    events: list[tuple[float, dict[str, Any]]]
    rows: Watched


class Teller:
    """Tells what consumers see as it comes; `lasts_seconds` is how long the three years take."""

    def __init__(self, seen: Seen, lasts_seconds: float) -> None:
        self._seen = seen
        self._lasts_seconds = lasts_seconds
        self._read = 0
        self._told: set[str] = set()

    def now(self, after_seconds: float, left_seconds: float) -> str:
        """One line of how it stands."""
        missing = self._missing()
        places = len(set(missing.values()))
        silent = self._seen.rows.undetermined_now
        waiting = f", {silent} cannot be told" if silent else ""
        return (
            f"{self._month(after_seconds)}: {len(missing)} missing in {places} municipalities{waiting}, "
            f"{left_seconds:.0f} s left"
        )

    def news(self, after_seconds: float) -> Iterator[str]:
        """A sentence for each thing that happens for the first time."""
        month = self._month(after_seconds)
        new, self._read = self._seen.events[self._read :], len(self._seen.events)
        for _, event in new:
            yield from self._once(month, *_kind_and_sentence(event))
        if self._seen.rows.undetermined_now:
            yield from self._once(
                month, "silent",
                "a source of proof falls silent. What it would prove cannot be told; nobody is alarmed for nothing.",
            )  # fmt: skip
        elif "silent" in self._told:
            yield from self._once(
                month, "speaks", "the source of proof speaks again: all that waited for it is judged."
            )

    def _once(self, month: str, kind: str, sentence: str) -> Iterator[str]:
        if sentence and kind not in self._told:
            self._told.add(kind)
            yield f"{month}: {sentence}"

    def _month(self, after_seconds: float) -> str:
        return _WORDS.month(BEGIN + (END - BEGIN) * min(1.0, after_seconds / self._lasts_seconds))

    def _missing(self) -> dict[str, str]:
        """The municipality of each report that is missing by now."""
        missing: dict[str, str] = {}
        for _, event in self._seen.events:
            if event["type"] == MISSING_TYPE:
                missing[event["report_id"]] = event["receiver"]["municipality"]
            elif event["type"] == RECOVERED_TYPE:
                missing.pop(event["report_id"], None)
        return missing


def _kind_and_sentence(event: dict[str, Any]) -> tuple[str, str]:
    """What kind of news an event is, and how to say it; no sentence for what is none."""
    number = event["receiver"]["municipality"]
    where = f"in {municipality_name(number) or number}"
    if event["type"] == RECOVERED_TYPE:
        return "recovered", f"a report that was missing is found after all, {where}."
    if event["episode"] > 1:
        return "again", f"a report that was sent again is lost again, {where}: it is announced once more."
    if event["reason"] == "receipted_not_stored":
        return "lost", f"a report is received and never stored, {where}. In truth nobody noticed for over two years."
    return event["reason"], ""
