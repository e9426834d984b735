"""Roles and scopes: who may do what where, and who may give which role."""

from uuid import UUID

import pytest

from hutong.kit.access import (
    EVERYTHING,
    GIVES,
    KEY_PERMISSIONS,
    NOTHING,
    PERMISSIONS,
    SCOPE_OF,
    Actor,
    Grant,
    Permission,
    Role,
    Scope,
)

NOODLE_BAR, OTHER_BAR = UUID(int=10), UUID(int=11)
COUNTER, OTHER_COUNTER = UUID(int=20), UUID(int=21)


def actor(*grants: Grant, **more) -> Actor:
    return Actor(member_id=UUID(int=1), name="x", grants=grants, **more)


def grant(role: Role, **where) -> Grant:
    return Grant(grant_id=UUID(int=99), role=role, **where)


PAT = actor(grant(Role.PLATFORM_ADMIN))
LIN = actor(grant(Role.CITY_OPERATOR, city_id=1))
MEI = actor(grant(Role.MERCHANT_OWNER, merchant_id=NOODLE_BAR))
TAO = actor(grant(Role.STORE_CASHIER, city_id=1, merchant_id=NOODLE_BAR, store_id=COUNTER))
MAN = actor(grant(Role.STORE_MANAGER, city_id=1, merchant_id=NOODLE_BAR, store_id=COUNTER))
BO = actor()
HERE = {"city": 1, "merchant": NOODLE_BAR, "store": COUNTER}
NEXT_DOOR = {"city": 1, "merchant": OTHER_BAR, "store": OTHER_COUNTER}
BRANCH = {"city": 2, "merchant": NOODLE_BAR, "store": OTHER_COUNTER}


@pytest.mark.parametrize(
    ("who", "permission", "where", "allowed"),
    [
        (TAO, Permission.REDEEM_VOUCHER, HERE, True),
        (TAO, Permission.REDEEM_VOUCHER, BRANCH, False),
        (TAO, Permission.REDEEM_VOUCHER, NEXT_DOOR, False),
        (TAO, Permission.EDIT_STORE, HERE, False),
        (TAO, Permission.VIEW_STATEMENT, HERE, False),
        (TAO, Permission.VIEW_ORDERS, HERE, False),
        (TAO, Permission.REFUND_ORDERS, HERE, False),
        (MAN, Permission.REFUND_ORDERS, HERE, True),
        (MAN, Permission.REFUND_ORDERS, NEXT_DOOR, False),
        (MAN, Permission.VIEW_STATEMENT, HERE, False),
        (MEI, Permission.REDEEM_VOUCHER, HERE, True),
        (MEI, Permission.REDEEM_VOUCHER, BRANCH, True),
        (MEI, Permission.VIEW_STATEMENT, {"city": 1, "merchant": NOODLE_BAR}, True),
        (MEI, Permission.VIEW_STATEMENT, {"city": 1, "merchant": OTHER_BAR}, False),
        (MEI, Permission.REVIEW_OFFERS, HERE, False),
        (LIN, Permission.REVIEW_OFFERS, NEXT_DOOR, True),
        (LIN, Permission.REVIEW_OFFERS, BRANCH, False),
        (LIN, Permission.REDEEM_VOUCHER, HERE, False),
        (LIN, Permission.RUN_PLATFORM, {}, False),
        (PAT, Permission.RUN_PLATFORM, {}, True),
        (PAT, Permission.REVIEW_OFFERS, BRANCH, True),
        (PAT, Permission.REDEEM_VOUCHER, HERE, False),
        (BO, Permission.VIEW_ORDERS, HERE, False),
    ],
)
def test_may_the_actor_do_it_there(who, permission, where, allowed):
    assert who.can(permission, **where) is allowed
    assert who.scope(permission).covers(**where) is allowed


@pytest.mark.parametrize(
    ("who", "role", "where", "allowed"),
    [
        (MAN, Role.STORE_CASHIER, HERE, True),
        (MAN, Role.STORE_MANAGER, HERE, False),
        (MAN, Role.MERCHANT_OWNER, HERE, False),
        (MAN, Role.STORE_CASHIER, BRANCH, False),
        (TAO, Role.STORE_CASHIER, HERE, False),
        (MEI, Role.MERCHANT_OWNER, HERE, True),
        (MEI, Role.STORE_MANAGER, BRANCH, True),
        (MEI, Role.STORE_MANAGER, NEXT_DOOR, False),
        (MEI, Role.CITY_OPERATOR, HERE, False),
        (LIN, Role.MERCHANT_OWNER, NEXT_DOOR, True),
        (LIN, Role.MERCHANT_OWNER, BRANCH, False),
        (LIN, Role.CITY_OPERATOR, HERE, False),
        (PAT, Role.PLATFORM_ADMIN, {}, True),
        (BO, Role.STORE_CASHIER, HERE, False),
    ],
)
def test_nobody_gives_more_than_their_own(who, role, where, allowed):
    assert who.may_give(role, **where) is allowed


def test_a_key_does_only_what_it_was_made_for_and_gives_nothing():
    owner = grant(Role.MERCHANT_OWNER, merchant_id=NOODLE_BAR)
    key = actor(owner, key_id=UUID(int=5), only=frozenset({Permission.PREPARE_VOUCHER}))
    assert key.can(Permission.PREPARE_VOUCHER, **HERE)
    assert not key.can(Permission.REDEEM_VOUCHER, **HERE)
    assert not key.scope(Permission.REDEEM_VOUCHER)
    assert not key.may_give(Role.STORE_CASHIER, **HERE)
    assert not key.is_member


def test_the_maps_are_whole():
    assert set(PERMISSIONS) == set(SCOPE_OF) == set(GIVES) == set(Role)
    rank = list(Role)  # from the widest to the narrowest
    for role in Role:
        assert all(rank.index(given) >= rank.index(role) for given in GIVES[role]), "nobody gives a role above"
    assert PERMISSIONS[Role.MERCHANT_OWNER] >= KEY_PERMISSIONS
    assert Permission.MANAGE_KEYS not in KEY_PERMISSIONS


def test_scopes_as_conditions():
    scope = Scope(cities=frozenset({1}), stores=frozenset({COUNTER}))
    assert scope.sql(city="s.city_id", merchant="s.merchant_id", store="s.store_id") == (
        "(s.city_id = any(%(scope_cities)s::int[]) or s.store_id = any(%(scope_stores)s::uuid[]))",
        {"scope_cities": [1], "scope_stores": [COUNTER]},
    )
    assert scope.sql(merchant="m.merchant_id") == ("false", {}), "what has no column lets nothing through"
    assert EVERYTHING.sql(city="x") == ("true", {})
    assert NOTHING.sql(city="x") == ("false", {})
    assert not NOTHING
    assert EVERYTHING
    assert not scope.covers()
    assert scope.sql(city="c", prefix="mine") == ("(c = any(%(mine_cities)s::int[]))", {"mine_cities": [1]})
