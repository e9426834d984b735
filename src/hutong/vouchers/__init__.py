"""Vouchers: who holds which right, where and when may it be used, was it used?"""

from hutong.vouchers.capacity import Room, limited
from hutong.vouchers.capsules import Capsule, HouseKey, Token, is_key, key_id, read_token, tail, token_text, verify
from hutong.vouchers.codes import is_typed, qr_text, step_of, step_token
from hutong.vouchers.ending import EndingSoon, ending_soon, still_good
from hutong.vouchers.gift_reads import count_given, gift_by_token, gifts_by_ids, gifts_of_vouchers, given_by
from hutong.vouchers.gifts import (
    KEEPS,
    LONGEST_NOTE,
    PER_DAY,
    Claim,
    Gift,
    GiftSeen,
    Give,
    TakeBack,
    gift_text,
    gift_token,
    read_gift,
)
from hutong.vouchers.history import DayUses, Failure, Step, Use
from hutong.vouchers.holding import coupons_of, ending_first
from hutong.vouchers.lately import (
    Expiring,
    HourUses,
    OwnUse,
    Redeemer,
    expiring,
    just_used,
    own_uses,
    redeemers,
    uses_by_hour,
)
from hutong.vouchers.lots import lots
from hutong.vouchers.model import (
    PARCEL,
    SHOWN_AT_MOST,
    TABS,
    TERM,
    HeldFor,
    Hold,
    Issue,
    Issued,
    Kind,
    Lock,
    Notice,
    OfflineUse,
    Prepare,
    Prepared,
    Redeem,
    Redeemed,
    RestorePart,
    Reverse,
    Reversed,
    Sibling,
    Spend,
    Spent,
    State,
    Tab,
    Voucher,
)
from hutong.vouchers.offline import (
    LOST,
    SILENT,
    Allowance,
    AskCapsule,
    CapsuleMade,
    Changed,
    Conflict,
    DeviceState,
    Judged,
    Outcome,
    Payload,
    Pull,
    Pulled,
    Resolve,
    Scan,
    ScanAnswer,
    read_payload,
    write_payload,
)
from hutong.vouchers.offline_reads import (
    changed_capsules,
    conflicts,
    device_states,
    open_conflicts,
    refunds_wait,
)
from hutong.vouchers.operations import (
    activate,
    beside,
    beside_member,
    expire,
    issue,
    lock,
    lock_orders,
    look,
    orders_to_expire,
    passes_over,
    prepare,
    put_back,
    redeem,
    reduce,
    refund_failed,
    refunded,
    restore,
    reverse,
    spend,
    start_refund,
    unlock,
    void,
    wake,
)
from hutong.vouchers.operations.allow import allow
from hutong.vouchers.operations.book import book_scans, resolve_conflicts
from hutong.vouchers.operations.claim import claim_gifts
from hutong.vouchers.operations.extend import Extend, Extended, extend
from hutong.vouchers.operations.forget import forget_members
from hutong.vouchers.operations.free import rooms_now
from hutong.vouchers.operations.give import give, lapse_gifts, take_back
from hutong.vouchers.operations.judge import judge_scans, uses_at_steps
from hutong.vouchers.operations.offer_capsules import class_of, offer_capsules
from hutong.vouchers.operations.parts import restore_parts
from hutong.vouchers.operations.show import Hand, Show, Shown, show
from hutong.vouchers.outstanding import Holder, Outstanding, holders, outstanding, redemption_ids
from hutong.vouchers.queries import (
    by_ids,
    failures,
    of_member,
    of_orders,
    order_of_code,
    steps,
    use,
    uses,
    uses_by_day,
    uses_by_ids,
    uses_of,
    wallet,
    wallet_counts,
)
from hutong.vouchers.refusals import (
    AlreadyReversed,
    AlreadyUsed,
    BalanceTooLow,
    ConflictResolved,
    ConflictUnknown,
    CountTooHigh,
    DayFull,
    ExtensionTooShort,
    GiftGivenOn,
    GiftIsYours,
    GiftOver,
    GiftUnknown,
    HourFull,
    NotGiftable,
    NotRedeemedHere,
    NotRefunding,
    OfflineStoreSilent,
    OnlineOnly,
    PlacesLeft,
    QrAlreadyUsed,
    StaleQr,
    TooManyCycles,
    TooManyGuesses,
    UndoWindowOver,
    UnknownCode,
    VoucherInCheckout,
    VoucherNotHeld,
    VoucherOnItsWay,
    VoucherOver,
    VoucherRefunded,
    VoucherRefunding,
    VoucherSent,
    VoucherUnknown,
    VoucherUsed,
    VoucherVoid,
    WaitingForBuyers,
    WrongStore,
)
from hutong.vouchers.rules import why_held
from hutong.vouchers.value import balance, bonus_left, portions, spread

