"""The brokers' folders."""

from pathlib import Path

from streams.broker import storage
from streams.broker.storage import cluster_id, first_metadata, is_formatted, lay_out, new_id


def test_ids_look_like_kafkas_own() -> None:
    ids = {new_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(text) == 22 and not text.startswith("-") for text in ids)


def test_a_folder_keeps_its_cluster(tmp_path: Path) -> None:
    assert cluster_id(tmp_path) == cluster_id(tmp_path)


def test_a_laid_out_folder_counts_as_formatted(tmp_path: Path) -> None:
    assert not is_formatted(tmp_path / "data")
    lay_out(tmp_path / "data", "cluster", 2, b"checkpoint")
    assert is_formatted(tmp_path / "data")
    assert "node.id=2\n" in (tmp_path / "data" / "meta.properties").read_text()
    assert (tmp_path / "data" / "bootstrap.checkpoint").read_bytes() == b"checkpoint"


def test_a_damaged_first_metadata_is_made_again(tmp_path: Path) -> None:
    storage._keep(tmp_path, b"good")
    assert first_metadata(["no-java"], tmp_path) == b"good"
    (kept,) = tmp_path.glob("*.checkpoint")
    kept.write_bytes(b"bad")
    assert storage._kept(tmp_path) is None
    assert not kept.exists()
