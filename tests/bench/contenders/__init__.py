"""Who takes part, in the order of a round: the checker last, because it appends its marks to the log."""

from tests.bench.contender import Contender
from tests.bench.contenders.checker import Checker
from tests.bench.contenders.kafka_streams import KafkaStreams
from tests.bench.contenders.limits import ConfluentRead, Read, Rewrite
from tests.bench.contenders.plain_faust import PlainFaust
from tests.bench.contenders.quix import QuixJoin, QuixSessions

CONTENDERS: tuple[Contender, ...] = (
    Read(),
    ConfluentRead(),
    Rewrite(),
    KafkaStreams("rocksdb"),
    KafkaStreams("memory"),
    QuixJoin(),
    QuixSessions(),
    PlainFaust(),
    Checker(),
)