__all__ = [
    "KEEPS", "LONGEST_NOTE", "LOST", "PARCEL", "PER_DAY", "SHOWN_AT_MOST", "SILENT", "TABS", "TERM", "Allowance",
    "AlreadyReversed", "AlreadyUsed", "AskCapsule", "BalanceTooLow", "Capsule", "CapsuleMade", "Changed", "Claim",
    "Conflict", "ConflictResolved", "ConflictUnknown", "CountTooHigh", "DayFull", "DayUses", "DeviceState",
    "EndingSoon", "Expiring", "Extend", "Extended", "ExtensionTooShort", "Failure", "Gift", "GiftGivenOn",
    "GiftIsYours", "GiftOver", "GiftSeen", "GiftUnknown", "Give", "Hand", "HeldFor", "Hold", "Holder", "HourFull",
    "HourUses", "HouseKey", "Issue", "Issued", "Judged", "Kind", "Lock", "NotGiftable", "NotRedeemedHere",
    "NotRefunding", "Notice", "OfflineStoreSilent", "OfflineUse", "OnlineOnly", "Outcome", "Outstanding", "OwnUse",
    "Payload", "PlacesLeft", "Prepare", "Prepared", "Pull", "Pulled", "QrAlreadyUsed", "Redeem", "Redeemed", "Redeemer",
    "Resolve", "RestorePart", "Reverse", "Reversed", "Room", "Scan", "ScanAnswer", "Show", "Shown", "Sibling", "Spend",
    "Spent", "StaleQr", "State", "Step", "Tab", "TakeBack", "Token", "TooManyCycles", "TooManyGuesses",
    "UndoWindowOver", "UnknownCode", "Use", "Voucher", "VoucherInCheckout", "VoucherNotHeld", "VoucherOnItsWay",
    "VoucherOver", "VoucherRefunded", "VoucherRefunding", "VoucherSent", "VoucherUnknown", "VoucherUsed", "VoucherVoid",
    "WaitingForBuyers", "WrongStore", "activate", "allow", "balance", "beside", "beside_member", "bonus_left",
    "book_scans", "by_ids", "changed_capsules", "claim_gifts", "class_of", "conflicts", "count_given", "coupons_of",
    "device_states", "ending_first", "ending_soon", "expire", "expiring", "extend", "failures", "forget_members",
    "gift_by_token", "gift_text", "gift_token", "gifts_by_ids", "gifts_of_vouchers", "give", "given_by", "holders",
    "is_key", "is_typed", "issue", "judge_scans", "just_used", "key_id", "lapse_gifts", "limited", "lock",
    "lock_orders", "look", "lots", "of_member", "of_orders", "offer_capsules", "open_conflicts", "order_of_code",
    "orders_to_expire", "outstanding", "own_uses", "passes_over", "portions", "prepare", "put_back", "qr_text",
    "read_gift", "read_payload", "read_token", "redeem", "redeemers", "redemption_ids", "reduce", "refund_failed",
    "refunded", "refunds_wait", "resolve_conflicts", "restore", "restore_parts", "reverse", "rooms_now", "show",
    "spend", "spread", "start_refund", "step_of", "step_token", "steps", "still_good", "tail", "take_back",
    "token_text", "unlock", "use", "uses", "uses_at_steps", "uses_by_day", "uses_by_hour", "uses_by_ids", "uses_of",
    "verify", "void", "wake", "wallet", "wallet_counts", "why_held", "write_payload",
]  # fmt: skip
