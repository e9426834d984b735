"""A member's points and parcels, for the copy of his own data."""

from typing import Any
from uuid import UUID

from hutong import mall, programmes
from hutong.desk.house import House
from hutong.desk.malling import address_of
from hutong.infra.db import Tx
from hutong.kit.ids import ORDER
from hutong.places import City

MOST = 2000  # lots and movements of one wallet; a member with more of them asks our support


async def points_of(tx: Tx, house: House, member_id: UUID) -> list[dict[str, Any]]:
    """His wallets, with their lots and everything that came and went; of others only the shops' names."""
    now = house.clock.now()
    found: list[dict[str, Any]] = []
    for wallet in await programmes.wallets(tx, member_id, now=now):
        programme = await programmes.programme(tx, wallet.programme_id, at=now)
        lots = await programmes.lots(tx, member_id, wallet.programme_id, limit=MOST)
        moves = await programmes.history(tx, member_id, wallet.programme_id, limit=MOST)
        found.append(
            {
                "programme": programme.name if programme else None,
                "available": wallet.available, "pending": wallet.pending, "held": wallet.held, "owed": wallet.debt,
                "growth": wallet.growth,
                "lots": [
                    {
                        "shop": lot.partner_name, "points": lot.points, "left": lot.left, "state": lot.state,
                        "earned_at": lot.earned_at, "usable_from": lot.matures_at, "until": lot.expires_at,
                    }
                    for lot in lots
                ],
                "movements": [
                    {"what": move.kind, "points": move.points, "at": move.at, "city": move.city_id} for move in moves
                ],
            }
        )  # fmt: skip
    return found


async def parcels_of(tx: Tx, house: House, city: City, member_id: UUID) -> list[dict[str, Any]]:
    """His exchanges in one city, with where their parcels went as long as that is kept."""
    exchanges = await mall.exchanges_of(tx, member_id, city_id=city.city_id, limit=MOST)
    parcels = await mall.deliveries_of(tx, [one.order_id for one in exchanges], city_id=city.city_id)
    return [
        {
            "city": city.slug, "order": ORDER.show(one.order_id, city.city_id), "points": one.points * one.units,
            "units": one.units, "at": one.at,
            "parcel": None if parcel is None else {
                "state": parcel.state, "carrier": parcel.carrier, "number": parcel.number,
                "address": address_of(house, parcel),
            },
        }
        for one in exchanges
        for parcel in [parcels.get(one.order_id)]
    ]  # fmt: skip
