"""Repeat business as pages say it: one sentence first, how sure it is, and the tables behind it. One for both faces."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import insight, merchants
from hutong.desk.repeating import OfCity, OfMerchant, answer_of
from hutong.infra.db import Tx
from hutong.insight import FEW, SURE_FROM, Around, Business, CouldBe, Flow, Interval, Step
from hutong.insight import tellable as told
from hutong.insight.model import ENOUGH
from hutong.kit.money import Amount
from hutong.places import City
from hutong.web.shared.flowing import MOST, Band, End, Picture, draw, ends
from hutong.web.shared.formats import Formats
from hutong.web.shared.sheeting import Row, percent, row_of
from hutong.web.shared.visit import Visit
from hutong.web.shared.words import Words

LOOKS: dict[CouldBe, str] = {"yes": "good", "no": "bad", "unclear": "warn", "early": "", "nothing": ""}
ICONS = {"good": "check", "bad": "alert", "warn": "info", "": "clock"}
HEATS = 5
MATRIX = 12  # merchants of the matrix on the page; the file has all
TREND_WIDE, TREND_HIGH = 340, 90


def signed(bps: int) -> str:
    """+33% or −4% of basis points."""
    return ("+" if bps > 0 else "−" if bps < 0 else "") + percent(abs(bps))


def span(sure: Interval) -> dict[str, str]:
    """The ends of a share's interval, as words want them."""
    return {"low": percent(sure.low), "high": percent(sure.high)}


ALL = "all"  # of the query `over`: all cities that the reader may see


