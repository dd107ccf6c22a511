"""Questions that aiokafka's admin client does not ask yet, in its own protocol's terms. Each of them only reads."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.types import (
    Array,
    Boolean,
    Bytes,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

OPERATIONS = {
    3: "Read", 4: "Write", 5: "Create", 6: "Delete", 7: "Alter", 8: "Describe", 9: "ClusterAction",
    10: "DescribeConfigs", 11: "AlterConfigs", 12: "IdempotentWrite",
}  # fmt: skip
FINALIZED_FEATURES = 2  # the tag's number in an answer about versions
TAGS = ("tags", TaggedFields)
THROTTLE = ("throttle_time_ms", Int32)


class Question(NamedTuple):
    """One request as aiokafka's connections take it."""

    name: str
    struct: Any
    fields: tuple[Any, ...]

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Any:
        """The request as it is sent. Raises IncompatibleBrokerVersion where the broker does not know it."""
        least, most = versions.get(self.struct.API_KEY, (0, -1))
        if not least <= self.struct.API_VERSION <= most:
            raise IncompatibleBrokerVersion(f"this broker does not know {self.name}")
        return self.struct(*self.fields)


def operations(bits: int) -> frozenset[str]:
    """The names of the operations in an answer's bit field; none where the broker did not say."""
    return frozenset(name for bit, name in OPERATIONS.items() if bits > 0 and bits & (1 << bit))


def versions() -> Question:
    """Which versions of each request does a broker speak, and which features has the cluster agreed on?"""
    return Question("ApiVersions", _VERSIONS, ("meldingsvakt", "1", {}))


def features(answer: Any) -> dict[str, int]:
    """The levels that the whole cluster has agreed on, by feature, of an answer about versions."""
    levels = CompactArray(("name", CompactString()), ("most", Int16), ("least", Int16), TAGS)
    encoded = answer.tags.get(FINALIZED_FEATURES)
    return {name: most for name, most, *_ in levels.decode(BytesIO(encoded))} if encoded else {}


def metadata(topics: Sequence[str]) -> Question:
    """What of these topics, and what may this client do with them? Unlike aiokafka's own it never creates one."""
    return Question("Metadata", _METADATA, (list(topics), False, False, True))


def groups(group: str) -> Question:
    """Who is in a group, and what may this client do with it? (aiokafka reads this answer as an older one.)"""
    return Question("DescribeGroups", _GROUPS, ([group], True))


def transactions(transactional_ids: Sequence[str]) -> Question:
    """How do these transactional ids stand? For their coordinator."""
    return Question("DescribeTransactions", _TRANSACTIONS, (list(transactional_ids), {}))


def transactions_of(producer_ids: Sequence[int]) -> Question:
    """Which transactional ids do these producers have? For every broker: each knows those that it coordinates."""
    return Question("ListTransactions", _TRANSACTIONS_OF, ([], list(producer_ids), {}))


def producers(partitions: Sequence[tuple[str, int]]) -> Question:
    """Whose transactions are open on these partitions? For their leader."""
    return Question("DescribeProducers", _PRODUCERS, ([(topic, [number], {}) for topic, number in partitions], {}))


def _request(key: int, version: int, asked: Schema, answered: Schema, **more: Any) -> Any:
    spoken = {"API_KEY": key, "API_VERSION": version}
    answer = type("Answer", (Response,), {**spoken, "SCHEMA": answered})
    return type("Asked", (RequestStruct,), {**spoken, "SCHEMA": asked, "RESPONSE_TYPE": answer, **more})


_VERSIONS = _request(
    18,
    3,
    Schema(("software", CompactString()), ("version", CompactString()), TAGS),
    Schema(
        ("error_code", Int16),
        ("api_versions", CompactArray(("key", Int16), ("least", Int16), ("most", Int16), TAGS)),
        THROTTLE,
        TAGS,
    ),
    FLEXIBLE_VERSION=True,
    # The one answer whose header never became flexible: who asks does not know yet what the broker speaks.
    parse_response_header=lambda _, buffer: ResponseHeader_v0.decode(buffer),
)
_PARTITION = (
    ("error_code", Int16),
    ("number", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", Array(Int32)),
    ("in_sync", Array(Int32)),
    ("offline", Array(Int32)),
)
_METADATA = _request(
    3,
    8,
    Schema(
        ("topics", Array(String())),
        ("allow_creation", Boolean),
        ("cluster_operations", Boolean),
        ("topic_operations", Boolean),
    ),
    Schema(
        THROTTLE,
        ("brokers", Array(("node_id", Int32), ("host", String()), ("port", Int32), ("rack", String()))),
        ("cluster_id", String()),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("name", String()),
                ("is_internal", Boolean),
                ("partitions", Array(*_PARTITION)),
                ("operations", Int32),
            ),
        ),
        ("cluster_operations", Int32),
    ),
)
_MEMBER = (
    ("member_id", String()),
    ("instance_id", String()),
    ("client_id", String()),
    ("host", String()),
    ("metadata", Bytes),
    ("assignment", Bytes),
)
_GROUPS = _request(
    15,
    4,
    Schema(("groups", Array(String())), ("operations", Boolean)),
    Schema(
        THROTTLE,
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", String()),
                ("state", String()),
                ("protocol_type", String()),
                ("protocol", String()),
                ("members", Array(*_MEMBER)),
                ("operations", Int32),
            ),
        ),
    ),
)
_TOPICS = ("topics", CompactArray(("topic", CompactString()), ("partitions", CompactArray(Int32)), TAGS))
_TRANSACTIONS = _request(
    65,
    0,
    Schema(("transactional_ids", CompactArray(CompactString())), TAGS),
    Schema(
        THROTTLE,
        (
            "transactions",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", CompactString()),
                ("state", CompactString()),
                ("timeout_ms", Int32),
                ("started_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                _TOPICS,
                TAGS,
            ),
        ),
        TAGS,
    ),
    FLEXIBLE_VERSION=True,
)
_TRANSACTIONS_OF = _request(
    66,
    0,
    Schema(("states", CompactArray(CompactString())), ("producer_ids", CompactArray(Int64)), TAGS),
    Schema(
        THROTTLE,
        ("error_code", Int16),
        ("unknown_states", CompactArray(CompactString())),
        (
            "transactions",
            CompactArray(
                ("transactional_id", CompactString()), ("producer_id", Int64), ("state", CompactString()), TAGS
            ),
        ),
        TAGS,
    ),
    FLEXIBLE_VERSION=True,
)
_PRODUCER = (
    ("producer_id", Int64),
    ("producer_epoch", Int32),
    ("last_sequence", Int32),
    ("last_write_ms", Int64),
    ("coordinator_epoch", Int32),
    ("start_offset", Int64),
    TAGS,
)
_PRODUCERS = _request(
    61,
    0,
    Schema(_TOPICS, TAGS),
    Schema(
        THROTTLE,
        (
            "topics",
            CompactArray(
                ("topic", CompactString()),
                (
                    "partitions",
                    CompactArray(
                        ("number", Int32),
                        ("error_code", Int16),
                        ("error_message", CompactString()),
                        ("producers", CompactArray(*_PRODUCER)),
                        TAGS,
                    ),
                ),
                TAGS,
            ),
        ),
        TAGS,
    ),
    FLEXIBLE_VERSION=True,
)
