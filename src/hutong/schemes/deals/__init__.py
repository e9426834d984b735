"""Deals: bought online, used in the shop."""

from hutong.schemes.deals.scheme import Deals

__all__ = ["Deals"]
