"""Money and points: a whole number of the smallest unit of one asset."""

from collections.abc import Sequence
from typing import Self

from msgspec import Struct

# Digits behind the decimal point when an asset is shown (ISO 4217 for currencies; points are whole).
SCALES = {"CNY": 2, "EUR": 2, "USD": 2, "GBP": 2, "HKD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "GRAIN": 0}

# One currency a city, so the short sign is plain enough. Others are written with their code.
SIGNS = {"CNY": "¥", "EUR": "€", "USD": "$", "GBP": "£", "HKD": "HK$", "JPY": "¥", "KRW": "₩"}


class AssetMismatch(ValueError):
    """Two amounts of different assets met in one calculation."""


class Amount(Struct, gc=False, frozen=True):
    """`units` of `asset`, e.g. Amount(6800, "CNY") is 68.00 yuan. May be negative (a debt, a difference)."""

    units: int
    asset: str

    def _same(self, other: "Amount") -> None:
        if self.asset != other.asset:
            raise AssetMismatch(f"{self.asset} met {other.asset}")

    def __add__(self, other: "Amount") -> "Amount":
        self._same(other)
        return Amount(self.units + other.units, self.asset)

    def __sub__(self, other: "Amount") -> "Amount":
        self._same(other)
        return Amount(self.units - other.units, self.asset)

    def __neg__(self) -> "Amount":
        return Amount(-self.units, self.asset)

    def __mul__(self, count: int) -> "Amount":
        if not isinstance(count, int):
            raise TypeError("an amount is multiplied by a whole number; use part() for a fraction")
        return Amount(self.units * count, self.asset)

    def __lt__(self, other: "Amount") -> bool:
        self._same(other)
        return self.units < other.units

    def __le__(self, other: "Amount") -> bool:
        self._same(other)
        return self.units <= other.units

    def __gt__(self, other: "Amount") -> bool:
        return other < self

    def __ge__(self, other: "Amount") -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.units != 0

    @classmethod
    def zero(cls, asset: str) -> Self:
        return cls(0, asset)

    def part(self, numerator: int, denominator: int) -> "Amount":
        """The fraction numerator/denominator, rounded half away from zero (the commercial rule)."""
        if denominator <= 0:
            raise ValueError("denominator must be positive")
        product = self.units * numerator
        sign = -1 if product < 0 else 1
        return Amount(sign * ((2 * abs(product) + denominator) // (2 * denominator)), self.asset)

    def split(self, weights: Sequence[int]) -> list["Amount"]:
        """Shares in proportion to `weights` that add up exactly (largest remainder; ties go to the first).

        Weights are whole and not negative, with a positive sum. Source of the rule: Hamilton's method.
        """
        sign = -1 if self.units < 0 else 1
        return [Amount(sign * share, self.asset) for share in apportion(abs(self.units), weights)]

    def decimal(self) -> str:
        """Plain digits with the asset's decimals, e.g. "68.00"; for machines and forms, not for pages."""
        scale = SCALES.get(self.asset, 0)
        sign = "-" if self.units < 0 else ""
        digits = str(abs(self.units)).rjust(scale + 1, "0")
        return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"

    def words(self) -> str:
        """As part of a sentence in any language, e.g. "¥68", "¥9.90", "KWD 1.250", "1,200 GRAIN"; pages that know
        their reader's language format it themselves."""
        scale = SCALES.get(self.asset, 0)
        whole, rest = divmod(abs(self.units), 10**scale)
        digits = f"{whole:,}" + (f".{rest:0{scale}d}" if rest else "")
        if self.asset in SIGNS:
            digits = SIGNS[self.asset] + digits
        else:
            digits = f"{self.asset} {digits}" if scale else f"{digits} {self.asset}"
        return f"−{digits}" if self.units < 0 else digits


def apportion(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` (not negative) in proportion to `weights`; adds up exactly (largest remainder; ties go to the first).

    Weights are whole and not negative, with a positive sum. Source of the rule: Hamilton's method.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative and must not all be zero")
    shares = [whole * w // total for w in weights]
    left = whole - sum(shares)
    if left:
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
        for i in by_remainder[:left]:
            shares[i] += 1
    return shares


def add_up(amounts: Sequence[Amount], asset: str) -> Amount:
    """The sum of `amounts`; zero of `asset` when there are none. Refuses to mix assets."""
    total = Amount(0, asset)
    for amount in amounts:
        total = total + amount
    return total
