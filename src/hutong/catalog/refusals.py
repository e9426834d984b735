"""Why an offer cannot be written, or cannot be sold now."""

from typing import ClassVar

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class OfferNotFound(Refusal):
    """No such offer in this city, or not of this merchant: both look the same."""

    code = "offer_not_found"
    status = 404
    say = Text(zh="没有找到这个商品。", en="There is no such offer.")
    step = Text(zh="请检查链接，或浏览其他商品。", en="Check the link or look at other offers.")


class NotOnSale(Refusal):
    """The offer is not published (or not any more)."""

    code = "not_on_sale"
    say = Text(zh="该商品未在售。", en="This offer is not on sale.")
    step = Text(zh="请浏览该门店的其他商品。", en="Look at other offers of this shop.")


class SaleNotStarted(Refusal):
    """The sale begins later."""

    code = "sale_not_started"
    say = Text(zh="尚未开售，{sale_from} 开始。", en="The sale has not begun: it starts at {sale_from}.")
    step = Text(zh="开售后再来购买。", en="Come back when it begins.")


class SaleOver(Refusal):
    """The sale has ended."""

    code = "sale_over"
    say = Text(zh="已于 {sale_to} 停止销售。", en="The sale ended at {sale_to}.")
    step = Text(zh="请浏览该门店的其他商品。", en="Look at other offers of this shop.")


class TooManyPerOrder(Refusal):
    """More units than one order may have."""

    code = "too_many_per_order"
    status = 422
    say = Text(zh="每单最多购买 {most} 份。", en="At most {most} in one order.")
    step = Text(zh="请减少数量。", en="Choose fewer.")


class OfferTaken(Refusal):
    """The id belongs to an offer with other words."""

    code = "offer_taken"
    say = Text(zh="这个编号已经有商品了。", en="There is another offer with this id.")
    step = Text(zh="请重新创建。", en="Create it anew.")


class BadPrice(Refusal):
    """The price is negative, above the list price, or of another asset."""

    code = "bad_price"
    status = 422
    say = Text(
        zh="售价 {price} 不能为负，也不能高于原价 {list_price}，且币种须一致。",
        en="The price {price} must not be negative, nor above the list price {list_price}, and both in one currency.",
    )
    step = Text(zh="请修改售价或原价。", en="Correct the price or the list price.")


class BadForm(Refusal):
    """The numbers of a team, a ladder or a bargain contradict each other or the price."""

    code = "bad_form"
    status = 422
    say = Text(zh="销售方式设置有误：{why_zh}。", en="The way of selling does not hold together: {why_en}.")
    step = Text(zh="请修改后再保存。", en="Change it and save again.")


class BadTerms(Refusal):
    """The terms contradict themselves or could never be used."""

    code = "bad_terms"
    status = 422
    say = Text(zh="使用规则有误：{why_zh}。", en="The terms cannot be used: {why_en}.")
    step = Text(zh="请修改使用规则。", en="Correct the terms.")


class SaleWindowInverted(Refusal):
    """The sale ends before it begins."""

    code = "sale_window_inverted"
    status = 422
    say = Text(zh="销售结束时间必须晚于开始时间。", en="The sale must end after it begins.")
    step = Text(zh="请修改销售时间。", en="Correct the times of the sale.")


class NoStores(Refusal):
    """An offer must be usable somewhere."""

    code = "no_stores"
    status = 422
    say = Text(zh="请至少选择一家适用门店。", en="Choose at least one shop where it can be used.")
    step = Text(zh="选择门店后再提交。", en="Choose a shop and try again.")


class StoreOfAnother(Refusal):
    """A store that does not exist in this city or belongs to another merchant."""

    code = "store_of_another"
    status = 422
    say = Text(zh="所选门店不属于该商家。", en="A chosen shop does not belong to this merchant.")
    step = Text(zh="请只选择自己的门店。", en="Choose shops of this merchant only.")


class UnknownCategory(Refusal):
    """There is no such category."""

    code = "unknown_category"
    status = 422
    say = Text(zh="没有「{category}」这个分类。", en="There is no category “{category}”.")
    step = Text(zh="请从分类列表中选择。", en="Choose one from the list of categories.")


class CategoryTaken(Refusal):
    """The short name belongs to a category with other words."""

    code = "category_taken"
    say = Text(zh="分类「{category}」已存在且内容不同。", en="The category “{category}” exists with other words.")
    step = Text(zh="请换一个短名。", en="Choose another short name.")


class WrongStatus(Refusal):
    """The offer is in a state in which this cannot be done."""

    code = "wrong_status"
    say = Text(zh="商品当前状态为「{status}」，不能执行此操作。", en="The offer is {status}, so this cannot be done.")
    step = Text(zh="请刷新后查看最新状态。", en="Reload it and look at its state.")
    words: ClassVar = {
        "status": {
            "draft": Text(zh="草稿", en="a draft"), "in_review": Text(zh="审核中", en="in review"),
            "published": Text(zh="在售", en="on sale"), "paused": Text(zh="已暂停", en="paused"),
            "rejected": Text(zh="已驳回", en="sent back"), "ended": Text(zh="已结束", en="ended"),
        }
    }  # fmt: skip


class NeedsReview(Refusal):
    """A published offer may change only in ways that do not change what was reviewed."""

    code = "needs_review"
    say = Text(zh="在售商品不能直接修改：{fields}。", en="These cannot be changed while it is on sale: {fields}.")
    step = Text(zh="请复制为新商品后提交审核。", en="Copy it to a new offer and submit that for review.")
    words: ClassVar = {
        "fields": {
            "category": Text(zh="分类", en="category"), "trade": Text(zh="行业", en="trade"),
            "title": Text(zh="标题", en="title"), "terms": Text(zh="使用规则", en="terms"),
            "form": Text(zh="销售方式", en="way of selling"), "store_ids": Text(zh="适用门店", en="stores"),
            "quota_id": Text(zh="库存", en="stock"), "min_units": Text(zh="成团人数", en="least units to hold"),
            "sale_from": Text(zh="开售时间", en="begin of the sale"),
        }
    }  # fmt: skip


class OfferChanged(Refusal):
    """Somebody else changed the offer since it was read."""

    code = "offer_changed"
    say = Text(
        zh="商品已被他人修改（当前版本 {version}）。", en="The offer was changed meanwhile (now version {version})."
    )
    step = Text(zh="请刷新后重试。", en="Reload it and try again.")
