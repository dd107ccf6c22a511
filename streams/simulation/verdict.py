"""The verdict: what was announced, held against what is true."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.core.events import MISSING_TYPE, RECOVERED_TYPE
from streams.simulation.script import Truth


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """How much of the truth was announced. `lost` are the reports that stay missing."""

    lost: int = 0
    lost_announced: int = 0
    municipalities: int = 0
    municipalities_announced: int = 0
    recovered: int = 0
    recovered_announced: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences, each as report ids in order, and the counts. No difference: exact."""

    counts: VerdictCounts = field(default_factory=VerdictCounts)
    lost: tuple[str, ...] = ()  # missing or recovered, but never announced missing
    phantom: tuple[str, ...] = ()  # announced missing while its proof came in time, is pending, or is unknown
    announced_twice: tuple[str, ...] = ()
    wrong_reason: tuple[str, ...] = ()
    wrong_cause: tuple[str, ...] = ()
    not_recovered: tuple[str, ...] = ()
    wrongly_recovered: tuple[str, ...] = ()  # not to be recovered, or not after the missing event that it names

    @property
    def differences(self) -> dict[str, tuple[str, ...]]:
        """Each kind of difference that there is, with the reports that it concerns."""
        named = {name: getattr(self, name) for name in _CLAUSES}
        return {name: ids for name, ids in named.items() if ids}

    @property
    def exact(self) -> bool:
        """True if what was announced is the truth, no more and no less."""
        return not self.differences

    def __str__(self) -> str:
        counts, differences = self.counts, self.differences
        clauses = [
            f"{_of(counts.lost_announced, counts.lost)} lost {_reports(counts.lost)} announced, in {_places(counts)}",
            f"{_of(counts.recovered_announced, counts.recovered)} found again",
            "no phantom" if not self.phantom else _CLAUSES["phantom"].format(len(self.phantom)),
        ]
        clauses += [_CLAUSES[name].format(len(ids)) for name, ids in differences.items() if name != "phantom"]
        return "; ".join(clauses) + "."


_CLAUSES = {
    "lost": "{} never announced",
    "phantom": "{} phantom",
    "announced_twice": "{} announced twice",
    "wrong_reason": "{} with a wrong reason",
    "wrong_cause": "{} with a wrong cause",
    "not_recovered": "{} not found again",
    "wrongly_recovered": "{} wrongly found again",
}


class _Announced:
    """The output events by report, in the order in which they were read."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self.missing: dict[str, Mapping[str, Any]] = {}
        self.recovered: dict[str, Mapping[str, Any]] = {}
        self.times: Counter[tuple[str, str]] = Counter()
        self.unfounded: set[str] = set()  # recovered without the missing event that they name
        for event in events:
            self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        kind, report_id = event["type"], event["report_id"]
        if kind not in (MISSING_TYPE, RECOVERED_TYPE):
            return
        self.times[kind, report_id] += 1
        if kind == MISSING_TYPE:
            self.missing.setdefault(report_id, event)
            return
        self.recovered.setdefault(report_id, event)
        if self.missing.get(report_id, {}).get("event_id") != event["missing_event_id"]:
            self.unfounded.add(report_id)


def judge(truth: Iterable[Truth], events: Iterable[Mapping[str, Any]]) -> Comparison:
    """Hold the announced events against the truth.

    `events`: the output events' values, each partition's in its own order. An unknown `type` is passed over.
    """
    known = {each.report_id: each for each in truth}
    announced = _Announced(events)
    due = {id for id, each in known.items() if each.outcome in ("missing", "recovered")}
    recoverable = {id for id, each in known.items() if each.outcome == "recovered"}
    missing, recovered = announced.missing.keys(), announced.recovered.keys()
    wrong_reason = {id for id in due & missing if announced.missing[id]["reason"] != known[id].reason}
    wrong_cause = {id for id in recoverable & recovered if announced.recovered[id]["cause"] != known[id].cause}
    return Comparison(
        counts=_counts(known, announced),
        lost=_ordered(due - missing),
        phantom=_ordered(missing - due),
        announced_twice=_ordered({id for (_, id), times in announced.times.items() if times > 1}),
        wrong_reason=_ordered(wrong_reason),
        wrong_cause=_ordered(wrong_cause),
        not_recovered=_ordered(recoverable - recovered),
        wrongly_recovered=_ordered((recovered - recoverable) | announced.unfounded),
    )


def _counts(known: Mapping[str, Truth], announced: _Announced) -> VerdictCounts:
    lost = {id: each.municipality for id, each in known.items() if each.outcome == "missing"}
    seen = {id: place for id, place in lost.items() if id in announced.missing}
    recovered = [id for id, each in known.items() if each.outcome == "recovered"]
    return VerdictCounts(
        lost=len(lost),
        lost_announced=len(seen),
        municipalities=len(set(lost.values())),
        municipalities_announced=len(set(seen.values())),
        recovered=len(recovered),
        recovered_announced=sum(id in announced.recovered for id in recovered),
    )


def _ordered(report_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(report_ids))


def _of(some: int, whole: int) -> str:
    return f"{some} of {whole}"


def _reports(count: int) -> str:
    return "report" if count == 1 else "reports"


def _places(counts: VerdictCounts) -> str:
    some, whole = counts.municipalities_announced, counts.municipalities
    noun = "municipality" if whole == 1 else "municipalities"
    return f"{whole} {noun}" if some == whole else f"{some} of {whole} {noun}"
