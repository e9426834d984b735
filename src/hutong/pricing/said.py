"""A rule in the words that people read before they have a basket: what it takes off, and what it asks for. Pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from hutong.kit.terms import windows_in_words
from hutong.kit.text import Text
from hutong.pricing.benefits import money
from hutong.pricing.conditions import (
    Categories,
    Channels,
    Condition,
    Expression,
    FirstOrder,
    Hours,
    Merchants,
    MinQuantity,
    MinSpend,
    NthOrder,
    Offers,
    Schemes,
    SpendHere,
    Stores,
    Tags,
)
from hutong.pricing.rules import Rule

MOST_NAMES = 3  # so many are written out; of more it is said how many there are
WAYS = {"web": Text(zh="网页", en="the site"), "api": Text(zh="合作渠道", en="partners"),
        "till": Text(zh="到店", en="the counter")}  # fmt: skip


def conditions_in_words(rule: Rule, names: Mapping[UUID | str, Text] | None = None) -> list[Text]:
    """What the rule asks for, one short sentence each; empty when it asks for nothing.

    `names`: of the offers, stores, merchants and categories in it, as far as they are known; those of its own merchant
    alone are not worth a sentence.
    """
    known = names or {}
    said = [_said(condition, rule.asset, known) for condition in rule.conditions]
    return [words for words in said if words is not None]


def _said(condition: Condition, asset: str, known: Mapping[UUID | str, Text]) -> Text | None:
    match condition:
        case Offers(ids=ids, excluded=out):
            return _which(ids, known, out, Text(zh="指定商品", en="chosen offers"))
        case Categories(slugs=slugs, excluded=out):
            return _which(slugs, known, out, Text(zh="指定品类", en="chosen categories"))
        case Stores(ids=ids, excluded=out):
            return _which(ids, known, out, Text(zh="指定门店", en="chosen stores"))
        case Merchants(ids=ids, excluded=out):
            only = len(ids) == 1 and not out
            return None if only else _which(ids, known, out, Text(zh="指定商家", en="chosen shops"))
        case Schemes():
            return None
        case _:
            return _asked(condition, asset)


def _which(ids: Sequence[UUID | str], known: Mapping[UUID | str, Text], out: bool, else_: Text) -> Text:
    names = [known[i] for i in ids if i in known]
    if not names or len(names) < len(ids) or len(names) > MOST_NAMES:
        zh, en = else_.zh, else_.en
    else:
        zh, en = "、".join(n.zh for n in names), ", ".join(n.en for n in names)
    return Text(zh=f"{zh}除外", en=f"not for {en}") if out else Text(zh=f"限{zh}", en=f"for {en} only")


def _asked(condition: Condition, asset: str) -> Text | None:
    match condition:
        case MinSpend(units=units):
            return Text(zh=f"满 {money(units, asset)} 可用", en=f"from {money(units, asset)} on")
        case MinQuantity(count=count):
            return Text(zh=f"满 {count} 件可用", en=f"from {count} pieces on")
        case FirstOrder(here=here):
            return Text(zh="本店首单可用", en="first order here") if here else Text(zh="首单可用", en="first order")
        case NthOrder(n=n, every=every):
            return Text(zh=f"{'每' if every else ''}第 {n} 单可用", en=f"{'every' if every else 'only'} order no. {n}")
        case SpendHere(units=units):
            return Text(zh=f"在本店累计消费满 {money(units, asset)}", en=f"after {money(units, asset)} spent here")
        case Tags(any_of=tags):
            return Text(zh=f"限会员：{'、'.join(tags)}", en=f"members: {', '.join(tags)}")
        case Channels(names=ways):
            words = [WAYS.get(way, Text.both(way)) for way in ways]
            return Text(zh=f"限{'、'.join(w.zh for w in words)}", en=f"only by {', '.join(w.en for w in words)}")
        case Hours(windows=windows):
            return windows_in_words(windows)
        case Expression(says=says):
            return says
        case _:
            return None
