"""Lists as array parameters, written fast: a set-oriented house sends little else.

psycopg asks of every element whether it needs quotes, with a regular expression, and escapes with another; that was a
fifth of all the time of a replay. Quotes are never wrong, so here every element that may need them gets them. And
whole numbers are always bigint[]: with the smallest type that fits, one statement was planned anew for each mixture
of sizes.
"""

from types import NoneType
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import Buffer, DumperKey
from psycopg.adapt import PyFormat
from psycopg.types.array import BaseListDumper, ListDumper

BIGINT_ARRAY = psycopg.adapters.types["int8"].array_oid
BIGINTS = range(-(2**63), 2**63)


class FastListDumper(ListDumper):
    """Flat lists of one kind; everything else is left to psycopg."""

    def get_key(self, obj: list[Any], format: PyFormat) -> DumperKey:
        if not self.oid and _bigints(obj):
            return (self.cls, int)
        return super().get_key(obj, format)

    def upgrade(self, obj: list[Any], format: PyFormat) -> BaseListDumper:
        if self.oid or not _bigints(obj):
            return super().upgrade(obj, format)
        dumper = type(self)(self.cls, self._tx)
        dumper.oid = BIGINT_ARRAY
        return dumper

    def dump(self, obj: list[Any]) -> Buffer | None:
        kinds = set(map(type, obj)) - {NoneType}
        if len(kinds) != 1 or issubclass(kind := kinds.pop(), list) or self.delimiter != b",":
            return super().dump(obj)
        if kind is UUID:
            return b"{%b}" % ",".join(["NULL" if item is None else item.hex for item in obj]).encode()
        if kind is int:
            return b"{%b}" % ",".join(["NULL" if item is None else str(item) for item in obj]).encode()
        dump = self.sub_dumper.dump if self.sub_dumper else self._dump_item
        return b"{%b}" % b",".join([_quoted(None if item is None else dump(item)) for item in obj])


def _quoted(text: Buffer | None) -> bytes:
    if text is None:
        return b"NULL"
    return b'"%b"' % bytes(text).replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _bigints(obj: list[Any]) -> bool:
    """Whether these are whole numbers that fit, and nothing else but nulls."""
    kinds = set(map(type, obj))
    if kinds == {int}:
        return min(obj) in BIGINTS and max(obj) in BIGINTS
    return kinds == {int, NoneType} and all(item is None or item in BIGINTS for item in obj)


def register() -> None:
    """Use it for all connections that are opened from now on."""
    psycopg.adapters.register_dumper(list, FastListDumper)
