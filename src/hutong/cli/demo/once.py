"""The main job, played once over HTTP against a running house: bought, paid, used, undone, used again, refunded."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from hutong.cli.demo.city_data import Cast, Person
from hutong.cli.demo.phone import Phone, Stuck, pay_at, until

CITY, SHOP, DEAL = "qinghe", "Noodle Bar", "Two bowls set"
UNITS = 3


class Played(Struct, frozen=True, kw_only=True):
    """What happened; money in the smallest unit of the city's currency."""

    orders: int
    paid: int
    redeemed: int
    refunded: int
    settled_minor: int


class Play:
    """Ann buys, Tao stands at the counter, Mei reads the books. `inbox` is where the demo keeps its messages."""

    def __init__(self, address: str, cast: Cast, inbox: Path) -> None:
        self._address, self._inbox = address, inbox
        self._people: dict[str, Person] = {person.key: person for person in cast.people}

    def perform(self) -> Played:
        """The whole play. Raises Stuck when anything is not as it should be."""
        began = datetime.now(UTC)
        with self._enter("ann") as ann, self._enter("tao") as tao, self._enter("mei") as mei:
            store = _role(tao, "store_cashier")["store"]
            city = ann.get(f"/cities/{CITY}")["id"]
            deal = self._find(ann, city, store)
            order = self._buy(ann, deal)
            first, second, third = (unit["id"] for unit in order["vouchers"])
            self._use_by_qr(ann, tao, store, first)
            self._use_by_code(ann, tao, store, second)
            self._give_back(ann, order["id"], third)
            statement = self._statement(mei, city, began)
            end = ann.get(f"/orders/{order['id']}")
        used = [line for line in statement["lines"] if line["reversed_at"] is None]
        price = deal["price"]["units"]
        settled = sum(line["merchant"]["units"] + line["commission"]["units"] for line in used)
        _is("what is settled", settled, price * len(used))
        _is("the sum of the statement", statement["merchant_part"]["units"] + statement["commission"]["units"], settled)
        _is("lines of the statement, with the one that was undone", len(statement["lines"]), len(used) + 1)
        _is("what went back to Ann", end["refunded"]["units"], price)
        return Played(
            orders=1, paid=int(end["paid_at"] is not None), redeemed=len(used), refunded=len(end["refunds"]),
            settled_minor=settled,
        )  # fmt: skip

    def _enter(self, key: str) -> Phone:
        person = self._people[key]
        phone = Phone(self._address, name=person.name.en)
        phone.sign_in(person.phone, self._inbox)
        return phone

    def _find(self, ann: Phone, city: int, store: str) -> Any:
        """By search, as a customer finds it; the store is the one where Tao works."""
        shops = [card["id"] for card in ann.get("/offers", city=city, q=SHOP)["items"]]
        if store not in shops:
            raise Stuck(f"a search for {SHOP} does not find its store {store}")
        found = [offer for offer in ann.get(f"/stores/{store}")["offers"] if offer["title"]["en"] == DEAL]
        if not found:
            raise Stuck(f"{SHOP} does not sell “{DEAL}” today")
        return found[0]

    def _buy(self, ann: Phone, deal: Any) -> Any:
        lines = [{"offer": deal["id"], "quantity": UNITS}]
        total = ann.post("/quotes", {"lines": lines})["total"]
        _is("the price of three", total["units"], UNITS * deal["price"]["units"])
        expect = {"units": total["units"], "asset": total["asset"]}
        order = ann.post("/orders", {"lines": lines, "expect": expect})["id"]
        pay_at(ann.post(f"/orders/{order}/payments")["pay_url"])
        paid = until("the payment", lambda: ann.get(f"/orders/{order}"), lambda seen: seen["state"] == "paid")
        _is("vouchers", [unit["state"] for unit in paid["vouchers"]], ["valid"] * UNITS)
        return paid

    def _use_by_qr(self, ann: Phone, tao: Phone, store: str, unit: str) -> None:
        """Ann shows the rotating code, Tao looks before he confirms; a till that sends twice redeems once."""
        shown = ann.get(f"/vouchers/{unit}")["qr"]
        seen = tao.post("/redemptions/preparations", {"store": store, "presented": shown})
        _is("the voucher that was scanned", seen["voucher"], unit)
        given, key = {"store": store, "voucher": unit, "proof": seen["proof"]}, f"demo/{unit}"
        done = tao.post("/redemptions", given, key=key)
        _is("the same request, sent again", tao.post("/redemptions", given, key=key)["id"], done["id"])
        _is("the voucher after its use", ann.get(f"/vouchers/{unit}")["state"], "used")

    def _use_by_code(self, ann: Phone, tao: Phone, store: str, unit: str) -> None:
        """Ann reads her code aloud; Tao takes the wrong table's, undoes it, and does it again."""
        given = {"store": store, "presented": ann.get(f"/vouchers/{unit}")["code"]}
        done = tao.post("/redemptions", given)
        tao.post(f"/redemptions/{done['id']}/reversal", {"store": store, "reason": "wrong table"})
        _is("the voucher after the undo", ann.get(f"/vouchers/{unit}")["state"], "valid")
        tao.post("/redemptions", given)

    def _give_back(self, ann: Phone, order: str, unit: str) -> None:
        ann.post(f"/orders/{order}/refunds", {"vouchers": [unit], "reason": "changed_mind"})
        until(
            "the refund",
            lambda: ann.get(f"/orders/{order}"),
            lambda seen: [back["state"] for back in seen["refunds"]] == ["done"],
        )
        _is("the voucher after the refund", ann.get(f"/vouchers/{unit}")["state"], "refunded")

    def _statement(self, mei: Phone, city: int, since: datetime) -> Any:
        merchant = _role(mei, "merchant_owner")["merchant"]
        return mei.get(f"/merchants/{merchant}/statements", city=city, since=since.isoformat())


def _role(phone: Phone, role: str) -> Any:
    roles = [held for held in phone.get("/auth/sessions/current")["roles"] if held["role"] == role]
    if not roles:
        raise Stuck(f"{phone.name} is no {role}")
    return roles[0]


def _is(what: str, seen: object, right: object) -> None:
    if seen != right:
        raise Stuck(f"{what}: {seen!r} instead of {right!r}")
