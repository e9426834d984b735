"""Kinds of local business, as data. `trades.load()` gives them all."""

from hutong.trades.load import BadData, decode, load, read_trade
from hutong.trades.model import (
    WEEKDAYS,
    Choice,
    Count,
    FormField,
    Policies,
    Slug,
    SpanText,
    TermsPreset,
    Trade,
    Weekday,
    span,
    spans,
)

__all__ = [
    "WEEKDAYS",
    "BadData",
    "Choice",
    "Count",
    "FormField",
    "Policies",
    "Slug",
    "SpanText",
    "TermsPreset",
    "Trade",
    "Weekday",
    "decode",
    "load",
    "read_trade",
    "span",
    "spans",
]
