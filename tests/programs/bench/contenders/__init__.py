"""Who takes part, in the order of a round: the checker last, because it appends its marks to the log."""

from tests.programs.bench.contender import Contender
from tests.programs.bench.contenders.checker import Checker
from tests.programs.bench.contenders.kafka_streams import KafkaStreams
from tests.programs.bench.contenders.limits import ConfluentRead, Read, Rewrite
from tests.programs.bench.contenders.plain_faust import PlainFaust
from tests.programs.bench.contenders.quix import QuixJoin, QuixSessions

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
