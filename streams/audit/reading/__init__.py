"""Exports of every age and make, as columns in our own names: NDJSON, CSV and Parquet."""

from streams.audit.reading.openfile import OpenFile
from streams.audit.reading.opening import open_source

__all__ = ["OpenFile", "open_source"]
