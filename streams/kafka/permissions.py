"""The least rights that each part needs on a Kafka that allows nothing by itself: data, for the doctor and for whoever
writes the rules down.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from streams.settings import Settings

IMPLYING_DESCRIBE = frozenset({"Read", "Write"})


class Right(NamedTuple):
    """Some operations on a resource: `kind` is topic, group or transactional-id, as kafka-acls calls them."""

    kind: str
    name: str
    operations: frozenset[str]
    prefixed: bool = False

    def holding(self) -> frozenset[str]:
        """What who has it may do in all: brokers take leave to read or write for leave to describe."""
        return self.operations | ({"Describe"} if self.operations & IMPLYING_DESCRIBE else set())


def worker_rights(settings: Settings) -> list[Right]:
    """What the checker does. On inputs it also writes: marks (none to decisions), and copies of misplaced records."""
    both = [*settings.inputs, settings.output("state"), settings.output("coverage")]
    return [
        *(_topic(name, "Read", "Write", "DescribeConfigs") for name in both),
        *(_topic(settings.output(name), "Write", "DescribeConfigs") for name in ("messages", "missing", "rejected")),
        _topic(settings.output("access"), "Describe", "DescribeConfigs"),
        Right("group", settings.app_id, frozenset({"Read"})),
        Right("transactional-id", f"{settings.app_id}-", frozenset({"Write"}), prefixed=True),
    ]


def view_rights(settings: Settings) -> list[Right]:
    """What the view reads, outside every group, and where it writes who looked."""
    return [
        _topic(settings.output("state"), "Read", "DescribeConfigs"),
        _topic(settings.output("missing"), "Read"),
        _topic(settings.output("coverage"), "Read"),
        _topic(settings.output("access"), "Write"),
    ]


def decide_rights(settings: Settings) -> list[Right]:
    """What `meldingsvakt decide` reads, outside every group, and where it writes what somebody decides."""
    return [
        _topic(settings.output("state"), "Read"),
        _topic(settings.decisions, "Write"),
    ]


def intake_rights(settings: Settings) -> list[Right]:
    """What the intake writes, under transactional ids of its own, and what it looks up, outside every group."""
    return [
        *(_topic(name, "Write") for name in (*settings.inputs, settings.output("access"))),
        *(_topic(settings.output(name), "Read") for name in ("messages", "coverage")),
        Right("transactional-id", f"{settings.app_id}-intake-", frozenset({"Write"}), prefixed=True),
    ]


def topics_rights(settings: Settings) -> list[Right]:
    """What `meldingsvakt topics` needs in order to create and verify."""
    names = [
        *settings.inputs,
        *(settings.output(name) for name in ("state", "coverage", "messages", "missing", "rejected", "access")),
    ]
    return [_topic(name, "Create", "Describe", "DescribeConfigs") for name in names]


def consumer_rights(settings: Settings, group: str | None = None) -> list[Right]:
    """What a consumer of the announcements needs, with a group of its own."""
    return [
        _topic(settings.output("missing"), "Read"),
        Right("group", group or f"{settings.app_id}-consumer", frozenset({"Read"})),
    ]


def audit_rights(settings: Settings) -> list[Right]:
    """What an audit of the inputs reads, and its comparison with the announcements; outside every group."""
    return [_topic(name, "Read") for name in (*settings.inputs, settings.output("missing"))]


RIGHTS: Mapping[str, Callable[[Settings], list[Right]]] = {
    "worker": worker_rights,
    "view": view_rights,
    "decide": decide_rights,
    "intake": intake_rights,
    "topics": topics_rights,
    "consumer": consumer_rights,
    "audit": audit_rights,
}


def listed(settings: Settings) -> Iterator[tuple[str, str, str, str, str]]:
    """Part, kind, name, pattern and operations: one line of `kafka-acls`, or one ACL of a KafkaUser, each."""
    for part, rights in RIGHTS.items():
        for right in rights(settings):
            pattern = "prefixed" if right.prefixed else "literal"
            yield part, right.kind, right.name, pattern, ",".join(sorted(right.operations))


def _topic(name: str, *operations: str) -> Right:
    return Right("topic", name, frozenset(operations))
