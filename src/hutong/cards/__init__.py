"""Cards: numbered cards for one shop or many, and what becomes of prepaid rights when a shop closes."""

from hutong.cards.model import (
    CLOSED,
    Activate,
    Activated,
    Batch,
    Close,
    Closing,
    Give,
    Join,
    Lose,
    Number,
    NumberState,
    Print,
    Printed,
    Tier,
)
from hutong.cards.numbers import is_number, number_text, read_number
from hutong.cards.operations import (
    activate,
    give_back,
    give_numbers,
    join,
    lose,
    open_closings,
    owed_now,
    print_batches,
    void_batches,
)
from hutong.cards.queries import batches_of, closings, joined, number, numbers_of, tiers, tiers_at
from hutong.cards.refusals import (
    CardBlocked,
    CardNotActive,
    CardReplaced,
    CardTaken,
    CardUnknown,
    CardVoid,
    NotJoined,
    TooManySecrets,
)

__all__ = [
    "CLOSED", "Activate", "Activated", "Batch", "CardBlocked", "CardNotActive", "CardReplaced", "CardTaken",
    "CardUnknown", "CardVoid", "Close", "Closing", "Give", "Join", "Lose", "NotJoined", "Number", "NumberState",
    "Print", "Printed", "Tier", "TooManySecrets", "activate", "batches_of", "closings", "give_back", "give_numbers",
    "is_number", "join", "joined", "lose", "number", "number_text", "numbers_of", "open_closings",
    "owed_now", "print_batches", "read_number", "tiers", "tiers_at", "void_batches",
]  # fmt: skip
