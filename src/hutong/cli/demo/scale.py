"""A generated city as large as one likes, for measuring pages: the demo's own deals, spread over invented shops.

The same seed gives the same city, shop by shop. It is loaded in pieces, through the operations that load the demo; a
load that was interrupted goes on where it stopped.
"""

import random
from collections.abc import Iterator
from datetime import datetime
from math import cos, pi, radians, sin

from msgspec import structs

from hutong import merchants
from hutong.catalog import PLAIN
from hutong.cli.demo.city_data import Cast, CityData, CityInfo, DistrictData, MerchantData, OfferData, StoreData
from hutong.cli.demo.load import load_city, merchant_id
from hutong.infra.db import Database
from hutong.kit.geo import Point
from hutong.kit.text import Text

SEED = 20_261_120
CITY_ID, SLUG = 9_001, "yunhe"
CENTRE = Point(31.2000, 118.6000)
RADIUS_M = 14_000
OFFERS_PER_STORE = 5
PIECE = 250  # merchants in one transaction

_AREAS = [
    ("桥头区", "Bridgehead"), ("东门区", "East Gate"), ("西关区", "West Pass"), ("南市区", "South Market"),
    ("北塘区", "North Pond"), ("临港区", "Harbour Side"), ("大学城", "University Town"), ("高新区", "High Tech"),
    ("老码头", "Old Wharf"), ("柳湾区", "Willow Bend"), ("石塔区", "Stone Pagoda"), ("机场区", "Airport"),
]  # fmt: skip
_FIRST = [
    ("老", "Old"), ("小", "Little"), ("阿", "Ah"), ("大", "Big"), ("新", "New"), ("好", "Good"), ("金", "Golden"),
    ("青", "Green"), ("云", "Cloud"), ("三", "Three"), ("福", "Lucky"), ("山", "Mountain"),
]  # fmt: skip
_SECOND = [
    ("张", "Zhang"), ("李", "Li"), ("赵", "Zhao"), ("灶", "Stove"), ("院", "Yard"), ("巷", "Lane"), ("渡", "Ferry"),
    ("枫", "Maple"), ("禾", "Grain"), ("灯", "Lamp"), ("船", "Boat"), ("泉", "Spring"), ("麦", "Wheat"),
    ("竹", "Bamboo"), ("砖", "Brick"), ("鹤", "Crane"),
]  # fmt: skip
_STREETS = [
    ("运河路", "Canal Road"), ("人民路", "Renmin Road"), ("梧桐街", "Plane Tree Street"), ("码头街", "Wharf Street"),
    ("学府路", "College Road"), ("石桥巷", "Stone Bridge Lane"), ("花市街", "Flower Market Street"),
    ("北大街", "North Street"), ("新港路", "New Harbour Road"), ("柳岸", "Willow Bank"),
]  # fmt: skip


def _moved(from_: Point, metres: float, angle: float) -> Point:
    return Point(
        round(from_.lat + metres * sin(angle) / 111_195, 6),
        round(from_.lon + metres * cos(angle) / (111_195 * cos(radians(from_.lat))), 6),
    )


def big_city() -> CityInfo:
    """云河 (Yunhe): a round city with one district in the middle of each of its twelve sectors."""
    ring = tuple(_moved(CENTRE, RADIUS_M * 1.1, 2 * pi * n / 24) for n in range(24))
    districts = []
    for n, (zh, en) in enumerate(_AREAS):
        middle = _moved(CENTRE, RADIUS_M * (0.35 if n % 2 else 0.7), 2 * pi * n / len(_AREAS))
        districts.append(
            DistrictData(
                slug=en.lower().replace(" ", "-"), name=Text(zh=zh, en=en), centre=middle,
                boundary=tuple(_moved(middle, 2_000, 2 * pi * k / 8) for k in range(8)),
            )
        )  # fmt: skip
    return CityInfo(
        city_id=CITY_ID, slug=SLUG, name=Text(zh="云河", en="Yunhe"), zone="Asia/Shanghai", currency="CNY",
        languages=("zh", "en"), centre=CENTRE, boundary=ring, districts=tuple(districts),
    )  # fmt: skip


