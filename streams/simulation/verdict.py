"""The verdict: what was announced, held against what is true."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.core.events import MISSING_TYPE, RECOVERED_TYPE
from streams.core.row import Status
from streams.simulation.script import Truth


@dataclass(frozen=True, slots=True)
class Watched:
    """What the checker's rows said: which reports were undetermined at some time, and the last status of each."""

    undetermined: set[str] = field(default_factory=set)
    status: dict[str, str] = field(default_factory=dict)

    @property
    def undetermined_now(self) -> int:
        """How many rows say that they are undetermined."""
        return sum(self.status[id] == Status.UNDETERMINED for id in self.undetermined)

    def see(self, report_id: str, status: str) -> None:
        """Take in what a row says now."""
        self.status[report_id] = status
        if status == Status.UNDETERMINED:
            self.undetermined.add(report_id)


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """How much of the truth was announced. `lost` are the reports that stay missing.

    `lost_again`: those of them that were lost once more after a resend. Nothing is to be announced of `silent`, whose
    feed was, of `letters` after a refusal, and of what is `served`: stored by another member of its service.
    """

    lost: int = 0
    lost_announced: int = 0
    municipalities: int = 0
    municipalities_announced: int = 0
    lost_again: int = 0
    lost_again_announced: int = 0
    recovered: int = 0
    recovered_announced: int = 0
    silent: int = 0
    silent_undetermined: int = 0
    silent_announced: int = 0
    silent_stored: int = 0
    letters: int = 0
    letters_announced: int = 0
    served: int = 0
    served_announced: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences, each as report ids in order, and the counts. No difference: exact."""

    counts: VerdictCounts = field(default_factory=VerdictCounts)
    lost: tuple[str, ...] = ()  # missing or recovered, but never announced missing
    phantom: tuple[str, ...] = ()  # announced missing while its proof came in time, is pending, or is unknown
    announced_twice: tuple[str, ...] = ()  # an event twice, or more events than it was lost
    not_again: tuple[str, ...] = ()  # lost again after it was announced, and not announced again
    wrong_episode: tuple[str, ...] = ()
    wrong_reason: tuple[str, ...] = ()
    wrong_cause: tuple[str, ...] = ()
    not_recovered: tuple[str, ...] = ()
    wrongly_recovered: tuple[str, ...] = ()  # not to be recovered, or not after the missing event that it names
    not_undetermined: tuple[str, ...] = ()  # though its feed was silent; or not stored since
    wrongly_undetermined: tuple[str, ...] = ()

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

    @property
    def silence(self) -> str:
        """What became of the reports whose feed was silent, in one line; empty where none was."""
        counts = self.counts
        if not counts.silent:
            return ""
        stored = f"all {counts.silent}" if counts.silent_stored == counts.silent else str(counts.silent_stored)
        return (
            f"One feed fell silent for a day: {_of(counts.silent_undetermined, counts.silent)} "
            f"{_reports(counts.silent)} undetermined meanwhile, {counts.silent_announced or 'none'} announced missing, "
            f"{stored} stored when it spoke."
        )


_CLAUSES = {
    "lost": "{} never announced",
    "phantom": "{} phantom",
    "announced_twice": "{} announced twice",
    "not_again": "{} lost again and not announced again",
    "wrong_episode": "{} with a wrong episode",
    "wrong_reason": "{} with a wrong reason",
    "wrong_cause": "{} with a wrong cause",
    "not_recovered": "{} not found again",
    "wrongly_recovered": "{} wrongly found again",
    "not_undetermined": "{} not undetermined while their feed was silent, or not stored since",
    "wrongly_undetermined": "{} wrongly undetermined",
}


class _Announced:
    """The output events by report, in the order in which they were read."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self.missing: dict[str, list[Mapping[str, Any]]] = {}
        self.recovered: dict[str, list[Mapping[str, Any]]] = {}
        self.unfounded: set[str] = set()  # recovered without the missing event that they name
        for event in events:
            self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        kind, report_id = event["type"], event["report_id"]
        if kind == MISSING_TYPE:
            self.missing.setdefault(report_id, []).append(event)
        elif kind == RECOVERED_TYPE:
            self.recovered.setdefault(report_id, []).append(event)
            before = self.missing.get(report_id)
            if not before or before[-1]["event_id"] != event["missing_event_id"]:
                self.unfounded.add(report_id)


