"""The town's ways of selling: teams, a ladder, slots, a bargain, coupons, a line for what is sold out, a present."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from hutong import catalog, groups, inventory, waitlist
from hutong.catalog import Bargain, Draft, Flash, Form, Ladder, Slot, Team, Tier
from hutong.desk import bargaining, campaigns, coupons, giving, handing
from hutong.desk.campaigns import Campaign, CouponPart, forecast_of
from hutong.infra.ids import new_id
from hutong.inventory import OpenQuota
from hutong.kit.ids import BARGAIN, OFFER, TEAM
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.orders import Choice
from hutong.pricing import AmountOff, Budget, MinSpend, Rule

NOTE = "生日快乐，去吃碗面吧！"
LABEL = "六月传单"


async def sell_in_many_ways(world: Any) -> None:
    """Pages that come of it are in `world.paths`, by name."""
    city = f"/c/{world.house.town.slug}"
    await _together(world, city)
    await _coupons(world)
    await _line(world, city)
    await _present(world)


async def _together(world: Any, city: str) -> None:
    """Bo's team waits for one more, Ann's is complete; Ann's bargain was cut by Bo."""
    now = world.clock.now()
    await _on_shelf(world, "team", Team(size=2, alone_units=2_400), Text(zh="拼着吃", en="Better in twos"))
    ladder = Ladder(tiers=(Tier(20, 1_600), Tier(50, 1_400)))
    await _on_shelf(world, "ladder", ladder, Text(zh="多人多省", en="The more the cheaper"))
    slots = [await _slot(world, now + timedelta(hours=hours)) for hours in (-1, 3)]
    await _on_shelf(world, "flash", Flash(slots=tuple(slots)), Text(zh="整点抢", en="On the hour"))
    cut = Bargain(floor_units=1_200, helpers=4, budget_units=50_000)
    offer = await _on_shelf(world, "bargain", cut, Text(zh="喊人砍", en="Call your friends"))
    world.paths["team"] = await _team(world, "team-open", "bo")
    world.paths["clinched"] = await _team(world, "team-anns", "ann")
    anns = groups.team_of(world.orders["team-anns"])
    await world.buys("team-joined", "wen", "team", choice=Choice("join_team", anns))
    bargain = await bargaining.begin(world.house, world.city, world.actors["ann"], offer)
    await bargaining.help_out(world.house, world.city, world.actors["bo"], bargain)
    world.paths["bargain"] = f"{city}/bargains/{BARGAIN.show(bargain, world.city)}"


async def _team(world: Any, name: str, who: str) -> str:
    """Somebody opens a team; the path of its page."""
    await world.buys(name, who, "team", choice=Choice("open_team"))
    return f"/c/{world.house.town.slug}/groups/{TEAM.show(groups.team_of(world.orders[name]), world.city)}"


async def _coupons(world: Any) -> None:
    """Mei gives coupons away, with a batch of codes; Ann has one."""
    house, town, now = world.house, world.house.town, world.clock.now()
    rule = Rule(
        promotion_id=new_id(), name=Text(zh="满三十减五", en="5 off from 30"), benefit=AmountOff(units=500),
        conditions=(MinSpend(units=3_000),),
    )  # fmt: skip
    budgets, ends = (Budget(most_units=50_000), Budget(attribute="member", most_uses=1)), now + timedelta(days=20)
    campaign = Campaign(
        rule=rule, merchant_id=town.noodle_bar, starts_at=now - timedelta(days=1), ends_at=ends, template="spend_get",
        budgets=budgets, forecast_units=forecast_of(budgets, rule, starts_at=now, ends_at=ends),
        coupon=CouponPart(
            category="noodles", store_ids=(town.stores["noodle-bar-lantern"],), total=100,
            terms=Terms(valid_days=10, per_member=1),
        ),
    )  # fmt: skip
    mei = world.actors["mei"]
    await campaigns.save(house, world.city, mei, campaign)
    await campaigns.step(house, world.city, mei, rule.promotion_id, "publish")
    await handing.make_codes(
        house, world.city, mei, rule.promotion_id, batch_id=new_id(), count=3, label=LABEL
    )  # fmt: skip
    town.offers["coupon"] = rule.promotion_id
    await coupons.claim(house, world.city, world.actors["ann"], rule.promotion_id, key=new_id().hex)


async def _line(world: Any, city: str) -> None:
    """Two deals are sold out; Ann waits for one of them, and has the link that ends it."""
    for name, zh, en in (("gone", "手慢无", "Gone in a blink"), ("gone-too", "最后一碗", "The last bowl")):
        offer = await _on_shelf(world, name, catalog.PLAIN, Text(zh=zh, en=en), units=1)
        await world.buys(name, "bo", name)
        world.paths[name] = f"{city}/deals/{OFFER.show(offer, world.city)}"
    wanted, ann = [world.house.town.offers["gone-too"]], world.actors["ann"].member_id
    ask = waitlist.Join(entry_id=new_id(), member_id=ann, offer_ids=tuple(wanted), units=1, secret=bytes(16))
    await world.run(lambda tx: waitlist.join(tx, [ask], city_id=world.city, now=world.clock.now()))
    token = waitlist.leave_token(ask.secret, ask.entry_id)
    world.paths["leave"] = f"/waiting/leave/{waitlist.leave_text(world.city, token)}"


async def _present(world: Any) -> None:
    """Ann's present is on its way; whoever has the link may open it."""
    [unit] = await world.buys("present", "ann", "two-bowls")
    gift = await giving.give(
        world.house, world.city, world.actors["ann"], unit.voucher_id, note=NOTE, days=3, key=new_id().hex
    )
    world.vouchers["given"] = unit.voucher_id
    link = giving.link(world.house, world.city, unit.secret, gift.gift_id)
    world.paths["gift"] = link.removeprefix(world.house.settings.address)


async def _slot(world: Any, starts_at: datetime) -> Slot:
    quota_id = new_id()
    quota = OpenQuota(quota_id=quota_id, label="整点抢", total=20)
    await world.run(lambda tx: inventory.open_quotas(tx, [quota], city_id=world.city, now=world.clock.now()))
    ends_at = starts_at + timedelta(hours=2)
    return Slot(slot_id=new_id(), starts_at=starts_at, ends_at=ends_at, quota_id=quota_id, units=20)


async def _on_shelf(world: Any, slug: str, form: Form, title: Text, *, units: int = 100) -> UUID:
    """A deal of Noodle Bar's in that form, like the one of two bowls."""
    town, now, quota_id = world.house.town, world.clock.now(), new_id()
    async with world.house.db.reading(world.city) as tx:
        (like,) = await catalog.offers(tx, [town.offers["two-bowls"]], city_id=world.city)
    assert like is not None
    draft = Draft(
        offer_id=new_id(), merchant_id=like.merchant_id, by=None, category=like.category, trade=like.trade,
        title=title, price=Amount(1_800, "CNY"), list_price=Amount(2_600, "CNY"), form=form, quota_id=quota_id,
        terms=structs.replace(like.terms, valid_until=None, valid_days=30), store_ids=like.store_ids,
        sale_from=now - timedelta(days=1), sale_to=now + timedelta(days=20),
    )  # fmt: skip
    quota = OpenQuota(quota_id=quota_id, label=title.zh, total=units)

    async def work(tx: Any) -> Any:
        await inventory.open_quotas(tx, [quota], city_id=world.city, now=now)
        return await catalog.publish(tx, [draft], city_id=world.city, now=now)

    await world.run(work)
    town.offers[slug] = draft.offer_id
    return draft.offer_id
