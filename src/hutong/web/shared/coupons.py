"""A coupon as its ticket says it: the large figure, and what it asks for. For whoever claims and whoever makes it."""

from msgspec import Struct

from hutong import pricing
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.pricing import AmountOff, BuyXGetY, DeliveryOff, FixedPrice, FreeItem, PercentOff, Rule, Tiered
from hutong.web.shared.visit import Visit

TENTH, WHOLE = 1_000, 10_000  # basis points


class Figure(Struct, frozen=True):
    """What a coupon gives, large: a number with its sign, or a short word."""

    before: str
    big: str
    after: str


def figure(visit: Visit, rule: Rule) -> Figure:
    """The benefit as the left side of a ticket says it."""
    f, t, asset = visit.formats(), visit.t, rule.asset
    match rule.benefit:
        case AmountOff(units=units) | DeliveryOff(units=int(units)):
            sign, digits = f.sign_and_digits(Amount(units, asset))
            return Figure(sign, digits, t("coupon.off"))
        case PercentOff(bps=bps):
            if visit.language == "zh":
                return Figure("", f"{(WHOLE - bps) / TENTH:g}", t("coupon.tenths"))
            return Figure("", f"{bps / 100:g}%", t("coupon.off"))
        case FixedPrice(units=units):
            sign, digits = f.sign_and_digits(Amount(units, asset))
            return Figure(sign, digits, t("coupon.each"))
        case BuyXGetY(buy=buy, get=get, bps=bps):
            return Figure("", t("coupon.buy_get", buy=buy, get=get) if bps == WHOLE else t("coupon.half"), "")
        case FreeItem():
            return Figure("", t("coupon.gift"), "")
        case DeliveryOff():
            return Figure("", t("coupon.delivery"), "")
        case Tiered(steps=steps):
            best = max(steps, key=lambda step: (step.units or 0, step.bps or 0))
            if best.units:
                sign, digits = f.sign_and_digits(Amount(best.units, asset))
                return Figure(sign, digits, t("coupon.up_to"))
            return Figure("", f"{(best.bps or 0) / 100:g}%", t("coupon.up_to"))


def asks_of(rule: Rule) -> tuple[Text, ...]:
    """What the coupon asks for; and the most it gives, where the large figure does not say it."""
    said = pricing.conditions_in_words(rule)
    if isinstance(rule.benefit, PercentOff) and rule.benefit.cap_units is not None:
        most = Amount(rule.benefit.cap_units, rule.asset).words()
        said.append(Text(zh=f"最多减 {most}", en=f"{most} at most"))
    return tuple(said)