def judge(truth: Iterable[Truth], events: Iterable[Mapping[str, Any]], watched: Watched | None = None) -> Comparison:
    """Hold the announced events against the truth, and the rows where they were watched.

    `events`: the output events' values, each partition's in its own order. An unknown `type` is passed over. Who was
    undetermined is told only where the rows were `watched`.
    """
    known = {each.report_id: each for each in truth}
    said = _Announced(events)
    due = {id: 1 + each.lost_again for id, each in known.items() if each.outcome in ("missing", "recovered")}
    recoverable = {id for id, each in known.items() if each.outcome == "recovered"}
    expected = [(known[id], events) for id, events in said.missing.items() if id in due]
    causes = {id: {event["cause"] for event in said.recovered[id]} for id in recoverable & said.recovered.keys()}
    silent = {id for id, each in known.items() if each.course == "silent_feed"} if watched else set()
    seen = watched or Watched()
    proven = {id for id in silent & seen.undetermined if seen.status[id] == Status.STORED}
    return Comparison(
        counts=_counts(known, said, seen),
        lost=_ordered(due.keys() - said.missing.keys()),
        phantom=_ordered(said.missing.keys() - due.keys()),
        announced_twice=_ordered(
            {each.report_id for each, events in expected if len(events) > due[each.report_id]}
            | {id for id, events in said.recovered.items() if len(events) > 1}
        ),
        not_again=_ordered(each.report_id for each, events in expected if len(_ids(events)) < due[each.report_id]),
        wrong_episode=_ordered(each.report_id for each, events in expected if not _numbered(events)),
        wrong_reason=_ordered(
            each.report_id for each, events in expected if {event["reason"] for event in events} != {each.reason}
        ),
        wrong_cause=_ordered(id for id, found in causes.items() if found != {known[id].cause}),
        not_recovered=_ordered(recoverable - said.recovered.keys()),
        wrongly_recovered=_ordered((said.recovered.keys() - recoverable) | said.unfounded),
        not_undetermined=_ordered(silent - proven),
        wrongly_undetermined=_ordered(seen.undetermined - silent),
    )


def _ids(events: Iterable[Mapping[str, Any]]) -> set[str]:
    return {event["event_id"] for event in events}


def _numbered(events: list[Mapping[str, Any]]) -> bool:
    """True if the different events of one report are its episodes, one after the other."""
    episodes = list({event["event_id"]: event["episode"] for event in events}.values())
    return episodes == list(range(1, len(episodes) + 1))


def _counts(known: Mapping[str, Truth], said: _Announced, seen: Watched) -> VerdictCounts:
    lost = {id: each for id, each in known.items() if each.outcome == "missing"}
    again = {id for id, each in lost.items() if each.lost_again}
    recovered = {id for id, each in known.items() if each.outcome == "recovered"}
    silent, letters, served = (
        {id for id, each in known.items() if each.course == course} for course in ("silent_feed", "letter", "service")
    )
    announced = said.missing.keys()
    return VerdictCounts(
        lost=len(lost),
        lost_announced=len(lost.keys() & announced),
        municipalities=len({each.municipality for each in lost.values()}),
        municipalities_announced=len({each.municipality for id, each in lost.items() if id in announced}),
        lost_again=len(again),
        lost_again_announced=sum(len(_ids(said.missing.get(id, ()))) > 1 for id in again),
        recovered=len(recovered),
        recovered_announced=len(recovered & said.recovered.keys()),
        silent=len(silent),
        silent_undetermined=len(silent & seen.undetermined),
        silent_announced=len(silent & announced),
        silent_stored=sum(seen.status.get(id) == Status.STORED for id in silent),
        letters=len(letters),
        letters_announced=len(letters & announced),
        served=len(served),
        served_announced=len(served & announced),
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
