"""The verbs of the till."""

from hutong.till.operations.blocks import Bought, BuyBlock, blocks_of, buy_blocks
from hutong.till.operations.pays import PayAgain, TakeCash, earn_due, pay_again, take_cash
from hutong.till.operations.receive import receive
from hutong.till.operations.settle import guess, settle
from hutong.till.operations.undo import undo
from hutong.till.operations.voids import void

__all__ = [
    "Bought", "BuyBlock", "PayAgain", "TakeCash", "blocks_of", "buy_blocks", "earn_due", "guess", "pay_again",
    "receive", "settle", "take_cash", "undo", "void",
]  # fmt: skip
