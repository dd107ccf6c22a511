"""What a report is judged by."""

from typing import NamedTuple

from streams.core.fold import Limits
from streams.core.policy import Policy
from streams.core.receivers import Municipalities


class Rules(NamedTuple):
    """The policy, which municipality numbers name the same receiver, and how long what is kept."""

    policy: Policy
    municipalities: Municipalities
    limits: Limits = Limits()
