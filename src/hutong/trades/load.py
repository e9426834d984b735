"""Reads the trades that lie beside this file."""

from importlib.resources import files
from typing import TypeVar

import msgspec

from hutong.trades.model import Trade

T = TypeVar("T")


class BadData(ValueError):
    """A data file says something its reader does not understand; the message names the file and the field."""


def decode(data: bytes | str, kind: type[T], *, source: str) -> T:
    """TOML as a value of `kind`, read strictly. Raises BadData, e.g.

    `spa.toml: Object contains unknown field `colour` - at `$.policies``
    """
    try:
        return msgspec.toml.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise BadData(f"{source}: {wrong}") from wrong


def read_trade(data: bytes | str, *, source: str) -> Trade:
    """One trade from its file; the file is called after the key. Raises BadData."""
    trade = decode(data, Trade, source=source)
    if source != f"{trade.key}.toml":
        raise BadData(f"{source}: the key `{trade.key}` belongs in {trade.key}.toml - at `$.key`")
    return trade


def load() -> dict[str, Trade]:
    """Every trade the house knows, by key, in the order of the keys. Raises BadData for a bad file."""
    folder = [entry for entry in files("hutong.trades").iterdir() if entry.name.endswith(".toml")]
    trades = [read_trade(entry.read_bytes(), source=entry.name) for entry in folder]
    return {trade.key: trade for trade in sorted(trades, key=lambda trade: trade.key)}
