"""Who may do what, and where: roles, permissions, and the scope that every query of the staff begins with.

Values only. They live in the kit because two siblings need them (people gives roles, merchants has stores that
are seen through them) and every package above filters by `Scope.sql`.
"""

from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

ScopeKind = Literal["platform", "city", "merchant", "store"]


class Role(StrEnum):
    """What somebody is, at one place."""

    PLATFORM_ADMIN = "platform_admin"
    CITY_OPERATOR = "city_operator"
    CITY_RECRUITER = "city_recruiter"
    MERCHANT_OWNER = "merchant_owner"
    STORE_MANAGER = "store_manager"
    STORE_CASHIER = "store_cashier"


SCOPE_OF: dict[Role, ScopeKind] = {
    Role.PLATFORM_ADMIN: "platform",
    Role.CITY_OPERATOR: "city",
    Role.CITY_RECRUITER: "city",
    Role.MERCHANT_OWNER: "merchant",
    Role.STORE_MANAGER: "store",
    Role.STORE_CASHIER: "store",
}


class Permission(StrEnum):
    """One thing that may be done to an object that has a city, a merchant or a store."""

    RUN_PLATFORM = "platform:run"
    OPEN_CITY = "city:open"
    VIEW_CITY = "city:view"
    RECRUIT = "merchant:recruit"
    ADMIT_MERCHANT = "merchant:admit"
    EDIT_MERCHANT = "merchant:edit"
    EDIT_STORE = "store:edit"
    VIEW_STAFF = "staff:view"
    INVITE_STAFF = "staff:invite"
    MANAGE_KEYS = "keys:manage"
    VIEW_OFFERS = "offers:view"
    EDIT_OFFERS = "offers:edit"
    REVIEW_OFFERS = "offers:review"
    VIEW_ORDERS = "orders:view"
    REFUND_ORDERS = "orders:refund"
    VIEW_STATEMENT = "statement:view"
    PREPARE_VOUCHER = "vouchers:prepare"
    REDEEM_VOUCHER = "vouchers:redeem"
    REVERSE_REDEMPTION = "redemptions:reverse"
    VIEW_REDEMPTIONS = "redemptions:view"
    REPLY_REVIEWS = "reviews:reply"
    MODERATE_REVIEWS = "reviews:moderate"


_P = Permission
_CASHIER = frozenset({_P.PREPARE_VOUCHER, _P.REDEEM_VOUCHER, _P.REVERSE_REDEMPTION, _P.VIEW_REDEMPTIONS})
_MANAGER = _CASHIER | {
    _P.VIEW_STAFF, _P.INVITE_STAFF, _P.EDIT_STORE, _P.VIEW_OFFERS, _P.VIEW_ORDERS, _P.REFUND_ORDERS,
    _P.REPLY_REVIEWS,
}  # fmt: skip
_OWNER = _MANAGER | {_P.EDIT_MERCHANT, _P.MANAGE_KEYS, _P.EDIT_OFFERS, _P.VIEW_STATEMENT}
_OPERATOR = frozenset(
    {
        _P.VIEW_CITY, _P.RECRUIT, _P.ADMIT_MERCHANT, _P.EDIT_STORE, _P.VIEW_STAFF, _P.INVITE_STAFF, _P.VIEW_OFFERS,
        _P.REVIEW_OFFERS, _P.VIEW_ORDERS, _P.VIEW_STATEMENT, _P.VIEW_REDEMPTIONS, _P.MODERATE_REVIEWS,
    }
)  # fmt: skip

# Who recruits sees what his operator recruited (recruiting.reach narrows it), and nothing else of the city.
_RECRUITER = frozenset({_P.VIEW_CITY, _P.RECRUIT})

# The platform sees and repairs; it does not stand at a counter, so it never redeems, nor speaks for a shop.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.PLATFORM_ADMIN: frozenset(Permission) - {_P.PREPARE_VOUCHER, _P.REDEEM_VOUCHER, _P.REPLY_REVIEWS},
    Role.CITY_OPERATOR: _OPERATOR,
    Role.CITY_RECRUITER: _RECRUITER,
    Role.MERCHANT_OWNER: _OWNER,
    Role.STORE_MANAGER: _MANAGER,
    Role.STORE_CASHIER: _CASHIER,
}

# Which roles a role may give, within its own scope. Nobody gives a role above the own one.
GIVES: dict[Role, frozenset[Role]] = {
    Role.PLATFORM_ADMIN: frozenset(Role),
    Role.CITY_OPERATOR: frozenset({Role.MERCHANT_OWNER, Role.STORE_MANAGER, Role.STORE_CASHIER}),
    Role.CITY_RECRUITER: frozenset(),
    Role.MERCHANT_OWNER: frozenset({Role.MERCHANT_OWNER, Role.STORE_MANAGER, Role.STORE_CASHIER}),
    Role.STORE_MANAGER: frozenset({Role.STORE_CASHIER}),
    Role.STORE_CASHIER: frozenset(),
}

