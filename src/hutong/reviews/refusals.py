"""Why something cannot be said, answered, reported or decided."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class ReviewUnknown(Refusal):
    """There is no such review, or it is not for these eyes."""

    code = "review_not_found"
    status = 404
    say = Text(zh="没有找到这条评价。", en="There is no such review.")
    step = Text(zh="它可能已被作者撤回。", en="Its author may have taken it back.")


class NotUsedYet(Refusal):
    """Reviews come from visits: the voucher has not been used, or its use was undone."""

    code = "not_used_yet"
    say = Text(zh="用券后才能评价。", en="Reviews can be written after the voucher was used.")
    step = Text(zh="到店用券后再来评价吧。", en="Use it in the shop, then come back.")


class ReviewExists(Refusal):
    """The visit has its review."""

    code = "review_exists"
    say = Text(zh="这次消费已经评价过了。", en="You have reviewed this already.")
    step = Text(zh="可在「我的评价」中查看或修改。", en="Look at it or change it under “My reviews”.")


class TooLateToReview(Refusal):
    """The visit is too long ago."""

    code = "too_late_to_review"
    say = Text(zh="消费已超过 {days} 天，不能再评价。", en="This was used over {days} days ago.")
    step = Text(zh="下次消费后记得来评价。", en="Tell us after your next visit.")


class TooLateToEdit(Refusal):
    """The days for changing it are over."""

    code = "too_late_to_edit"
    say = Text(zh="评价发布 {days} 天后不能修改。", en="A review can be changed for {days} days only.")
    step = Text(zh="如有需要，可以撤回这条评价。", en="You can still take it back.")


class NoStars(Refusal):
    """A review has one to five stars."""

    code = "no_stars"
    status = 422
    say = Text(zh="还没有选择星级。", en="No stars were chosen.")
    step = Text(zh="请先点选 1 到 5 颗星。", en="Choose one to five stars first.")


class TooManyWords(Refusal):
    """Longer than there is room for."""

    code = "too_many_words"
    status = 422
    say = Text(zh="内容有 {length} 字，最多 {most} 字。", en="That is {length} characters; {most} is the most.")
    step = Text(zh="请精简后再提交。", en="Shorten it and send it again.")


class NoWords(Refusal):
    """Nothing was written where something has to be."""

    code = "no_words"
    status = 422
    say = Text(zh="还没有填写内容。", en="Nothing was written.")
    step = Text(zh="请填写后再提交。", en="Write something, then send it.")


class ReviewHidden(Refusal):
    """The operator has hidden it; it stands as it is until that changes."""

    code = "review_hidden"
    say = Text(zh="这条评价已被隐藏，暂不能操作。", en="This review is hidden and cannot be changed now.")
    step = Text(zh="如有异议，可以申诉一次。", en="If you disagree, you can appeal once.")


class AppealedAlready(Refusal):
    """Each side may appeal once."""

    code = "appealed_already"
    say = Text(zh="您已经申诉过了。", en="You have appealed already.")
    step = Text(
        zh="请等待处理结果；每条评价只能申诉一次。", en="Wait for the decision; there is one appeal for each review."
    )


class NothingToAppeal(Refusal):
    """There is no decision that this side could be against."""

    code = "nothing_to_appeal"
    say = Text(zh="这条评价目前无需申诉。", en="There is nothing to appeal against.")
    step = Text(zh="请刷新页面查看最新状态。", en="Reload the page to see how it stands.")


class NoAppeal(Refusal):
    """There is no open appeal of that side."""

    code = "no_appeal"
    status = 404
    say = Text(zh="没有待处理的申诉。", en="There is no open appeal.")
    step = Text(zh="它可能已由同事处理。", en="Somebody else may have decided it.")
