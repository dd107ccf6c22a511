"""The policy, and how long Kafka and the checker keep what is judged by it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from schemas.durations import at_most
from streams.core.policy import Allowance, Policy, Version
from streams.doctor.facts import Facts, TopicSeen, Unread
from streams.doctor.findings import (
    PERMISSIONS,
    TOPICS,
    Finding,
    fault,
    or_ok,
    set_on_topic,
    unknown,
    unread,
    unset_on_topic,
    warning,
)
from streams.kafka.retention import unlike
from streams.kafka.topics import EVENTS_RETENTION

KEPT_FOR_EVER = -1
KEPT_FOR_LONG = timedelta(days=365)


def policy(facts: Facts) -> Iterator[Finding]:
    """Can the policy be read, and is it still the one that reports were judged by?"""
    if isinstance(facts.policy, Unread):
        yield fault("policy", facts.policy.why, "correct the file that MELDINGSVAKT_POLICY names")
        return
    where = facts.settings.policy or "the built-in policy"
    yield from or_ok(
        "policy",
        _rewritten(facts, facts.policy),
        f"{where}: {len(facts.policy.versions)} version(s); at most {in_days(longest(facts.policy))} to prove storage, "
        f"grace at least {smallest_grace(facts.policy).total_seconds():g} s",
    )


def _rewritten(facts: Facts, policy: Policy) -> Iterator[Finding]:
    if isinstance(facts.coverage, Unread):
        return
    changed = {
        name
        for known in facts.coverage.after.values()
        if known.judged_until is not None
        for name in policy.rewritten(known.policy, known.judged_until)
    }
    for name in sorted(changed):
        yield fault(
            "policy",
            f"version {name} is not what reports were judged by already (changed, moved, removed, or new though valid "
            "from before them): the worker refuses",
            "put back what it said, portal_retention, last_call and loss_patience included, and say what is new in a "
            "version with a later valid_from",
        )


def retention(facts: Facts) -> Iterator[Finding]:
    """Are the inputs kept long enough to be judged, rows longer than the inputs, and the product long?"""
    inputs = [topic for topic in facts.inputs() if topic.settings()]
    outputs = [facts.topics[facts.settings.output(name)] for name in ("missing", "rejected")]
    products = [topic for topic in outputs if topic.settings()]
    if not inputs and not products:
        yield unknown("retention", "no topic's settings could be read", TOPICS)
        return
    problems = [
        *_unlike(inputs),
        *(finding for topic in inputs for finding in (*_input(facts, topic), *_by_size(topic))),
        *(finding for topic in products for finding in (*_product(topic), *_by_size(topic))),
    ]
    told = ", ".join(f"{topic.name} {in_days(_kept(topic))}" for topic in (*inputs, *products))
    yield from or_ok("retention", problems, f"{told}; rows {in_days(facts.settings.keep)}")


def _unlike(inputs: list[TopicSeen]) -> Iterator[Finding]:
    for one in unlike({topic.name: topic.settings() for topic in inputs}):
        commands = [set_on_topic(topic, **{one.name: one.most}) for topic in one.to_change]
        yield fault("retention", f"{one.sentence}: the worker refuses", ", and ".join(commands))


def _input(facts: Facts, topic: TopicSeen) -> Iterator[Finding]:
    kept = _kept(topic)
    keep = facts.settings.keep
    if kept is None:
        yield warning(
            "retention",
            f"{topic.name} is kept for ever, rows {in_days(keep)}: a checker under another app id would read records "
            "whose rows this one has erased, and announce otherwise",
            set_on_topic(topic.name, retention_ms=_milliseconds(facts.settings.retention)),
        )
        return
    longer = f"set MELDINGSVAKT_KEEP=P{kept.days + _rolled(topic).days + 30}D"
    if keep <= kept:
        yield fault(
            "retention",
            f"rows are kept {in_days(keep)}, {topic.name} {in_days(kept)}: a report whose row is erased could be read "
            "again and announced twice",
            f"{longer}, or {set_on_topic(topic.name, retention_ms=_milliseconds(facts.settings.retention))}",
        )
    elif keep <= kept + _rolled(topic):
        yield warning(
            "retention",
            f"rows are kept {in_days(keep)}, {topic.name} {in_days(kept)} and up to {in_days(_rolled(topic))} more, "
            "because Kafka deletes whole segments",
            longer,
        )
    if not isinstance(facts.policy, Unread):
        yield from _judged(topic, kept, facts.policy)


def _judged(topic: TopicSeen, kept: timedelta, policy: Policy) -> Iterator[Finding]:
    needed = longest(policy)
    if kept <= needed:
        yield fault(
            "retention",
            f"{topic.name} is kept {in_days(kept)}, but a receiver has up to {in_days(needed)} to prove storage: Kafka "
            "deletes reports before they are due",
            set_on_topic(topic.name, retention_ms=_milliseconds(max(needed, policy.portal_retention) * 3)),
        )
    elif kept < policy.portal_retention:
        yield warning(
            "retention",
            f"{topic.name} is kept {in_days(kept)}, the portal keeps {in_days(policy.portal_retention)}: after a "
            "longer outage of the checker, reports that could still be fetched are no longer seen",
            set_on_topic(topic.name, retention_ms=_milliseconds(policy.portal_retention * 3)),
        )


def _by_size(topic: TopicSeen) -> Iterator[Finding]:
    size = int(topic.settings().get("retention.bytes", KEPT_FOR_EVER))
    if size != KEPT_FOR_EVER:
        yield warning(
            "retention",
            f"{topic.name} has retention.bytes={size}: a flood deletes records of any age, also unread ones",
            unset_on_topic(topic.name, "retention.bytes"),
        )


def _product(topic: TopicSeen) -> Iterator[Finding]:
    kept = _kept(topic)
    if kept is not None and kept < KEPT_FOR_LONG:
        yield warning(
            "retention",
            f"{topic.name} is kept {in_days(kept)}: who reads it later does not learn what was announced before",
            set_on_topic(topic.name, retention_ms=_milliseconds(EVENTS_RETENTION)),
        )


def unread_settings(facts: Facts) -> Iterator[Finding]:
    """Topics that exist and whose settings this client was not told, by the reason."""
    hidden: dict[str, list[str]] = {}
    for topic in facts.topics.values():
        if not topic.name.startswith("__") and not topic.missing and isinstance(topic.config, Unread):
            hidden.setdefault(topic.config.why, []).append(topic.name)
    for why, names in hidden.items():
        yield unread("topic settings", f"{', '.join(names)}: {why}", PERMISSIONS)


def longest(policy: Policy) -> timedelta:
    """The longest allowance with its grace that any version gives."""
    return max(allowance + grace for version in policy.versions for allowance, grace in _terms(version))


def smallest_grace(policy: Policy) -> timedelta:
    """The smallest grace that any version gives."""
    return min(grace for version in policy.versions for _, grace in _terms(version))


def _terms(version: Version) -> Iterator[tuple[timedelta, timedelta]]:
    most = max(map(_longest, (version.default, *version.allowance.values())))
    yield most, version.grace
    for override in version.overrides:
        allowance = most if override.allowance is None else _longest(override.allowance)
        yield allowance, version.grace if override.grace is None else override.grace


def _longest(allowance: Allowance) -> timedelta:
    return allowance if isinstance(allowance, timedelta) else at_most(allowance.days, allowance.hours)


def _kept(topic: TopicSeen) -> timedelta | None:
    kept = int(topic.settings().get("retention.ms", KEPT_FOR_EVER))
    return None if kept == KEPT_FOR_EVER else _duration(kept)


def _rolled(topic: TopicSeen) -> timedelta:
    """How much longer a record may live: its segment goes only when the segment's last record is old enough."""
    return _duration(_number(topic.settings(), "segment.ms", 0))


def _duration(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=min(milliseconds, 86_400_000 * 365_000))  # Kafka's "never" is more than Python's


def _number(config: Mapping[str, str], name: str, otherwise: int) -> int:
    return int(config.get(name, otherwise))


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


def in_days(duration: timedelta | None) -> str:
    """A duration for a sentence."""
    if duration is None:
        return "for ever"
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{n} {unit}"
        for n, unit in ((days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (seconds, "s"))
        if n
    ]
    return " ".join(parts) or "0 s"
