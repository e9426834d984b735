"""Who recruits in the town: Lin's operator with an agent below; Mei's second shop waits after a round and her third is
a draft, a contract waits for her; Hua came in with one shop, and of another two operators say that they recruited it.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hutong import people as members
from hutong import recruiting, settlement
from hutong.infra.ids import new_id
from hutong.kit.access import Scope
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.ids import APPLICATION, CASE, MERCHANT
from hutong.kit.text import Text
from hutong.merchants import Hours
from hutong.people import AddMember
from hutong.recruiting import (
    Apply,
    AskStore,
    Assign,
    Bring,
    Call,
    LogVisit,
    MakeOperator,
    Move,
    MoveStore,
    Offer,
    Reach,
    StoreSaid,
    TakeSeat,
    Verdict,
    Words,
    calling_text,
)
from hutong.settlement import Plan

ALL = Reach(everything=True)
ZONE = "Asia/Shanghai"
# Words that people wrote: they stand as they are, in whatever language.
WROTE = (
    "晨光豆浆", "晨光路 8 号", "晨光路 18 号", "街边摊位", "请核对门牌号", "看不清", "见到老板，愿意试试", "带合同再来",
    "我们先到的", "第一年优惠", "北山", "标准方案", "北山路 9 号", "河湾", "河湾路 7 号", "河湾小店", "华叔", "夜宵",
)  # fmt: skip


async def recruit_some(world: Any) -> None:
    """Pages that come of it are in `world.paths`: application, shop, case, invited, joining."""
    now, city, people = world.clock.now(), world.city, world.house.town.people
    left, agent, right = new_id(), new_id(), new_id()
    async with world.house.db.central() as tx:
        made = [
            MakeOperator(operator_id=left, kind="division", name=Text(zh="灯笼运营", en="Lantern Operations"), by=None),
            MakeOperator(operator_id=right, kind="division", name=Text(zh="临江联营", en="Riverbank"), by=None),
            MakeOperator(
                operator_id=agent, kind="agent", name=Text(zh="东街代理", en="East Agency"), parent_id=left,
                handed_bps=6_000, by=None,
            ),
        ]  # fmt: skip
        await recruiting.make_operators(tx, made, now=now - timedelta(days=9))
        area = Assign(territory_id=new_id(), district_id=None, operator_id=left, by=None)
        await recruiting.assign(tx, [area], city_id=city, now=now - timedelta(days=9))
        seat = TakeSeat(seat_id=new_id(), operator_id=left, member_id=people["lin"], part="manager", by=None)
        await recruiting.take_seats(tx, [seat], now=now - timedelta(days=9))
        plan = Plan(
            plan_id=new_id(), version=1, name=Text(zh="标准方案", en="Standard plan"), commission_bps=800,
            made_at=now - timedelta(days=9),
        )  # fmt: skip
        await settlement.add_plans(tx, [plan], now=now - timedelta(days=9))
    mei, hua = people["mei"], await _hua(world)
    waits = await _applies(world, mei, agent, "晨光豆浆", "Dawn Soy Milk", "晨光路 8 号", 1)
    await _another_round(world, waits)
    await _applies(world, mei, agent, "夜宵", "Late Bites", "晨光路 8 号", 5, sent=False)
    shop = await _comes_in(world, hua, agent, "北山", "Beishan", "北山路 9 号", 2)
    await _visits(world, left, None, "河湾小店", "+8619900004003")
    await _visits(world, right, None, "河湾小店", "+8619900004003")
    fought = await _comes_in(world, hua, left, "河湾", "Bend", "河湾路 7 号", 3)
    await _visits(world, left, shop.merchant_id, "北山", None)
    offer = Offer(
        contract_id=new_id(), version=0, merchant_id=world.house.town.noodle_bar, operator_id=agent,
        plan_id=plan.plan_id, plan_version=1, plan_words=Text(zh="标准方案", en="Standard plan"), months=12,
        note="第一年优惠", by=people["lin"],
    )  # fmt: skip
    await world.run(lambda tx: recruiting.offer(tx, [offer], city_id=city, reach=ALL, now=world.clock.now()))
    async with world.house.db.reading(city) as tx:
        case = (await recruiting.cases_on(tx, [fought.merchant_id], city_id=city))[fought.merchant_id]
    await _more_stores(world)
    joining = await _call(world, left, "recruiter")
    invited = await _call(world, left, "merchant")
    world.paths |= {
        "application": APPLICATION.show(waits, city), "shop": MERCHANT.show(shop.merchant_id),
        "case": CASE.show(case.case_id, city), "invited": f"/m/invited/{invited[1]}",
        "joining": f"/o/join/{joining[1]}", "came_in": APPLICATION.show(shop.application_id, city),
    }  # fmt: skip


async def _call(world: Any, operator: UUID, part: Any) -> tuple[Call, str]:
    ask = Call(
        invitation_id=new_id(), secret=new_id().hex, operator_id=operator, part=part, label="街边摊位",
        by=world.house.town.people["lin"],
    )  # fmt: skip
    now = world.clock.now()
    await world.run(lambda tx: recruiting.call(tx, [ask], city_id=world.city, now=now))
    return ask, calling_text(world.city, ask.invitation_id, ask.secret)


async def _hua(world: Any) -> UUID:
    """Somebody who has shops and nothing else to do with the town."""
    member_id = new_id()
    async with world.house.db.central() as tx:
        ask = AddMember(member_id=member_id, phone="+8619900000061", name="华叔")
        await members.add_members(tx, [ask], now=world.clock.now())
    return member_id


async def _applies(
    world: Any, who: UUID, operator: UUID, zh: str, en: str, street: str, number: int, *, sent: bool = True
) -> UUID:
    """By the operator's code, with all papers, sent in; else a draft without any."""
    called, _ = await _call(world, operator, "merchant")
    now, application = world.clock.now(), new_id()
    words = Words(
        name=Text(zh=zh, en=en), trade="restaurant", category="noodles", district_id=1, place=Point(30.842, 112.715),
        address=Text(zh=street, en=f"{number} {en} Road"), phone=f"+861990000400{number}",
    )  # fmt: skip
    ask = Apply(
        application_id=application, member_id=who, words=words, demands=("business_licence", "food_permit"),
        invitation_id=called.invitation_id, secret=called.secret,
    )  # fmt: skip
    name = await world.house.files.put(b"%PDF-1.4 paper", "application/pdf")
    papers = [
        Bring(document_id=new_id(), application_id=application, kind=kind, file=name, by=who,
              expires_on=local_day(now, ZONE) + timedelta(days=20 if number == 2 else 400))
        for kind in ask.demands
    ]  # fmt: skip
    city, today = world.city, local_day(now, ZONE)
    await world.run(lambda tx: recruiting.apply(tx, [ask], city_id=city, now=now))
    if not sent:
        return application
    await world.run(lambda tx: recruiting.bring(tx, papers, city_id=city, today=today, now=now))
    send = Move(application_id=application, by=who, version=1)
    await world.run(lambda tx: recruiting.submit(tx, [send], city_id=city, now=now))
    return application


