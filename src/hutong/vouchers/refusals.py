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


class VoucherOver(Refusal):
    """It was refunded, has expired or is void: nothing can be put on it any more."""

    code = "voucher_over"
    say = Text(zh="「{title_zh}」已结束，不能再存入。", en="“{title_en}” has ended; nothing can be put on it.")
    step = Text(zh="款项会退回购卡时的支付方式。", en="The money goes back to the payment that bought it.")


class VoucherInCheckout(Refusal):
    """An order that is not paid yet has taken it: one coupon serves one order."""

    code = "voucher_in_checkout"
    say = Text(zh="这张券正用于一笔待支付的订单。", en="An order that waits for payment has taken this voucher.")
    step = Text(zh="请先支付或取消那笔订单。", en="Pay for that order or cancel it first.")


class VoucherOnItsWay(Refusal):
    """It was given to a friend, who has not accepted it yet."""

    code = "voucher_on_its_way"
    say = Text(zh="这张券正在转赠中。", en="This voucher is on its way to somebody else.")
    step = Text(zh="对方领取前可撤回；逾期未领会自动退回。", en="Take it back first; what nobody accepts comes back.")


class VoucherSent(Refusal):
    """What it stands for was sent to the member and has not arrived yet."""

    code = "voucher_sent"
    say = Text(zh="礼品已寄出，正在配送。", en="It was sent and is on its way.")
    step = Text(zh="收到后点「确认收货」；有问题请联系商家。", en="Say so when it arrives; its shop helps if not.")


class VoucherNotHeld(Refusal):
    """The order that wants to use it has not locked it."""

    code = "voucher_not_held"
    say = Text(zh="这张券未被该订单锁定。", en="This voucher is not locked for that order.")
    step = Text(zh="请重新下单。", en="Place the order again.")


class CountTooHigh(Refusal):
    """More uses than are left, or than one visit may take."""

    code = "count_too_high"
    status = 422
    say = Text(zh="本次最多可核销 {most} 次。", en="At most {most} can be used now.")
    step = Text(zh="请减少次数。", en="Choose fewer.")


class BalanceTooLow(Refusal):
    """More money than the card is worth."""

    code = "balance_too_low"
    status = 422
    say = Text(zh="卡内余额只有 {balance}。", en="Only {balance} are left on this card.")
    step = Text(zh="请按余额扣款，差额另付。", en="Take what is left and let the guest pay the rest.")


class DayFull(Refusal):
    """The store has taken as many of this offer as it takes on one day."""

    code = "day_full"
    say = Text(
        zh="本店今天的名额已用完（{used}/{most}），{free_zh}。",
        en="This store has taken all it can today ({used} of {most}): {free_en}.",
    )
    step = Text(zh="请改天再来，或去其他适用门店。", en="Come on another day, or go to another store that accepts it.")


class HourFull(Refusal):
    """The store has taken as many of this offer as it takes in one hour."""

    code = "hour_full"
    say = Text(
        zh="本店这个小时的名额已用完（{used}/{most}），{free_zh}。",
        en="This store has taken all it can in this hour ({used} of {most}): {free_en}.",
    )
    step = Text(zh="请稍后再来，或去其他适用门店。", en="Come a little later, or go to another store that accepts it.")


class PlacesLeft(Refusal):
    """More uses than the store has places for on this day or in this hour."""

    code = "places_left"
    status = 422
    say = Text(zh="本店这个时段只剩 {left} 个名额。", en="This store has only {left} more places for now.")
    step = Text(zh="请减少次数。", en="Choose fewer.")


class GiftUnknown(Refusal):
    """There is no gift behind this link."""

    code = "gift_not_found"
    status = 404
    say = Text(zh="没有找到这份礼物。", en="There is no gift behind this link.")
    step = Text(zh="请让朋友再发一次链接。", en="Ask your friend to send the link again.")


class GiftOver(Refusal):
    """Somebody has accepted it, or it went back to the giver."""

    code = "gift_over"
    say = Text(zh="这份礼物已经不能领取了。", en="This gift can no longer be accepted.")
    step = Text(zh="它已被领取，或已退回给赠送人。", en="It was accepted already, or went back to the giver.")


class GiftIsYours(Refusal):
    """The giver opened his own link."""

    code = "gift_is_yours"
    say = Text(zh="这是您自己送出的礼物。", en="This is a gift of your own.")
    step = Text(zh="把链接发给朋友；想自己用，请先撤回。", en="Send the link to a friend, or take it back to use it.")


class NotGiftable(Refusal):
    """Such a right stays with its holder."""

    code = "not_giftable"
    say = Text(zh="这张券不能转赠。", en="This voucher cannot be given away.")
    step = Text(zh="未使用的团购券和可转赠的优惠券可以送给朋友。", en="Unused deals and transferable coupons can.")


class GiftGivenOn(Refusal):
    """It was a gift itself."""

    code = "gift_given_on"
    say = Text(zh="收到的礼物不能再转赠。", en="What was a gift cannot be given on.")
    step = Text(zh="可以自己使用它。", en="It is yours to use.")


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
    say = Text(zh="这张券已反复核销、撤销 {most} 次。", en="This voucher was redeemed and undone {most} times already.")
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


class ExtensionTooShort(Refusal):
    """The new end of a validity is not after the old one: what was promised is never shortened."""

    code = "extension_too_short"
    say = Text(zh="新的有效期必须晚于原有效期。", en="The new end must be later than the old one.")
    step = Text(zh="请选择更晚的日期。", en="Choose a later day.")
