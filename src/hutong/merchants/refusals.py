"""Why something cannot be done with a shop."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.merchants.hours import BadHours

__all__ = [
    "BadHours", "ChainElsewhere", "DeviceNotRecognised", "DeviceTaken", "InvitationExpired", "InvitationUsed",
    "LastStore", "LossNotDeclared", "MerchantNotActive", "MerchantTaken", "MessageReplayed", "StoreChanged",
    "StoreOutsideCity", "StoreTaken",
]  # fmt: skip


class ChainElsewhere(Refusal):
    """The merchant heads a chain, or is in one or asked by one already."""

    code = "chain_elsewhere"
    say = Text(zh="该商家已属于一个连锁，或正被邀请。", en="This merchant is in a chain, or asked by one.")
    step = Text(zh="请先退出那个连锁，或答复那份邀请。", en="Leave that chain, or answer that invitation, first.")


class MerchantTaken(Refusal):
    """The id belongs to a merchant with other words."""

    code = "merchant_taken"
    say = Text(zh="这个商家编号已被使用。", en="This merchant number is taken.")
    step = Text(zh="请使用新的编号。", en="Use a new number.")


class MerchantNotActive(Refusal):
    """The merchant is suspended or closed."""

    code = "merchant_not_active"
    say = Text(zh="该商家已停业或被暂停。", en="This merchant is suspended or closed.")
    step = Text(zh="请联系城市运营商。", en="Ask the operator of the city.")


class LastStore(Refusal):
    """The merchant has no other open store in the city."""

    code = "last_store"
    say = Text(zh="这是本市最后一家营业的门店。", en="This is the last open store in this city.")
    step = Text(zh="如需整体停业，请联系城市运营商。", en="To close the whole shop, ask the operator of the city.")


class StoreTaken(Refusal):
    """The id belongs to a store with other words."""

    code = "store_taken"
    say = Text(zh="这个门店编号已被使用。", en="This store number is taken.")
    step = Text(zh="请使用新的编号。", en="Use a new number.")


class StoreChanged(Refusal):
    """Somebody else changed the store since it was read."""

    code = "store_changed"
    say = Text(
        zh="门店资料已被他人修改（当前版本 {version}）。", en="The store was changed meanwhile (now version {version})."
    )
    step = Text(zh="请核对最新内容后再保存。", en="Look at what it says now, then save again.")


class StoreOutsideCity(Refusal):
    """The place does not lie in the city."""

    code = "store_outside_city"
    status = 422
    say = Text(zh="门店位置不在 {city} 范围内。", en="This place does not lie in {city}.")
    step = Text(zh="请检查地图上的位置，或选择另一个城市。", en="Check the place on the map, or choose another city.")


class InvitationExpired(Refusal):
    """The invitation is too old, or its store has closed."""

    code = "invitation_expired"
    status = 410
    say = Text(zh="邀请已过期。", en="This invitation has expired.")
    step = Text(zh="请让店主重新邀请您。", en="Ask the owner of the shop for a new one.")


class InvitationUsed(Refusal):
    """Somebody else has accepted it."""

    code = "invitation_used"
    status = 410
    say = Text(zh="邀请已被使用。", en="This invitation has been used.")
    step = Text(zh="请让店主重新邀请您。", en="Ask the owner of the shop for a new one.")


class DeviceTaken(Refusal):
    """This browser is a device of another store, or was revoked."""

    code = "device_taken"
    say = Text(zh="这台设备已登记在其他门店，或已被停用。", en="This device belongs to another store, or was revoked.")
    step = Text(
        zh="请先在此浏览器清除旧登记，再重新登记。", en="Remove the old enrolment in this browser, then enrol again."
    )


class LossNotDeclared(Refusal):
    """The maximum loss is higher than what was shown and agreed to."""

    code = "loss_not_declared"
    say = Text(
        zh="最大可能损失已变化，需要重新确认。", en="The greatest possible loss has changed and must be confirmed anew."
    )
    step = Text(zh="请查看新的金额后再次确认。", en="Look at the new sum and confirm it.")


class DeviceNotRecognised(Refusal):
    """No such device, or the message was not signed by it."""

    code = "device_not_recognised"
    status = 401
    say = Text(zh="无法识别这台设备。", en="This device is not recognised.")
    step = Text(zh="请店长在本机重新登记设备。", en="Ask the manager to enrol this device again.")


class MessageReplayed(Refusal):
    """The number of a device's message is not above its last one."""

    code = "message_replayed"
    say = Text(zh="这条设备消息已经处理过。", en="This message of the device came before.")
    step = Text(zh="请用新的编号重新发送。", en="Send it again with a new number.")
