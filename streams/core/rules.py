"""What a report is judged by."""

from datetime import timedelta
from typing import NamedTuple

from streams.core.policy import Policy
from streams.core.receivers import Municipalities


class Limits(NamedTuple):
    """How long rows are kept after their last fact, and when a proof without a sent becomes unexpected."""

    keep: timedelta = timedelta(days=120)
    unexpected_after: timedelta = timedelta(hours=24)


class Rules(NamedTuple):
    """The policy, which municipality numbers name the same receiver, and how long what is kept."""

    policy: Policy
    municipalities: Municipalities
    limits: Limits = Limits()
