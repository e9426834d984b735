"""Cards: bought once, used at many visits."""

from hutong.schemes.cards.scheme import FORMS, CardOver, Cards

__all__ = ["FORMS", "CardOver", "Cards"]
