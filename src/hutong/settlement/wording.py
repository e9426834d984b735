"""A commission rule in words, made from the rule itself: what a party reads beside the money is what was followed."""

from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.settlement.commission import Component, Plan, Rule, kept


def percent(bps: int) -> str:
    """Basis points as a percentage without idle zeros: 850 is "8.5 %"."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


def words_of(rule: Rule | Plan, asset: str) -> list[Text]:
    """The sentences of a rule or plan, in both languages; amounts in the smallest unit of `asset`."""
    found: list[Text] = []
    if rule.commission_bps:
        size = percent(rule.commission_bps)
        zh, en = f"商家应得金额的 {size} 为佣金", f"{size} of what the merchant's side is due is commission"
        found.append(Text(zh=zh, en=en))
    found += [_component(one, asset) for one in rule.plan]
    for least, most, zh, en in (
        (rule.least_units, rule.most_units, "每次核销", "for each use"),
        (rule.whole_least, rule.whole_most, "每笔核销合计", "for a redemption in all"),
    ):
        if least is not None:
            amount = Amount(least, asset).words()
            found.append(Text(zh=f"{zh}至少 {amount}", en=f"at least {amount} {en}"))
        if most is not None:
            amount = Amount(most, asset).words()
            found.append(Text(zh=f"{zh}至多 {amount}", en=f"at most {amount} {en}"))
    if not found:
        found.append(Text(zh="不收佣金", en="no commission is charged"))
    if rule.operator_bps:
        found.append(_operators(rule))
    return found


def _operators(rule: Rule | Plan) -> Text:
    size = percent(rule.operator_bps)
    chain = rule.chain if isinstance(rule, Rule) else None
    zh, en = f"佣金的 {size} 归运营方", f"{size} of the commission are the operators'"
    if chain is not None:
        sizes = [percent(bps) for _, bps in kept(chain.shares, chain.valid_from)]
        zh += "，自上而下分为 " + "、".join(sizes) if sizes else "，现无人分得"
        en += ", from the highest down " + ", ".join(sizes) if sizes else ", and nobody has a share now"
    return Text(zh=zh, en=en)


def _component(one: Component, asset: str) -> Text:
    base = {"due": ("应得金额", "what is due"), "paid": ("实付金额", "what was paid")}[one.base]
    zh, en = [], []
    if one.bps:
        zh.append(f"{base[0]}的 {percent(one.bps)}")
        en.append(f"{percent(one.bps)} of {base[1]}")
    if one.units:
        amount = Amount(one.units, asset).words()
        zh.append(f"每次 {amount}")
        en.append(f"{amount} for each use")
    each = ("每次", "for each use") if one.per == "unit" else ("每笔", "in all")
    for units, words in ((one.least_units, ("至少", "at least")), (one.most_units, ("至多", "at most"))):
        if units is not None:
            amount = Amount(units, asset).words()
            zh.append(f"{each[0]}{words[0]} {amount}")
            en.append(f"{words[1]} {amount} {each[1]}")
    scopes = [*one.categories, *one.schemes, *one.channels]
    where = (f"（仅 {'、'.join(scopes)}）", f" (only {', '.join(scopes)})") if scopes else ("", "")
    instead = (f"，代替 {one.instead_of}", f", in place of {one.instead_of}") if one.instead_of else ("", "")
    return Text(
        zh=f"{one.name.zh}：{'，'.join(zh)}{where[0]}{instead[0]}",
        en=f"{one.name.en}: {', '.join(en)}{where[1]}{instead[1]}",
    )
