"""Vouchers: who holds which right, where and when may it be used, was it used?"""

from hutong.vouchers.capsules import Capsule, HouseKey, Token, is_key, key_id, read_token, tail, token_text, verify
from hutong.vouchers.codes import is_typed, qr_text, step_of, step_token
from hutong.vouchers.ending import EndingSoon, ending_soon, still_good
from hutong.vouchers.holding import ending_first
from hutong.vouchers.lately import (
    Expiring,
    HourUses,
    Redeemer,
    expiring,
    just_used,
    redeemers,
    uses_by_hour,
)  # fmt: skip
from hutong.vouchers.model import (
    TABS,
    DayUses,
    Failure,
    Issue,
    Issued,
    Kind,
    Notice,
    OfflineUse,
    Prepare,
    Prepared,
    Redeem,
    Redeemed,
    Reverse,
    Reversed,
    Sibling,
    State,
    Step,
    Tab,
    Use,
    Voucher,
)  # fmt: skip
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
    expire,
    issue,
    lock_orders,
    look,
    orders_to_expire,
    prepare,
    redeem,
    refund_failed,
    refunded,
    reverse,
    start_refund,
    void,
)  # fmt: skip
from hutong.vouchers.operations.allow import allow
from hutong.vouchers.operations.book import book_scans, resolve_conflicts
from hutong.vouchers.operations.forget import forget_members
from hutong.vouchers.operations.judge import judge_scans, uses_at_steps
from hutong.vouchers.operations.offer_capsules import class_of, offer_capsules
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
)  # fmt: skip
from hutong.vouchers.refusals import (
    AlreadyReversed,
    AlreadyUsed,
    ConflictResolved,
    ConflictUnknown,
    CountTooHigh,
    NotRedeemedHere,
    NotRefunding,
    OfflineStoreSilent,
    OnlineOnly,
    QrAlreadyUsed,
    StaleQr,
    TooManyCycles,
    TooManyGuesses,
    UndoWindowOver,
    UnknownCode,
    VoucherRefunded,
    VoucherRefunding,
    VoucherUnknown,
    VoucherUsed,
    VoucherVoid,
    WaitingForBuyers,
    WrongStore,
)  # fmt: skip

__all__ = [
    "LOST", "SILENT", "TABS", "Allowance", "AlreadyReversed", "AlreadyUsed", "AskCapsule", "Capsule", "CapsuleMade",
    "Changed", "Conflict", "ConflictResolved", "ConflictUnknown", "CountTooHigh", "DayUses", "DeviceState",
    "EndingSoon", "Expiring", "Failure", "HourUses", "HouseKey", "Issue", "Issued", "Judged", "Kind", "NotRedeemedHere",
    "NotRefunding", "Notice", "OfflineStoreSilent", "OfflineUse", "OnlineOnly", "Outcome", "Payload", "Prepare",
    "Prepared", "Pull", "Pulled", "QrAlreadyUsed", "Redeem", "Redeemed", "Redeemer", "Resolve", "Reverse", "Reversed",
    "Scan", "ScanAnswer", "Sibling", "StaleQr", "State", "Step", "Tab", "Token", "TooManyCycles", "TooManyGuesses",
    "UndoWindowOver", "UnknownCode", "Use", "Voucher", "VoucherRefunded", "VoucherRefunding", "VoucherUnknown",
    "VoucherUsed", "VoucherVoid", "WaitingForBuyers", "WrongStore", "activate", "allow", "book_scans", "by_ids",
    "changed_capsules", "class_of", "conflicts", "device_states", "ending_first", "ending_soon", "expire", "expiring",
    "failures", "forget_members", "is_key", "is_typed", "issue", "judge_scans", "just_used", "key_id", "lock_orders",
    "look", "of_member", "of_orders", "offer_capsules", "open_conflicts", "order_of_code", "orders_to_expire",
    "prepare", "qr_text", "read_payload", "read_token", "redeem", "redeemers", "refund_failed", "refunded",
    "refunds_wait", "resolve_conflicts", "reverse", "start_refund", "step_of", "step_token", "steps", "still_good",
    "tail", "token_text", "use", "uses", "uses_at_steps", "uses_by_day", "uses_by_hour", "uses_by_ids", "uses_of",
    "verify", "void", "wallet", "wallet_counts", "write_payload",
]  # fmt: skip
