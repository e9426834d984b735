"""Why people are turned away. None of them tells whether a number belongs to a member."""

from typing import ClassVar

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class BadPhone(Refusal):
    """The text is no number that can receive a message."""

    code = "bad_phone"
    status = 422
    say = Text(zh="这个手机号无法使用。", en="This phone number cannot be used.")
    step = Text(
        zh="请输入 11 位手机号；境外号码请加国家区号，例如 +33。",
        en="Enter a mobile number; outside China begin with the country code, for example +33.",
    )


class CodeWrong(Refusal):
    """The code was looked at and is not the one that was sent."""

    code = "code_wrong"
    status = 422
    say = Text(zh="验证码不正确。", en="The code is not right.")
    step = Text(
        zh="请核对短信中的 6 位数字后重新输入。", en="Check the six digits in the message and enter them again."
    )


class CodeDead(Refusal):
    """There is no living code: never sent, expired, used, or guessed too often. All look the same."""

    code = "code_dead"
    status = 422
    say = Text(zh="验证码已失效。", en="This code is no longer valid.")
    step = Text(zh="请重新获取验证码。", en="Ask for a new code.")


class MemberFrozen(Refusal):
    """The right code was given, but the account is closed for now."""

    code = "member_frozen"
    status = 403
    say = Text(zh="该账号已被停用。", en="This account is closed for now.")
    step = Text(zh="请联系客服。", en="Ask our support.")


class RoleNotThere(Refusal):
    """The role does not exist at such a place."""

    code = "role_not_there"
    status = 422
    say = Text(zh="「{role}」这个角色不能授予到这里。", en="The role “{role}” cannot be given here.")
    step = Text(
        zh="店长和收银员请选择门店，老板请选择商家，运营人员请选择城市。",
        en="Choose a store for its staff, a merchant for its owner, a city for its operators.",
    )
    words: ClassVar = {
        "role": {
            "platform_admin": Text(zh="平台管理员", en="administrator of the platform"),
            "city_operator": Text(zh="城市运营商", en="operator of a city"),
            "city_recruiter": Text(zh="城市拓展员", en="recruiter of a city"),
            "merchant_owner": Text(zh="老板", en="owner"), "store_manager": Text(zh="店长", en="manager"),
            "store_cashier": Text(zh="收银员", en="cashier"),
        }
    }  # fmt: skip


class PasskeyStale(Refusal):
    """What was signed is not what was asked here just now: too late, twice, in another browser or for another thing."""

    code = "passkey_stale"
    status = 422
    say = Text(zh="这次通行密钥验证已过期。", en="This passkey request is over.")
    step = Text(zh="请再试一次，或改用手机验证码。", en="Try once more, or use a code sent to your phone.")


class PasskeyNotRight(Refusal):
    """The answer of the authenticator does not hold."""

    code = "passkey_not_right"
    status = 422
    say = Text(zh="通行密钥验证未通过。", en="The passkey could not be checked.")
    step = Text(zh="请再试一次，或改用手机验证码。", en="Try once more, or use a code sent to your phone.")


class PasskeyUnknown(Refusal):
    """No living passkey has this id: never made here, or taken away."""

    code = "passkey_unknown"
    status = 422
    say = Text(zh="这个通行密钥在胡同已不可用。", en="This passkey is not known here any more.")
    step = Text(
        zh="请用手机验证码登录，再在「我的 - 通行密钥」中重新添加。",
        en="Sign in with a code, then add a new passkey under Me, Passkeys.",
    )


class PasskeyCopied(Refusal):
    """The counter of the passkey went back: a copy of it may be about, so it ended."""

    code = "passkey_copied"
    status = 403
    say = Text(
        zh="为保护您的账号，这个通行密钥已停用：它可能被复制过。",
        en="This passkey may have been copied, so we ended it.",
    )
    step = Text(
        zh="请用手机验证码登录，再添加新的通行密钥。",
        en="Sign in with a code sent to your phone, then add a new passkey.",
    )


class PasskeyTaken(Refusal):
    """This authenticator has a passkey here already."""

    code = "passkey_taken"
    status = 409
    say = Text(zh="这台设备已经有胡同的通行密钥了。", en="This device already has a passkey for Hutong.")
    step = Text(zh="可以直接用它登录，无需再添加。", en="You can sign in with it; there is nothing to add.")


class TooManyPasskeys(Refusal):
    """A member has as many passkeys as one can keep apart."""

    code = "too_many_passkeys"
    status = 409
    say = Text(zh="最多可以添加 {most} 个通行密钥。", en="You can have {most} passkeys at most.")
    step = Text(zh="请先移除不再使用的通行密钥。", en="Remove one that you no longer use first.")


