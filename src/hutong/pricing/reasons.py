"""Why a promotion says no, and what would make it a yes. Amounts are as people read them, with the sign of the
basket's asset."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class RuleNotYet(Refusal):
    """The promotion begins later."""

    code = "rule_not_yet"
    say = Text(zh="活动还没开始。", en="It has not begun yet.")
    step = Text(zh="{from_zh} 起可用。", en="From {from_en}.")


class RuleOver(Refusal):
    """The promotion has ended."""

    code = "rule_over"
    say = Text(zh="活动已于 {ended} 结束。", en="It ended on {ended}.")
    step = Text(zh="看看其他优惠。", en="Look at the other promotions.")


class RuleHours(Refusal):
    """Not on this weekday or at this hour."""

    code = "rule_hours"
    say = Text(zh="仅限 {usable_zh}。", en="Only {usable_en}.")
    step = Text(zh="{from_zh} 起可用。", en="From {from_en}.")


class CouponMissing(Refusal):
    """It needs a coupon that is not laid on the table."""

    code = "coupon_missing"
    say = Text(zh="需要使用优惠券。", en="It needs its coupon.")
    step = Text(zh="先领取这张券，再选择使用。", en="Claim the coupon and choose it.")


class OtherCurrency(Refusal):
    """The promotion is in another currency than the basket."""

    code = "rule_other_currency"
    say = Text(zh="仅限以 {asset} 计价的商品。", en="Only for what is priced in {asset}.")
    step = Text(zh="选择该币种的商品。", en="Choose something priced in it.")


class OtherGoods(Refusal):
    """Nothing in the basket is what the promotion is for."""

    code = "rule_other_goods"
    say = Text(zh="所选商品不参加：{why_zh}。", en="Not for what was chosen: {why_en}.")
    step = Text(zh="加一件参加活动的商品。", en="Add something that takes part.")


class OtherPlace(Refusal):
    """It is bought at a store that does not take part."""

    code = "rule_other_place"
    say = Text(zh="这家门店不参加。", en="This shop does not take part.")
    step = Text(zh="到参加活动的门店使用。", en="Use it at a shop that takes part.")


class SignInForRule(Refusal):
    """It depends on who buys, and nobody is signed in."""

    code = "rule_sign_in"
    say = Text(zh="登录后才能确认。", en="It depends on who buys.")
    step = Text(zh="请先登录。", en="Sign in first.")


class OnlyTagged(Refusal):
    """Only for members with one of these tags."""

    code = "rule_members"
    say = Text(zh="仅限指定会员：{tags_in_words}。", en="Only for these members: {tags_in_words}.")
    step = Text(zh="成为其中一类会员即可使用。", en="Become one of them to use it.")


class OnlyFirstOrder(Refusal):
    """Only for a first order."""

    code = "rule_first_order"
    say = Text(zh="仅限首单。", en="Only for first orders.")
    step = Text(zh="首次下单的会员可用。", en="For members who have not ordered yet.")


class OnlyNthOrder(Refusal):
    """Only for the n-th order."""

    code = "rule_nth_order"
    say = Text(zh="仅限第 {which} 单。", en="Only for order number {which}.")
    step = Text(zh="再下 {missing} 单后可用。", en="After {missing} more orders.")


class NthOrderPast(Refusal):
    """The n-th order was placed long ago."""

    code = "rule_nth_order_past"
    say = Text(zh="仅限第 {which} 单，这已是第 {this} 单。", en="Only for order number {which}; this is number {this}.")
    step = Text(zh="看看其他优惠。", en="Look at the other promotions.")


class SpendHereFirst(Refusal):
    """The member has not spent enough with this merchant."""

    code = "rule_spend_here"
    say = Text(zh="在本店累计消费满 {least} 后可用。", en="For members who have spent {least} here.")
    step = Text(zh="在本店再消费 {missing}。", en="Spend {missing} more here.")


class SpendMore(Refusal):
    """The lines it is for cost too little."""

    code = "spend_more"
    say = Text(zh="满 {least} 可用。", en="From {least} on.")
    step = Text(zh="再买 {missing}，{prize_zh}。", en="{missing} more for {prize_en}.")


class BuyMore(Refusal):
    """Too few units."""

    code = "buy_more"
    say = Text(zh="满 {least} 件可用。", en="From {least} pieces on.")
    step = Text(zh="再买 {missing} 件，{prize_zh}。", en="{missing} more for {prize_en}.")


class OnlyChannel(Refusal):
    """Bought through another channel."""

    code = "rule_channel"
    say = Text(zh="仅限渠道：{channels_in_words}。", en="Only through: {channels_in_words}.")
    step = Text(zh="换到该渠道下单。", en="Order there.")


class AddItem(Refusal):
    """The item that would be free is not in the basket."""

    code = "add_free_item"
    say = Text(zh="还没有选择赠品「{title_zh}」。", en="“{title_en}” is not in the basket yet.")
    step = Text(zh="加入「{title_zh}」，免费。", en="Add “{title_en}”: it is free.")


class NoDelivery(Refusal):
    """Nothing is delivered, so there is no fee to take off."""

    code = "no_delivery"
    say = Text(zh="没有配送费可减。", en="There is no delivery fee to take off.")
    step = Text(zh="选择配送时可用。", en="It applies when something is delivered.")


class ExpressionSaysNo(Refusal):
    """The condition that staff has written says no."""

    code = "rule_expression"
    say = Text(zh="不符合条件：{says_zh}。", en="A condition is not met: {says_en}.")
    step = Text(zh="满足「{says_zh}」后可用。", en="It applies when this holds: {says_en}.")


class ExpressionBroken(Refusal):
    """The condition that staff has written has no answer for this basket (for instance a division by zero)."""

    code = "rule_expression_broken"
    say = Text(zh="条件「{says_zh}」无法计算。", en="The condition “{says_en}” has no answer here.")
    step = Text(zh="请商家检查这个条件。", en="The merchant has to mend the condition.")


class Unsound(Refusal):
    """A promotion cannot be saved like this."""

    code = "promotion_unsound"
    status = 422
    say = Text(zh="「{field}」有误：{why_zh}。", en="“{field}” cannot be used: {why_en}.")
    step = Text(zh="请修改后再保存。", en="Correct it and save again.")
