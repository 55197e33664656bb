"""Event files as TensorBoard reads them: records with checksums around protocol buffers.

The numbers of fields are those of TensorFlow's event.proto, summary.proto and tensor.proto, and of
TensorBoard's plugins/hparams/plugin_data.proto; all four are frozen by the files that exist.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    _TABLE.append(_byte)


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """Length and data, each behind it its masked checksum."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(value: int) -> bytes:
    """An integer in groups of seven bits, the lowest first."""
    value &= (1 << 64) - 1
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def field(number: int, value: bytes | str | int | float, single: bool = False) -> bytes:
    """A field of a message: text or a message, an integer, a float of eight or four bytes."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    kind, form = (5, "<f") if single else (1, "<d")
    return varint(number << 3 | kind) + struct.pack(form, value)


def version(moment: float) -> bytes:
    """The record that begins every file."""
    return record(field(1, moment) + field(3, "brain.Event:2"))


def scalars(moment: float, step: int, values: Mapping[str, float]) -> bytes:
    """Numbers at a step, by tag; as float32, which is what the format holds."""
    return _event(moment, step, [field(1, tag) + _single(v) for tag, v in values.items()])


def _single(value: float) -> bytes:
    try:
        return field(2, value, single=True)
    except OverflowError:  # larger than any float32
        return field(2, float("inf") if value > 0 else float("-inf"), single=True)


def hparams(moment: float, values: Mapping[str, Any], group: str) -> bytes:
    """What the tab HPARAMS shows of a lane: its settings, and that it ended."""
    entries = [field(1, field(1, name) + field(2, _value(v))) for name, v in values.items()]
    start = b"".join(entries) + field(4, group) + field(5, moment)
    end = field(1, 1) + field(2, moment)
    return _event(
        moment,
        0,
        [
            _plugin("_hparams_/session_start_info", field(3, start)),
            _plugin("_hparams_/session_end_info", field(4, end)),
        ],
    )


def _plugin(tag: str, data: bytes) -> bytes:
    # A tensor of one zero, float32 and without a shape: the plugin's data hang on a value.
    zero = field(1, 1) + field(2, b"") + field(5, struct.pack("<f", 0.0))
    metadata = field(1, field(1, "hparams") + field(2, data))
    return field(1, tag) + field(8, zero) + field(9, metadata)


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return field(4, int(value))
    return field(2, float(value)) if isinstance(value, (int, float)) else field(3, str(value))


def _event(moment: float, step: int, values: Iterable[bytes]) -> bytes:
    summary = b"".join(field(1, value) for value in values)
    return record(field(1, moment) + field(2, step) + field(5, summary))
