"""Lists as array parameters, written fast: a set-oriented house sends little else.

psycopg asks of every element how it is written, whether it needs quotes and how they are escaped, and PostgreSQL reads
such a literal letter by letter; together that was a third of all the time of a replay. So lists of the kinds that the
house sends by the thousand travel in PostgreSQL's binary form, which is a length and the bytes of each element. What
repeats in a list (names, states, assets, instants, one JSON value for many rows) is written once for each list.

Whole numbers are always bigint[]: with the smallest type that fits, one statement was planned anew for each mixture
of sizes. Whatever else a list may be (nested, mixed, naive instants, numbers that do not fit) is left to psycopg.
"""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from psycopg.abc import Buffer, DumperKey
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format
from psycopg.types.array import BaseListDumper, ListDumper
from psycopg.types.json import Jsonb, JsonbBinaryDumper

BIGINTS = range(-(2**63), 2**63)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # from which PostgreSQL counts microseconds
MICROSECOND = timedelta(microseconds=1)
NULL = b"\xff\xff\xff\xff"  # a length of -1
_LENGTH, _BIGINT = struct.Struct("!i"), struct.Struct("!iq")
_HEAD = struct.Struct(
    "!iiIii"
)  # dimensions, whether there are nulls, type of the elements, how many, the first's number
_16 = _LENGTH.pack(16)


def _text(value: str) -> bytes:
    data = value.encode()
    if b"\0" in data:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return _LENGTH.pack(len(data)) + data


def _instant(value: datetime) -> bytes:
    return _BIGINT.pack(8, (value - EPOCH) // MICROSECOND)


def _uuids(values: list[Any]) -> Iterable[bytes]:
    try:
        return [_16 + value.int.to_bytes(16, "big") for value in values]
    except AttributeError:
        return [NULL if value is None else _16 + value.bytes for value in values]


def _numbers(values: list[Any]) -> Iterable[bytes]:
    try:
        return [_BIGINT.pack(8, value) for value in values]
    except struct.error:
        return [NULL if value is None else _BIGINT.pack(8, value) for value in values]


def _booleans(values: list[Any]) -> Iterable[bytes]:
    written = {True: b"\0\0\0\1\1", False: b"\0\0\0\1\0", None: NULL}
    return [written[value] for value in values]


def _byte_strings(values: list[Any]) -> Iterable[bytes]:
    return [NULL if value is None else _LENGTH.pack(len(value)) + value for value in values]


def _each_once(write: Callable[[Any], bytes]) -> Callable[[list[Any]], Iterable[bytes]]:
    """For values that can be compared: what repeats is written once. Most lists of a set are one value for all rows
    (a currency, a state, this moment) or have no value twice (keys, codes)."""

    def parts(values: list[Any]) -> Iterable[bytes]:
        distinct = set(values)
        if len(distinct) == 1:
            return [NULL if values[0] is None else write(values[0])] * len(values)
        if len(distinct) == len(values):
            return [NULL if value is None else write(value) for value in values]
        written = {value: NULL if value is None else write(value) for value in distinct}
        return map(written.__getitem__, values)

    return parts


class FastArray(Dumper):
    """One dimension in the binary form. `parts` gives each element with its length before it."""

    format = Format.BINARY
    element: ClassVar[str]
    parts: ClassVar[Callable[[list[Any]], Iterable[bytes]]]

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        info = psycopg.adapters.types[self.element]
        self.oid, self._of = info.array_oid, info.oid

    def dump(self, obj: list[Any]) -> Buffer | None:
        return self._whole(obj, type(self).parts(obj))

    def _whole(self, obj: list[Any], parts: Iterable[bytes]) -> bytes:
        # "With nulls" is only a hint of how to read on: a list without any may say so, too.
        return _HEAD.pack(1, 1, self._of, len(obj), 1) + b"".join(parts)


class UuidArray(FastArray):
    element, parts = "uuid", _uuids


class BigintArray(FastArray):
    element, parts = "int8", _numbers


class BooleanArray(FastArray):
    element, parts = "bool", _booleans


class ByteaArray(FastArray):
    element, parts = "bytea", _byte_strings


class TextArray(FastArray):
    element, parts = "text", _each_once(_text)


class InstantArray(FastArray):
    element, parts = "timestamptz", _each_once(_instant)


class JsonbArray(FastArray):
    """JSON values in their wrapper. Those that are one object (the terms of an offer, say) are written once."""

    element = "jsonb"

    def __init__(self, cls: type, context: Any = None) -> None:
        super().__init__(cls, context)
        self._write = JsonbBinaryDumper(Jsonb, context).dump

    def dump(self, obj: list[Any]) -> Buffer | None:
        written: dict[int, bytes] = {}  # by the identity of values that all live as long as the list
        for item in obj:
            if item is not None and id(item.obj) not in written:
                data = bytes(self._write(item) or b"")
                written[id(item.obj)] = _LENGTH.pack(len(data)) + data
        return self._whole(obj, [NULL if item is None else written[id(item.obj)] for item in obj])


class Nothings:
    """A list without any value (an optional column that nobody uses), as psycopg writes it: its type is asked of the
    statement. To find that out element by element cost more than a list of numbers."""

    oid, format = 0, Format.TEXT

    def dump(self, obj: list[Any]) -> Buffer | None:
        return b"{" + b",".join([b"NULL"] * len(obj)) + b"}"


FAST: dict[type, type[FastArray]] = {
    UUID: UuidArray, int: BigintArray, bool: BooleanArray, bytes: ByteaArray, str: TextArray, datetime: InstantArray,
    Jsonb: JsonbArray,
}  # fmt: skip


class FastListDumper(ListDumper):
    """Sends a list to its fast array, and everything else to psycopg."""

    def get_key(self, obj: list[Any], format: PyFormat) -> DumperKey:
        kind = None if self.oid else _kind(obj)
        return super().get_key(obj, format) if kind is None else (self.cls, kind)

    def upgrade(self, obj: list[Any], format: PyFormat) -> BaseListDumper:
        kind = None if self.oid else _kind(obj)
        return super().upgrade(obj, format) if kind is None else FAST[kind](self.cls, self._tx)  # type: ignore[return-value]


def _kind(obj: list[Any]) -> type | None:
    """The kind of all elements (besides nulls) when there is a fast array for it."""
    kind = _kind_alone(obj)
    if kind is int:
        given = [value for value in obj if value is not None]
        return kind if min(given) in BIGINTS and max(given) in BIGINTS else None
    if kind is datetime:
        return None if any(value is not None and value.tzinfo is None for value in obj) else kind
    return kind


def _kind_alone(obj: list[Any]) -> type | None:
    kinds = _kinds(obj)
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind in FAST else None


def _kinds(obj: list[Any]) -> set[type]:
    kinds = set(map(type, obj))
    if len(kinds) > 1:
        kinds.discard(NoneType)
    return kinds


@cache
def _ready(kind: type) -> "FastArray | Nothings | None":
    return Nothings() if kind is NoneType else FAST[kind](list) if kind in FAST else None


def writer(obj: list[Any]) -> "FastArray | Nothings | None":
    """What writes such a list fast, if anything does. Its `dump` raises struct.error for numbers that do not fit and
    TypeError for instants without a zone: psycopg knows better what to do with those."""
    kinds = _kinds(obj)
    return _ready(NoneType if not kinds else kinds.pop()) if len(kinds) < 2 else None


def register() -> None:
    """Use it for all connections that are opened from now on."""
    psycopg.adapters.register_dumper(list, FastListDumper)
