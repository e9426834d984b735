"""What the console consists of: one line for each part. Who may not open a part does not see it.

`path` stands below /m/{store}; a page lights its entry by `visit.frame["tab"] = name`. Words: `till.nav.<name>`.
"""

from msgspec import Struct

from hutong.kit.access import Permission


class Entry(Struct, frozen=True, kw_only=True):
    """A part of the console.

    `whole`: it is about the merchant, not about one of his stores. `group`: under which head it stands at the side of
    a wide screen. `thumb`: it has a place in the bar of a phone, while there is room. `live`: its pages exist.
    """

    name: str
    path: str
    icon: str
    permission: Permission
    group: str
    whole: bool = False
    thumb: bool = False
    live: bool = True


P = Permission
ENTRIES = (
    Entry(name="today", path="/today", icon="chart", permission=P.VIEW_ORDERS, group="counter", thumb=True),
    Entry(name="scan", path="/scan", icon="scan", permission=P.PREPARE_VOUCHER, group="counter", thumb=True),
    Entry(name="history", path="/history", icon="history", permission=P.VIEW_REDEMPTIONS, group="counter", thumb=True),
    Entry(name="orders", path="/orders", icon="receipt", permission=P.VIEW_ORDERS, group="counter"),
    Entry(
        name="conflicts", path="/conflicts", icon="alert", permission=P.EDIT_STORE, group="counter"
    ),
    Entry(
        name="deals", path="/deals", icon="ticket", permission=P.VIEW_OFFERS, group="shop", thumb=True
    ),
    Entry(name="campaigns", path="/campaigns", icon="gift", permission=P.VIEW_OFFERS, group="shop"),
    Entry(name="forecast", path="/forecast", icon="calendar", permission=P.VIEW_ORDERS, group="shop"),
    Entry(name="repeat", path="/repeat", icon="sync", permission=P.VIEW_STATEMENT, group="shop", whole=True),
    Entry(name="cards", path="/cards", icon="wallet", permission=P.VIEW_OFFERS, group="shop", whole=True),
    Entry(name="gifts", path="/gifts", icon="gift", permission=P.VIEW_OFFERS, group="shop", whole=True),
    Entry(name="parcels", path="/parcels", icon="box", permission=P.VIEW_ORDERS, group="counter", whole=True),
    Entry(name="reviews", path="/reviews", icon="star", permission=P.REPLY_REVIEWS, group="shop"),
    Entry(name="stores", path="/stores", icon="store", permission=P.EDIT_STORE, group="shop"),
    Entry(name="staff", path="/staff", icon="users", permission=P.VIEW_STAFF, group="house"),
    Entry(
        name="statement", path="/statement", icon="wallet", permission=P.VIEW_STATEMENT, group="house", whole=True
    ),
    Entry(
        name="payouts", path="/payouts", icon="wallet", permission=P.VIEW_STATEMENT, group="house", whole=True
    ),
    Entry(
        name="clearings", path="/clearings", icon="receipt", permission=P.VIEW_STATEMENT, group="house", whole=True
    ),
    Entry(name="contract", path="/contract", icon="edit", permission=P.EDIT_MERCHANT, group="house", whole=True),
    Entry(name="chain", path="/chain", icon="store", permission=P.EDIT_MERCHANT, group="house", whole=True),
    Entry(name="points", path="/points", icon="star", permission=P.VIEW_STATEMENT, group="house", whole=True),
    Entry(name="offline", path="/offline", icon="offline", permission=P.EDIT_STORE, group="house"),
)  # fmt: skip
GROUPS = ("counter", "shop", "house")
AT_THE_THUMB = 4  # the fifth place is "more"
