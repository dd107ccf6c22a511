"""Chunks as many lines at a time as pay, read while those before them are taken in."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from streams.sources.chunk import MOST_LINES, Chunk


def ahead(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same lines in chunks of up to MOST_LINES, one chunk ahead of whoever takes them."""
    gathered = _gathered(chunks)
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, gathered, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, gathered, None)
            yield chunk


def _gathered(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    waiting: list[Chunk] = []
    for chunk in chunks:
        lines = sum(len(one.table) for one in waiting) + len(chunk.table)
        if waiting and (lines > MOST_LINES or chunk.table.schema != waiting[0].table.schema):
            yield _one(waiting)
            waiting = []
        waiting.append(chunk)
    if waiting:
        yield _one(waiting)


def _one(chunks: list[Chunk]) -> Chunk:
    odd = [line for chunk in chunks for line in chunk.odd]
    return Chunk(pa.concat_tables([chunk.table for chunk in chunks]), odd, chunks[-1].done)
