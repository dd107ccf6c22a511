"""The brokers' clocks against this machine's and each other's: only they judge."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from streams.doctor.checks.retention import smallest_grace
from streams.doctor.facts import Facts, Skew, Unread
from streams.doctor.findings import Finding, fault, or_ok, unknown, warning

NOTICEABLE_SECONDS = 1.0
LOOK = "compare `chronyc tracking` on the broker's machine and on this one, and set right the one that is off"


def clocks(facts: Facts) -> Iterator[Finding]:
    """Does every broker that appends to the inputs know the time?"""
    if isinstance(facts.clocks, Unread):
        yield unknown(
            "clocks",
            facts.clocks.why,
            "start a worker, whose marks tell it, or append marks yourself: `meldingsvakt doctor --probe`",
        )
        return
    skews = facts.clocks
    unseen = {partition.leader for topic in facts.inputs() for partition in topic.shape()} - skews.keys() - {-1}
    problems = [_judged(facts, node_id, skew.certain()) for node_id, skew in sorted(skews.items())]
    told = ", ".join(f"broker {node_id} {_told(skew)}" for node_id, skew in sorted(skews.items()))
    yield from or_ok("clocks", [each for each in [*problems, _apart(facts, skews)] if each], told)
    for node_id in sorted(unseen):
        yield unknown(
            "clocks", f"broker {node_id} appended nothing meanwhile", "ask again, or `meldingsvakt doctor --probe`"
        )


def _judged(facts: Facts, node_id: int, seconds: float) -> Finding | None:
    which = "ahead of" if seconds > 0 else "behind"
    found = f"broker {node_id} is {abs(seconds):.1f} s {which} this machine"
    return _graded(facts, found, abs(seconds))


def _apart(facts: Facts, skews: Mapping[int, Skew]) -> Finding | None:
    if len(skews) < 2:
        return None
    apart = max(skew.least for skew in skews.values()) - min(skew.most for skew in skews.values())
    return _graded(facts, f"two brokers' clocks are {apart:.1f} s apart", apart)


def _graded(facts: Facts, found: str, seconds: float) -> Finding | None:
    grace = None if isinstance(facts.policy, Unread) else smallest_grace(facts.policy)
    if grace is not None and timedelta(seconds=seconds) > max(grace, timedelta(seconds=NOTICEABLE_SECONDS)):
        return fault(
            "clocks",
            f"{found}, more than the smallest grace ({grace.total_seconds():g} s): reports are misjudged",
            LOOK,
        )
    if seconds > NOTICEABLE_SECONDS:
        return warning("clocks", f"{found}: alarms are as much too early or too late", LOOK)
    return None


def _told(skew: Skew) -> str:
    return f"within {max(abs(skew.least), abs(skew.most)):.2f} s of this machine"
