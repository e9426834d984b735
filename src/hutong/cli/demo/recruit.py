"""Who recruits in the demo: Lin's operator runs Qinghe with an agent and a recruiter below; another runs Linjiang. One
shop waits to come in after a round back, one is let in and has signed, and of one both say that they recruited it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from msgspec import structs

from hutong import catalog, people, recruiting, settlement
from hutong.cli.demo.city_data import CityData
from hutong.cli.demo.load import ROOT, member_id
from hutong.cli.demo.paint import shop
from hutong.desk.operating import follow_roles
from hutong.infra.db import Database, Tx
from hutong.infra.files import Files
from hutong.kit.clock import local_day
from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.people import AddMember
from hutong.recruiting import (
    Application,
    Apply,
    Assign,
    Bring,
    Call,
    LogVisit,
    MakeOperator,
    Move,
    Offer,
    Reach,
    Sign,
    TakeSeat,
    Verdict,
    Words,
)
from hutong.settlement import Plan

LANTERN, EAST, QIU, RIVER = (derive(ROOT, f"operator/{name}") for name in ("lantern", "east", "qiu", "river"))
CAST = (("hai", "海叔", "+8619900000031"), ("qiu", "秋实", "+8619900000032"), ("yan", "燕子", "+8619900000033"))
T = TypeVar("T")
ALL = Reach(everything=True)
NOTHING_MORE = Text(zh="标准方案", en="Standard plan")


def _operators() -> list[MakeOperator]:
    return [
        MakeOperator(
            operator_id=LANTERN, kind="division", by=None, name=Text(zh="灯笼城市运营", en="Lantern Operations")
        ),
        MakeOperator(operator_id=RIVER, kind="division", name=Text(zh="临江联营", en="Riverbank Partners"), by=None),
        MakeOperator(
            operator_id=EAST, kind="agent", name=Text(zh="东街代理", en="East Street Agency"), parent_id=LANTERN,
            handed_bps=6_000, by=None,
        ),
        MakeOperator(
            operator_id=QIU, kind="staff", name=Text(zh="秋实", en="Qiu"), parent_id=EAST, handed_bps=4_000, by=None
        ),
    ]  # fmt: skip


async def recruit(db: Database, files: Files, data: CityData, *, now: datetime) -> int:
    """Write it; how many shops applied. A second time nothing is done."""
    began = now - timedelta(days=40)
    async with db.reading() as tx:
        if await recruiting.operators(tx, [LANTERN], at=now):
            return 0
    async with db.central() as tx:
        await _people(tx, data, began)
    paper = await files.put(shop("a paper of the demo", "life"), "image/webp")
    city = data.city("qinghe")
    districts = {d.slug: n for n, d in enumerate(city.districts, 1)}
    asks = [
        _words("晨光豆浆", "Dawn Soy Milk", "restaurant", "noodles", districts["old-town"], city.centre, 1),
        _words(
            "北山老面馆", "Beishan Noodles", "restaurant", "noodles", districts["beishan"], city.districts[2].centre, 2
        ),
        _words("河湾茶铺", "Bend Teahouse", "tea", "tea", districts["riverside"], city.districts[1].centre, 3),
    ]
    shelves = await _shelves(db)
    for number, words in enumerate(asks):
        words = words if words.category in shelves else _moved(words, data.trades[words.trade].category)
        await _story(db, data, words, number, paper, began)
    return len(asks)


async def _people(tx: Tx, data: CityData, now: datetime) -> None:
    cast = [AddMember(member_id=member_id(key), phone=phone, name=name) for key, name, phone in CAST]
    _sure(await people.add_members(tx, cast, now=now))
    _sure(await recruiting.make_operators(tx, _operators(), now=now))
    areas = (("qinghe", LANTERN), ("linjiang", RIVER))
    for slug, operator in areas:
        area = Assign(territory_id=derive(operator, "area"), district_id=None, operator_id=operator, by=None)
        _sure(await recruiting.assign(tx, [area], city_id=data.city(slug).city_id, now=now))
    seats: tuple[tuple[str, UUID, Any], ...] = (
        ("lin", LANTERN, "manager"),
        ("hai", RIVER, "manager"),
        ("yan", EAST, "manager"),
        ("qiu", QIU, "recruiter"),
    )
    _sure(
        await recruiting.take_seats(
            tx,
            [
                TakeSeat(seat_id=derive(operator, f"seat/{key}"), operator_id=operator, member_id=member_id(key),
                         part=part, by=None)
                for key, operator, part in seats
            ],
            now=now,
        )
    )  # fmt: skip
    await follow_roles(tx, [member_id(key) for key, *_ in seats], now=now)
    said = data.cast.commission
    plan = Plan(
        plan_id=derive(ROOT, "plan/standard"), version=1, name=NOTHING_MORE, commission_bps=said.commission_bps,
        operator_bps=said.operator_bps, made_at=now,
    )  # fmt: skip
    _sure(await settlement.add_plans(tx, [plan], now=now))


def _words(zh: str, en: str, trade: str, category: str, district: int, at: Point, number: int) -> Words:
    return Words(
        name=Text(zh=zh, en=en), trade=trade, category=category, district_id=district, place=at,
        address=Text(zh=f"{zh}路 {number} 号", en=f"{number} {en} Road"), phone=f"+86199000001{number:02}",
    )  # fmt: skip


def _moved(words: Words, category: str) -> Words:
    return structs.replace(words, category=category)


async def _shelves(db: Database) -> set[str]:
    async with db.reading() as tx:
        return {one.slug for one in await catalog.categories(tx)}


async def _story(db: Database, data: CityData, words: Words, number: int, paper: str, began: datetime) -> None:
    """0: sent back once, waits again. 1: let in, has signed, was visited since. 2: let in, and two say it is theirs."""
    city_id, owner = data.city("qinghe").city_id, member_id("bo")
    who, by = ((QIU, "qiu"), (EAST, "yan"), (LANTERN, "lin"))[number]
    application = derive(ROOT, f"application/{number}")
    at = began + timedelta(days=10 * (number + 1))

    async def work(tx: Tx) -> None:
        here = {"city_id": city_id, "now": at}
        first = began + timedelta(days=5)
        if number == 2:
            seen = _visit(number, RIVER, "hai", words, first, "路过看了看，老板想做线上")
            _sure(await recruiting.log_visits(tx, [seen], city_id=city_id, now=first))
        code = Call(
            invitation_id=derive(application, "code"), secret=f"demo-code-{number}", operator_id=who, part="merchant",
            label="街边摊位" if number == 0 else "", by=member_id(by),
        )  # fmt: skip
        _sure(await recruiting.call(tx, [code], city_id=city_id, now=first))
        ask = Apply(
            application_id=application, member_id=owner, words=words, demands=data.trades[words.trade].documents,
            invitation_id=code.invitation_id, secret=code.secret,
        )  # fmt: skip
        (one,) = _sure(await recruiting.apply(tx, [ask], **here))
        today = local_day(at, data.city("qinghe").zone)
        papers = [
            Bring(document_id=derive(application, kind), application_id=application, kind=kind, file=paper, by=owner,
                  expires_on=today + timedelta(days=45 if place == 2 else 800))
            for place, kind in enumerate(ask.demands)
        ]  # fmt: skip
        _sure(await recruiting.bring(tx, papers, today=today, **here))
        (one,) = _sure(await recruiting.submit(tx, [_move(one, owner)], **here))
        if number == 0:
            await _round(tx, one, papers[-1], at, city_id)
            return
        (one,) = _sure(await recruiting.approve(tx, [_move(one, member_id("lin"))], reach=ALL, today=today, **here))
        await catalog.refresh_stores(tx, [one.store_id], **here)
        if number == 1:
            await _signed(tx, one, data, at, city_id)

    await db.run_city(city_id, work)


async def _round(tx: Tx, one: Application, paper: Bring, at: datetime, city_id: int) -> None:
    """A paper could not be read; the owner brought it again and corrected the address."""
    lin, here = member_id("lin"), {"city_id": city_id, "now": at + timedelta(hours=3)}
    no = Verdict(application_id=one.application_id, kind=paper.kind, state="rejected", reason="照片看不清", by=lin)
    _sure(await recruiting.judge_documents(tx, [no], reach=ALL, **here))
    (one,) = _sure(await recruiting.send_back(tx, [_move(one, lin, "请重拍许可证，门牌号也请核对")], reach=ALL, **here))
    words = structs.replace(one.words, address=Text(zh="晨光路 18 号", en="18 Dawn Road"))
    change = recruiting.Rework(
        application_id=one.application_id, member_id=one.member_id, version=one.version, words=words
    )
    _sure(await recruiting.rework(tx, [change], **here))
    again = Bring(
        document_id=derive(paper.document_id, "again"), application_id=one.application_id, kind=paper.kind,
        file=paper.file, by=one.member_id,
    )  # fmt: skip
    _sure(await recruiting.bring(tx, [again], today=here["now"].date(), **here))
    _sure(await recruiting.submit(tx, [_move(one, one.member_id)], city_id=city_id, now=at + timedelta(days=1)))


async def _signed(tx: Tx, one: Application, data: CityData, at: datetime, city_id: int) -> None:
    later = at + timedelta(days=1)
    offer = Offer(
        contract_id=derive(one.application_id, "contract"), version=0, merchant_id=one.merchant_id, operator_id=EAST,
        plan_id=derive(ROOT, "plan/standard"), plan_version=1, plan_words=NOTHING_MORE, months=24,
        note="第一年不收上架费", by=member_id("lin"),
    )  # fmt: skip
    _sure(await recruiting.offer(tx, [offer], city_id=city_id, reach=ALL, now=at))
    sign = Sign(contract_id=offer.contract_id, version=1, merchant_id=one.merchant_id, by=one.member_id)
    zone = data.city("qinghe").zone
    _sure(await recruiting.sign(tx, [sign], city_id=city_id, zone=zone, now=later))
    seen = _visit(9, EAST, "yan", one.words, later, "教老板填营业时间，首个团购下周发", one.merchant_id)
    _sure(await recruiting.log_visits(tx, [seen], city_id=city_id, now=later))


def _visit(
    number: int, operator: UUID, who: str, words: Words, at: datetime, note: str, merchant: UUID | None = None
) -> LogVisit:
    return LogVisit(
        visit_id=derive(ROOT, f"visit/{number}"), operator_id=operator, by=member_id(who), business=words.name.zh,
        phone=words.phone, address=words.address.zh, note=note, next_step="带合同再来一次", merchant_id=merchant,
        next_on=local_day(at + timedelta(days=7), "Asia/Shanghai"), at=at,
    )  # fmt: skip


def _move(one: Application, by: UUID, reason: str = "") -> Move:
    return Move(application_id=one.application_id, by=by, version=one.version, reason=reason)


def _sure(results: Sequence[T | Refusal]) -> list[T]:
    """The demo's story was thought through; a refusal in it is a defect."""
    good: list[T] = []
    for result in results:
        if isinstance(result, Refusal):
            raise result
        good.append(result)
    return good
