"""The topics: do they exist, are they alike, is each partition safely replicated?"""

from collections.abc import Iterator

from aiokafka import TopicPartition

from streams.doctor.facts import Facts, TopicSeen, Unread
from streams.doctor.findings import (
    BOOTSTRAP,
    PERMISSIONS,
    TOPICS,
    Finding,
    fault,
    in_words,
    or_ok,
    set_on_topic,
    unknown,
    unread,
    warning,
)
from streams.errors import StateUnreadable
from streams.kafka.append_times import what_becomes_of_it
from streams.kafka.topics import SAFE_REPLICATION, wanted_topics
from streams.records.coverage import ensure_same_partitions

MORE_COPIES = (
    "write the wanted replicas of {topic} to replicas.json and run `kafka-reassign-partitions "
    + BOOTSTRAP
    + " --reassignment-json-file replicas.json --execute`"
)


def existence(facts: Facts) -> Iterator[Finding]:
    """Is every topic of the contract there?"""
    ours = [facts.topics[wanted.name] for wanted in wanted_topics(facts.settings)]
    problems = []
    if hidden := [topic.name for topic in ours if isinstance(topic.partitions, Unread)]:
        problems.append(unread("topics", f"this client may not describe {', '.join(hidden)}", PERMISSIONS))
    if missing := [topic.name for topic in ours if topic.missing]:
        problems.append(fault("topics", f"there is no {', '.join(missing)}", "`meldingsvakt topics`"))
    yield from or_ok("topics", problems, f"all {len(ours)} exist")


def partitions(facts: Facts) -> Iterator[Finding]:
    """Have all topics the same number of partitions, and as many as when the state was made?"""
    counts = {
        topic.name: len(topic.shape())
        for topic in facts.topics.values()
        if topic.shape() and not topic.name.startswith("__")
    }
    first = facts.settings.inputs[0]
    if first not in counts:
        yield unknown("partitions", f"{first} cannot be seen: there is nothing to compare with", TOPICS)
        return
    problems = [
        fault(
            "partitions",
            f"{name} has {count} partitions and {first} has {counts[first]}: a report must live in the same partition "
            "of each",
            f"make {name} anew: `kafka-topics {BOOTSTRAP} --delete --topic {name}`, then `meldingsvakt topics`; if it "
            "holds what is needed, make all anew with that number under another MELDINGSVAKT_APP_ID",
        )
        for name, count in sorted(counts.items())
        if count != counts[first]
    ]
    yield from or_ok("partitions", [*problems, *_added(facts, counts[first])], f"{counts[first]} of every topic")


def _added(facts: Facts, count: int) -> Iterator[Finding]:
    if isinstance(facts.coverage, Unread):
        return
    for known in facts.coverage.after.values():
        try:
            ensure_same_partitions(known, count)
        except StateUnreadable as error:
            yield fault(
                "partitions",
                str(error),
                f"`MELDINGSVAKT_INPUT_PREFIX=new. MELDINGSVAKT_APP_ID=new MELDINGSVAKT_PARTITIONS={count} "
                "meldingsvakt topics`, and let the inputs be written there",
            )
            return


def append_times(facts: Facts) -> Iterator[Finding]:
    """Do the inputs begin with records that have append times?"""
    if isinstance(facts.undated, Unread):
        yield unread("append times", facts.undated.why, PERMISSIONS)
        return
    places = [(TopicPartition(*place), offset) for place, offset in sorted(facts.undated.items())]
    problems = [warning("append times", *what_becomes_of_it(tp, offset)) for tp, offset in places]
    yield from or_ok("append times", problems, "no partition of the inputs begins with records that have none")


def replication(facts: Facts) -> Iterator[Finding]:
    """Is each topic kept in enough copies, and are they all alive?"""
    several = [topic for topic in facts.topics.values() if topic.shape()]
    if not several:
        yield unknown("replication", "no topic can be seen", TOPICS)
        return
    brokers = facts.size()
    problems = [
        finding
        for topic in several
        for finding in (*_copies(topic, brokers), *_in_sync_wanted(topic, brokers), *_alive(topic))
    ]
    problems += _behind(several)
    yield from or_ok("replication", problems, f"every partition of {len(several)} topic(s) is led and in sync")


def _copies(topic: TopicSeen, brokers: int) -> Iterator[Finding]:
    copies = min(len(partition.replicas) for partition in topic.shape())
    if brokers >= SAFE_REPLICATION > copies:
        yield fault(
            "replication",
            f"{topic.name} is kept in {copies} of three copies, though there are {brokers} brokers: a lost disk can "
            "cost records",
            MORE_COPIES.format(topic=topic.name),
        )


def _in_sync_wanted(topic: TopicSeen, brokers: int) -> Iterator[Finding]:
    copies = min(len(partition.replicas) for partition in topic.shape())
    wanted = int(topic.settings().get("min.insync.replicas", 0))
    if not wanted or copies == 1:
        return
    if wanted < 2:
        say = fault if brokers >= SAFE_REPLICATION else warning
        yield say(
            "replication",
            f"{topic.name} has min.insync.replicas={wanted}: one broker's disk may be the only copy of what was "
            "acknowledged",
            set_on_topic(topic.name, min_insync_replicas=2),
        )
    elif wanted >= copies:
        yield warning(
            "replication",
            f"{topic.name} has min.insync.replicas={wanted} of {copies} copies: one broker down stops all writing",
            set_on_topic(topic.name, min_insync_replicas=2) if copies > 2 else MORE_COPIES.format(topic=topic.name),
        )


def _alive(topic: TopicSeen) -> Iterator[Finding]:
    wanted = int(topic.settings().get("min.insync.replicas", 1))
    shape = topic.shape()
    leaderless = [each.number for each in shape if each.leader < 0]
    few = [each.number for each in shape if each.leader >= 0 and len(each.in_sync) < min(wanted, len(each.replicas))]
    if leaderless:
        yield fault(
            "replication",
            f"{topic.name} partition {in_words(leaderless)} has no leader: it can be neither read nor written",
            _start(topic),
        )
    if few:
        yield fault(
            "replication",
            f"{topic.name} partition {in_words(few)} has fewer than {wanted} copies in sync: nothing can be written",
            _start(topic),
        )


def _start(*topics: TopicSeen) -> str:
    down = {node for topic in topics for each in topic.shape() for node in each.replicas if node not in each.in_sync}
    look = f"`kafka-topics {BOOTSTRAP} --describe --under-replicated-partitions`"
    return f"start or heal broker {in_words(down)}, and look again: {look}"


def _behind(topics: list[TopicSeen]) -> Iterator[Finding]:
    """One finding for all: when a broker is down, every topic has copies that are behind."""
    late = {
        topic.name: [each.number for each in topic.shape() if 0 < len(each.in_sync) < len(each.replicas)]
        for topic in topics
    }
    which = "; ".join(f"{name} {in_words(numbers)}" for name, numbers in late.items() if numbers)
    if which:
        yield warning("replication", f"partitions with copies that are behind: {which}", _start(*topics))
