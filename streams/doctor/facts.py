"""What was seen of a cluster and a checker: plain values, which the checks judge without asking Kafka again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from streams.core.policy import Policy
from streams.records.coverage import Coverage
from streams.settings import KafkaSettings, Settings

OFFSETS_TOPIC, TRANSACTIONS_TOPIC = "__consumer_offsets", "__transaction_state"
Place = tuple[str, int]  # topic, partition
T = TypeVar("T")


class Unread(NamedTuple):
    """In place of something that could not be had: why not."""

    why: str


class Damaged(Unread):
    """In place of something that is there, and wrong."""


class BrokerAnswer(NamedTuple):
    """What a broker said about itself: versions by API key, finalized features by name."""

    versions: Mapping[int, tuple[int, int]]
    features: Mapping[str, int]


class Broker(NamedTuple):
    """A broker at the address that the cluster sends clients to."""

    node_id: int
    address: str
    answer: BrokerAnswer | Unread
    config: Mapping[str, str] | Unread


class PartitionMetadata(NamedTuple):
    """One partition as the cluster's metadata has it; the leader is -1 where there is none."""

    number: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


class TopicSeen(NamedTuple):
    """A topic; `partitions` is empty where it does not exist, `operations` is what this client may do with it."""

    name: str
    partitions: tuple[PartitionMetadata, ...] | Unread
    operations: frozenset[str] = frozenset()
    config: Mapping[str, str] | Unread = Unread("it does not exist")

    @property
    def missing(self) -> bool:
        """True if the cluster says that there is no such topic."""
        return self.partitions == ()

    def shape(self) -> tuple[PartitionMetadata, ...]:
        """Its partitions, none where they could not be read."""
        return () if isinstance(self.partitions, Unread) else self.partitions

    def settings(self) -> Mapping[str, str]:
        """Its settings, none where they could not be read."""
        return {} if isinstance(self.config, Unread) else self.config


class ConsumerGroup(NamedTuple):
    """The consumer group; `operations` is what this client may do with it."""

    state: str
    members: tuple[str, ...]
    operations: frozenset[str]


class Transaction(NamedTuple):
    """One of the checker's own transactional ids, as its coordinator knows it."""

    transactional_id: str
    state: str
    timeout_ms: int
    started: datetime | None


class OpenTransaction(NamedTuple):
    """A transaction that is open on an input: who, since which offset, when it last wrote."""

    topic: str
    partition: int
    producer_id: int
    start_offset: int
    last_write: datetime
    transactional_id: str | None = None


class Ends(NamedTuple):
    """Where a partition of an input begins, is committed until (last stable offset), and ends."""

    begin: int
    stable: int
    end: int


class Skew(NamedTuple):
    """How far a broker's clock is ahead of this machine's: at least and at most so many seconds."""

    least: float
    most: float

    def certain(self) -> float:
        """The seconds that cannot be explained by the time that the answer took."""
        return max(self.least, 0.0) + min(self.most, 0.0)


class Twice(NamedTuple, Generic[T]):
    """The same, looked at before and after everything else, some seconds apart."""

    before: T
    after: T


def stuck(ends: Twice[Mapping[Place, Ends]]) -> list[Place]:
    """Where what is committed stood still, though more lay behind it all the time: a transaction is open there."""
    return sorted(
        place
        for place, now in ends.after.items()
        if place in ends.before and ends.before[place].stable == now.stable < min(now.end, ends.before[place].end)
    )


@dataclass(frozen=True)
class Facts:
    """Everything that the checks judge."""

    kafka: KafkaSettings
    principal: str  # who this client is for the brokers
    certificate_until: datetime | None  # where it shows a certificate
    settings: Settings
    policy: Policy | Unread
    now: datetime
    addresses: Mapping[str, str | None]  # each bootstrap address, and why it does not answer
    cluster_id: str | None
    controller: int
    brokers: tuple[Broker, ...]
    topics: Mapping[str, TopicSeen]
    group: ConsumerGroup | Unread
    committed: Mapping[Place, int] | Unread
    coverage: Twice[Mapping[int, Coverage]] | Unread
    ends: Twice[Mapping[Place, Ends]] | Unread
    transactions: tuple[Transaction, ...] | Unread
    open_transactions: tuple[OpenTransaction, ...] | Unread
    may_transact: bool | Unread
    clocks: Mapping[int, Skew] | Unread
    undated: Mapping[Place, int] | Unread  # where an input begins with a record without append time, and its offset

    def inputs(self) -> list[TopicSeen]:
        """The inputs, that of decisions among them."""
        return [self.topics[name] for name in self.settings.inputs]

    def led(self) -> set[Place]:
        """The partitions of the inputs that have a leader."""
        return {(topic.name, each.number) for topic in self.inputs() for each in topic.shape() if each.leader >= 0}

    def absent(self) -> set[int]:
        """Brokers that hold copies of what the checker needs, and that the cluster does not know at present."""
        holders = {node for topic in self.topics.values() for each in topic.shape() for node in each.replicas}
        return holders - {broker.node_id for broker in self.brokers}

    def size(self) -> int:
        """How many brokers the cluster has, those that are down included as far as they can be known."""
        return len(self.brokers) + len(self.absent())

    def broker_setting(self, name: str) -> dict[int, str]:
        """A setting by broker, of those that could be asked."""
        return {
            broker.node_id: broker.config[name]
            for broker in self.brokers
            if not isinstance(broker.config, Unread) and name in broker.config
        }
