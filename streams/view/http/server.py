"""`meldingsvakt view`: the web server around one desk."""

from streams.access.doors import serve_at
from streams.settings import KafkaSettings, Settings
from streams.view.http.application import application, door_of
from streams.view.services import Desk


def serve(kafka: KafkaSettings, settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConfigurationError, also while it runs, when what is read is not ours."""
    serve_at(
        door_of(settings),
        settings,
        lambda failed, grants: application(Desk(kafka, settings), failed, grants),
        "It asks nobody for a token: whoever can reach this address sees all that it shows.",
    )