class _Maker:
    """Makes merchants one after the other from one stream of dice."""

    def __init__(self, data: CityData) -> None:
        self._dice = random.Random(SEED)  # noqa: S311 (a city that can be built again, no secret)
        self._models = data.merchants
        self.city = big_city()
        self._numbers = 0

    def merchant(self) -> MerchantData:
        """Three of four have one shop; a chain has up to six, and its deals are good in one of them or in all."""
        dice = self._dice
        model = dice.choice(self._models)
        (zh1, en1), (zh2, en2) = dice.choice(_FIRST), dice.choice(_SECOND)
        slug = f"{SLUG}-{self._numbers}"
        self._numbers += 1
        shelf = model.name
        name = Text(zh=f"{zh1}{zh2}{shelf.zh[-4:]}", en=f"{en1} {en2} {shelf.en.split()[-1]}")
        count = 1 if dice.random() < 0.75 else dice.randint(2, 6)
        stores = tuple(self._store(model, slug, name, n, chain=count > 1) for n in range(count))
        offers = tuple(self._offer(model, stores, n) for n in range(count * OFFERS_PER_STORE))
        return structs.replace(model, slug=slug, name=name, city=SLUG, owner=None, stores=stores, offers=offers)

    def _store(self, model: MerchantData, merchant: str, name: Text, n: int, *, chain: bool) -> StoreData:
        dice = self._dice
        district = dice.choice(self.city.districts)
        street, house = dice.choice(_STREETS), dice.randint(1, 400)
        # Dense in the middle of a district, thin between them, as shops are.
        place = _moved(district.centre, min(abs(dice.gauss(0, 1_500)), 4_000), dice.uniform(0, 2 * pi))
        own = Text(zh=f"{name.zh}（{street[0]}店）", en=f"{name.en}, {street[1]}") if chain else name
        return StoreData(
            slug=f"{merchant}-{n}", name=own, district=district.slug, at=place,
            address=Text(zh=f"云河市{district.name.zh}{street[0]}{house}号",
                         en=f"{house} {street[1]}, {district.name.en}, Yunhe"),
            phone="+86199" + f"{dice.randrange(10**8):08d}", hours=dice.choice(model.stores).hours,
        )  # fmt: skip

    def _offer(self, model: MerchantData, stores: tuple[StoreData, ...], n: int) -> OfferData:
        dice = self._dice
        chosen = dice.choice(model.offers)
        price = max(100, chosen.price * dice.randint(70, 140) // 100 // 10 * 10)
        where = () if dice.random() < 0.2 else (stores[n % len(stores)].slug,)
        return structs.replace(
            chosen, slug=f"{chosen.slug}-{n}", price=price, list_price=price * dice.randint(120, 180) // 100,
            stores=where, min_units=chosen.min_units if n % 10 == 0 else 1,
            form=PLAIN,  # its floor or its tiers belong to the price of the model
        )  # fmt: skip


def pieces(data: CityData, stores: int) -> Iterator[CityData]:
    """The big city with so many stores (the last chain is whole), in pieces that can be loaded one by one."""
    maker = _Maker(data)
    nobody = Cast(commission=data.cast.commission, people=())
    left = stores
    while left > 0:
        chosen: list[MerchantData] = []
        while left > 0 and len(chosen) < PIECE:
            chosen.append(maker.merchant())
            left -= len(chosen[-1].stores)
        yield structs.replace(data, cities=(maker.city,), merchants=tuple(chosen), cast=nobody)


async def load_scale(db: Database, data: CityData, *, stores: int, now: datetime) -> int:
    """Load the big city; how many stores were new. What an earlier, interrupted load brought is left as it is."""
    loaded = 0
    for piece in pieces(data, stores):
        async with db.reading() as tx:
            there = await merchants.merchants(tx, [merchant_id(m.slug) for m in piece.merchants])
        if len(there) < len(piece.merchants) or not await _listed(db, piece):
            await load_city(db, piece, now=now)
            loaded += sum(len(merchant.stores) for merchant in piece.merchants)
    return loaded


async def _listed(db: Database, piece: CityData) -> bool:
    """Whether the stores of a piece are there: they come after their merchants, in a transaction of their own."""
    async with db.reading(CITY_ID) as tx:
        last = merchant_id(piece.merchants[-1].slug)
        return bool(await merchants.stores_of(tx, CITY_ID, last))
