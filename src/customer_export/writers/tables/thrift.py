"""Thrift's compact protocol, as far as Parquet's headers need it (thrift/doc/specs/thrift-compact-protocol.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

_SEVEN_BITS = 0x7F
_LONG_LIST = 15  # from here on its length does not fit beside its type
_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12


@dataclass(frozen=True, slots=True)
class I64:
    """A number that the format wants in 64 bits; a plain int is one of 32."""

    value: int


Struct: TypeAlias = "dict[int, Value]"
"""A struct: field ids, ascending, and their values. None stands for a field that is left out."""
Value: TypeAlias = "bool | int | I64 | str | Sequence[Value] | Struct | None"


def encode_struct(struct: Struct) -> bytes:
    """Write a struct."""
    parts = bytearray()
    last = 0
    for number, value in struct.items():
        if value is None:
            continue
        parts.append((number - last) << 4 | _type_of(value))  # ids are less than 15 apart in all that Parquet has
        last = number
        if not isinstance(value, bool):
            parts += _encode(value)
    parts.append(0)
    return bytes(parts)


def varint(number: int) -> bytes:
    """Write a number of 7 bits a byte, the lowest first."""
    parts = bytearray()
    while number > _SEVEN_BITS:
        parts.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _type_of(value: Value) -> int:
    match value:
        case bool():
            return _TRUE if value else _FALSE
        case int():
            return _I32
        case I64():
            return _I64
        case str():
            return _BINARY
        case dict():
            return _STRUCT
        case _:
            return _LIST


def _encode(value: Value) -> bytes:
    match value:
        case int():
            return varint(value << 1 ^ value >> 63)
        case I64():
            return varint(value.value << 1 ^ value.value >> 63)
        case str():
            text = value.encode()
            return varint(len(text)) + text
        case dict():
            return encode_struct(value)
        case None:
            return b""
        case _:
            kind = _type_of(value[0]) if value else _STRUCT
            short = len(value) < _LONG_LIST
            size = bytes([len(value) << 4 | kind]) if short else bytes([0xF0 | kind]) + varint(len(value))
            return size + b"".join(map(_encode, value))
