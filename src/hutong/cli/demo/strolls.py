"""Where the guests of the demo's lane went: recorded purchases, so that repeat business has something to say.

Nothing is drawn: the file `city/strolls.toml` says who came when. They touch no book; what the till and vouchers know
stands in the past of the deals and in the alliance.
"""

from datetime import datetime, time, timedelta
from importlib.resources import files
from typing import Annotated

from msgspec import Meta, Struct

from hutong import insight, people
from hutong.cli.demo.city_data import CityData, MerchantData
from hutong.cli.demo.load import member_id, merchant_id, store_id
from hutong.infra.db import Database
from hutong.insight import Coming
from hutong.kit.clock import day_start, local_day
from hutong.kit.ids import derive
from hutong.people import AddMember
from hutong.trades.load import decode

OPEN = time(11, 20)
NAMES = "陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳"

Step = tuple[str, Annotated[int, Meta(ge=1)]]


class Stroll(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many guests who went from shop to shop, (short name, days ago), leaving `units` at each."""

    guests: int
    spread: int
    units: int
    walk: tuple[Step, ...]


class Strolls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file `city/strolls.toml`."""

    strolls: tuple[Stroll, ...]


def read_strolls() -> Strolls:
    """Who went where. Raises BadData."""
    return decode(files("hutong.cli.demo").joinpath("city/strolls.toml").read_bytes(), Strolls, source="strolls.toml")


def comings_of(data: CityData, found: Strolls, now: datetime) -> dict[int, list[Coming]]:
    """Every step of every guest by the city of the shop; those of a row come one after the other."""
    shops: dict[str, MerchantData] = {shop.slug: shop for shop in data.merchants}
    made: dict[int, list[Coming]] = {}
    for row, stroll in enumerate(found.strolls):
        for guest in range(stroll.guests):
            member = member_id(f"stroll-{row}-{guest}")
            for number, (slug, days) in enumerate(stroll.walk):
                city = data.city(shops[slug].city)
                day = local_day(now, city.zone) - timedelta(days=max(0, days - guest % stroll.spread))
                minutes = OPEN.hour * 60 + OPEN.minute + guest * 7 + number
                made.setdefault(city.city_id, []).append(
                    Coming(
                        coming_id=derive(member, f"came/{number}"), kind="purchase", merchant_id=merchant_id(slug),
                        store_id=store_id(shops[slug].stores[0].slug), member_id=member, day=day,
                        at=day_start(day, city.zone) + timedelta(minutes=minutes), asset=city.currency,
                        units=stroll.units + guest % 9 * 100,
                    )
                )  # fmt: skip
    return made


async def stroll(db: Database, data: CityData, *, now: datetime) -> int:
    """Let the guests have come; how often. For a freshly loaded demo; a second time changes nothing."""
    found = read_strolls()
    keys = [f"stroll-{row}-{guest}" for row, one in enumerate(found.strolls) for guest in range(one.guests)]
    members = [
        AddMember(
            member_id=member_id(key), phone=f"+861990009{number:04d}", name=f"{NAMES[number % len(NAMES)]}街坊",
            language="zh",
        )
        for number, key in enumerate(keys)
    ]  # fmt: skip
    async with db.central() as tx:
        await people.add_members(tx, members, now=now)
    told = 0
    for city_id, comings in comings_of(data, found, now).items():
        async with db.city(city_id) as tx:
            told += sum(await insight.come(tx, comings, city_id=city_id))
    return told
