"""What can go wrong, in sentences that say what to do."""


class ConfigurationError(Exception):
    """Something must be set right before the checker can start: exit code 2, nothing was read."""


class InDoubt(Exception):
    """The outcome of a write is unknown, or another worker took over: end, and let the next owner read what is true."""


class StateUnreadable(Exception):
    """A record of the checker's own state cannot be trusted: refuse to go on, with its exact place."""


class BrokerUnavailable(Exception):
    """The embedded Kafka cannot be started here: the message says why and what helps."""


def sentence_of(error: BaseException) -> str:
    """What an error says, with its kind where it says little."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
