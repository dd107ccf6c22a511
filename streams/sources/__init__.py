"""Exports of every age and make, as columns in our own names: NDJSON, CSV and Parquet."""

from streams.sources.base import OpenFile
from streams.sources.formats import open_source

__all__ = ["OpenFile", "open_source"]
