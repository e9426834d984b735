"""Why a numbered card is not taken."""

from hutong.kit.refusals import Refusal, TooManyTries
from hutong.kit.text import Text


class CardUnknown(Refusal):
    """No such number, or another secret. Both look the same."""

    code = "card_not_found"
    status = 404
    say = Text(zh="卡号或密码不对。", en="This number and secret do not belong together.")
    step = Text(
        zh="请核对卡面上的 16 位卡号和刮开的密码。", en="Check the 16 digits and the scratched secret on the card."
    )


class CardTaken(Refusal):
    """Somebody has activated it."""

    code = "card_taken"
    say = Text(zh="这张卡已被激活。", en="This card has been activated already.")
    step = Text(zh="如非您本人操作，请联系售卡的商家。", en="If that was not you, ask the shop that sold it.")


class CardBlocked(Refusal):
    """Its holder has lost it."""

    code = "card_blocked"
    say = Text(zh="这张卡已挂失。", en="This card was reported lost.")
    step = Text(
        zh="请出示手机上的卡，或补发新卡号。", en="Show the card on the phone, or have a new number made there."
    )


class CardReplaced(Refusal):
    """It was lost, and its right has another number now."""

    code = "card_replaced"
    say = Text(zh="这张卡已挂失补发，旧卡号作废。", en="This card was replaced by a new one and is good no more.")
    step = Text(zh="请出示新卡（尾号 {tail}）。", en="Show the new card, ending in {tail}.")


class CardVoid(Refusal):
    """Its batch was withdrawn."""

    code = "card_void"
    say = Text(zh="这张卡已作废。", en="This card was withdrawn.")
    step = Text(zh="请联系售卡的商家。", en="Ask the shop that sold it.")


class CardNotActive(Refusal):
    """It is printed and nobody has activated it."""

    code = "card_not_active"
    say = Text(zh="这张卡尚未激活。", en="This card is not active yet.")
    step = Text(
        zh="请顾客在「我的卡」中输入卡号和密码激活。",
        en="The guest activates it with its number and secret in his wallet.",
    )


class NotJoined(Refusal):
    """The merchant does not take this card."""

    code = "card_not_joined"
    say = Text(zh="本店未加入这张卡的优惠。", en="This shop does not take part in this card.")
    step = Text(zh="可在卡页面查看参加的商家。", en="The card's page names the shops that do.")


class TooManySecrets(TooManyTries):
    """Too many wrong secrets by one member."""

    code = "too_many_secrets"
    say = Text(zh="密码输错次数过多。", en="Too many wrong secrets.")
    step = Text(zh="请在 {wait_seconds} 秒后再试。", en="Try again in {wait_seconds} seconds.")
