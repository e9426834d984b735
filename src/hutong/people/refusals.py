"""Why people are turned away. None of them tells whether a number belongs to a member."""

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
    say = Text(zh="「{role}」不能授予在此处。", en="The role “{role}” cannot be given here.")
    step = Text(zh="请为店员选择门店，为店主选择商家。", en="Choose a store for its staff, a merchant for its owner.")
