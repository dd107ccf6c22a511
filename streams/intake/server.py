"""`meldingsvakt intake`: the door as a process."""

from streams.access.doors import serve_at
from streams.intake.application import application, door_of
from streams.intake.desk import IntakeDesk
from streams.settings import KafkaSettings, Settings


def serve(kafka: KafkaSettings, settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConfigurationError; ends in doubt where another has taken its name."""
    serve_at(
        door_of(settings),
        settings,
        lambda failed, grants: application(IntakeDesk(kafka, settings), failed, grants),
        "It asks nobody for a token: whoever can reach this address may give proof in anybody's name.",
    )
