"""Flash sales: a deal that is sold only within its slots, each with a stock of its own. Pure."""

from datetime import datetime, timedelta

from hutong.catalog.forms import Flash, Slot
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class SlotNotOpen(Refusal):
    """No slot runs at this moment; another one comes. `opens_at` is an instant, the words say how long it is until."""

    code = "slot_not_open"
    say = Text(zh="还没到抢购时间，{wait_zh}后开始。", en="Not on sale yet: it begins in {wait_en}.")
    step = Text(zh="到点再来，每一场库存分开。", en="Come back then; each slot has a stock of its own.")


class SlotsOver(Refusal):
    """Its last slot is over."""

    code = "slots_over"
    say = Text(zh="抢购已全部结束。", en="Its last slot is over.")
    step = Text(zh="看看这家店的其他团购。", en="Look at the other deals of this shop.")


def slot_now(form: Flash, now: datetime) -> Slot | Refusal:
    """The slot that runs, whose stock an order takes; or when the next one begins."""
    running = form.running(now)
    if running is not None:
        return running
    coming = form.coming(now)
    if coming is None:
        return SlotsOver()
    words = in_words(coming.starts_at - now)
    return SlotNotOpen(wait_zh=words.zh, wait_en=words.en, opens_at=coming.starts_at.isoformat())


def in_words(left: timedelta) -> Text:
    """A span as people say it, rounded up to whole minutes; no zone is needed for it."""
    minutes = max(1, -(-int(left.total_seconds()) // 60))
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return Text(zh=f"{days} 天 {hours} 小时", en=f"{days} d {hours} h")
    if hours:
        return Text(zh=f"{hours} 小时 {rest} 分钟", en=f"{hours} h {rest} min")
    return Text(zh=f"{rest} 分钟", en=f"{rest} min")