async def _another_round(world: Any, application: UUID) -> None:
    """Lin could not read a paper; Mei has mended the address and sent it in again."""
    now, city, mei, lin = world.clock.now(), world.city, *(world.house.town.people[who] for who in ("mei", "lin"))
    no = Verdict(application_id=application, kind="food_permit", state="rejected", reason="看不清", by=lin)
    await world.run(lambda tx: recruiting.judge_documents(tx, [no], city_id=city, reach=ALL, now=now))
    back = Move(application_id=application, by=lin, version=2, reason="请核对门牌号")
    (one,) = await world.run(lambda tx: recruiting.send_back(tx, [back], city_id=city, reach=ALL, now=now))
    words = {name: getattr(one.words, name) for name in Words.__struct_fields__}
    words["address"] = Text(zh="晨光路 18 号", en="18 Dawn Road")
    change = recruiting.Rework(application_id=application, member_id=mei, version=3, words=Words(**words))
    await world.run(lambda tx: recruiting.rework(tx, [change], city_id=city, now=now))
    name = await world.house.files.put(b"%PDF-1.4 better", "application/pdf")
    paper = Bring(document_id=new_id(), application_id=application, kind="food_permit", file=name, by=mei)
    today = local_day(now, ZONE)
    await world.run(lambda tx: recruiting.bring(tx, [paper], city_id=city, today=today, now=now))
    send = Move(application_id=application, by=mei, version=3)
    await world.run(lambda tx: recruiting.submit(tx, [send], city_id=city, now=now))


async def _comes_in(world: Any, who: UUID, operator: UUID, zh: str, en: str, street: str, number: int) -> Any:
    application = await _applies(world, who, operator, zh, en, street, number)
    now, city = world.clock.now(), world.city
    yes = Move(application_id=application, by=world.house.town.people["lin"], version=2)
    how = {"city_id": city, "reach": ALL, "today": local_day(now, ZONE), "now": now}
    (one,) = await world.run(lambda tx: recruiting.approve(tx, [yes], **how))
    return one


async def _visits(world: Any, operator: UUID, merchant: UUID | None, business: str, phone: str | None) -> None:
    now = world.clock.now()
    seen = LogVisit(
        visit_id=new_id(), operator_id=operator, by=world.house.town.people["lin"], business=business, phone=phone,
        merchant_id=merchant, note="见到老板，愿意试试", next_step="带合同再来", next_on=local_day(now, ZONE),
        at=now - timedelta(hours=2),
    )  # fmt: skip
    await world.run(lambda tx: recruiting.log_visits(tx, [seen], city_id=world.city, now=now))


async def _more_stores(world: Any) -> None:
    """Mei asks for two further stores: one waits, one came back with a question."""
    now, city, people = world.clock.now(), world.city, world.house.town.people
    mine = Scope(merchants=frozenset({world.house.town.noodle_bar}))
    asks = [
        AskStore(
            new_store_id=new_id(), merchant_id=world.house.town.noodle_bar, by=people["mei"],
            said=StoreSaid(
                name=Text(zh=zh, en=en), address=Text(zh=street, en=f"{en} Road"), category="noodles", district_id=1,
                place=Point(30.842, 112.715), pinned=True, phone=None,
                hours=Hours.parse(["10:00-22:00"] * 7).numbers(), photo="",
            ),
        )
        for zh, en, street in (("晨光店", "Dawn", "晨光路 8 号"), ("河湾店", "Bend", "河湾路 7 号"))
    ]  # fmt: skip
    _, second = await world.run(lambda tx: recruiting.ask_stores(tx, asks, city_id=city, scope=mine, now=now))
    back = MoveStore(new_store_id=second.new_store_id, by=people["lin"], version=second.version, reason="请核对门牌号")
    await world.run(lambda tx: recruiting.return_stores(tx, [back], city_id=city, reach=ALL, now=now))
