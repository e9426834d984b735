"""The verbs of cards."""

from hutong.cards.operations.closing import give_back, open_closings, owed_now
from hutong.cards.operations.join import join
from hutong.cards.operations.register import activate, give_numbers, lose, print_batches, void_batches

__all__ = [
    "activate",
    "give_back",
    "give_numbers",
    "join",
    "lose",
    "open_closings",
    "owed_now",
    "print_batches",
    "void_batches",
]
