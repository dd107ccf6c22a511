"""What a compressed batch holds, within bounds: whatever its bytes are, no codec takes more memory than it is given."""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import cramjam
from aiokafka import codec as codecs
from aiokafka.errors import UnsupportedCodecError

TOO_LARGE = "batch_too_large"
NOT_UNPACKED = "batch_not_unpacked"

_SNAPPY, _LZ4 = 2, 3
_FAILURES = (cramjam.DecompressionError, OSError)
_XERIAL = b"\x82SNAPPY\0"
_XERIAL_HEADER_BYTES = 16
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_LZ4_BLOCK_BYTES = {4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22}
_LZ4_STORED = 1 << 31  # in a block's size: the block is not compressed

Decoder = Callable[[bytes, memoryview], int]
Blocks = Callable[[bytes, int], Iterator[bytes]]


class Unpacked(NamedTuple):
    """What came out of a batch, from its beginning; and why that may not be all, or None."""

    data: bytes
    cause: str | None


class _Codec(NamedTuple):
    name: str
    into: Decoder
    blocks: Blocks | None = None


class _FaultError(Exception):
    """Why nothing more can be unpacked."""


def is_codec(number: int) -> bool:
    """True for the codecs that Kafka has."""
    return number in _CODECS


def unpack_into(codec: int, packed: bytes, space: memoryview) -> int | None:
    """Unpack into a space and give the length; None where that fails in any way, or the space is too small.

    Raises UnsupportedCodecError where the codec's library is missing.
    """
    try:
        return _installed(codec).into(packed, space)
    except _FAILURES:
        return None


def unpack_most(codec: int, packed: bytes, most: int) -> Unpacked:
    """As much as can be unpacked, and at most so many bytes: Kafka's own client reads what lies before a fault, too.

    Raises UnsupportedCodecError where the codec's library is missing.
    """
    found, space = _installed(codec), bytearray(most)
    if found.blocks is not None:
        written, cause = _write_blocks(found.blocks(packed, most), memoryview(space))
    else:
        written, cause = _write_most(found.into, packed, space)
    return Unpacked(bytes(memoryview(space)[:written]), cause)


def _installed(number: int) -> _Codec:
    codec = _CODECS[number]
    if not getattr(codecs, f"has_{codec.name}")():
        raise UnsupportedCodecError(f"Libraries for {codec.name} compression codec not found")
    return codec


def _write_most(decoder: Decoder, packed: bytes, space: bytearray) -> tuple[int, str | None]:
    """A decoder that fails does not tell how much it wrote: that is what is the same over two different grounds."""
    with suppress(*_FAILURES):
        return decoder(packed, memoryview(space)), None
    ground = bytearray(b"\xff") * len(space)
    with suppress(*_FAILURES):
        decoder(packed, memoryview(ground))
    written = _alike(memoryview(space), memoryview(ground))
    return written, TOO_LARGE if written == len(space) else NOT_UNPACKED


def _alike(one: memoryview, other: memoryview) -> int:
    """The length of the beginning that both have in common."""
    least, most = 0, len(one)
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if one[least:middle] == other[least:middle] else (least, middle - 1)
    return least


def _write_blocks(blocks: Iterator[bytes], space: memoryview) -> tuple[int, str | None]:
    """Write one block after the other, as long as they can be unpacked and fit."""
    written = 0
    try:
        for block in blocks:
            fitting = block[: len(space) - written]
            space[written : written + len(fitting)] = fitting
            written += len(fitting)
            if len(fitting) < len(block):
                return written, TOO_LARGE
    except _FaultError as fault:
        return written, str(fault)
    except _FAILURES:
        return written, NOT_UNPACKED
    return written, None


def _snappy_into(packed: bytes, space: memoryview) -> int:
    written, cause = _write_blocks(_snappy_blocks(packed, len(space)), space)
    if cause is not None:
        raise cramjam.DecompressionError(cause)
    return written


def _snappy_blocks(packed: bytes, most: int) -> Iterator[bytes]:
    """One block, or the stream of blocks that Java's library writes; several such streams may have been joined."""
    if not packed.startswith(_XERIAL):
        yield _snappy_block(packed, most)
        return
    at = 0
    while at < len(packed):
        if packed.startswith(_XERIAL, at):
            at += _XERIAL_HEADER_BYTES
            continue
        (size,) = struct.unpack(">I", _part(packed, at, 4))
        yield _snappy_block(_part(packed, at + 4, size), most)
        at += 4 + size


def _snappy_block(packed: bytes, most: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(packed) > most:
        raise _FaultError(TOO_LARGE)
    return bytes(cramjam.snappy.decompress_raw(packed))


def _lz4_blocks(packed: bytes, _: int) -> Iterator[bytes]:
    """The blocks of all frames, independent of each other as Kafka wants them, whatever their checksums say."""
    at = 0
    while at < len(packed):
        if not packed.startswith(_LZ4_MAGIC, at):
            raise _FaultError(NOT_UNPACKED)
        flags, sizes = _part(packed, at + 4, 2)
        largest = _LZ4_BLOCK_BYTES.get(sizes >> 4 & 7)
        if largest is None:
            raise _FaultError(NOT_UNPACKED)
        at += 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)  # the whole's size, a dictionary's id
        space = bytearray(largest)
        while size := int.from_bytes(_part(packed, at, 4), "little"):
            block = _part(packed, at + 4, size & ~_LZ4_STORED)
            yield block if size & _LZ4_STORED else _lz4_block(block, space)
            at += 4 + len(block) + (4 if flags & 0x10 else 0)
        at += 4 + (4 if flags & 0x04 else 0)


def _lz4_block(packed: bytes, space: bytearray) -> bytes:
    return bytes(memoryview(space)[: cramjam.lz4.decompress_block_into(packed, space, output_len=len(space))])


def _part(data: bytes, at: int, size: int) -> bytes:
    part = data[at : at + size]
    if len(part) < size:
        raise _FaultError(NOT_UNPACKED)
    return part


_CODECS = {
    1: _Codec("gzip", cramjam.gzip.decompress_into),
    _SNAPPY: _Codec("snappy", _snappy_into, _snappy_blocks),
    _LZ4: _Codec("lz4", cramjam.lz4.decompress_into, _lz4_blocks),
    4: _Codec("zstd", cramjam.zstd.decompress_into),
}
