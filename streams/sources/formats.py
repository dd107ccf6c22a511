"""From a source to its files, each looked into before anything is read in bulk."""

from pathlib import Path

from streams.errors import ConfigurationError, why_unreadable
from streams.sources.base import OpenFile
from streams.sources.csv import CsvFile
from streams.sources.ndjson import NdjsonFile
from streams.sources.parquet import ParquetFile
from streams.sources.plan import Format, SourcePlan

_FORMATS: dict[str, Format] = {
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".parquet": "parquet",
}  # fmt: skip
_READERS: dict[Format, type[OpenFile]] = {"ndjson": NdjsonFile, "csv": CsvFile, "parquet": ParquetFile}
# How files begin that are packed by something else than gzip: zstd, bzip2, xz.
_PACKED = (b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zX")
_PARQUET = (b"PAR1", b"PARE")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and its kind, .xls


def open_source(source: SourcePlan) -> list[OpenFile]:
    """Each of the source's files, in their order.

    Raises ConfigurationError in one sentence where a file is not there, empty, of no known format, or lacks columns.
    """
    return [_open(Path(file), source) for file in source.files]


def _open(path: Path, source: SourcePlan) -> OpenFile:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({why_unreadable(error)}): give the path of a file that is there and may be read."
        ) from None
    if start in _WORKBOOKS or start.startswith(_WORKBOOKS):
        raise ConfigurationError(f"{path.name} is a spreadsheet's own file: save it as CSV (UTF-8) and give that.")
    if start.startswith(_PACKED):
        raise ConfigurationError(f"{path.name} is packed by something else than gzip: unpack it, and give that.")
    if not start:
        raise ConfigurationError(f"{path.name} is empty: give a file that has records, or leave it out.")
    told = source.format or _format(path)
    if start in _PARQUET and told != "parquet":
        raise ConfigurationError(f"{path.name} is a Parquet file: name it so, or give its format in a mapping file.")
    return _READERS[told](path, source)


def _format(path: Path) -> Format:
    unpacked = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    found = _FORMATS.get(unpacked.suffix.lower())
    if found is None or (found == "parquet" and unpacked != path):
        raise ConfigurationError(
            f"{path.name} does not say by its name what it is: give a file that ends in .ndjson, .csv or .parquet, or "
            "its format in a mapping file."
        )
    return found
