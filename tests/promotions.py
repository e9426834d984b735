"""Lines, facts and rules for tests of promotions: single ones by hand, many by hypothesis."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from hutong.kit.money import Amount
from hutong.kit.terms import Window
from hutong.kit.text import Text
from hutong.pricing import (
    LANES,
    AmountOff,
    BuyXGetY,
    Categories,
    Channels,
    DeliveryOff,
    Expression,
    Facts,
    FirstOrder,
    FixedPrice,
    FreeItem,
    Hours,
    Merchants,
    MinQuantity,
    MinSpend,
    NthOrder,
    Offers,
    PercentOff,
    PriceLine,
    Rule,
    Schemes,
    SpendHere,
    Step,
    Stores,
    Tags,
    Tiered,
)

ZONE = "Asia/Shanghai"
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)  # a Wednesday, twelve o'clock in Shanghai
ANN = UUID(int=900)
SHOPS, MERCHANTS, SHELVES = ("s1", "s2"), (UUID(int=71), UUID(int=72)), ("food", "noodles", "tea")


def offer(n: int) -> UUID:
    return UUID(int=1_000 + n)


def a_line(n: int = 1, *, price: int = 5_000, quantity: int = 1, **given: Any) -> PriceLine:
    """`price` fen a unit of offer n."""
    return PriceLine(
        line_no=n, offer_id=given.pop("offer_id", offer(n)), title=Text.both(f"offer {n}"), quantity=quantity,
        unit_price=Amount(price, "CNY"), list_price=Amount(price + 1_000, "CNY"),
        merchant_id=given.pop("merchant_id", MERCHANTS[0]), **given,
    )  # fmt: skip


def a_rule(benefit: Any, *conditions: Any, n: int = 1, lane: str = "shop", **given: Any) -> Rule:
    given.setdefault("name", Text(zh=f"促销{n}", en=f"promotion {n}"))
    return Rule(promotion_id=UUID(int=n), benefit=benefit, conditions=conditions, lane=LANES[lane], **given)


def facts(**given: Any) -> Facts:
    """Ann, in Shanghai, on a Wednesday at noon, on the web, on her third order here."""
    known: dict[str, Any] = {
        "now": NOON, "city_id": 1, "zone": ZONE, "member_id": ANN, "tags": ("vip",), "orders_count": 4,
        "orders_here": 2, "spend_here": 20_000, "channel": "web",
    }  # fmt: skip
    return Facts(**(known | given))


units = st.integers(1, 30_000)
bps = st.integers(1, 10_000)
offers = st.sets(st.integers(1, 4).map(offer), min_size=1, max_size=3).map(lambda ids: tuple(sorted(ids)))
steps = st.lists(st.tuples(units, units, st.booleans()), min_size=1, max_size=3, unique_by=lambda step: step[0]).map(
    lambda many: tuple(
        Step(at=at, bps=min(off, 10_000)) if percent else Step(at=at, units=off) for at, off, percent in many
    )
)
benefits = st.one_of(
    st.builds(PercentOff, bps=bps, cap_units=st.none() | units),
    st.builds(AmountOff, units=units, per=st.sampled_from(["order", "unit"])),
    st.builds(FixedPrice, units=st.integers(0, 20_000)),
    st.builds(BuyXGetY, buy=st.integers(1, 4), get=st.integers(1, 2), bps=bps),
    st.builds(FreeItem, offer_id=st.integers(1, 4).map(offer), title=st.just(Text.both("tea")), quantity=st.just(1)),
    st.builds(DeliveryOff, units=st.none() | units),
    st.builds(Tiered, by=st.sampled_from(["spend", "quantity"]), steps=steps),
)
out = st.booleans()
conditions = st.one_of(
    st.builds(Offers, ids=offers, excluded=out),
    st.builds(Categories, slugs=st.sampled_from([("food",), ("tea", "noodles")]), excluded=out),
    st.builds(Merchants, ids=st.sampled_from([(m,) for m in MERCHANTS]), excluded=out),
    st.builds(Schemes, names=st.just(("deals",)), excluded=out),
    st.builds(Stores, ids=st.just((UUID(int=81),)), excluded=out),
    st.builds(Tags, any_of=st.sampled_from([("vip",), ("new", "vip"), ("staff",)])),
    st.builds(FirstOrder, here=st.booleans()),
    st.builds(NthOrder, n=st.integers(1, 5), every=st.booleans(), here=st.booleans()),
    st.builds(SpendHere, units=units),
    st.builds(MinSpend, units=units),
    st.builds(MinQuantity, count=st.integers(1, 10)),
    st.builds(Channels, names=st.sampled_from([("web",), ("till", "api")])),
    st.builds(Hours, windows=st.sampled_from([(Window(start=600, end=840),), (Window(weekdays=(4, 5)),)])),
    st.builds(
        Expression,
        source=st.sampled_from(['"vip" in member.tags', "basket.units >= 5000 && now.hour < 14", "1 / 0 == 1"]),
        says=st.just(Text.both("so")),
    ),
)


@st.composite
def rules(draw: Any, most: int = 7) -> list[Rule]:
    """Up to `most` rules with ids of their own, few conditions each so that many of them apply."""
    return [
        a_rule(
            draw(benefits), *draw(st.lists(conditions, max_size=2)), n=n, lane=draw(st.sampled_from(sorted(LANES))),
            group=draw(st.sampled_from([None, None, "g", "h"])), trigger=draw(st.sampled_from(["auto", "coupon"])),
            payers=draw(st.sampled_from([(("merchant", 1),), (("platform", 60), ("merchant", 40))])),
        )
        for n in range(1, draw(st.integers(0, most)) + 1)
    ]  # fmt: skip


@st.composite
def baskets(draw: Any) -> list[PriceLine]:
    """One to five lines of up to forty units, perhaps with a delivery fee."""
    return [
        a_line(
            n, price=draw(st.integers(0, 20_000)), quantity=draw(st.integers(1, 40)),
            merchant_id=draw(st.sampled_from(MERCHANTS)), categories=draw(st.sampled_from([(), ("food", "noodles")])),
            scheme=draw(st.sampled_from(["deals", "cards"])), store_ids=draw(st.sampled_from([(), (UUID(int=81),)])),
            kind=draw(st.sampled_from(["goods", "goods", "goods", "delivery"])),
        )
        for n in range(1, draw(st.integers(1, 5)) + 1)
    ]  # fmt: skip


people = st.builds(
    facts, tags=st.sampled_from([(), ("vip",), ("new",)]), orders_count=st.none() | st.integers(0, 6),
    orders_here=st.none() | st.integers(0, 3), spend_here=st.none() | st.integers(0, 40_000),
    channel=st.sampled_from(["web", "till"]), store_id=st.none() | st.just(UUID(int=81)),
    coupons=st.sets(st.integers(1, 7)).map(lambda ids: tuple(UUID(int=n) for n in sorted(ids))),
    member_id=st.sampled_from([None, ANN, ANN]),
)  # fmt: skip
