"""Why somebody cannot wait, or waits no more."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class NotSoldOut(Refusal):
    """There is enough of it: it can be bought now."""

    code = "not_sold_out"
    say = Text(zh="现在就可以买，不用排队。", en="It can be bought right now.")
    step = Text(zh="直接下单即可。", en="There is no need to wait.")


class AlreadyWaiting(Refusal):
    """The member waits for this deal already."""

    code = "already_waiting"
    say = Text(zh="您已经在排队等这个商品了。", en="You are waiting for this already.")
    step = Text(zh="可在「我的候补」里查看位置或退出。", en="Your place stands under “What I wait for”.")


class TooManyEntries(Refusal):
    """One member waits for too many things at once."""

    code = "too_many_entries"
    say = Text(zh="最多同时候补 {most} 个。", en="At most {most} things can be waited for at once.")
    step = Text(zh="请先退出一个。", en="Leave one of them first.")


class NoListHere(Refusal):
    """This is not sold in a way that one could wait for."""

    code = "no_list_here"
    say = Text(zh="这个商品不支持候补。", en="Nobody can wait for this one.")
    step = Text(zh="看看这家店的其他团购。", en="Look at the other deals of this shop.")


class NoSlotRuns(Refusal):
    """Between the slots of a flash sale there is nothing to wait for: the next one has a stock of its own."""

    code = "no_slot_runs"
    say = Text(zh="现在没有正在进行的场次。", en="None of its slots is running now.")
    step = Text(zh="等下一场开始再来，每一场库存分开。", en="Come back when the next one begins: its stock is its own.")


class EntryUnknown(Refusal):
    """There is no such entry for this member, or no such link."""

    code = "entry_not_found"
    status = 404
    say = Text(zh="没有找到这条候补。", en="There is no such entry in a waiting list.")
    step = Text(zh="请在「我的候补」里查看。", en="Look under “What I wait for”.")
