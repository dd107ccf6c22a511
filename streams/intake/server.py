"""`meldingsvakt intake`: the door as a process."""

from streams.access.doors import ensure_on_loopback, serve_at
from streams.access.grants import grants_of
from streams.intake.application import application, door_of
from streams.intake.desk import IntakeDesk
from streams.kafka.batches import read_batches_within
from streams.logs import set_up_logging
from streams.settings import KafkaSettings, Settings


def serve(kafka: KafkaSettings, settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConfigurationError; ends in doubt where another has taken its name."""
    set_up_logging(settings)
    read_batches_within(settings.max_batch_bytes)
    grants, door, said = grants_of(settings), door_of(settings), []
    if grants.tokens is None:
        ensure_on_loopback(door)
        said = ["It asks nobody for a token: whoever can reach this address may give proof in anybody's name."]
    serve_at(door, lambda failed: application(IntakeDesk(kafka, settings), failed, grants), *said)