class NoPasskeysHere(Refusal):
    """Browsers make no passkeys for the address of this house."""

    code = "no_passkeys_here"
    status = 409
    say = Text(zh="当前网址不支持通行密钥。", en="Passkeys do not work at this address.")
    step = Text(zh="请用手机验证码登录。", en="Sign in with a code sent to your phone.")


class OldCodeWrong(Refusal):
    """The code that went to the present number is not right, or dead."""

    code = "old_code_wrong"
    status = 422
    say = Text(
        zh="原手机号（尾号 {tail}）的验证码不正确或已失效。",
        en="The code sent to the old number (ending in {tail}) is not right.",
    )
    step = Text(
        zh="请核对后重新输入。原号码已停用的，请联系客服。",
        en="Check it and enter it again. If the old number is no longer yours, ask our support.",
    )


class PhoneTaken(Refusal):
    """Another member has this number; told only to who has just proved that it is his."""

    code = "phone_taken"
    status = 409
    say = Text(zh="这个手机号已经是另一位会员的账号。", en="This number already belongs to another account.")
    step = Text(
        zh="可退出后用它登录那个账号；两个账号无法合并。",
        en="Sign out and sign in with it to use that account; two accounts cannot be joined.",
    )


class SamePhone(Refusal):
    """It is the number already."""

    code = "same_phone"
    status = 422
    say = Text(zh="这就是您现在的手机号。", en="This is your number already.")
    step = Text(zh="请输入新的手机号。", en="Enter the new number.")


class RolesFirst(Refusal):
    """Who works for a shop or a city cannot simply disappear."""

    code = "roles_first"
    status = 409
    say = Text(zh="您还担任商家或城市的职务。", en="You still work for a shop or a city here.")
    step = Text(
        zh="请让店主或管理员先移除您的职务，再申请注销。",
        en="Ask the owner or an administrator to take your role away, then come back.",
    )


class LeavingAlready(Refusal):
    """The account is about to be deleted as it is."""

    code = "leaving_already"
    status = 409
    say = Text(zh="您已经申请过注销。", en="You have asked to leave already.")
    step = Text(zh="到期前可随时撤回申请。", en="You can take it back until the day it happens.")


class OpenBusiness(Refusal):
    """Money or valid rights would be lost with the account."""

    code = "open_business"
    status = 409
    say = Text(
        zh="还有未完结的事项：待付款订单 {unpaid} 笔，可用券 {vouchers} 张，退款中 {refunds} 笔。",
        en="Still open: {unpaid} orders to pay, {vouchers} vouchers to use, {refunds} refunds on their way.",
    )
    step = Text(
        zh="请先使用或退掉这些券，等退款到账后再申请注销。",
        en="Use or return the vouchers and wait for the refunds, then ask again.",
    )


class TooManyExports(Refusal):
    """A copy of one's data was asked for too often."""

    code = "too_many_exports"
    status = 429
    say = Text(zh="24 小时内最多可申请 {most} 次数据副本。", en="You can ask for {most} copies in 24 hours.")
    step = Text(zh="请下载已生成的副本，或明天再试。", en="Download one that you have, or come back tomorrow.")


class ExportOver(Refusal):
    """The link to the copy was good for a day and a few downloads."""

    code = "export_over"
    status = 410
    say = Text(zh="下载链接已失效。", en="This download link is over.")
    step = Text(zh="请重新申请一份数据副本。", en="Ask for a new copy of your data.")


class MemberCodeUnknown(Refusal):
    """The text is no member's code, or the counter saw it too long ago."""

    code = "member_code_unknown"
    status = 422
    say = Text(zh="这不是有效的会员码。", en="This is no member's code.")
    step = Text(zh="请顾客打开会员码，重新扫描。", en="Ask the guest to open the member code, and scan it again.")


class MemberCodeOld(Refusal):
    """A member's code of an earlier half minute: perhaps a screenshot."""

    code = "member_code_old"
    say = Text(zh="会员码已过时。", en="This member code is out of date.")
    step = Text(
        zh="请顾客刷新会员码后再扫，截图不可用。", en="Ask the guest for a fresh code; a screenshot does not work."
    )


class MemberCodeUsed(Refusal):
    """A bill has used this code up: each code is for one bill."""

    code = "member_code_used"
    say = Text(zh="这个会员码已用过一次。", en="This member code was used for a bill already.")
    step = Text(zh="请扫描会员新出现的码。", en="Scan the new code that the guest's phone shows now.")
