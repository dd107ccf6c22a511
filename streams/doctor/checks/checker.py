"""The checker itself: who works, how far it has come, what it could not see, which transactions are in its way."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from streams.core.events import written
from streams.data import succession
from streams.doctor.checks.retention import in_days
from streams.doctor.facts import Damaged, Ends, Facts, OpenTransaction, Place, Transaction, Twice, Unread, stuck
from streams.doctor.findings import (
    BOOTSTRAP,
    PERMISSIONS,
    TOPICS,
    Finding,
    fault,
    in_words,
    or_ok,
    unknown,
    unread,
    warning,
)
from streams.records.coverage import Coverage

COMPLETE_WITHIN = timedelta(minutes=1)
TRANSACTIONS = f"kafka-transactions {BOOTSTRAP}"
# A transaction that has begun and not ended, and what to do; of others Kafka tells when they began all the same.
ENDING = (
    "its end cannot be written to some of its partitions",
    "start or heal the leaders of the partitions that it lists: see the findings about replication",
)
UNDER_WAY = {
    "Ongoing": ("its coordinator should have aborted it", "a worker that starts ends it; else restart its coordinator"),
    "PrepareCommit": ENDING,
    "PrepareAbort": ENDING,
    "PrepareEpochFence": ENDING,
}


def group(facts: Facts) -> Iterator[Finding]:
    """Does a worker run?"""
    name = facts.settings.app_id
    if isinstance(facts.group, Unread):
        yield unread("workers", facts.group.why, PERMISSIONS)
    elif not facts.group.members:
        yield warning(
            "workers",
            f"nobody is in the group {name} ({facts.group.state}): nothing is checked",
            "`meldingsvakt worker`",
        )
    else:
        number = len(facts.topics[facts.settings.inputs[0]].shape())
        idle = len(facts.group.members) - number
        problems = [
            warning("workers", f"{idle} worker(s) have no partition: there are only {number}", "stop them")
            for _ in range(idle > 0)
        ]
        members = ", ".join(facts.group.members)
        yield from or_ok("workers", problems, f"{len(facts.group.members)} in {name} ({facts.group.state}): {members}")


def coverage(facts: Facts) -> Iterator[Finding]:
    """How far is it complete, and what could it not see?"""
    topic = facts.settings.output("coverage")
    if isinstance(facts.coverage, Damaged):
        yield fault("coverage", facts.coverage.why, f"restore {topic}, or check anew under another MELDINGSVAKT_APP_ID")
    elif isinstance(facts.coverage, Unread):
        yield unread("coverage", facts.coverage.why, PERMISSIONS)
    elif not facts.coverage.after:
        yield warning("coverage", "nothing was ever checked under this app id", "`meldingsvakt worker`")
    else:
        now = facts.coverage.after.values()
        yield from or_ok(
            "coverage", [*_gaps(facts), *_losses(facts), *_ages(facts), *_other_tables(facts)], _complete(list(now))
        )


def _complete(known: list[Coverage]) -> str:
    times = [each.complete_until for each in known if each.complete_until]
    return f"{len(known)} partition(s), complete until {written(min(times)) if times else 'no time yet'}"


def _other_tables(facts: Facts) -> Iterator[Finding]:
    """Municipalities merge and split: who knows other ones may tell receivers apart that are the same."""
    told = {known.municipalities for known in _known(facts)} - {None, succession().fingerprint}
    if told:
        yield warning(
            "coverage", "receivers are compared by another table of municipalities than this program's",
            "run the same release everywhere",
        )  # fmt: skip


def _gaps(facts: Facts) -> Iterator[Finding]:
    for known in _known(facts):
        if known.gap is not None:
            yield warning(
                "coverage",
                f"partition {known.partition} cannot see since {written(known.gap.since)} ({known.gap.cause}): what "
                "falls due meanwhile is announced when that is over",
                "read /readyz of its worker, and the findings here about brokers and transactions",
            )


def _losses(facts: Facts) -> Iterator[Finding]:
    for known in _known(facts):
        for loss in known.losses:
            yield warning(
                "coverage",
                f"{loss.topic}-{known.partition} from offset {loss.from_offset} to {loss.to_offset or 'unknown'} was "
                f"never read ({loss.cause}, {written(loss.since)}): reports in there were not judged",
                "let the portal send again what it sent in that time, or reconcile it by hand",
            )


def _ages(facts: Facts) -> Iterator[Finding]:
    workers = not isinstance(facts.group, Unread) and bool(facts.group.members)
    late = {
        known.partition: facts.now - known.complete_until
        for known in _known(facts)
        if known.complete_until and facts.now - known.complete_until > COMPLETE_WITHIN
    }
    never = [known.partition for known in _known(facts) if known.complete_until is None]
    if late:
        yield warning(
            "coverage",
            f"partition {in_words(late)} is complete only until {in_days(_whole(max(late.values())))} ago: deadlines "
            f"since then are not judged yet; {_behind(facts)} records are still to be read",
            "look at the worker's log and /readyz" if workers else "`meldingsvakt worker`",
        )
    if never:
        yield warning(
            "coverage", f"partition {in_words(never)} was never complete", "let a worker run for a minute and ask again"
        )


def _behind(facts: Facts) -> str:
    if isinstance(facts.ends, Unread):
        return "an unknown number of"
    return str(
        sum(
            max(0, facts.ends.after[topic, known.partition].end - applied.next_offset)
            for known in _known(facts)
            for topic, applied in known.applied.items()
            if (topic, known.partition) in facts.ends.after
        )
    )


def offsets(facts: Facts) -> Iterator[Finding]:
    """Are the group's offsets those that were committed with the rows?"""
    if isinstance(facts.committed, Unread) or isinstance(facts.coverage, Unread):
        why = next(each.why for each in (facts.committed, facts.coverage) if isinstance(each, Unread))
        yield unread("offsets", why, PERMISSIONS)
        return
    if facts.committed and not facts.coverage.after:
        yield fault(
            "offsets",
            f"the group has committed offsets, but {facts.settings.output('coverage')} says nothing: its state was "
            "deleted",
            "choose another MELDINGSVAKT_APP_ID to check from the start",
        )
        return
    wrong = [_changed(facts, *each) for each in _moved_by_hand(facts.coverage, facts.committed)]
    found = f"{len(facts.committed)} committed, each where the state ends" if facts.committed else "none committed yet"
    yield from or_ok("offsets", wrong, found)


