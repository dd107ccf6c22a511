"""A broker whose clock is off: Kafka's own SystemTime class, with an offset added to its `milliseconds()`.

The changed class lies before Kafka's jars on that broker's class path, so neither the machine's clock nor Java's own
waiting is touched. The change is made in the class file itself; there is no compiler in it.
"""

import struct
import zipfile
from pathlib import Path
from typing import NamedTuple

from streams.broker.jars import class_path

CLASS = "org/apache/kafka/common/utils/SystemTime.class"
METHOD = b"milliseconds"
UTF8, LONG, DOUBLE = 1, 5, 6
# How many bytes follow the tag, by tag of the constant pool (JVM specification, 4.4); a UTF8's length is its own.
SIZES = {
    3: 4,
    4: 4,
    LONG: 8,
    DOUBLE: 8,
    7: 2,
    8: 2,
    9: 4,
    10: 4,
    11: 4,
    12: 4,
    15: 3,
    16: 2,
    17: 4,
    18: 4,
    19: 2,
    20: 2,
}
INVOKESTATIC, LDC2_W, LADD, LRETURN = 0xB8, 0x14, 0x61, 0xAD


class _Pool(NamedTuple):
    end: int
    size: int
    texts: dict[int, bytes]


def skewed_classes(folder: Path, offset_seconds: int) -> Path:
    """Write the changed class below `folder`, and give what goes before Kafka's jars on the class path."""
    (jar,) = [path for path in class_path().split(":") if Path(path).name.startswith("kafka-clients-")]
    with zipfile.ZipFile(jar) as packed:
        original = packed.read(CLASS)
    target = folder / CLASS
    target.parent.mkdir(parents=True)
    target.write_bytes(_with_offset(original, offset_seconds * 1000))
    return folder


def _with_offset(original: bytes, offset_ms: int) -> bytes:
    """The class with `return System.currentTimeMillis()` changed to return that plus the offset."""
    pool = _pool(original)
    start, end = _code_attribute(original, pool)
    code_at = start + 6 + 2 + 2 + 4  # name and length, max_stack, max_locals, code_length
    length = struct.unpack_from(">I", original, code_at - 4)[0]
    code = original[code_at : code_at + length]
    assert length == 4, "SystemTime.milliseconds() is not what it was"
    assert (code[0], code[3]) == (INVOKESTATIC, LRETURN), "SystemTime.milliseconds() is not what it was"
    changed = code[:3] + struct.pack(">BHBB", LDC2_W, pool.size, LADD, LRETURN)
    body = struct.pack(">HHI", 4, 1, len(changed)) + changed + struct.pack(">HH", 0, 0)
    attribute = original[start : start + 2] + struct.pack(">I", len(body)) + body
    head = original[:8] + struct.pack(">H", pool.size + 2)  # a long takes two places
    constants = original[10 : pool.end] + struct.pack(">Bq", LONG, offset_ms)
    return head + constants + original[pool.end : start] + attribute + original[end:]


def _pool(data: bytes) -> _Pool:
    count, at, index, texts = struct.unpack_from(">H", data, 8)[0], 10, 1, {}
    while index < count:
        tag = data[at]
        if tag == UTF8:
            size = struct.unpack_from(">H", data, at + 1)[0]
            texts[index] = data[at + 3 : at + 3 + size]
            at += 3 + size
        else:
            at += 1 + SIZES[tag]
        index += 2 if tag in (LONG, DOUBLE) else 1
    return _Pool(at, count, texts)


def _code_attribute(data: bytes, pool: _Pool) -> tuple[int, int]:
    """Where the method's Code attribute begins and ends."""
    at = pool.end + 6
    interfaces = struct.unpack_from(">H", data, at)[0]
    at += 2 + 2 * interfaces
    at = _skip_members(data, at)  # fields
    methods, at = struct.unpack_from(">H", data, at)[0], at + 2
    for _ in range(methods):
        name, attributes = struct.unpack_from(">H", data, at + 2)[0], struct.unpack_from(">H", data, at + 6)[0]
        at += 8
        for _ in range(attributes):
            kind, length = struct.unpack_from(">HI", data, at)
            if pool.texts.get(name) == METHOD and pool.texts.get(kind) == b"Code":
                return at, at + 6 + length
            at += 6 + length
    raise AssertionError("SystemTime has no milliseconds()")


def _skip_members(data: bytes, at: int) -> int:
    count, at = struct.unpack_from(">H", data, at)[0], at + 2
    for _ in range(count):
        attributes = struct.unpack_from(">H", data, at + 6)[0]
        at += 8
        for _ in range(attributes):
            at += 6 + struct.unpack_from(">I", data, at + 2)[0]
    return at
