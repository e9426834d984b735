"""Why somebody cannot open or join a team, climb a ladder, or bargain."""

from hutong.kit.refusals import Refusal
from hutong.kit.text import Text


class TeamUnknown(Refusal):
    """There is no such team of this deal, or it is not paid for by whoever opened it."""

    code = "team_not_found"
    status = 404
    say = Text(zh="没有找到这个拼团。", en="There is no such team.")
    step = Text(zh="您可以自己开一个团。", en="You can open a team of your own.")


class TeamFull(Refusal):
    """All its places are taken or reserved."""

    code = "team_full"
    say = Text(zh="这个团已满员。", en="All places of this team are taken.")
    step = Text(zh="加入别的团，或自己开一个。", en="Join another team, or open one yourself.")


class TeamOver(Refusal):
    """It has clinched, or its time is over."""

    code = "team_over"
    say = Text(zh="这个团已经结束。", en="This team is over.")
    step = Text(zh="加入别的团，或自己开一个。", en="Join another team, or open one yourself.")


class AlreadyInTeam(Refusal):
    """One running team for each member and deal."""

    code = "already_in_team"
    say = Text(zh="这个团购您已有一个进行中的团。", en="You are in a running team of this deal already.")
    step = Text(zh="邀请朋友加入，或等它结束。", en="Invite friends to it, or wait until it ends.")


class BargainUnknown(Refusal):
    """There is no such bargain."""

    code = "bargain_not_found"
    status = 404
    say = Text(zh="没有找到这个砍价。", en="There is no such bargain.")
    step = Text(zh="您可以自己发起一个。", en="You can begin one of your own.")


class BargainOver(Refusal):
    """Its time is over, or it was bought."""

    code = "bargain_over"
    say = Text(zh="这个砍价已经结束。", en="This bargain is over.")
    step = Text(zh="您可以自己发起一个。", en="You can begin one of your own.")


class BargainNotYours(Refusal):
    """Only who began a bargain buys at its price."""

    code = "bargain_not_yours"
    say = Text(zh="只有发起人可以按砍后价购买。", en="Only who began this bargain can buy at its price.")
    step = Text(zh="您可以自己发起一个。", en="You can begin one of your own.")


class BargainOnce(Refusal):
    """One bargain for each member and offer."""

    code = "bargain_once"
    say = Text(zh="每个商品每人只能发起一次砍价。", en="Each offer can be bargained for once by each member.")
    step = Text(zh="打开您发起的那一个。", en="Open the one you have begun.")


class AlreadyHelped(Refusal):
    """A friend helps once for each offer."""

    code = "already_helped"
    say = Text(zh="这个商品您已帮砍过一次。", en="You have helped with this offer before.")
    step = Text(zh="您可以自己发起一个。", en="You can begin one of your own.")


class OwnBargain(Refusal):
    """Nobody cuts his own price."""

    code = "own_bargain"
    say = Text(zh="不能给自己砍价。", en="You cannot cut your own price.")
    step = Text(zh="请把链接分享给朋友。", en="Share the link with friends.")


class NothingToCut(Refusal):
    """The price is at its floor, or all friends have helped."""

    code = "nothing_to_cut"
    say = Text(zh="已砍到最低价。", en="The price cannot be cut any further.")
    step = Text(zh="发起人现在就可以下单。", en="It can be bought at this price now.")


class BargainBudget(Refusal):
    """All bargains of the offer together have cut what they may."""

    code = "bargain_budget"
    say = Text(zh="这个活动的砍价额度已用完。", en="What may be cut off this offer in all is used up.")
    step = Text(zh="可按当前价格购买。", en="It can be bought at the price it has now.")