def _moved_by_hand(
    known: Twice[Mapping[int, Coverage]], committed: Mapping[Place, int]
) -> Iterator[tuple[Place, int, int]]:
    """Committed offsets that lie nowhere between the two looks at what was applied."""
    for (topic, number), offset in sorted(committed.items()):
        if number not in known.before or number not in known.after:
            continue
        first, last = (each[number].applied[topic].next_offset for each in (known.before, known.after))
        if not first <= offset <= last:
            yield (topic, number), offset, last


def _changed(facts: Facts, place: Place, offset: int, applied: int) -> Finding:
    name = facts.settings.app_id
    return fault(
        "offsets",
        f"{place[0]}-{place[1]}: the group's offset {offset} was changed by hand (the state ends at {applied}): the "
        "worker refuses",
        f"stop the workers, `kafka-consumer-groups {BOOTSTRAP} --delete-offsets --group {name} --topic {place[0]}`, "
        "and start them: they go on by their state",
    )


def transactions(facts: Facts) -> Iterator[Finding]:
    """Do the checker's own transactional ids stand well?"""
    if isinstance(facts.transactions, Unread):
        yield unknown(
            "transactional ids",
            facts.transactions.why,
            f"allow this client Describe on them, or `{TRANSACTIONS} describe --transactional-id "
            f"{facts.settings.app_id}-0`",
        )
        return
    hanging = [finding for each in facts.transactions for finding in _hanging(facts, each)]
    used = [each.transactional_id for each in facts.transactions]
    found = f"{len(used)} in use ({used[0]} to {used[-1]}), none hanging" if used else "none used yet"
    yield from or_ok("transactional ids", hanging, found)


def _hanging(facts: Facts, one: Transaction) -> Iterator[Finding]:
    limit = timedelta(milliseconds=one.timeout_ms) + COMPLETE_WITHIN
    if one.state in UNDER_WAY and one.started is not None and facts.now - one.started > limit:
        why, heal = UNDER_WAY[one.state]
        yield warning(
            "transactional ids",
            f"{one.transactional_id} is {one.state} since {written(one.started)}, longer than its time-out of "
            f"{one.timeout_ms} ms: {why}",
            f"`{TRANSACTIONS} describe --transactional-id {one.transactional_id}`; {heal}",
        )


def upstream(facts: Facts) -> Iterator[Finding]:
    """Does a transaction on an input hold everything behind it back?"""
    if isinstance(facts.ends, Unread):
        yield unread("open transactions", facts.ends.why, PERMISSIONS)
        return
    if not facts.ends.after:
        yield unknown("open transactions", "no input can be seen", TOPICS)
        return
    if unseen := facts.led() - facts.ends.after.keys():
        which = ", ".join(f"{topic}-{number}" for topic, number in sorted(unseen)[:10])
        yield unknown("open transactions", f"{which}: its leader did not answer", "see the findings about brokers")
    places = stuck(facts.ends)
    problems = [_open(facts, place, facts.ends.after[place]) for place in places]
    yield from or_ok(
        "open transactions", problems, f"none holds back the {len(facts.ends.after)} partitions of the inputs"
    )


def _open(facts: Facts, place: Place, ends: Ends) -> Finding:
    topic, number = place
    several = () if isinstance(facts.open_transactions, Unread) else facts.open_transactions
    first = min((each for each in several if (each.topic, each.partition) == place), default=None, key=_start)
    found = f"{topic}-{number} stands still at offset {ends.stable} of {ends.end}: a transaction is open"
    if first is None:
        return warning(
            "open transactions", found, f"`{TRANSACTIONS} find-hanging --topic {topic} --partition {number}`"
        )
    found += f" by {_who(first)} since offset {first.start_offset}, last written {written(first.last_write)}"
    abort = f"`{TRANSACTIONS} abort --topic {topic} --partition {number} --start-offset {first.start_offset}`"
    longest = max((int(value) for value in facts.broker_setting("transaction.max.timeout.ms").values()), default=None)
    if longest is not None and facts.now - first.last_write > timedelta(milliseconds=longest):
        return fault("open transactions", f"{found}: longer than any time-out, so that it never ends by itself", abort)
    return warning(
        "open transactions",
        found,
        f"end it where it was begun; if nobody knows it: `{TRANSACTIONS} find-hanging --topic {topic} --partition "
        f"{number}`, then {abort}",
    )


def _who(transaction: OpenTransaction) -> str:
    return transaction.transactional_id or f"producer {transaction.producer_id}"


def _start(transaction: OpenTransaction) -> int:
    return transaction.start_offset


def _known(facts: Facts) -> list[Coverage]:
    return [] if isinstance(facts.coverage, Unread) else [known for _, known in sorted(facts.coverage.after.items())]


def _whole(duration: timedelta) -> timedelta:
    return timedelta(seconds=int(duration.total_seconds()))