async def shop_names(tx: Tx, visit: Visit, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of merchants in the reader's language."""
    known = await merchants.merchants(tx, sorted({one for one in ids if one is not None}))
    return {key: visit.formats().say(one.name) for key, one in known.items()}


class Reach(Struct, frozen=True):
    """A choice of how far the page looks: this city, or all that the reader may see."""

    name: str
    url: str
    current: bool


def reaches(
    cities: Sequence[City], here: City, *, wide: bool, to: Callable[[str], str], t: Words, f: Formats
) -> list[Reach]:
    """Nothing to choose where there is one city. `to`: the address of a choice ("" or "all")."""
    if len(cities) < 2:
        return []
    return [Reach(f.say(here.name), to(""), not wide), Reach(t("repeat.all_cities", n=len(cities)), to(ALL), wide)]


class Bar(Struct, frozen=True):
    """A stretch of the trend in the picture's own grid: returning below, new above."""

    step: Step
    x: float
    width: float
    top: float
    middle: float


class Change(Struct, frozen=True, kw_only=True):
    """Before and after joining in words; a bar of the interval between -100 % and +100 % in hundredths."""

    around: Around | None
    look: str
    title: str
    words: str
    at: float | None = None
    begins: float = 0.0
    width: float = 0.0


class Shown(Struct, frozen=True, kw_only=True):
    """What the page of one merchant needs besides `it`."""

    it: OfMerchant
    look: str
    icon: str
    title: str
    words: str
    sources: list[End]
    targets: list[End]
    left_in: int
    left_out: int
    incoming: Picture | None
    outgoing: Picture | None
    bars: list[Bar]
    backs: list[Row]
    share: str
    change: Change
    may_tell: bool


def trend(steps: Sequence[Step]) -> list[Bar]:
    """Bars as high as their members."""
    most = max((step.members for step in steps), default=0)
    if not most:
        return []
    room = TREND_WIDE / len(steps)
    scale = TREND_HIGH / most
    return [
        Bar(
            step, round(i * room + room * 0.12, 1), round(room * 0.76, 1), round(TREND_HIGH - step.members * scale, 1),
            round(TREND_HIGH - step.returning * scale, 1),
        )
        for i, step in enumerate(steps)
    ]  # fmt: skip


def _bound(bps: int) -> float:
    return min(100.0, max(0.0, 50 + bps / 200))


def change_of(around: Around | None, joined: object, t: Words, f: Formats) -> Change:
    """Before and after joining, honest about what is not known."""
    if around is None:
        kind = "not_joined" if joined is None else "soon"
        return Change(around=None, look="", title=t(f"repeat.change.{kind}"), words=t(f"repeat.change.{kind}_words"))
    answer = answer_of(around)
    facts: dict[str, Any] = {
        "weeks": around.weeks, "before": around.before, "after": around.after, "expected": round(around.expected),
        "others": around.others, "day": f.day(around.joined),
    }  # fmt: skip
    if around.change is None:
        return Change(
            around=around, look="", title=t("repeat.change.early"), words=t("repeat.change.early_words", **facts)
        )
    facts |= {"change": signed(around.change)}
    title = t(f"repeat.change.{answer}", **facts)
    if around.sure is None:
        return Change(around=around, look=LOOKS[answer], title=title, words=t("repeat.change.words", **facts))
    low, high = around.sure.low, around.sure.high
    words = t("repeat.change.words", **facts) + " " + t("repeat.change.between", low=signed(low), high=signed(high))
    return Change(
        around=around, look=LOOKS[answer], title=title, words=words, at=_bound(around.change), begins=_bound(low),
        width=_bound(high) - _bound(low),
    )  # fmt: skip


def _headline(now: Business | None, change: Change, t: Words, f: Formats) -> tuple[str, str, str]:
    """(look, title, words) of the first thing that is said."""
    if now is None:
        return "", t("repeat.none"), t("repeat.none_words")
    facts: dict[str, Any] = {
        "members": now.members, "returning": now.returning, "elsewhere": now.elsewhere, "n": now.members,
        "share": percent(now.share), "amount": f.money(now.elsewhere_money),
    }  # fmt: skip
    if now.members < ENOUGH:
        return "", t("repeat.early", **facts), t("repeat.early_words", enough=ENOUGH, **facts)
    words = t("repeat.returning_words", **facts)
    if not told(now.elsewhere):
        return change.look, t("repeat.head_few", few=FEW, **facts), words
    if not now.elsewhere:
        return change.look, t("repeat.head_none", **facts), words
    sure = " " + t("repeat.between", **span(now.sure)) if now.sure else " " + t("repeat.not_sure", n=SURE_FROM)
    return change.look, t("repeat.head", **facts), words + sure


def shown(it: OfMerchant, names: Mapping[UUID, str], t: Words, f: Formats) -> Shown:
    """One merchant's page. Nothing is said that the numbers do not hold."""
    me = it.merchant_id

    def name(one: UUID) -> str:
        return names.get(one, t("repeat.a_shop"))

    sources, left_in = ends(it.flows, it.hidden, to=me, name=name)
    targets, left_out = ends(it.flows, it.hidden, of=me, name=name)
    change = change_of(it.around, it.joined, t, f)
    look, title, words = _headline(it.now, change, t, f)
    here = t("repeat.here")

    def of(side: str, end: End) -> Band:
        source, target = (end.name, here) if side == "in" else (here, end.name)
        return Band(source, target, end.members, t(f"repeat.flow_{side}", name=end.name, n=end.members))

    def note(members: Mapping[str, int], inner: str) -> Any:
        return lambda side, one: "" if side == inner else str(members.get(one, ""))

    coming = draw([of("in", end) for end in sources[:MOST]], note({e.name: e.members for e in sources}, "target"))
    going = draw([of("out", end) for end in targets[:MOST]], note({e.name: e.members for e in targets}, "source"))
    return Shown(
        it=it, look=look, icon=ICONS[look], title=title, words=words, sources=sources, targets=targets,
        left_in=left_in, left_out=left_out, incoming=coming, outgoing=going, bars=trend(it.steps),
        backs=[row_of(back) for back in it.now.backs] if it.now else [], share=percent(it.now.share) if it.now else "",
        change=change, may_tell=it.now is None or told(it.now.elsewhere),
    )  # fmt: skip


class Cell(Struct, frozen=True):
    """A cell of the matrix. `heat`: 0 to HEATS; `members`: None when it is not told."""

    members: int | None
    comings: int
    introduced: int
    money: Amount | None
    heat: int
    own: bool = False


class Line(Struct, frozen=True, kw_only=True):
    """A merchant in the list and in the matrix."""

    merchant_id: UUID
    name: str
    business: Business
    crossing: int
    cells: list[Cell]
    met: str
    low: str
    high: str
    may_tell: bool
    around: Around | None
    change: str


class ShownCity(Struct, frozen=True, kw_only=True):
    """What the operator's page needs besides `it`."""

    it: OfCity
    look: str
    icon: str
    title: str
    words: str
    lines: list[Line]
    in_matrix: int
    hidden: int
    picture: Picture | None
    bars: list[Bar]
    backs: list[Row]
    several: Row | None


def _cells(of: UUID, ordered: Sequence[UUID], it: OfCity, by: Mapping[tuple[UUID | None, UUID], Flow]) -> list[Cell]:
    told_ = [f.members for key, f in by.items() if f.source != f.target and key not in it.hidden and f.source]
    most = max(told_, default=0)
    found = []
    for target in ordered:
        flow = by.get((of, target))
        if flow is None:
            found.append(Cell(0, 0, 0, None, 0, of == target))
        elif of == target:
            found.append(Cell(flow.members if told(flow.members) else None, flow.comings, 0, flow.money, 0, own=True))
        elif (of, target) in it.hidden:
            found.append(Cell(None, 0, 0, None, 0))
        else:
            heat = max(1, -(-flow.members * HEATS // most)) if most else 0
            found.append(Cell(flow.members, flow.comings, flow.introduced, flow.money, heat))
    return found


def city(it: OfCity, names: Mapping[UUID, str], t: Words, f: Formats) -> ShownCity:
    """The operator's page: the alliance in one sentence, its matrix, its merchants by cross traffic."""
    ranked, crossing = it.ranked, insight.crossing(it.flows)
    by = {(flow.source, flow.target): flow for flow in it.flows}
    top = ranked[:MATRIX]
    lines = [_line(one, it, names, crossing, _cells(one, top, it, by) if one in top else [], t) for one in ranked]
    look = LOOKS[it.answer] if it.sure else ""
    shown_flows = sorted(
        (f_ for f_ in it.flows if f_.source in top and f_.target in top and f_.source != f_.target
         and (f_.source, f_.target) not in it.hidden),
        key=lambda one: (-one.members, str(one.source), str(one.target)),
    )[: MOST * 2]  # fmt: skip
    bands = [
        Band(
            names.get(one.source, "") if one.source else "", names.get(one.target, ""), one.members,
            t("repeat.flow_from_to", source=names.get(one.source, "") if one.source else "",
              target=names.get(one.target, ""), n=one.members),
        )
        for one in shown_flows
    ]  # fmt: skip
    title, words = _said(it, t)
    whole = it.whole.several
    return ShownCity(
        it=it, look=look, icon=ICONS[look], title=title, words=words, lines=lines, in_matrix=len(top),
        hidden=len(it.hidden), picture=draw(bands, lambda _, __: ""), bars=trend(it.steps),
        backs=[row_of(back) for back in it.backs],
        several=row_of(insight.Back(0, whole, 0)) if whole.of else None,
    )  # fmt: skip


def _said(it: OfCity, t: Words) -> tuple[str, str]:
    whole = it.whole
    if whole.members < ENOUGH:
        return t("repeat.city_early"), t("repeat.city_early_words", enough=ENOUGH, n=whole.members)
    share = percent(whole.several.bps)
    low, high = (percent(one) for one in whole.several.interval)
    words = t("repeat.city_several", n=whole.several.hits, of=whole.members, share=share, low=low, high=high)
    if it.sure is None or it.change is None:
        return t("repeat.city_unknown", crossings=whole.crossings, share=share), words
    facts = {"change": signed(it.change), "low": signed(it.sure.low), "high": signed(it.sure.high),
             "n": sum(one.enough for one in it.arounds.values())}  # fmt: skip
    return t(f"repeat.city_{it.answer}", **facts), words + " " + t("repeat.city_between", **facts)


def _line(
    one: UUID, it: OfCity, names: Mapping[UUID, str], crossing: Mapping[UUID, int], cells: list[Cell], t: Words
) -> Line:
    made, around = it.merchants[one], it.arounds.get(one)
    low, high = made.met.interval
    return Line(
        merchant_id=one, name=names.get(one, t("repeat.a_shop")), business=made, crossing=crossing.get(one, 0),
        cells=cells, met=percent(made.met.bps), low=percent(low), high=percent(high), may_tell=told(made.elsewhere),
        around=around, change=signed(around.change) if around and around.change is not None else "",
    )  # fmt: skip
