"""All faults of the suite."""

from tests.system.faults.batch_faults import BATCH_FAULTS
from tests.system.faults.decision_faults import DECISION_FAULTS
from tests.system.faults.feed_faults import FEED_FAULTS
from tests.system.faults.kafka_faults import KAFKA_FAULTS
from tests.system.faults.load_faults import LOAD_FAULTS, MILLIONS
from tests.system.faults.loss_faults import LOSS_FAULTS
from tests.system.faults.run import Fault
from tests.system.faults.unready_faults import UNREADY_FAULTS
from tests.system.faults.worker_faults import WORKER_FAULTS

FAULTS: tuple[Fault, ...] = (
    *WORKER_FAULTS, *KAFKA_FAULTS, *UNREADY_FAULTS, *LOSS_FAULTS, *FEED_FAULTS, *DECISION_FAULTS, *LOAD_FAULTS,
    *BATCH_FAULTS, *MILLIONS,
)  # fmt: skip
