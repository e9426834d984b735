"""The town's cards: Mei sells stored value, Ann pays a bill with a part of it, and a shop joins a card for many."""

from datetime import timedelta
from typing import Any

from hutong import catalog
from hutong.catalog import Draft, Form, Offer, QCard, Stored
from hutong.desk import billing, carding
from hutong.infra.ids import new_id
from hutong.kit.ids import BILL
from hutong.kit.money import Amount
from hutong.kit.terms import Terms
from hutong.kit.text import Text


async def live_with_cards(world: Any) -> None:
    """A card of 100 with 10 on top; 36.50 of it are spent. A card for many shops, which Noodle Bar joined."""
    house, town, city = world.house, world.house.town, world.city
    card = await _on_shelf(world, "value-card", Stored(bonus_units=1_000), Text(zh="面吧储值卡", en="Noodle Bar card"))
    many = await _on_shelf(world, "lane-card", QCard(), Text(zh="巷里通用卡", en="Lane card"))
    await carding.join(house, city, world.actors["mei"], many.merchant_id, many.offer_id, percent=5)
    [held] = await world.buys("card", "ann", "value-card")
    world.vouchers["card"] = held.voucher_id
    store = town.stores["noodle-bar-lantern"]
    bill = await billing.present(
        house, city, world.actors["tao"], store, event_id="world-1", amount=Amount(3_650, card.price.asset),
        presented=[held.code],
    )  # fmt: skip
    world.redemptions["bill"] = bill.uses[0].redemption_id
    world.paths["bill"] = BILL.show(bill.bill_id, city)
    await carding.print_batch(
        house, city, world.actors["mei"], card.merchant_id, card.offer_id, label="2026-05", count=3
    )


async def _on_shelf(world: Any, slug: str, form: Form, title: Text) -> Offer:
    town, now = world.house.town, world.clock.now()
    async with world.house.db.city(world.city) as tx:
        (bowls,) = await catalog.offers(tx, [town.offers["two-bowls"]], city_id=world.city)
        assert bowls is not None
        draft = Draft(
            offer_id=new_id(), merchant_id=bowls.merchant_id, by=None, scheme="cards", category=bowls.category,
            title=title, price=Amount(10_000, bowls.price.asset), list_price=Amount(11_000, bowls.price.asset),
            terms=Terms(valid_days=365), form=form, store_ids=bowls.store_ids, sale_from=now - timedelta(days=1),
            sale_to=now + timedelta(days=90),
        )  # fmt: skip
        (offer,) = await catalog.publish(tx, [draft], city_id=world.city, now=now)
    assert isinstance(offer, Offer), offer
    town.offers[slug] = offer.offer_id
    return offer
