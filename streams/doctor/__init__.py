"""The doctor: can it connect, is everything set right that a guarantee rests on, and what is to be done if not?

`gather` asks Kafka and gives plain facts; the checks below are pure functions from facts to findings.
"""

import logging
from collections.abc import Callable, Iterable

from streams.doctor.checks import brokers, checker, clocks, configs, login, permissions, retention, topics
from streams.doctor.facts import Facts
from streams.doctor.findings import Finding, FindingState
from streams.doctor.gather.gather import gather
from streams.settings import KafkaSettings, Settings

__all__ = ["Facts", "Finding", "FindingState", "examine", "findings"]

CHECKS: tuple[Callable[[Facts], Iterable[Finding]], ...] = (
    retention.policy,
    brokers.bootstrap,
    login.login,
    brokers.reachable,
    brokers.versions,
    brokers.settings,
    topics.existence,
    topics.partitions,
    topics.replication,
    configs.settings,
    topics.append_times,
    retention.retention,
    permissions.permissions,
    checker.group,
    checker.coverage,
    checker.offsets,
    checker.transactions,
    checker.upstream,
    clocks.clocks,
)


async def examine(kafka: KafkaSettings, settings: Settings, *, probe: bool = False) -> list[Finding]:
    """Everything that was found, in the order of the checks. Raises ConfigurationError when no broker answers."""
    # What the client libraries would say of a silent broker is a finding here, with what to do.
    library = logging.getLogger("aiokafka")
    library.addHandler(logging.NullHandler())
    library.propagate = False
    return findings(await gather(kafka, settings, probe=probe))


def findings(facts: Facts) -> list[Finding]:
    """What the facts mean."""
    return [finding for check in CHECKS for finding in check(facts)]