# What a merchant's own till may be allowed: the counter and reading, never people, keys or prices.
KEY_PERMISSIONS: frozenset[Permission] = _CASHIER | {_P.VIEW_OFFERS, _P.VIEW_ORDERS, _P.VIEW_STATEMENT}


class Scope(Struct, frozen=True, kw_only=True):
    """The part of the world for which a permission holds: a union of cities, merchants and stores."""

    everything: bool = False
    cities: frozenset[int] = frozenset()
    merchants: frozenset[UUID] = frozenset()
    stores: frozenset[UUID] = frozenset()

    def __bool__(self) -> bool:
        return self.everything or bool(self.cities or self.merchants or self.stores)

    def covers(self, *, city: int | None = None, merchant: UUID | None = None, store: UUID | None = None) -> bool:
        """Whether an object with these owners lies in the scope. What it has not, it is not found by."""
        return self.everything or city in self.cities or merchant in self.merchants or store in self.stores

    def sql(
        self, *, city: str | None = None, merchant: str | None = None, store: str | None = None,
        prefix: str = "scope",
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        """(condition, parameters) for a `where`: the rows that `covers` would let through.

        Name the columns that the table has, e.g. `scope.sql(city="s.city_id", store="s.store_id")`; a kind
        without a column lets nothing through. Says "true" or "false" when no parameter is needed.
        """
        if self.everything:
            return "true", {}
        parts: list[str] = []
        params: dict[str, Any] = {}
        for name, column, kind, ids in (
            ("cities", city, "int", self.cities),
            ("merchants", merchant, "uuid", self.merchants),
            ("stores", store, "uuid", self.stores),
        ):
            if column and ids:
                parts.append(f"{column} = any(%({prefix}_{name})s::{kind}[])")
                params[f"{prefix}_{name}"] = sorted(ids)
        return (f"({' or '.join(parts)})", params) if parts else ("false", {})


EVERYTHING = Scope(everything=True)
NOTHING = Scope()


class Grant(Struct, frozen=True, kw_only=True):
    """A role that somebody holds now. A store's grant also knows its city and merchant, for showing only."""

    grant_id: UUID
    role: Role
    city_id: int | None = None
    merchant_id: UUID | None = None
    store_id: UUID | None = None

    @property
    def kind(self) -> ScopeKind:
        return SCOPE_OF[self.role]

    def covers(self, *, city: int | None = None, merchant: UUID | None = None, store: UUID | None = None) -> bool:
        """Whether the place of this grant contains an object with these owners."""
        if self.kind == "platform":
            return True
        if self.kind == "city":
            return city is not None and city == self.city_id
        if self.kind == "merchant":
            return merchant is not None and merchant == self.merchant_id
        return store is not None and store == self.store_id


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: a signed-in member, or a merchant's key (`key_id` set, `only` its permissions).

    A key acts for nobody: its `member_id` is the key's own id and belongs to no member.
    """

    member_id: UUID
    name: str
    phone_tail: str = ""
    locale: str = "zh"
    grants: tuple[Grant, ...] = ()
    key_id: UUID | None = None
    only: frozenset[Permission] | None = None

    @property
    def is_member(self) -> bool:
        return self.key_id is None

    def _grants_with(self, permission: Permission) -> list[Grant]:
        if self.only is not None and permission not in self.only:
            return []
        return [grant for grant in self.grants if permission in PERMISSIONS[grant.role]]

    def can(
        self, permission: Permission, *, city: int | None = None, merchant: UUID | None = None,
        store: UUID | None = None,
    ) -> bool:  # fmt: skip
        """Whether the actor may do this to an object with these owners (say all that it has)."""
        return any(g.covers(city=city, merchant=merchant, store=store) for g in self._grants_with(permission))

    def scope(self, permission: Permission) -> Scope:
        """Everything for which the actor has the permission: what a query of the staff begins with."""
        grants = self._grants_with(permission)
        return Scope(
            everything=any(g.kind == "platform" for g in grants),
            cities=frozenset(g.city_id for g in grants if g.kind == "city" and g.city_id is not None),
            merchants=frozenset(g.merchant_id for g in grants if g.kind == "merchant" and g.merchant_id is not None),
            stores=frozenset(g.store_id for g in grants if g.kind == "store" and g.store_id is not None),
        )

    def may_give(
        self, role: Role, *, city: int | None = None, merchant: UUID | None = None, store: UUID | None = None
    ) -> bool:
        """Whether the actor may give this role at that place. A key gives none."""
        if not self.is_member:
            return False
        return any(
            role in GIVES[grant.role] and grant.covers(city=city, merchant=merchant, store=store)
            for grant in self.grants
        )
