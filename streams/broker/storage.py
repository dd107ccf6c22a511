"""The brokers' folders: formatted once, found again at the next start."""

import hashlib
import shutil
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from streams.broker.config import write_properties
from streams.broker.log_tail import last_words
from streams.broker.process import GuardedProcess
from streams.errors import BrokerUnavailable

CHECKPOINT = "bootstrap.checkpoint"
FORMAT_SECONDS = 60


def new_id() -> str:
    """A random id in Kafka's own form: 16 bytes, base64; not with a dash first, which tools take for an option."""
    while True:
        text = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def cluster_id(folder: Path) -> str:
    """The cluster's id: kept in the folder, so that data of an earlier start stays readable."""
    file = folder / "cluster.id"
    if not file.exists():
        file.write_text(new_id(), encoding="ascii")
    return file.read_text(encoding="ascii").strip()


def is_formatted(data: Path) -> bool:
    """True if a broker can start on this data folder."""
    return (data / "meta.properties").exists()


def lay_out(data: Path, cluster: str, node_id: int, checkpoint: bytes) -> None:
    """Give a node its identity and the cluster's first metadata, as Kafka's own tool does."""
    data.mkdir(parents=True, exist_ok=True)
    (data / CHECKPOINT).write_bytes(checkpoint)
    identity = {"version": "1", "cluster.id": cluster, "node.id": str(node_id), "directory.id": new_id()}
    # Last and in one step: its presence says that the rest is there.
    write_properties(data / "meta.properties.new", identity)
    (data / "meta.properties.new").replace(data / "meta.properties")


def first_metadata(java: Sequence[str], cache: Path, arguments: Sequence[str] = ()) -> bytes:
    """The checkpoint that Kafka's tool writes for a new cluster: the features' versions and whatever `arguments` add.

    It names neither cluster nor node, and the tool costs a Java start for each of them: so it is written once and
    kept in the cache. Raises BrokerUnavailable.
    """
    kept = _kept(cache) if not arguments else None
    if kept is not None:
        return kept
    content = _format(java, arguments)
    if not arguments:
        with suppress(OSError):  # a cache that cannot be written costs a second at the next start, no more
            _keep(cache, content)
    return content


def _kept(cache: Path) -> bytes | None:
    """The file's name is its digest, so a damaged one is noticed and made again."""
    for file in cache.glob("*.checkpoint"):
        content = file.read_bytes()
        if file.stem == hashlib.sha256(content).hexdigest():
            return content
        file.unlink(missing_ok=True)
    return None


def _keep(cache: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as staged:
        staged.write(content)
    Path(staged.name).replace(cache / f"{hashlib.sha256(content).hexdigest()}.checkpoint")


def _format(java: Sequence[str], arguments: Sequence[str]) -> bytes:
    folder = Path(tempfile.mkdtemp(prefix="meldingsvakt-format-"))
    try:
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": "1@127.0.0.1:9093",
            "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
            "log.dirs": str(folder / "data"),
        }
        write_properties(folder / "format.properties", properties)
        tool = ["kafka.tools.StorageTool", "format", "-t", new_id(), "-c", str(folder / "format.properties")]
        console = folder / "console.log"
        process = GuardedProcess([*java, *tool, *arguments], folder=folder, console=console, remove_folder=folder)
        if process.wait(FORMAT_SECONDS) != 0:
            raise BrokerUnavailable(
                "Kafka's storage could not be prepared "
                f"({last_words(console, console, 0, process.exit_code())}): check the arguments and the Java in use."
            )
        return (folder / "data" / CHECKPOINT).read_bytes()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
