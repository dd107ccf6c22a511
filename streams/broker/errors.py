"""Why there is no broker, in one sentence that says what to do."""


class BrokerUnavailable(Exception):
    """The embedded Kafka cannot be started here: the message says why and what helps."""
