"""`meldingsvakt view`: the web server around one desk."""

from streams.access.doors import ensure_on_loopback, serve_at
from streams.access.grants import grants_of
from streams.kafka.batches import read_batches_within
from streams.logs import set_up_logging
from streams.settings import KafkaSettings, Settings
from streams.view.http.application import application, door_of
from streams.view.services import Desk


def serve(kafka: KafkaSettings, settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConfigurationError, also while it runs, when what is read is not ours."""
    set_up_logging(settings)
    read_batches_within(settings.max_batch_bytes)
    grants, door, said = grants_of(settings), door_of(settings), []
    if grants.tokens is None:
        ensure_on_loopback(door)
        said = ["It asks nobody for a token: whoever can reach this address sees all that it shows."]
    serve_at(door, lambda failed: application(Desk(kafka, settings), failed, grants), *said)
