"""Coupons: claimed for nothing, used on an order or at a till."""

from hutong.schemes.coupons.scheme import Coupons

__all__ = ["Coupons"]
