"""Why a code is not accepted, a redemption not undone, a right not refunded. Calendar reasons live in kit.terms."""

from hutong.kit.refusals import Refusal, TooManyTries
from hutong.kit.text import Text


class UnknownCode(Refusal):
    """No such code for this merchant. A code of another merchant looks exactly the same."""

    code = "unknown_code"
    status = 404
    say = Text(zh="没有找到这张券。", en="There is no such voucher here.")
    step = Text(
        zh="请核对数字或重新扫码；确认顾客选对了门店。",
        en="Check the digits or scan again, and ask which shop it was bought for.",
    )


class TooManyGuesses(TooManyTries):
    """Too many wrong codes were typed at this counter. QR codes still work."""

    code = "too_many_guesses"
    say = Text(zh="输入错误的券码次数过多。", en="Too many wrong codes were typed here.")
    step = Text(
        zh="请扫描二维码，或在 {wait_seconds} 秒后再输入。",
        en="Scan the QR code, or type again in {wait_seconds} seconds.",
    )


class StaleQr(Refusal):
    """The QR has moved on: a screenshot, or a preparation of too long ago."""

    code = "stale_qr"
    say = Text(zh="二维码已过期。", en="This QR code is out of date.")
    step = Text(zh="请顾客打开券码页面刷新后再扫。", en="Ask for the live code on the phone and scan again.")


class QrAlreadyUsed(Refusal):
    """This very QR was used a moment ago; the voucher has uses left."""

    code = "qr_already_used"
    say = Text(zh="这个二维码刚刚用过。", en="This QR code was used a moment ago.")
    step = Text(zh="请等待二维码刷新后再扫。", en="Wait until the phone shows the next one, then scan again.")


class WrongStore(Refusal):
    """It is for other stores of this merchant."""

    code = "wrong_store"
    say = Text(zh="这张券不适用于本店。", en="This voucher is not for this store.")
    step = Text(zh="请到适用门店使用。", en="It can be used at the stores it names.")


class WaitingForBuyers(Refusal):
    """The deal has not reached its minimum of buyers yet."""

    code = "waiting_for_buyers"
    say = Text(zh="还未达到成团人数，暂不能使用。", en="The deal has not reached its minimum of buyers yet.")
    step = Text(zh="成团后即可使用；不成团会自动退款。", en="It becomes usable then; if not, it is refunded by itself.")


class AlreadyUsed(Refusal):
    """All its uses are gone; for the merchant's own staff it says when, where and by whom."""

    code = "already_used"
    say = Text(zh="已于 {at} 在 {store} 由 {staff} 核销。", en="Used at {at}, at {store}, by {staff}.")
    step = Text(zh="如有误核，可在核销记录中撤销。", en="If that was a mistake, undo it in the history.")


class VoucherUsed(Refusal):
    """All its uses are gone; for those who need not know where."""

    code = "voucher_used"
    say = Text(zh="这张券已使用。", en="This voucher has been used.")
    step = Text(zh="如有疑问，请联系商家。", en="Ask the merchant if that seems wrong.")


class VoucherRefunding(Refusal):
    """Its money is on the way back."""

    code = "voucher_refunding"
    say = Text(zh="这张券正在退款，不能使用。", en="This voucher is being refunded and cannot be used.")
    step = Text(zh="请顾客使用其他券。", en="Ask for another voucher.")


class VoucherRefunded(Refusal):
    """Its money was given back."""

    code = "voucher_refunded"
    say = Text(zh="这张券已退款。", en="This voucher was refunded.")
    step = Text(zh="请顾客使用其他券。", en="Ask for another voucher.")


class VoucherVoid(Refusal):
    """It was taken out of use."""

    code = "voucher_void"
    say = Text(zh="这张券已作废。", en="This voucher was made void.")
    step = Text(zh="请联系平台客服。", en="Ask the platform's support.")


class CountTooHigh(Refusal):
    """More uses than are left, or than one visit may take."""

    code = "count_too_high"
    status = 422
    say = Text(zh="本次最多可核销 {most} 次。", en="At most {most} can be used now.")
    step = Text(zh="请减少次数。", en="Choose fewer.")


class NotRedeemedHere(Refusal):
    """No such redemption at this counter."""

    code = "not_redeemed_here"
    status = 404
    say = Text(zh="本店没有这条核销记录。", en="There is no such redemption here.")
    step = Text(zh="请在核销的门店撤销。", en="Undo it where it was redeemed.")


class AlreadyReversed(Refusal):
    """It was undone before, by somebody else."""

    code = "already_reversed"
    say = Text(zh="这次核销已于 {at} 撤销。", en="This was undone already, at {at}.")
    step = Text(zh="无需再次操作。", en="Nothing is left to do.")


class UndoWindowOver(Refusal):
    """Too much time has passed since the redemption."""

    code = "undo_window_over"
    say = Text(zh="已超过可撤销时间（{until} 前）。", en="It could be undone until {until}.")
    step = Text(zh="请联系店长或平台处理。", en="Ask the manager or the platform.")


class TooManyCycles(Refusal):
    """Redeemed and undone too often: something else is going on."""

    code = "too_many_cycles"
    say = Text(zh="这张券反复核销撤销已达 {most} 次。", en="This voucher was redeemed and undone {most} times already.")
    step = Text(zh="请联系平台处理。", en="Ask the platform.")


class VoucherUnknown(Refusal):
    """There is no voucher with this id."""

    code = "voucher_not_found"
    status = 404
    say = Text(zh="没有找到这张券。", en="There is no such voucher.")
    step = Text(zh="请返回券包查看。", en="Look in the wallet.")


class NotRefunding(Refusal):
    """No refund of this voucher is on its way."""

    code = "voucher_not_refunding"
    say = Text(zh="这张券没有进行中的退款。", en="No refund of this voucher is on its way.")
    step = Text(zh="请刷新后查看状态。", en="Look at its state again.")


class OnlineOnly(Refusal):
    """This voucher cannot be taken by a counter without a network."""

    code = "voucher_online_only"
    say = Text(zh="这张券需联网核销。", en="This voucher can only be checked online.")
    step = Text(zh="请在门店联网时出示普通券码。", en="Show the usual code where the counter has a network.")


class OfflineStoreSilent(Refusal):
    """A counter that may take this voucher without a network has not been heard of: it may just have been used."""

    code = "offline_store_silent"
    say = Text(
        zh="门店的收银设备暂时断网，可能正在离线核销，暂不能退款。",
        en="A till of the shop is without a network and may just be taking vouchers, so it cannot be refunded yet.",
    )
    step = Text(
        zh="券仍然有效。门店恢复联网后，或最迟 {until} 之后，可再次申请退款。",
        en="It stays valid. Ask again when the shop is back online, at the latest after {until}.",
    )


class ConflictUnknown(Refusal):
    """There is no such conflict here."""

    code = "conflict_not_found"
    status = 404
    say = Text(zh="没有找到这条异常。", en="There is no such conflict.")
    step = Text(zh="请刷新列表。", en="Look at the list again.")


class ConflictResolved(Refusal):
    """Somebody has closed it already."""

    code = "conflict_resolved"
    say = Text(zh="这条异常已处理。", en="This conflict is closed already.")
    step = Text(zh="请刷新列表查看备注。", en="Look at the list for the note.")
