"""A lunch hour: of a hundred flows, eighty look around, fifteen buy, five use a voucher at a counter."""

from collections.abc import Sequence
from typing import Any

from hutong.cli.bench import counters, crowd, town
from hutong.cli.bench.ground import Ground
from hutong.cli.bench.limit import Limit
from hutong.cli.bench.scene import Goals, Hands, answer_of, members, request
from hutong.cli.bench.scenes.flash import order_step, wrong_with
from hutong.cli.bench.scenes.redeem import COUNTERS, PRICE, redeemed, scan, voucher_rows
from hutong.kit.ids import ORDER

OFFERS = 10  # of each shop
VOUCHERS_A_SECOND = 150
PACKED = "accept-encoding: gzip"
BROWSE = (  # name, share of all flows, path; <<offers.0>> is an offer, <<stores.0>> a store
    ("home", 25, "/c/{slug}/"),
    ("nearby", 20, "/c/{slug}/nearby"),
    ("deal", 20, "/c/{slug}/deals/<<offers.0>>"),
    ("api_stores", 5, "/api/v1/stores?city={city}&lat=31.21&lon=118.61"),
    ("api_store", 5, "/api/v1/stores/<<stores.0>>"),
    ("api_offer", 5, "/api/v1/offers/<<offers.0>>"),
)


class Mixed:
    """Browsing, buying and redeeming beside each other."""

    name = "mixed"
    operation: str | None = "orders.place"
    limit: Limit | None = None
    goals = Goals(p99_ms=200)

    async def load(self, hands: Hands) -> None:
        given = hands.options
        self._turns = given.repeat
        seconds = (given.seconds + given.warm_s) * given.repeat
        self._town = await town.build(
            hands.db, shops=COUNTERS, offers=OFFERS, quota=1_000_000, price=PRICE, now=hands.now, settle=hands.settle
        )
        guests = await crowd.gather(hands.db, hands.place.settings, COUNTERS + given.members, now=hands.now)
        cashiers, self._guests = guests[:COUNTERS], guests[COUNTERS:]
        await counters.hire(hands.db, self._town, cashiers, now=hands.now)
        self._units = await counters.sell(
            hands.db, self._town, self._guests, cashiers, count=int(seconds * VOUCHERS_A_SECOND), price=PRICE,
            now=hands.now,
        )  # fmt: skip

    def load_plan(self, turn: int = 0) -> dict[str, Any]:
        names = {"slug": self._town.slug, "city": self._town.city_id}
        flows = [
            {
                "name": name,
                "weight": share,
                "steps": [{"kind": name, "head": request("GET", _path(path, names), PACKED)}],
            }
            for name, share, path in BROWSE
        ]
        flows.append({"name": "buy", "weight": 15, "steps": [order_step()]})
        flows.append({"name": "scan", "weight": 5, "steps": scan()})
        sources = {
            "members": members(self._guests), "vouchers": voucher_rows(self._units[turn :: self._turns]),
            "offers": {"order": "random", "rows": [[name] for name in self._town.offer_names()]},
            "stores": {"order": "random", "rows": [[name] for name in self._town.store_names()]},
        }  # fmt: skip
        return {"sources": sources, "flows": flows}

    def check(self, place: Ground, kept: Sequence[str], errors: int) -> tuple[dict[str, Any], list[str]]:
        bought = [ORDER.read_local(text)[1] for text in kept if text.startswith("ord_")]
        found = answer_of(place, "buying", {"city": self._town.city_id}, bought)
        found["orders"] -= len(self._units)  # those were bought before
        used, wrong = redeemed(place, self._town.city_id, kept, errors)
        return {"buying": found, "redeeming": used}, [*wrong_with(found, errors), *wrong]


def _path(path: str, names: dict[str, Any]) -> str:
    return path.replace("{slug}", names["slug"]).replace("{city}", str(names["city"]))
