"""The till: a bill in a shop without an order, paid and reduced by what the guest shows, earning points for him."""

from hutong.till.deciding import role_of
from hutong.till.model import (
    MOST_SHOWN,
    Bill,
    Discount,
    Earnt,
    Guess,
    Guest,
    Origin,
    Pay,
    Role,
    Settle,
    Shown,
    Undo,
    Undone,
    Used,
    Void,
    Voided,
    reward_order,
)
from hutong.till.operations import (
    Bought,
    BuyBlock,
    PayAgain,
    TakeCash,
    blocks_of,
    buy_blocks,
    earn_due,
    guess,
    pay_again,
    receive,
    settle,
    take_cash,
    undo,
    void,
)
from hutong.till.queries import Saved, bill_of_redemptions, bills, by_events, by_ids, in_full, of_member, saved_with
from hutong.till.refusals import (
    BillTooSmall,
    BillUndone,
    BillUnknown,
    BillVoid,
    NoAmount,
    NotForBills,
    NothingShown,
    NothingToCollect,
    NotWaiting,
    PointsNeedCode,
    PointsNotHere,
    PointsOffline,
    RewardUsed,
    SeveralGuests,
    TimeWrong,
    UndoOver,
)
from hutong.till.watching import Odd, odd_ones

__all__ = [
    "MOST_SHOWN", "Bill", "BillTooSmall", "BillUndone", "BillUnknown", "BillVoid", "Bought", "BuyBlock", "Discount",
    "Earnt", "Guess", "Guest", "NoAmount", "NotForBills", "NotWaiting", "NothingShown", "NothingToCollect", "Odd",
    "Origin", "Pay", "PayAgain", "PointsNeedCode", "PointsNotHere", "PointsOffline", "RewardUsed", "Role", "Saved",
    "Settle", "SeveralGuests", "Shown", "TakeCash", "TimeWrong", "Undo", "UndoOver", "Undone", "Used", "Void", "Voided",
    "bill_of_redemptions", "bills", "blocks_of", "buy_blocks", "by_events", "by_ids", "earn_due", "guess", "in_full",
    "odd_ones", "of_member", "pay_again", "receive", "reward_order", "role_of", "saved_with", "settle", "take_cash",
    "undo", "void",
]  # fmt: skip
